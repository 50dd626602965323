"""What a set of photos can teach: who learns from which of them, and what is done about rare classes."""

import importlib.util
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ensemble.members import KINDS
from ensemble.members.contract import Lesson
from ensemble.members.detector import FEWEST as FEWEST_MASKS
from ensemble.members.good_parts import FEWEST
from ensemble.values.errors import MemberError
from ensemble.values.results import Classes
from ensemble.values.samples import Dataset, Sample

FEWEST_OF_A_CLASS = 5
MOST_GOOD = 1500


def teachable(kinds: Sequence[str], dataset: Dataset) -> tuple[tuple[str, ...], list[str]]:
    """The kinds that these photos can teach, and a sentence for each that was asked for and cannot learn here.

    A MemberError where none is left.
    """
    obstacles = {kind: _obstacle(kind, dataset) for kind in dict.fromkeys(kinds or KINDS)}
    chosen = tuple(kind for kind, obstacle in obstacles.items() if obstacle is None)
    sentences = [f"{kind} is not trained: {obstacle}" for kind, obstacle in obstacles.items() if obstacle]
    if not chosen:
        raise MemberError(" ".join(sentences))
    return chosen, sentences


def _obstacle(kind: str, dataset: Dataset) -> str | None:
    make, classes = KINDS[kind], dataset.classes
    if make.lesson != "all" and classes.good is None:
        return f"it tells good parts from others, and {', '.join(classes.names)} have no defect among them."
    if make.lesson == "good":
        good = sum(sample.label == classes.good for sample in dataset.train)
        if good < FEWEST:
            return f"it needs {FEWEST} photos of good parts, and there are {good}."
    elif make.lesson == "masks":
        masks = sum(sample.mask is not None for sample in dataset.train)
        if masks < FEWEST_MASKS:
            return f"it needs {FEWEST_MASKS} training photos with a mask in ground_truth/, and there are {masks}."
    elif few := _few(dataset):
        return f"it needs {FEWEST_OF_A_CLASS} photos of each class. Too few: {', '.join(few)}."
    if make.needs and importlib.util.find_spec(make.needs) is None:
        return f"its training needs the package {make.needs}. Install it with pip install -r requirements-extras.txt."
    return None


def _few(dataset: Dataset) -> list[str]:
    counts = Counter(sample.label for sample in dataset.train)
    return [f"{name} ({counts[name]})" for name in dataset.classes.names if counts[name] < FEWEST_OF_A_CLASS]


def photos_of(lesson: Lesson, dataset: Dataset, seed: int) -> list[Sample]:
    """The training photos that members with this lesson learn from; of good parts at most `MOST_GOOD`, drawn by seed.

    Members of good parts read whole maps, some 0.6 MB a photo: this bounds their memory to about a gigabyte.
    """
    samples = [sample for sample in dataset.train if _teaches(sample, lesson, dataset.classes)]
    if lesson != "good" or len(samples) <= MOST_GOOD:
        return samples
    chosen = np.sort(np.random.default_rng(seed).permutation(len(samples))[:MOST_GOOD])
    return [samples[place] for place in chosen]


def left_aside(kinds: Sequence[str], dataset: Dataset) -> list[str]:
    """A sentence where members of good parts do not learn from all of them."""
    good = sum(sample.label == dataset.classes.good for sample in dataset.train)
    if good <= MOST_GOOD or not any(KINDS[kind].lesson == "good" for kind in kinds):
        return []
    return [f"Members of good parts learn from {MOST_GOOD} of {good} good photos, drawn by the seed, to bound memory."]


def _teaches(sample: Sample, lesson: Lesson, classes: Classes) -> bool:
    if lesson == "good":
        return sample.label == classes.good
    return lesson == "all" or sample.mask is not None or sample.label == classes.good


WEIGHTS, UNDERSAMPLE, NONE = "weights", "undersample", "none"
BALANCES = (WEIGHTS, UNDERSAMPLE, NONE)


def check_balance(balance: str) -> None:
    """A MemberError where it is none of `BALANCES`."""
    if balance not in BALANCES:
        raise MemberError(f"Balance must be one of {', '.join(BALANCES)}. Got {balance!r}.")


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
    numbers = ", ".join(f"{count} {label}" for label, count in sorted(counts.items()))
    if balance == NONE:
        return (f"Classes are not balanced: of {numbers} photos each counts alike, so rare classes count little.",)
    fewest = min(counts.values())
    return (f"Members learn from {fewest} photos of each class, drawn by the seed from {numbers}.",)
