"""What a training is asked for: who learns, from which inputs, how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import Input
from ensemble.features.preprocessing import POOLINGS
from ensemble.members import KINDS
from ensemble.members.contract import Curves, Lesson
from ensemble.training.hyperparameters import Profile
from ensemble.values.errors import MemberError
from ensemble.values.results import Classes

Progress = Callable[[str, float], None]
Watch = Callable[[str, Curves], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Kinds of members, the backbones that they read, and how they learn; no `pooling`: it is still to be chosen."""

    kinds: tuple[str, ...]
    extractors: tuple[FeatureExtractor, ...]
    pooling: str | None
    side: int | None
    classes: Classes
    seed: int
    profile: Profile
    balance: str

    def voters(self) -> list[tuple[str, str, FeatureExtractor | None]]:
        """Every member to teach: its name, its kind, and the backbone that it reads."""
        found: list[tuple[str, str, FeatureExtractor | None]] = []
        for kind in self.kinds:
            for extractor in self.extractors if KINDS[kind].pixels is None else (None,):
                found.append((kind if extractor is None else f"{kind}_{extractor.spec.name}", kind, extractor))
        return found

    def sources(self, lesson: Lesson) -> list[Input]:
        """All that members with this lesson may read: each pooling of a backbone where it is still to be chosen."""
        found: list[Input] = []
        for _, kind, extractor in self.voters():
            if KINDS[kind].lesson != lesson:
                continue
            if extractor is not None and chooses_pooling(kind) and not self.pooling:
                found += [extractor.with_pooling(each) for each in POOLINGS]
            else:
                found.append(source_of(kind, extractor, self.side))
        return found


def chooses_pooling(kind: str) -> bool:
    """Whether a kind reads pooled features and does not say how they are pooled."""
    return KINDS[kind].pixels is None and KINDS[kind].reading is None


def open_backbones(names: Sequence[str], weights: Path | None, pooling: str | None) -> tuple[FeatureExtractor, ...]:
    """Every backbone asked for; to ask for one by name is to ask for its weights, by download where need be."""
    return tuple(
        FeatureExtractor.open(name, weights=weights, pooling=pooling or POOLINGS[0], download=True)
        for name in dict.fromkeys(names)
    )


def source_of(kind: str, extractor: FeatureExtractor | None, side: int | None = None) -> Input:
    """What a kind reads: its own pixels, or a backbone its own way; `side` is for those that learn from good parts."""
    make = KINDS[kind]
    if make.pixels is not None:
        return make.pixels
    if extractor is None:
        raise MemberError(f"{make.title} reads a backbone. Name one with --backbone.")
    wanted = (side if make.lesson == "good" else None) or make.side
    placed = extractor.at(wanted) if wanted and make.side else extractor
    return placed.with_pooling(make.reading) if make.reading else placed
