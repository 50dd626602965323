"""What the history holds: an inspection, where it came from, and what people said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ensemble.values.results import REVIEW, stored_reason
from ensemble.values.trace import Trace

Source = Literal["screen", "batch", "command line", "API", "folder"]

BLIND: Final = "blind"
NO_TRACE = Trace()


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who had photos inspected, from where, in which batch, of which parts, and in which time zone."""

    source: Source
    who: str = ""
    batch: str = ""
    zone: str = ""
    trace: Trace = NO_TRACE


@dataclass(frozen=True, slots=True)
class Review:
    """What a person said of an inspection: the label now and before, why, and by which way the part came to be seen.

    A review is never changed: one that is undone stays, and another one `withdraws` it.
    """

    number: int
    at: str
    who: str
    label: str
    before: str
    reason: str = ""
    defect: str = ""
    way: str = "screen"
    withdraws: int | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """A verdict that was kept: its JSON with who, where, when and by which bytes, and what people said of it since."""

    number: int
    stored: Mapping[str, Any] = field(repr=False)
    reviews: tuple[Review, ...] = ()

    @property
    def id(self) -> str:
        """What it is found by."""
        return str(self.stored["id"])

    @property
    def reason(self) -> str:
        """Why the verdict was so, as `worded` says it."""
        return stored_reason(self.stored)

    @property
    def settled(self) -> str:
        """The label that counts: what a person said last, else the verdict."""
        return label_of(self.reviews) or str(self.stored["verdict"])

    @property
    def waits(self) -> bool:
        """Whether a person has to look at it, and none has."""
        return self.settled == REVIEW


def standing_reviews(reviews: tuple[Review, ...]) -> tuple[Review, ...]:
    """What people say of an inspection by now: without what was taken back."""
    taken_back = {review.withdraws for review in reviews}
    return tuple(review for review in reviews if review.withdraws is None and review.number not in taken_back)


def last_review(reviews: tuple[Review, ...]) -> Review | None:
    """What a person said last that settles an inspection and nobody took back; None where there is no such thing."""
    settling = [review for review in standing_reviews(reviews) if review.way != BLIND]
    return settling[-1] if settling else None


def label_of(reviews: tuple[Review, ...]) -> str:
    """The label that people give an inspection by now; empty where nobody does, or all was taken back.

    A blind second look only tells how far people agree: it settles nothing.
    """
    last = last_review(reviews)
    return "" if last is None else last.label
