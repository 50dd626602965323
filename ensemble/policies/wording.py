"""A decision in words: what the quantity is that decided, its value, and from where on a part is REVIEW or NOK.

Value and thresholds are written with digits that keep their order, on every screen, in files and on the command line.
"""

from collections.abc import Sequence

from ensemble.values.digits import beside, percents
from ensemble.values.results import REVIEW, Decision, word


def title(decision: Decision) -> str:
    """What the quantity is called."""
    name = word(decision.label)
    if decision.kind == "mean":
        return "Mean defect probability" if decision.thresholds else f"Mean probability of {name}"
    if decision.kind == "region":
        return f"Score of {decision.label}"
    return f"Models that say {name}" if decision.kind == "votes" else f"Weight that says {name}"


def value(decision: Decision) -> str:
    """The quantity, short: `3 of 6`, `22.5 %` or `0.71`."""
    if decision.kind == "votes":
        says, models = decision.counted
        return f"{says} of {models}"
    return compared(decision)[0]


def told(decision: Decision, voters: str = "") -> str:
    """The quantity in a sentence without its end: `3 of 6 models say NOK`, `Mean defect probability 0.71`.

    `voters` names who says so, where votes are counted.
    """
    if decision.kind in {"mean", "region"}:
        return f"{title(decision)} {value(decision)}"
    says, models = decision.counted
    votes = f"{says} of {models} models {'says' if says == 1 else 'say'} {word(decision.label)}"
    votes += f" ({voters})" if voters else ""
    if decision.kind == "weight":
        return f"{votes}, {value(decision)} of the weight"
    return votes if _is_plain(decision) else f"{votes}, {compared(decision)[0]}"


def needed(decision: Decision) -> str:
    """From where on a part is REVIEW or NOK: `NOK from 0.69 on`; empty where there is no threshold."""
    if decision.kind == "votes" and decision.thresholds and _is_plain(decision):
        enough = {0.5: "from half of them on", 1.0: "only where all do"}.get(decision.reject_from or 0, "from one on")
        return f"{word(decision.label)} {'from one on' if decision.rule == 'any' else enough}"
    good, defect = (word(name) for name in decision.sides)
    named = (
        (f"{good} below {{}}", decision.ok_below),
        (f"{word(REVIEW)} from {{}} on", decision.review_from),
        (f"{defect} from {{}} on", decision.reject_from),
    )
    wanted = [pattern for pattern, threshold in named if threshold is not None]
    return ", ".join(pattern.format(text) for pattern, text in zip(wanted, compared(decision)[1:], strict=True))


def _is_plain(decision: Decision) -> bool:
    """Whether counts alone say it: no threshold, or NOK from one vote on, from half of them or from all."""
    one = 1 / max(1, decision.counted[1])
    plain = {one} if decision.rule == "any" else {0.5, 1.0, one}
    return not decision.thresholds or (decision.thresholds == (decision.reject_from,) and decision.reject_from in plain)


def compared(decision: Decision) -> Sequence[str]:
    """The value and the thresholds as they are written beside each other, in percent where votes are shares."""
    write = percents if decision.kind in {"votes", "weight"} else beside
    return write(decision.score, *decision.thresholds)
