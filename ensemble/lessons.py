"""What a set of photos can teach: which kinds of members learn from it, and which of its photos each learns from."""

import importlib.util
from collections import Counter
from collections.abc import Sequence

from ensemble.datasets import Dataset, Sample
from ensemble.errors import MemberError
from ensemble.members import KINDS
from ensemble.members.contract import Lesson
from ensemble.members.detector import FEWEST as FEWEST_MASKS
from ensemble.members.good_parts import FEWEST
from ensemble.results import Classes

FEWEST_OF_A_CLASS = 5


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


def teaches(sample: Sample, lesson: Lesson, classes: Classes) -> bool:
    """Whether members with this lesson learn from this photo."""
    if lesson == "good":
        return sample.label == classes.good
    return lesson == "all" or sample.mask is not None or sample.label == classes.good
