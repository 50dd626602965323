"""What verdicts cost on a real line: prices, counts of a measured set, and what to expect of 1000 parts."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from scipy.special import betaincinv

from ensemble.values.digits import is_number
from ensemble.values.errors import PolicyError
from ensemble.values.language import Message, NumberText, paragraph
from ensemble.values.results import REVIEW, Classes

PARTS_TOLD = 1000  # money, escapes, overkills and reviews are told for so many parts


@dataclass(frozen=True, slots=True)
class Prices:
    """The money, in any one currency, that one escape, one overkill and one review cost."""

    escape: float = 10.0
    overkill: float = 1.0
    review: float = 0.5

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            price = getattr(self, name)
            if not is_number(price) or price < 0:
                raise PolicyError(
                    "The price of an {name} must be a number from 0 upwards. Got {price!r}.", name=name, price=price
                )


@dataclass(frozen=True, slots=True)
class Line:
    """A production line: its prices, its real share of defects and its pace.

    `share` lies in [0, 1], or is None for that of the photos; `parts_per_hour` is 0 where nobody has said.
    """

    prices: Prices = field(default_factory=Prices)
    share: float | None = None
    parts_per_hour: float = 0.0

    def __post_init__(self) -> None:
        if self.share is not None and not (is_number(self.share) and 0 <= self.share <= 1):
            raise PolicyError("The share of defects on the line must lie in [0, 1]. Got {share!r}.", share=self.share)
        if not is_number(self.parts_per_hour) or self.parts_per_hour < 0:
            raise PolicyError(
                "Parts an hour must be a number from 0 upwards. Got {parts_per_hour!r}.",
                parts_per_hour=self.parts_per_hour,
            )


@dataclass(frozen=True, slots=True)
class DecisionCounts:
    """How the parts of one measured set were decided; a review is neither escape nor overkill."""

    good: int
    defective: int
    escapes: int
    overkills: int
    reviews_good: int = 0
    reviews_defective: int = 0

    def __post_init__(self) -> None:
        if min(getattr(self, name) for name in self.__dataclass_fields__) < 0:
            raise ValueError(f"Parts are counted from 0 upwards. Got {self}.")
        if self.overkills + self.reviews_good > self.good or self.escapes + self.reviews_defective > self.defective:
            raise ValueError(f"No more parts can be misjudged or reviewed than there are. Got {self}.")

    @classmethod
    def of(cls, truth: Sequence[str], verdicts: Sequence[str], classes: Classes) -> "DecisionCounts":
        """Count true labels against the labels of verdicts; a PolicyError where the classes have no defect."""
        if classes.defect is None:
            raise PolicyError(
                "Escapes need a class that is the defect, and {names} have none.", names=", ".join(classes.names)
            )
        pairs = list(zip(truth, verdicts, strict=True))
        if strange := sorted({label for pair in pairs for label in pair} - {*classes.names, REVIEW}):
            raise ValueError(f"Labels are {', '.join(classes.names)} and, of verdicts, {REVIEW}. Got {strange[0]!r}.")
        good, defect = classes.good, classes.defect
        return cls(
            good=sum(true == good for true, _ in pairs),
            defective=sum(true == defect for true, _ in pairs),
            escapes=pairs.count((defect, str(good))),
            overkills=pairs.count((str(good), defect)),
            reviews_good=pairs.count((str(good), REVIEW)),
            reviews_defective=pairs.count((defect, REVIEW)),
        )

    @property
    def caught(self) -> int:
        """Defective parts that were rejected."""
        return self.defective - self.escapes - self.reviews_defective

    @property
    def escape_rate(self) -> float | None:
        """Escapes of all defective parts; None where there are none."""
        return _rate_of(self.escapes, self.defective)

    @property
    def overkill_rate(self) -> float | None:
        """Overkills of all good parts; None where there are none."""
        return _rate_of(self.overkills, self.good)

    @property
    def review_rate(self) -> float | None:
        """Reviews of all parts; None where there are none."""
        return _rate_of(self.reviews_good + self.reviews_defective, self.good + self.defective)

    @property
    def share(self) -> float | None:
        """Defective of all parts; None where there are none."""
        return _rate_of(self.defective, self.good + self.defective)


@dataclass(frozen=True, slots=True)
class Expected:
    """What to expect of 1000 parts of a line; None where the measured set does not tell.

    `precision` is the share of rejected parts that are truly defective, None also where nothing is rejected;
    `reviews_per_hour` is None also where the pace of the line is unknown.
    """

    money: float | None
    escapes: float | None
    overkills: float | None
    reviews: float | None
    precision: float | None
    reviews_per_hour: float | None


def expected_costs(counts: DecisionCounts, line: Line) -> Expected:
    """Carry the rates of a measured set over to a line with its own share of defects."""
    share = counts.share if line.share is None else line.share
    if share is None:
        return Expected(None, None, None, None, None, None)
    defective, good = PARTS_TOLD * share, PARTS_TOLD * (1 - share)
    escapes = _of(defective, counts.escapes, counts.defective)
    caught = _of(defective, counts.caught, counts.defective)
    overkills = _of(good, counts.overkills, counts.good)
    reviews_defective = _of(defective, counts.reviews_defective, counts.defective)
    reviews_good = _of(good, counts.reviews_good, counts.good)
    if escapes is None or caught is None or overkills is None or reviews_defective is None or reviews_good is None:
        return Expected(None, escapes, overkills, None, None, None)
    reviews, prices = reviews_defective + reviews_good, line.prices
    return Expected(
        money=escapes * prices.escape + overkills * prices.overkill + reviews * prices.review,
        escapes=escapes,
        overkills=overkills,
        reviews=reviews,
        precision=_rate_of(caught, caught + overkills),
        reviews_per_hour=line.parts_per_hour * reviews / PARTS_TOLD if line.parts_per_hour else None,
    )


def _of(parts: float, events: int, seen: int) -> float | None:
    """So many events among so many parts; a class that the line does not make needs no photo to be known."""
    if not parts:
        return 0.0
    return parts * events / seen if seen else None


def _rate_of(events: float, seen: float) -> float | None:
    return events / seen if seen else None


CONFIDENCE_LEVEL = 0.95
SAFE_NEEDS = 59  # defective parts: with none escaped of so many, the true escape rate is at most 5%
TARGET = 0.01
MOST_PARTS = 10**12  # that anybody will ever be asked for
EXACT = 12  # digits of a limit: what floats add beyond them is not rounded up or down


def upper_bound(events: int, trials: int, confidence: float = CONFIDENCE_LEVEL) -> float:
    """The highest true rate that so few events in so many trials still allow, one-sided; 1 where nothing was tried."""
    _check_counts(events, trials, confidence)
    return 1.0 if events == trials else float(betaincinv(events + 1, trials - events, confidence))


def lower_bound(events: int, trials: int, confidence: float = CONFIDENCE_LEVEL) -> float:
    """The lowest true rate that so many events in so many trials still allow, one-sided; 0 where nothing was tried."""
    _check_counts(events, trials, confidence)
    return 0.0 if events == 0 else float(betaincinv(events, trials - events + 1, 1 - confidence))


def binomial_limits(events: int, trials: int) -> tuple[float, float]:
    """The lowest and the highest true rate, each one-sided at 95%: the limits of every rate, wherever it is told."""
    return lower_bound(events, trials), upper_bound(events, trials)


def at_most(events: int, trials: int) -> Message:
    """How high the true rate of something bad can be, as `up to 30.3%`."""
    return Message("up to {limit}", limit=highest(events, trials))


def highest(events: int, trials: int) -> NumberText:
    """The upper bound as a person reads it, rounded up: never less than it is."""
    return percent_up(upper_bound(events, trials))


def at_least(events: int, trials: int) -> Message:
    """How low the true rate of something good can be, as `at least 80.7%`, rounded down."""
    return Message("at least {limit}", limit=lowest(events, trials))


def lowest(events: int, trials: int) -> NumberText:
    """The lower bound as a person reads it, rounded down: never more than it is."""
    return percent_down(lower_bound(events, trials))


def more_needed(events: int, trials: int, rate: float = TARGET) -> int:
    """How many more parts without a further event bring the upper bound down to `rate`; 0 where it is there already."""
    if not 0 < rate < 1:
        raise ValueError(f"A rate to reach must lie between 0 and 1. Got {rate}.")
    return bisect_left(range(MOST_PARTS), True, key=lambda more: upper_bound(events, trials + more) <= rate)


def escape_sentence(escapes: int, defective: int) -> Message:
    """What is known of escapes, and how many more defective photos would bring the bound to 1%."""
    if not defective:
        return Message("Escapes: unknown, no defective part was tested.")
    said = Message(
        "Escapes: {escapes} of {defective} (upper limit {limit}, {sure} confidence).",
        escapes=escapes,
        defective=defective,
        limit=highest(escapes, defective),
        sure=percent(CONFIDENCE_LEVEL),
    )
    more = more_needed(escapes, defective)
    if not more:
        return said
    proof = Message(
        "To prove {rate}: {count} more defective photo without an escape.",
        "To prove {rate}: {count} more defective photos without an escape.",
        rate=percent(TARGET),
        count=more,
    )
    return paragraph(said, proof)


def overkill_sentence(overkills: int, good: int) -> Message:
    """What is known of overkills."""
    if not good:
        return Message("Overkill: unknown, no good part was tested.")
    return Message(
        "Overkill: {overkills} of {good} (upper limit {limit}, {sure} confidence).",
        overkills=overkills,
        good=good,
        limit=highest(overkills, good),
        sure=percent(CONFIDENCE_LEVEL),
    )


def not_safe(escapes: int, defective: int) -> Message | None:
    """Why a policy that let so many of so many defective parts pass may not be called SAFE; None where it may."""
    _check_counts(escapes, defective, CONFIDENCE_LEVEL)
    if escapes:
        return Message(
            "Escapes on validation photos: {escapes} of {defective}. SAFE allows none.",
            escapes=escapes,
            defective=defective,
        )
    if defective < SAFE_NEEDS:
        return Message(
            "Validation photos of defective parts: {defective}. SAFE needs at least {needed} without an escape, "
            "which proves an escape rate below {rate} ({sure} confidence).",
            defective=defective,
            needed=SAFE_NEEDS,
            rate=percent(0.05),
            sure=percent(CONFIDENCE_LEVEL),
        )
    return None


def percent(rate: float) -> NumberText:
    """A share as a person reads it: 0.0722 is 7.2%; only none is 0% and only all are 100%."""
    return _percent(rate, ROUND_HALF_EVEN)


def percent_up(limit: float) -> NumberText:
    """An upper limit as a person reads it: never less than it is."""
    return _percent(round(limit, EXACT), ROUND_CEILING)


def percent_down(limit: float) -> NumberText:
    """A lower limit as a person reads it: never more than it is."""
    return _percent(round(limit, EXACT), ROUND_FLOOR)


def _percent(rate: float, rounding: str) -> NumberText:
    """One digit after the point; within 0.1% of none and of all, the first digit that tells it from them."""
    share = 100 * Decimal(repr(float(rate)))
    gap = min(share, 100 - share)
    digits = max(1, -gap.adjusted()) if gap > 0 else 1
    shown = share.quantize(Decimal(1).scaleb(-digits), rounding)
    return NumberText(f"{f'{shown:f}'.rstrip('0').rstrip('.')}%")


def _check_counts(events: int, trials: int, confidence: float) -> None:
    if not 0 <= events <= trials:
        raise ValueError(f"Events are counted among the trials, from 0 to all of them. Got {events} of {trials}.")
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence must lie between 0 and 1. Got {confidence}.")
