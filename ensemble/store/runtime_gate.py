"""What faster runtimes were found to do to a product's scores and verdicts, as its manifest keeps it."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ensemble.features.graphs import EXACT_RUNTIMES, TORCH
from ensemble.values.digits import is_number
from ensemble.values.language import Message

# Of the labels that any model or policy gives, the share that a faster runtime may change. A part that flips lies at a
# threshold, where the next photo of it may flip too; twice or three times in a hundred would show on a line.
MOST_FLIPS = 0.01
FEWEST_TO_COMPARE = 10  # photos of each class on which a runtime that rounds numbers must have been tried
WORTH_IT = 1.1  # times as fast a less exact runtime must be as a more exact one, so that noise does not choose it


@dataclass(frozen=True, slots=True)
class RuntimeResult:
    """One runtime beside torch on the same photos.

    `labels` is the share of a model's labels that differ, `verdicts` that of verdicts, of the model and the policy with
    the most; `escapes` how many defective parts would pass as OK that torch does not pass, `difference` the largest of
    a score, `speed` how many times as fast photos are judged.
    """

    labels: float = 0.0
    verdicts: float = 0.0
    escapes: int = 0
    difference: float = 0.0
    speed: float = 0.0

    def __post_init__(self) -> None:
        figures = (self.labels, self.verdicts, self.escapes, self.difference, self.speed)
        if not all(map(is_number, figures)):
            raise ValueError(f"What a runtime has changed, and its speed, must be numbers. Got {figures!r}.")


@dataclass(frozen=True, slots=True)
class RuntimeGate:
    """A comparison of runtimes, and the one that was chosen by it.

    `looks` is how many pictures of how many `photos` were compared, `fewest` of the rarest class; `members` is a
    digest of the models that it holds for, `compared` one of photos and policies, `made_with` versions and processor.
    """

    chosen: str
    photos: int
    fewest: int
    looks: int
    members: str
    compared: str
    made_with: Mapping[str, str]
    at: str
    results: Mapping[str, RuntimeResult]

    def __post_init__(self) -> None:
        texts = (self.chosen, self.members, self.compared, self.at, *self.made_with.values(), *self.results)
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(f"Runtimes, digests and versions must be texts. Got {texts!r}.")
        if not all(type(count) is int for count in (self.photos, self.fewest, self.looks)):
            raise ValueError(f"Counts of photos must be whole numbers. Got {self.photos!r}.")
        if self.chosen != TORCH and not self.passed(self.chosen):
            raise ValueError(f"{self.chosen} cannot be chosen: it has not passed.")

    def passed(self, runtime: str) -> bool:
        """Whether a runtime was compared and may judge."""
        return runtime in self.results and not self.problem(runtime)

    def problem(self, runtime: str) -> Message:
        """Why a runtime that was compared may not judge; empty where it may."""
        return problem_of(runtime, self.results[runtime], self.fewest)

    def best_of(self, runtimes: Collection[str]) -> str:
        """The one of these to choose; torch where none passed and was worth it."""
        return best_runtime({name: each for name, each in self.results.items() if name in runtimes}, self.fewest)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RuntimeGate":
        """The inverse of `as_json`."""
        results = {str(name): RuntimeResult(**entry) for name, entry in data["results"].items()}
        return cls(**{**data, "results": results, "made_with": dict(data["made_with"])})


def problem_of(runtime: str, result: RuntimeResult, fewest: int) -> Message:
    """Why a runtime with this result may not judge, of so many photos of the rarest class; empty where it may."""
    if result.escapes:
        return Message(
            "{count} defective part would pass as OK.",
            "{count} defective parts would pass as OK.",
            count=result.escapes,
        )
    if (flips := max(result.labels, result.verdicts)) > MOST_FLIPS:
        return Message("{share:.2%} of labels would change ({most:.0%} allowed).", share=flips, most=MOST_FLIPS)
    if runtime not in EXACT_RUNTIMES and fewest < FEWEST_TO_COMPARE:
        return Message("It needs {needed} photos of each class to compare.", needed=FEWEST_TO_COMPARE)
    return Message("")


def best_runtime(results: Mapping[str, RuntimeResult], fewest: int) -> str:
    """The runtime to choose, of results from the most to the least exact: each step must be worth it."""
    chosen, speed = TORCH, 1.0
    for name, result in results.items():
        if not problem_of(name, result, fewest) and result.speed >= WORTH_IT * speed:
            chosen, speed = name, result.speed
    return chosen
