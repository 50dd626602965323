"""What a training is asked to do, as plain JSON values."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ensemble.values.errors import JobError


@dataclass(frozen=True, slots=True)
class Settings:
    """Which photos teach which members into which product's folder; see `ensemble.training.train`.

    Without `kinds` all members are taught that the photos can teach, without `backbones` on the bundled one.
    """

    data: str
    models: str
    product: str = ""
    kinds: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    weights: str = ""
    profile: str = "balanced"
    seed: int = 0
    balance: str = "weights"

    def absolute(self) -> "Settings":
        """The same with whole paths: another process has another working folder."""
        data, models, weights = (
            str(Path(path).resolve()) if path else "" for path in (self.data, self.models, self.weights)
        )
        return replace(self, data=data, models=models, weights=weights)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """The inverse of `to_json`; a JobError where something is no setting."""
        try:
            data: dict[str, Any] = json.loads(text)
            lists = {name: tuple(data.get(name, ())) for name in ("kinds", "backbones")}
            return cls(**{**data, **lists})
        except (ValueError, TypeError, AttributeError) as error:
            raise JobError(f"These are no settings of a training ({error}): {text[:200]}") from error
