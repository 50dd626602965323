"""Whether members learn from relit and mirrored copies of photos too: as asked for, or as the training part tells."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import FeatureCache
from ensemble.features.photo_batch import Input
from ensemble.features.readings import PartReading, seen_photo
from ensemble.members import KINDS, Member
from ensemble.members.baseline_cnn import BaselineCNNMember
from ensemble.members.classical import ClassicalMember
from ensemble.members.contract import NO_AUGMENTATION, Augmentation
from ensemble.members.finetuned import FinetunedMember
from ensemble.training.copies import copies_of, mirrored_ways, variations_of
from ensemble.training.reading import separates, separation_title, whole_part_folds
from ensemble.training.recipe import Recipe, source_of
from ensemble.values.errors import MemberError
from ensemble.values.language import Message, NumberText
from ensemble.values.results import Classes
from ensemble.values.training import Progress, ShareDone

AUGMENTS = NO_COPIES, LIGHT, MIRROR, BOTH = "none", "light", "mirror", "both"
VARYING = BaselineCNNMember, FinetunedMember  # networks, which vary each photo at random whenever they see it
MOST_COMPARED = 30  # photos of good parts that tell in which ways a part may be mirrored
TRIED_ON = range(100, 301)  # photos: fewer tell no such difference, and more gain least and take longest
REPEATS = 3  # of the folds, each drawn anew: one alone may change more than copies do
CLEARLY = 0.005  # of AUROC or accuracy: less is not worth several times the rows
MOST_COPIED = 1000  # photos: copies help where there are few, and an SVM's time grows with the square of its rows
WAYS: Mapping[str, str] = {"left_right": Message("left to right"), "top_bottom": Message("upside down")}
TRYING, COPYING = Message("Selecting augmentation"), Message("Reading augmented photos")


def check_augment(augment: str) -> None:
    """A MemberError where it is neither empty nor one of `AUGMENTS`."""
    if augment and augment not in AUGMENTS:
        raise MemberError(
            "Augment must be one of {augments}, or not be named, to have it chosen. Got {augment!r}.",
            augments=", ".join(AUGMENTS),
            augment=augment,
        )


def with_augmentation(
    recipe: Recipe, learn: dict[str, PartReading], augment: str, cache: FeatureCache, progress: Progress
) -> tuple[Recipe, dict[str, PartReading], tuple[str, ...]]:
    """The recipe with how photos are varied, the readings with copies where classical members are to learn from them,
    and what a person should know of it.

    Networks relight each photo and mirror it in the ways that the part allows. Where nobody has named anything and
    photos are few (`TRIED_ON`), classical members get the copies with which an SVM on folds of the training part does
    clearly better, on the first backbone, and else none. Copies of a photo that is held out teach nobody.
    """
    kinds = [KINDS[kind] for kind in recipe.kinds]
    classical = bool(recipe.extractors) and any(issubclass(kind, ClassicalMember) for kind in kinds)
    if "all" not in learn or not (classical or any(issubclass(kind, VARYING) for kind in kinds)):
        return recipe, learn, ()
    if augment == NO_COPIES:
        return replace(recipe, augmentation=NO_AUGMENTATION), learn, ()
    ways, notes = _mirrored(learn["all"], augment, recipe)
    recipe = replace(recipe, augmentation=Augmentation(relit=augment != MIRROR, mirrored=ways))
    if not classical:
        return recipe, learn, notes
    copies = recipe.augmentation
    if not augment:
        copies, told = _better_copies(recipe, learn["all"], cache, progress)
        notes = (*notes, *told)
    if not copies:
        return recipe, learn, notes
    recipe = replace(recipe, copies=copies)
    return recipe, {**learn, "all": _with_copies(recipe, learn["all"], cache, progress)}, notes


def augmentation_facts(member: Member, recipe: Recipe) -> dict[str, Any]:
    """What a manifest keeps of it for one member; nothing where it varies no photos."""
    if isinstance(member, ClassicalMember):
        return {"augmentation": recipe.copies.as_json()}
    return {"augmentation": recipe.augmentation.as_json()} if isinstance(member, VARYING) else {}


def _mirrored(learn: PartReading, augment: str, recipe: Recipe) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ways in which photos may be mirrored, and a sentence where these are not all."""
    if augment == LIGHT:
        return (), ()
    good = recipe.classes.good
    shown = [sample for sample in learn.samples if good is None or sample.label == good]
    some = random.Random(recipe.seed).sample(shown, min(len(shown), MOST_COMPARED))
    ways = mirrored_ways([seen_photo(sample) for sample in some])
    left_out = [name for way, name in WAYS.items() if way not in ways]
    if not left_out:
        return ways, ()
    if len(left_out) == 1:
        return ways, (
            Message("Augmentation without mirroring {way}: the part looks different when mirrored.", way=left_out[0]),
        )
    return ways, (
        Message(
            "Augmentation without mirroring {way} or {other}: the part looks different when mirrored.",
            way=left_out[0],
            other=left_out[1],
        ),
    )


def _better_copies(
    recipe: Recipe, learn: PartReading, cache: FeatureCache, progress: Progress
) -> tuple[Augmentation, tuple[str, ...]]:
    """The copies with which an SVM does clearly better, and one sentence with both figures; none where none can be
    told."""
    if len(learn.samples) not in TRIED_ON:
        return NO_AUGMENTATION, ()
    repeats = range(recipe.seed, recipe.seed + REPEATS)
    folds = [split for seed in repeats for split in whole_part_folds(learn, recipe.classes, seed)]
    if not folds:
        return NO_AUGMENTATION, ()
    source, title = recipe.extractors[0], separation_title(recipe.classes)
    without = separates(learn.inputs[source.spec], learn.labels, recipe.classes, folds)
    if 1 - without < CLEARLY:  # then no copies can do clearly better, and none are read
        progress(TRYING, 1.0)
        return NO_AUGMENTATION, (
            Message(
                "No augmentation for classical models: {figure} is already {without} without (cross-validation).",
                figure=title,
                without=NumberText(f"{without:.3f}"),
            ),
        )
    found = _compared_copies(
        _Trial.of(learn, folds, source, recipe, cache, partial(progress, TRYING)), recipe.augmentation
    )
    progress(TRYING, 1.0)  # the comparison belongs to this stage, not to the next one
    best = max(found, key=found.__getitem__)  # the first on a tie
    figures = {
        "figure": title,
        "without": NumberText(f"{without:.3f}"),
        "best": NumberText(f"{found[best]:.3f}"),
        "copies": _named(best),
    }
    if found[best] - without < CLEARLY:
        return NO_AUGMENTATION, (
            Message(
                "No augmentation for classical models: {figure} {without} without, {best} with {copies} "
                "(cross-validation).",
                **figures,
            ),
        )
    return best, (
        Message(
            "Augmentation for classical models: {copies}, {figure} {best} instead of {without} (cross-validation).",
            **figures,
        ),
    )


def _named(augmentation: Augmentation) -> Message:
    ways = [WAYS[way] for way in augmentation.mirrored]
    if not ways:
        return Message("copies relit")
    where = Message("{way} and {other}", way=ways[0], other=ways[1]) if len(ways) > 1 else ways[0]
    if augmentation.relit:
        return Message("copies relit and mirrored {where}", where=where)
    return Message("copies mirrored {where}", where=where)


@dataclass(frozen=True, slots=True)
class _Trial:
    """Photos with every copy behind them, way by way, and folds of the photos."""

    rows: np.ndarray
    labels: np.ndarray
    ways: tuple[str, ...]
    folds: Sequence[tuple[np.ndarray, np.ndarray]]
    classes: Classes

    @classmethod
    def of(
        cls,
        learn: PartReading,
        folds: Sequence[tuple[np.ndarray, np.ndarray]],
        source: FeatureExtractor,
        recipe: Recipe,
        cache: FeatureCache,
        progress: ShareDone,
    ) -> "_Trial":
        """Read copies of all photos in every way that may do."""
        widest = replace(recipe.augmentation, relit=True)
        copies = copies_of(learn.samples, range(len(learn.samples)), widest, [source], cache, progress)
        rows = np.concatenate([learn.inputs[source.spec], copies.inputs[source.spec]])
        labels = np.concatenate([learn.labels, learn.labels[copies.copied]])
        return cls(rows, labels, tuple(variations_of(widest)), folds, recipe.classes)

    def separation(self, augmentation: Augmentation) -> float:
        """How well classes are told apart with these copies of the photos to learn from, and of no others."""
        photos = len(self.rows) // (1 + len(self.ways))
        starts = [(self.ways.index(way) + 1) * photos for way in variations_of(augmentation)]
        taught = [(np.concatenate([known, *(start + known for start in starts)]), held) for known, held in self.folds]
        return separates(self.rows, self.labels, self.classes, taught)


def _compared_copies(trial: _Trial, widest: Augmentation) -> dict[Augmentation, float]:
    """What is reached with relit copies, mirrored in each way and in all, and with light and the best of these
    together."""
    mirrors = [Augmentation(relit=False, mirrored=(way,)) for way in widest.mirrored]
    mirrors += [replace(widest, relit=False)] if len(mirrors) > 1 else []
    tried = (Augmentation(relit=True, mirrored=()), *mirrors)
    found = {each: trial.separation(each) for each in tried}
    if mirrors:
        both = replace(max(mirrors, key=found.__getitem__), relit=True)
        found[both] = trial.separation(both)
    return found


def _with_copies(recipe: Recipe, learn: PartReading, cache: FeatureCache, progress: Progress) -> PartReading:
    """The reading with copies of its photos for the inputs of classical members, of `MOST_COPIED` photos at most."""
    drawn = random.Random(recipe.seed).sample(range(len(learn.samples)), min(len(learn.samples), MOST_COPIED))
    sources: list[Input] = [
        source_of(kind, extractor, recipe.side)
        for _, kind, extractor in recipe.voters()
        if issubclass(KINDS[kind], ClassicalMember)
    ]
    how = (learn.samples, sorted(drawn), recipe.copies, sources, cache, partial(progress, COPYING))
    return replace(learn, copies=copies_of(*how))
