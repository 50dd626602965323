"""What a training reads: the photos of each lesson, their rows, and the pooling that tells the classes best apart."""

import contextlib
import importlib.util
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ensemble.datasets.loading import part_numbers
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import FeatureCache
from ensemble.features.preprocessing import POOLINGS
from ensemble.features.readings import PartReading, read_rows, seen_photo
from ensemble.features.tile_readings import read_tiles
from ensemble.imaging.out_of_distribution import ALL_SLACK, GOOD_SLACK, PhotoRange
from ensemble.imaging.photo_statistics import PhotoStatistics, measure_photo
from ensemble.inspection.tile_lessons import no_tiles_for
from ensemble.members import KINDS
from ensemble.members.contract import Lesson
from ensemble.members.detector import FEWEST_MASKS
from ensemble.members.good_parts import FEWEST_GOOD, GoodPartsMember, SyntheticAnomalies
from ensemble.members.patch_memory import PatchMemoryMember
from ensemble.training.damage import with_masks
from ensemble.training.recipe import Recipe, chooses_pooling
from ensemble.training.variations import with_variations
from ensemble.training.voting import draw_synthetic_anomalies
from ensemble.values.errors import MemberError, PhotoError
from ensemble.values.language import Message, listed, paragraph
from ensemble.values.results import Classes, word
from ensemble.values.samples import Dataset, Sample
from ensemble.values.titles import model_title
from ensemble.values.training import Progress

MOST_MEASURED = 200  # photos of a class: enough for its range, few enough to decode once more
FOLDS_TO_CHOOSE = 3  # of the training part, where poolings and shapes are compared
STAGES: Mapping[Lesson, str] = {
    "all": Message("Reading training photos"),
    "good": Message("Reading good parts"),
    "places": Message("Reading photos and masks"),
    "masks": Message("Reading masked photos"),
}


def taught_by(lesson: Lesson, dataset: Dataset, recipe: Recipe) -> Sequence[Sample]:
    """The training photos of a lesson; balance concerns those alone that tell classes apart."""
    samples = photos_of(lesson, dataset, recipe.seed, most_whole(recipe))
    tells_apart = lesson in ("all", "places")
    return undersampled(samples, recipe.seed) if tells_apart and recipe.balance == UNDERSAMPLE else samples


def read(
    dataset: Dataset, recipe: Recipe, cache: FeatureCache, notify: Callable[[str], None], progress: Progress
) -> dict[str, PartReading]:
    """The training part by lesson: what each kind of lesson's members read."""
    learn: dict[str, PartReading] = {}
    refused: dict[str, None] = {}
    for lesson, stage in STAGES.items():
        if sources := recipe.sources(lesson):
            samples, tell = taught_by(lesson, dataset, recipe), partial(progress, stage)
            if dataset.view.tiles:
                learn[lesson] = read_tiles(samples, sources, dataset.classes, recipe.seed, tell)
            else:
                learn[lesson] = read_rows(samples, sources, dataset.classes, tell, cache)
            refused |= dict.fromkeys(learn[lesson].refused)
            if lesson == "good":
                learn[lesson] = with_variations(learn[lesson], tell)
            if lesson == "places":
                learn[lesson] = with_masks(learn[lesson], dataset.classes, recipe.seed, tell)
    for sentence in refused:
        notify(Message("Left out: {problem}", problem=sentence))
    return learn


def with_best_poolings(recipe: Recipe, learn: Mapping[str, PartReading], progress: Progress) -> Recipe:
    """The recipe with every backbone's pooling chosen, where a member leaves it open and nobody has named one."""
    if recipe.pooling or not any(map(chooses_pooling, recipe.kinds)):
        return recipe
    chosen = tuple(_best_pooling(each, learn["all"], recipe, progress) for each in recipe.extractors)
    return replace(recipe, extractors=chosen)


def _best_pooling(
    extractor: FeatureExtractor, learn: PartReading, recipe: Recipe, progress: Progress
) -> FeatureExtractor:
    """The pooling whose features separate the classes best, by an SVM on three folds of the training part alone."""
    quality, stage = {}, Message("Selecting pooling ({backbone})", backbone=extractor.spec.name)
    folds = StratifiedKFold(FOLDS_TO_CHOOSE, shuffle=True, random_state=recipe.seed)
    for number, pooling in enumerate(POOLINGS):
        progress(stage, number / len(POOLINGS))
        rows = learn.inputs[extractor.with_pooling(pooling).spec]
        quality[pooling] = separates(rows, learn.labels, recipe.classes, folds.split(rows, learn.labels))
    progress(stage, 1.0)
    return extractor.with_pooling(max(quality, key=quality.__getitem__))  # the first, cheapest one on a tie


def separation_title(classes: Classes) -> Message:
    """What the figure of `separates` is called."""
    return Message("accuracy") if classes.defect is None else Message("AUROC")


def separates(
    rows: np.ndarray, labels: np.ndarray, classes: Classes, folds: Iterable[tuple[np.ndarray, np.ndarray]]
) -> float:
    """How well an SVM tells classes apart by (N, D) rows: its mean AUROC, or accuracy, over folds.

    The kernel is made at once, by one product of matrices: many times faster than pair by pair, to the same ranks.
    """
    found = []
    for learn, held in folds:
        scaler = StandardScaler().fit(rows[learn])
        known, asked = scaler.transform(rows[learn]), scaler.transform(rows[held])
        if not known.any():
            return 0.0  # photos that are all alike, of which every member that learns from them will say so
        gamma = 1 / (known.shape[1] * float(known.var()))  # what SVC calls "scale"
        machine = SVC(C=10.0, kernel="precomputed").fit(rbf_kernel(known, gamma=gamma), labels[learn])
        pairs = rbf_kernel(asked, known, gamma=gamma)
        if classes.defect is None:
            found.append(accuracy_score(labels[held], machine.predict(pairs)))
        else:
            found.append(roc_auc_score(labels[held], machine.decision_function(pairs)))
    return float(np.mean(found))


def whole_part_folds(learn: PartReading, classes: Classes, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Photos to learn from and held-out ones, one part's always together; none where a fold lacks a class."""
    parts, counts = part_numbers(learn.samples), np.bincount(learn.labels, minlength=len(classes.names))
    if counts.min() < FOLDS_TO_CHOOSE or len(set(parts)) < FOLDS_TO_CHOOSE:
        return []
    folds = StratifiedGroupKFold(FOLDS_TO_CHOOSE, shuffle=True, random_state=seed)
    splits = list(folds.split(learn.labels, learn.labels, parts))
    whole = all(len(np.unique(learn.labels[part])) == len(classes.names) for split in splits for part in split)
    return splits if whole else []


def range_of(
    samples: Sequence[Sample], classes: Classes, seed: int, progress: Progress = lambda _stage, _done: None
) -> PhotoRange | None:
    """What training photos look like, by some of each class, drawn by the seed; None where they are too few.

    Its limits are wider where hardly any shows a defect: what defects change is then unknown.
    """
    by_class: dict[str, list[Sample]] = {}
    for sample in samples:
        by_class.setdefault(sample.label, []).append(sample)
    draw = random.Random(seed)
    chosen = [each for known in by_class.values() for each in draw.sample(known, min(MOST_MEASURED, len(known)))]
    measured: dict[int, PhotoStatistics] = {}
    for number, sample in enumerate(chosen):
        with contextlib.suppress(PhotoError):  # it is named where it was to be learnt from
            measured[number] = measure_photo(seen_photo(sample))
        progress(Message("Measuring training photos"), (number + 1) / len(chosen))
    parts = part_numbers([chosen[number] for number in measured])
    unseen = classes.defect is not None and len(by_class.get(classes.defect, ())) < FEWEST_OF_A_CLASS
    return PhotoRange.of(list(measured.values()), parts, GOOD_SLACK if unseen else ALL_SLACK)


def synthetic_anomalies_of(good: PartReading, seed: int, progress: Progress) -> Mapping[Any, SyntheticAnomalies]:
    """Some good photos with damage drawn on them, by input: what the members' votes are weighed by."""
    return draw_synthetic_anomalies(
        good.samples, good.sources, seed, partial(progress, Message("Drawing synthetic anomalies"))
    )


FEWEST_OF_A_CLASS = 5
FEW_TEACH = PatchMemoryMember.kind  # the kind that fewer than `FEWEST_GOOD` good photos teach
MOST_GOOD = 1500
BOUNDED: tuple[Lesson, ...] = ("good", "places")  # they read whole maps, and need good parts


UNMEASURED = Message(
    "No photo shows a real defect, so its quality cannot be measured. Select it to train on synthetic anomalies only."
)


def teachable(kinds: Sequence[str], dataset: Dataset) -> tuple[tuple[str, ...], list[str]]:
    """The kinds that these photos can teach, and a sentence for each that was asked for and cannot learn here.

    Where no kind is named, none is taken that would learn of defects from synthetic anomalies alone: no real ones tell
    what its vote is worth. A MemberError where none is left.
    """
    unseen = not kinds and all(sample.label == dataset.classes.good for sample in dataset.train)
    unmeasured = {kind: UNMEASURED for kind in KINDS if unseen and KINDS[kind].lesson == "places"}
    obstacles = {
        kind: no_tiles_for(KINDS[kind], dataset) or _obstacle(kind, dataset) or unmeasured.get(kind)
        for kind in dict.fromkeys(kinds or KINDS)
    }
    chosen = tuple(kind for kind, obstacle in obstacles.items() if obstacle is None)
    sentences: list[str] = [
        Message("{model} is not trained. {reason}", model=model_title(kind), reason=obstacle)
        for kind, obstacle in obstacles.items()
        if obstacle
    ]
    if not chosen:
        if teachable_by_few(dataset) and FEW_TEACH not in obstacles:
            sentences.append(Message("{model} needs fewer good photos: select it.", model=model_title(FEW_TEACH)))
        raise MemberError(paragraph(*sentences))
    return chosen, sentences


def teachable_by_few(dataset: Dataset) -> bool:
    """Whether the training part has some good photos, and fewer than most members of good parts need."""
    return 0 < sum(sample.label == dataset.classes.good for sample in dataset.train) < FEWEST_GOOD


def _obstacle(kind: str, dataset: Dataset) -> Message | None:
    make, classes = KINDS[kind], dataset.classes
    if make.lesson != "all" and classes.good is None:
        return Message("Needs a defect class, and {classes} have none.", classes=listed(classes.names))
    if make.lesson in BOUNDED:
        good = sum(sample.label == classes.good for sample in dataset.train)
        fewest = make.fewest_good if issubclass(make, GoodPartsMember) else FEWEST_GOOD
        if good < fewest:
            return Message("Needs {fewest} photos of good parts, found {good}.", fewest=fewest, good=good)
    elif make.lesson == "masks":
        masks = sum(sample.mask is not None for sample in dataset.train)
        if masks < FEWEST_MASKS:
            return Message(
                "Needs {fewest} training photos with a mask in ground_truth/, found {masks}.",
                fewest=FEWEST_MASKS,
                masks=masks,
            )
    elif few := _few(dataset):
        return Message(
            "Needs {fewest} photos of each class. Too few: {classes}.", fewest=FEWEST_OF_A_CLASS, classes=listed(few)
        )
    if make.needs and importlib.util.find_spec(make.needs) is None:
        return Message(
            "Needs the package {package}. Install it with pip install -r requirements-extras.txt.", package=make.needs
        )
    return None


def _few(dataset: Dataset) -> list[Message]:
    counts = Counter(sample.label for sample in dataset.train)
    return [
        Message("{label} ({photos})", label=word(name), photos=counts[name])
        for name in dataset.classes.names
        if counts[name] < FEWEST_OF_A_CLASS
    ]


def most_whole(recipe: Recipe) -> int:
    """How many photos members may read whole maps of: fewer in a long shape, whose maps are so much larger."""
    reads = [extractor.spec.preprocessing for extractor in recipe.extractors]
    return int(MOST_GOOD / max((each.pixels / each.side**2 for each in reads), default=1.0))


def photos_of(lesson: Lesson, dataset: Dataset, seed: int, most: int | None = None) -> list[Sample]:
    """The training photos that members with this lesson learn from; where they read maps about `MOST_GOOD` at most, or
    as many as are named, drawn by seed, of each class its share, but no class below `FEWEST_OF_A_CLASS` for that.

    A whole map of a square takes some 0.6 MB a photo: this bounds their memory to about a gigabyte.
    """
    most = most or MOST_GOOD
    samples = [sample for sample in dataset.train if _teaches(sample, lesson, dataset.classes)]
    if lesson not in BOUNDED or len(samples) <= most:
        return samples
    counts = Counter(sample.label for sample in samples)
    left = {label: max(FEWEST_OF_A_CLASS, most * count // len(samples)) for label, count in counts.items()}
    kept = []
    for place in np.random.default_rng(seed).permutation(len(samples)).tolist():
        if left[samples[place].label]:
            left[samples[place].label] -= 1
            kept.append(place)
    return [samples[place] for place in sorted(kept)]


def left_aside(kinds: Sequence[str], dataset: Dataset, most: int | None = None) -> list[str]:
    """A sentence where members that read maps do not learn from all of their photos."""
    most = most or MOST_GOOD
    lessons = {KINDS[kind].lesson for kind in kinds}
    good, every = sum(sample.label == dataset.classes.good for sample in dataset.train), len(dataset.train)
    notes: list[str] = []
    if good > most and "good" in lessons:
        notes.append(
            Message(
                "Models of good parts: trained on {photos} of {good} good photos, to limit memory.",
                photos=most,
                good=good,
            )
        )
    if every > most and "places" in lessons:
        notes.append(
            Message(
                "Patch classifier: trained on {photos} of {all_photos} photos, to limit memory.",
                photos=most,
                all_photos=every,
            )
        )
    return notes


def _teaches(sample: Sample, lesson: Lesson, classes: Classes) -> bool:
    if lesson == "good":
        return sample.label == classes.good
    return lesson != "masks" or sample.mask is not None or sample.label == classes.good


WEIGHTS, UNDERSAMPLE, NONE = "weights", "undersample", "none"
BALANCES = (WEIGHTS, UNDERSAMPLE, NONE)


def check_balance(balance: str) -> None:
    """A MemberError where it is none of `BALANCES`."""
    if balance not in BALANCES:
        raise MemberError(
            "Balance must be one of {balances}. Got {balance!r}.", balances=", ".join(BALANCES), balance=balance
        )


def undersampled(samples: Sequence[Sample], seed: int) -> list[Sample]:
    """As many photos of each class as the rarest has, drawn by the seed, in their order."""
    fewest = min(Counter(sample.label for sample in samples).values())
    shuffled = np.random.default_rng(seed).permutation(len(samples)).tolist()
    left, kept = dict.fromkeys({sample.label for sample in samples}, fewest), []
    for place in shuffled:
        if left[samples[place].label]:
            left[samples[place].label] -= 1
            kept.append(place)
    return [samples[place] for place in sorted(kept)]


def balance_note(samples: Sequence[Sample], balance: str) -> tuple[str, ...]:
    """What a person should know of it, where classes are of unlike numbers and the usual weights are not wanted."""
    counts = Counter(sample.label for sample in samples)
    if balance == WEIGHTS or len(set(counts.values())) < 2:
        return ()
    numbers = listed(
        Message("{photos} {label}", photos=count, label=word(label)) for label, count in sorted(counts.items())
    )
    if balance == NONE:
        return (Message("No class weights: {numbers} photos. Rare classes have little influence.", numbers=numbers),)
    return (
        Message(
            "Class balance: {fewest} photos of each class, drawn at random from {numbers}.",
            fewest=min(counts.values()),
            numbers=numbers,
        ),
    )
