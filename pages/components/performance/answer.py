"""The answer first: four numbers, each with what it still allows."""

import streamlit as st

from ensemble.evaluation.performance import Decided
from ensemble.metrics import costs
from ensemble.policies import Policy
from pages.components.common.sheet import tied
from pages.components.common.style import shape
from pages.components.performance.basis import Measured, without_review

SURE = costs.percent(costs.CONFIDENCE_LEVEL)


def show_performance_answer(measured: Measured) -> None:
    """Show what is right of what was decided, escapes, overkills and reviews, each with its exact limit."""
    decided = measured.decided()
    tiles = [_accuracy(decided), *(_mistakes(decided) if decided.counts is None else _misjudged(decided))]
    tiles.append(_reviews(decided, measured.policy))
    st.html(f'<div class="tiles wide">{"".join(tiles)}</div>')


def _accuracy(decided: Decided) -> str:
    name = "Right of those decided"
    if decided.accuracy is None:
        return _html("none", "", "–", name, f"A person must look at all {decided.photos} photos: nothing was decided.")
    which = f"{decided.decided} of {decided.photos} photos were" if decided.reviews else f"All {decided.photos} were"
    least = costs.at_least(decided.right, decided.decided)
    said = f"{costs.percent(decided.accuracy)}. {which} decided. The true share is {least} ({SURE})."
    return _html("", "", f"{decided.right}<small> of {decided.decided}</small>", name, said)


def _reviews(decided: Decided, policy: Policy) -> str:
    """How many parts a person must look at; where the policy never asks for it, that alone, and no limit of a rate."""
    if decided.reviews or policy.asks_a_person:
        return _tile("review", "Reviews", decided.reviews, decided.photos, "photos", "review rate")
    return _html("none", "", "none", "Reviews", without_review(policy))


def _misjudged(decided: Decided) -> list[str]:
    counts = decided.counts
    assert counts is not None
    return [
        _tile("nok", "Escapes", counts.escapes, counts.defective, "defective parts", "escape rate"),
        _tile("plain", "Overkills", counts.overkills, counts.good, "good parts", "overkill rate"),
    ]


def _mistakes(decided: Decided) -> list[str]:
    return [_tile("plain", "Mistakes", decided.wrong, decided.decided, "decided photos", "share of mistakes")]


def _tile(look: str, name: str, events: int, trials: int, of: str, rate: str) -> str:
    """Colour only where something happened: what is as it should be stays quiet."""
    if not trials:
        return _html("none", "", "–", name, f"No {of} among the test photos: nothing is known.")
    bound = costs.at_most(events, trials)
    share = costs.percent(events / trials)
    seen = f"{share} of the {of} seen. The true {rate} can still be {bound} ({SURE})."
    mark = shape(look) if events and look in ("nok", "review") else ""  # type: ignore[arg-type]
    return _html(look if events else "none", mark, f"{events}<small> of {trials}</small>", name, seen)


def _html(look: str, mark: str, number: str, name: str, sentence: str) -> str:
    return f'<div class="tile {look}"><b>{number}</b><span>{mark}{name}</span><p>{tied(sentence)}</p></div>'
