"""Numbers as text: those that are compared with the same digits, enough to stand in their true order; counts."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import combinations
from sys import float_info

from ensemble.values.language import Message, NumberText

MOST_DIGITS = 20  # digits after the point; numbers that lie closer than that are written out whole


def in_order(*numbers: float, least: int = 2) -> tuple[NumberText, ...]:
    """Each number with the same digits after the point, `least` or as many as keep all of them in their order.

    Equal numbers give equal texts, and of two others the larger one is written larger.
    """
    return tuple(map(NumberText, _written([Decimal(number) for number in numbers], least)))


def beside(value: float, *thresholds: float) -> tuple[NumberText, ...]:
    """A value and the thresholds it is compared with, in order; two digits, or three where a threshold has more."""
    return in_order(value, *thresholds, least=_usual_digits(*thresholds))


def threshold_text(threshold: float) -> NumberText:
    """A threshold where no value stands beside it, as it would be written beside one; never 0 or 1 unless it is."""
    return in_order(threshold, 0.0, 1.0, least=_usual_digits(threshold))[0]


def percents(*shares: float) -> tuple[NumberText, ...]:
    """The same for shares in [0, 1], in percent: 0.5 is `50%`; a zero after the point goes where all have it."""
    texts = _written([100 * Decimal(share) for share in shares], 1)
    whole = all(text.endswith(".0") for text in texts)
    return tuple(NumberText(f"{text.removesuffix('.0') if whole else text}%") for text in texts)


def plural(number: int, noun: str) -> str:
    """A noun as it stands behind a count."""
    return noun if number == 1 else f"{noun}s"


def many(number: int, noun: str) -> str:
    """A count with its noun."""
    return f"{number} {plural(number, noun)}"


def signed(change: float, digits: int = 3) -> NumberText:
    """A change with its sign, 0 where that many digits show none."""
    shown = f"{change:+.{digits}f}"
    return NumberText("0" if float(shown) == 0 else shown.replace("-", "\N{MINUS SIGN}"))


def about_so_long(seconds: float) -> Message:
    """How long something will take, as a person would say it."""
    if seconds < 60:
        return Message("under 1 min")
    if seconds < 5400:
        return Message("about {minutes:.0f} min", minutes=seconds / 60)
    return Message("about {hours:.1f} h", hours=seconds / 3600)


def is_number(value: object) -> bool:
    """Whether a value is a finite int or float; a bool is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= float_info.max


def decimals(number: float) -> int:
    """How many digits after the point a number needs to be written exactly as it is read."""
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def rounded(threshold: float, scores: Iterable[float], digits: int = 6) -> float:
    """A chosen threshold with this many digits, or with more where one of these scores would change its side."""
    given = list(scores)
    for count in range(digits, MOST_DIGITS):
        found = round(threshold, count)
        if all((score >= found) == (score >= threshold) for score in given):
            return found
    return threshold


def _usual_digits(*thresholds: float) -> int:
    return max(2, min(3, max(map(decimals, thresholds), default=2)))


def _written(numbers: list[Decimal], least: int) -> tuple[str, ...]:
    for digits in range(least, MOST_DIGITS + 1):
        texts = [f"{number:.{digits}f}" for number in numbers]
        both = [(number, Decimal(text)) for number, text in zip(numbers, texts, strict=True)]
        if all(one.compare(other) == read.compare(beside) for (one, read), (other, beside) in combinations(both, 2)):
            return tuple(texts)
    return tuple(f"{number:f}" if number == number.to_integral_value() else str(number) for number in numbers)
