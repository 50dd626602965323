"""What a training is asked for, one value for command line, screen, job and notebook; how work tells its progress."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ensemble.values.errors import JobError

Progress = Callable[[str, float], None]  # told the stage of some long work, and the share of it that is done
ShareDone = Callable[[float], None]  # the same within one stage
CountDone = Callable[[int, int], None]  # how many of how many

# What is read where nobody names a backbone; the weights of both come with the app.
DEFAULT_BACKBONES = ("quorum_small", "efficientnet_lite0")

# by every ledger
STORED_FIELDS = ("data", "models", "product", "kinds", "backbones", "weights", "profile", "seed", "balance")


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """Which photos teach which members into which product's folder, paths as text; empty is what is usual.

    `kinds` are those of `ensemble.members.KINDS`, by default all of the profile that these photos can teach, and
    `backbones` those they read, by default `DEFAULT_BACKBONES`. `profile` is one of `recipe.PROFILES`. `balance` says
    what is done about rare classes: `weights` (their photos count as much as those of common ones), `undersample` (as
    many photos of each class as the rarest has) or `none`. Without `pooling`, each backbone gets the one that does
    best in three folds of the training part; `side` is the resolution, in pixels, of members that learn from good parts
    alone or from damaged places; `shape` says whether photos are read in a `square` or `kept` in their own shape, by
    default as does better in three folds of the training part; `augment` says which copies of photos members learn
    from that tell classes apart, `none`, `light`, `mirror` or `both`, by default as does better there too; `folders`
    says which folder means which class; `view` is a file that says how photos are looked at, by default as the product
    says.
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
    pooling: str = ""
    side: int | None = None
    shape: str = ""
    augment: str = ""
    folders: Mapping[str, str] | None = None
    view: str = ""

    @classmethod
    def of(cls, data: Path, models: Path, **settings: Any) -> "TrainingRequest":
        """A request from settings as people write them: paths, lists, and None for what is usual."""
        named = {name: value for name, value in settings.items() if value is not None}
        named |= {name: tuple(named[name]) for name in ("kinds", "backbones") if name in named}
        named |= {name: str(named[name]) for name in ("weights", "view") if name in named}
        return cls(str(data), str(models), **named)

    def absolute(self) -> "TrainingRequest":
        """The same with whole paths: another process has another working folder."""
        data, models, weights, view = (
            str(Path(path).resolve()) if path else "" for path in (self.data, self.models, self.weights, self.view)
        )
        return replace(self, data=data, models=models, weights=weights, view=view)

    def to_json(self) -> str:
        """One line of JSON; what only the command line can ask for is in it where it was asked for."""
        kept = {name: value for name, value in asdict(self).items() if name in STORED_FIELDS or value}
        return json.dumps(kept, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "TrainingRequest":
        """The inverse of `to_json`; a JobError where something is no setting."""
        try:
            data: dict[str, Any] = json.loads(text)
            lists = {name: tuple(data.get(name, ())) for name in ("kinds", "backbones")}
            return cls(**{**data, **lists})
        except (ValueError, TypeError, AttributeError) as error:
            raise JobError(
                "These are no settings of a training ({error}): {value}", error=error, value=text[:200]
            ) from error
