"""What a comparison found, as plain values that a file can keep."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ensemble.evaluation.performance import ENSEMBLE
from ensemble.values.errors import DataError
from ensemble.values.results import Classes

FORMAT = 1
MISSHAPEN = (ValueError, KeyError, TypeError, AttributeError, IndexError)
KINDS = ("escaped", "caught", "rejected", "spared", "broken", "mended", "otherwise")  # what comes first weighs most


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % limits, None where the photos do not tell; a rate says of how many photos it is."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    events: int | None = None
    photos: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both models, and what it is after minus before."""

    before: Estimate
    after: Estimate
    difference: Estimate

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Figure":
        """The inverse of `asdict`."""
        return cls(Estimate(**data["before"]), Estimate(**data["after"]), Estimate(**data["difference"]))


@dataclass(frozen=True, slots=True)
class PairedTest:
    """On how many photos the newer model alone is right (gained) and the older one alone (lost), and the same by part.

    `p` is the probability of parts so uneven by chance, `adjusted` the same where several are tested together.
    """

    gained: int
    lost: int
    parts_won: int
    parts_lost: int
    p: float
    adjusted: float


@dataclass(frozen=True, slots=True)
class Voter:
    """One member, or the ensemble, on those photos that it has judged on both sides.

    `figures` are accuracy, auroc, escape_rate, overkill_rate, and where there are reviews right_of_decided and
    review_rate; `tests` right, and of the ensemble escapes and overkills too.
    """

    name: str
    photos: int
    figures: Mapping[str, Figure]
    tests: Mapping[str, PairedTest]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Voter":
        """The inverse of `asdict`."""
        return cls(
            str(data["name"]),
            int(data["photos"]),
            {name: Figure.from_json(figure) for name, figure in data["figures"].items()},
            {name: PairedTest(**test) for name, test in data["tests"].items()},
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A photo on which the verdicts differ.

    `kind` is one of `KINDS`: a defective part that escapes now, or is caught now; a good part that is rejected now, or
    no longer; else one that is no longer decided rightly, now is, or is decided otherwise.
    """

    kind: str
    photo: str
    sha256: str
    label: str
    before: str
    after: str
    defect: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class TypeCounts:
    """How many parts with one type of defect there are, and how many of them escaped before and after."""

    defect: str
    photos: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A newer model against an older one, on the photos that both have judged.

    `parts` is how many parts those photos show. `only_before` and `only_after` count photos that one side alone has
    judged, `members_before` and `members_after` name members that one side alone has; `relabelled` photos had another
    class before, and `learnt` ones the older model has learnt from.
    """

    classes: Classes
    policy_before: str
    policy_after: str
    photos: int
    parts: int
    voters: tuple[Voter, ...]
    changes: tuple[Change, ...] = ()
    types: tuple[TypeCounts, ...] = ()
    members_before: tuple[str, ...] = ()
    members_after: tuple[str, ...] = ()
    only_before: int = 0
    only_after: int = 0
    relabelled: int = 0
    learnt: int = 0

    @property
    def ensemble(self) -> Voter:
        """What the policies make of all votes."""
        return next(voter for voter in self.voters if voter.name == ENSEMBLE)

    @property
    def members(self) -> tuple[Voter, ...]:
        """The members that both models have."""
        return tuple(voter for voter in self.voters if voter.name != ENSEMBLE)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        classes = {"classes": list(self.classes.names), "defect": self.classes.defect}
        return {"format": FORMAT, **_plain(asdict(self)), **classes}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Comparison":
        """The inverse of `as_json`; a DataError where it is none."""
        try:
            if data["format"] != FORMAT:
                raise ValueError(f"format {data['format']}, expected {FORMAT}")
            kept = {name: value for name, value in data.items() if name not in ("format", "defect")}
            return cls(
                **kept
                | {
                    "classes": Classes(tuple(data["classes"]), data["defect"]),
                    "voters": _read(Voter.from_json, data["voters"]),
                    "changes": tuple(Change(**entry) for entry in data["changes"]),
                    "types": tuple(TypeCounts(**entry) for entry in data["types"]),
                    "members_before": tuple(data["members_before"]),
                    "members_after": tuple(data["members_after"]),
                }
            )
        except MISSHAPEN as error:
            raise DataError(
                f"This is no comparison of two models ({type(error).__name__}: {error}). Compare them again."
            ) from error


def _read(reader: Any, entries: Iterable[Mapping[str, Any]]) -> tuple[Any, ...]:
    return tuple(reader(entry) for entry in entries)


def _plain(value: Any) -> Any:
    """Tuples as lists, all the way down, as JSON gives them back."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
