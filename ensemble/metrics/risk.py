"""What counts of escapes and overkills say of the true rates: exact binomial limits (Clopper & Pearson 1934)."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from scipy.special import betaincinv

CONFIDENCE = 0.95
SAFE_NEEDS = 59  # defective parts: with none escaped of so many, the true escape rate is at most 5 %
TARGET = 0.01
EXACT = 12  # digits of a limit: what floats add beyond them is not rounded up or down


def upper_bound(events: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The highest true rate that so few events in so many trials still allow, one-sided; 1 where nothing was tried."""
    _check(events, trials, confidence)
    return 1.0 if events == trials else float(betaincinv(events + 1, trials - events, confidence))


def lower_bound(events: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The lowest true rate that so many events in so many trials still allow, one-sided; 0 where nothing was tried."""
    _check(events, trials, confidence)
    return 0.0 if events == 0 else float(betaincinv(events, trials - events + 1, 1 - confidence))


def limits(events: int, trials: int) -> tuple[float, float]:
    """The lowest and the highest true rate, each one-sided at 95 %: the limits of every rate, wherever it is told."""
    return lower_bound(events, trials), upper_bound(events, trials)


def at_most(events: int, trials: int) -> str:
    """How high the true rate of something bad can be, as `up to 30.3 %`."""
    return f"up to {highest(events, trials)}"


def highest(events: int, trials: int) -> str:
    """The upper bound as a person reads it, rounded up: never less than it is."""
    return _percent(round(upper_bound(events, trials), EXACT), ROUND_CEILING)


def at_least(events: int, trials: int) -> str:
    """How low the true rate of something good can be, as `at least 80.7 %`, rounded down."""
    return f"at least {_percent(round(lower_bound(events, trials), EXACT), ROUND_FLOOR)}"


def more_needed(events: int, trials: int, rate: float = TARGET) -> int:
    """How many more parts without a further event bring the upper bound down to `rate`; 0 where it is there already."""
    if not 0 < rate < 1:
        raise ValueError(f"A rate to reach must lie between 0 and 1. Got {rate}.")
    if upper_bound(events, trials) <= rate:
        return 0
    too_few, enough = 0, 1
    while upper_bound(events, trials + enough) > rate:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if upper_bound(events, trials + middle) > rate:
            too_few = middle
        else:
            enough = middle
    return enough


def escape_sentence(escapes: int, defective: int) -> str:
    """What is known of escapes, and how many more defective photos would bring the bound to 1 %."""
    if not defective:
        return "No defective part has been seen: nothing is known of escapes."
    said = _bound_sentence(escapes, defective, "escape", "defective")
    more = more_needed(escapes, defective)
    if not more:
        return said
    another = "a further" if escapes else "an"
    return (
        f"{said} {_count(more, 'more defective photo')} without {another} escape would bring that to {percent(TARGET)}."
    )


def overkill_sentence(overkills: int, good: int) -> str:
    """What is known of overkills."""
    if not good:
        return "No good part has been seen: nothing is known of overkills."
    return _bound_sentence(overkills, good, "overkill", "good")


def not_safe(escapes: int, defective: int) -> str | None:
    """Why a policy that let so many of so many defective parts pass may not be called SAFE; None where it may."""
    _check(escapes, defective, CONFIDENCE)
    if escapes:
        parts = _count(defective, "defective part")
        return f"It lets {_count(escapes, 'escape')} pass in the {parts} it was chosen on, and SAFE allows none."
    if defective < SAFE_NEEDS:
        return (
            f"It rests on {_count(defective, 'defective part')}, and SAFE needs at least {SAFE_NEEDS}: with none "
            f"escaped of {SAFE_NEEDS}, the true escape rate is at most 5 % ({percent(CONFIDENCE)})."
        )
    return None


def percent(rate: float) -> str:
    """A share as a person reads it: 0.0722 is 7.2 %; only none is 0 % and only all are 100 %."""
    return _percent(rate, ROUND_HALF_EVEN)


def _percent(rate: float, rounding: str) -> str:
    """One digit after the point; within 0.1 % of none and of all, the first digit that tells it from them."""
    share = 100 * Decimal(repr(float(rate)))
    gap = min(share, 100 - share)
    digits = max(1, -gap.adjusted()) if gap > 0 else 1
    shown = share.quantize(Decimal(1).scaleb(-digits), rounding)
    return f"{f'{shown:f}'.rstrip('0').rstrip('.')} %"


def _bound_sentence(events: int, parts: int, event: str, kind: str) -> str:
    return (
        f"{_count(events, event)} in {_count(parts, f'{kind} part')} seen: the true {event} rate can still be up to "
        f"{highest(events, parts)} ({percent(CONFIDENCE)})."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _check(events: int, trials: int, confidence: float) -> None:
    if not 0 <= events <= trials:
        raise ValueError(f"Events are counted among the trials, from 0 to all of them. Got {events} of {trials}.")
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence must lie between 0 and 1. Got {confidence}.")
