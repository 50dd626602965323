"""How many defects pass: the escape rate of accepted parts from a random sample, and corrected for reviewers' errors.

Limits are two-sided at 95%, as in `agreement`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from scipy.stats import gamma

from ensemble.metrics.agreement import BEYOND, Estimated
from ensemble.metrics.costs import lower_bound, percent, percent_down, percent_up, upper_bound
from ensemble.values.language import Message, NumberText

LEAST_LOOKS: Final = 10  # second looks that say NOK, and that say OK: with fewer nobody knows how reviewers err


@dataclass(frozen=True, slots=True)
class Drawn:
    """Accepted parts that chance drew at one rate: how many, how many were looked at, how many of those were NOK."""

    rate: float
    drawn: int
    seen: int
    defective: int

    def __post_init__(self) -> None:
        if not (0 < self.rate <= 1 and 0 <= self.defective <= self.seen <= self.drawn):
            raise ValueError(f"Parts are drawn at a rate, then seen, then found defective. Got {self}.")

    @property
    def stands_for(self) -> float:
        """About how many accepted parts there were, of which these were drawn."""
        return self.drawn / self.rate


@dataclass(frozen=True, slots=True)
class SecondLooks:
    """Blind second looks by what they said, and of how many the first look had said the same.

    Those that say NOK are of parts that were not accepted, those that say OK of accepted ones.
    """

    nok: int = 0
    nok_twice: int = 0
    ok: int = 0
    ok_twice: int = 0


def drawn_parts(looks: Iterable[tuple[float, bool | None]]) -> tuple[Drawn, ...]:
    """The random sample by rate, from each part's rate and whether it is defective; None where nobody has looked."""
    counts = Counter(looks)
    rates = sorted({rate for rate, _found in counts if rate > 0})
    of = {rate: (counts[rate, False], counts[rate, True], counts[rate, None]) for rate in rates}
    return tuple(Drawn(rate, sum(of[rate]), sum(of[rate][:2]), of[rate][1]) for rate in rates)


def escape_rate(sample: Sequence[Drawn], side: float = BEYOND) -> Estimated | None:
    """The share of accepted parts that are defective; None where none was looked at. `side` is each limit's error.

    A part counts for those that it stands for: the more, the lower the rate at which it was drawn. At one rate the
    limits are exact (Clopper and Pearson 1934); at several they are those of a weighted sum of rare events (Fay and
    Feuer 1997), which are wider. A rate of which no part was looked at yet is left out.
    """
    looked_at = [each for each in sample if each.seen]
    if not looked_at:
        return None
    total = sum(each.stands_for for each in looked_at)
    weights = [each.stands_for / each.seen / total for each in looked_at]
    value = sum(weight * each.defective for weight, each in zip(weights, looked_at, strict=True))
    if max(weights) - min(weights) < 1e-9 * max(weights):
        seen, found = sum(each.seen for each in looked_at), sum(each.defective for each in looked_at)
        return Estimated(found / seen, lower_bound(found, seen, 1 - side), upper_bound(found, seen, 1 - side))
    spread = sum(weight**2 * each.defective for weight, each in zip(weights, looked_at, strict=True))
    low = float(gamma.ppf(side, value**2 / spread, scale=spread / value)) if value else 0.0
    one_more, its_spread = value + max(weights), spread + max(weights) ** 2
    high = float(gamma.ppf(1 - side, one_more**2 / its_spread, scale=its_spread / one_more))
    return Estimated(value, low, min(1.0, high))


def corrected_escape_rate(sample: Sequence[Drawn], looks: SecondLooks) -> tuple[Estimated | None, Message | None]:
    """The same of the parts as they truly are, since reviewers err too; else why nobody can say.

    The rate is (p + Sp - 1) / (Se + Sp - 1) of the rate p that was seen (Rogan and Gladen 1978). How often reviewers
    find a defect (Se) and pass a good part (Sp) is nowhere known, but of errors that are independent neither is lower
    than the share of second looks that the first look had agreed with, since chance agreement is rarer. So the upper
    limit is that of p over the lower limit of Se, the lower one that of p with the lower limit of Sp; the error of each
    is dealt out to both (as Lang and Reiczigel 2014 carry it, by exact limits in place of their approximation).
    """
    half = escape_rate(sample, BEYOND / 2)
    if half is None:
        return None, Message("No part of the random sample was looked at yet.")
    if min(looks.nok, looks.ok) < LEAST_LOOKS:
        return None, Message(
            "Too few blind second looks to know how reviewers err: {nok} say NOK, {ok} say OK, {least} of each are "
            "needed.",
            nok=looks.nok,
            ok=looks.ok,
            least=LEAST_LOOKS,
        )
    finds, passes = looks.nok_twice / looks.nok, looks.ok_twice / looks.ok
    least_finds = lower_bound(looks.nok_twice, looks.nok, 1 - BEYOND / 2)
    least_passes = lower_bound(looks.ok_twice, looks.ok, 1 - BEYOND / 2)
    if finds + passes <= 1 or not least_finds or not least_passes:
        return None, Message("Second looks agree with first looks no more than chance would.")
    value = min(1.0, max(0.0, (half.value + passes - 1) / (finds + passes - 1)))
    high = max(value, min(1.0, half.high / least_finds))
    low = min(value, max(0.0, (half.low + least_passes - 1) / least_passes))
    return Estimated(value, low, high), None


def escapes_per_defective(rate: Estimated, accepted: float, caught: int) -> Estimated | None:
    """Of all defective parts, the share that was accepted; None where there was none.

    `accepted` parts have this rate of escapes; so many defective ones were `caught`, which is taken as known.
    """
    escaped = Estimated(*(accepted * each for each in (rate.value, rate.low, rate.high)))
    if not caught + escaped.value:
        return None
    shares = (each / (each + caught) if each + caught else 0.0 for each in (escaped.value, escaped.low, escaped.high))
    return Estimated(*shares)


def sampled_sentence(sample: Sequence[Drawn]) -> Message:
    """What the random sample says of escapes."""
    rate = escape_rate(sample)
    if rate is None:
        return Message("Escapes: unknown, no part of the random sample was looked at yet.")
    return Message(
        "Of {count:,} accepted part looked at, {found:,} NOK: {rate} escapes ({low} to {high}).",
        "Of {count:,} accepted parts looked at, {found:,} NOK: {rate} escapes ({low} to {high}).",
        count=sum(each.seen for each in sample),
        found=sum(each.defective for each in sample),
        **limits_in_words(rate),
    )


def limits_in_words(rate: Estimated) -> dict[str, NumberText]:
    """A rate and its limits as a person reads them: the lower limit rounded down, the upper one up."""
    return {"rate": percent(rate.value), "low": percent_down(rate.low), "high": percent_up(rate.high)}
