"""The answer first: four numbers, each with what it still allows."""

from collections.abc import Mapping

import streamlit as st

from ensemble.evaluation.performance import Decided
from ensemble.metrics import costs
from ensemble.policies import Policy
from pages.components.common.sheet import tied
from pages.components.common.style import shape
from pages.components.performance.basis import Measured, without_review

SURE = costs.percent(costs.CONFIDENCE_LEVEL)
CORRECT = "Correct"
# Each kind of event: what it is with its share and limit, and what is said where no photo could have been one.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "Escapes": (
        "{share} of defective parts passed as OK (missed defect, false negative). Upper limit {limit} ({sure}).",
        "No defective parts in the test set.",
    ),
    "Overkills": (
        "{share} of good parts rejected (false reject, false positive). Upper limit {limit} ({sure}).",
        "No good parts in the test set.",
    ),
    "Reviews": ("{share} of photos need a manual check. Upper limit {limit} ({sure}).", "No photos in the test set."),
    "Errors": ("{share} of decided photos are wrong. Upper limit {limit} ({sure}).", "No photo was decided."),
}


def show_performance_answer(measured: Measured) -> None:
    """Show what is right of what was decided, escapes, overkills and reviews, each with its exact limit."""
    decided = measured.decided()
    tiles = [_accuracy(decided), *(_mistakes(decided) if decided.counts is None else _misjudged(decided))]
    tiles.append(_reviews(decided, measured.policy))
    st.html(f'<div class="tiles wide">{"".join(tiles)}</div>')


def _accuracy(decided: Decided) -> str:
    if decided.accuracy is None:
        return _html("none", "", "–", CORRECT, "All photos go to review.")
    least = costs.lowest(decided.right, decided.decided)
    said = f"Accuracy {costs.percent(decided.accuracy)}. Lower limit {least} ({SURE})."
    if decided.reviews:
        said = (
            f"Accuracy {costs.percent(decided.accuracy)} of the {decided.decided} decided photos. "
            f"Lower limit {least} ({SURE})."
        )
    return _html("", "", f"{decided.right}<small> of {decided.decided}</small>", CORRECT, said)


def _reviews(decided: Decided, policy: Policy) -> str:
    """How many parts a person must look at; where the policy never asks for it, that alone, and no limit of a rate."""
    if decided.reviews or policy.asks_a_person:
        return _tile("review", "Reviews", decided.reviews, decided.photos)
    return _html("none", "", "none", "Reviews", without_review(policy))


def _misjudged(decided: Decided) -> list[str]:
    counts = decided.counts
    assert counts is not None
    return [
        _tile("nok", "Escapes", counts.escapes, counts.defective),
        _tile("plain", "Overkills", counts.overkills, counts.good),
    ]


def _mistakes(decided: Decided) -> list[str]:
    return [_tile("plain", "Errors", decided.wrong, decided.decided)]


def _tile(look: str, name: str, events: int, trials: int) -> str:
    """Colour only where something happened: what is as it should be stays quiet."""
    seen, nothing = SENTENCES[name]
    if not trials:
        return _html("none", "", "–", name, nothing)
    seen = seen.format(share=costs.percent(events / trials), limit=costs.highest(events, trials), sure=SURE)
    mark = shape(look) if events and look in ("nok", "review") else ""  # type: ignore[arg-type]
    return _html(look if events else "none", mark, f"{events}<small> of {trials}</small>", name, seen)


def _html(look: str, mark: str, number: str, name: str, sentence: str) -> str:
    return f'<div class="tile {look}"><b>{number}</b><span>{mark}{name}</span><p>{tied(sentence)}</p></div>'
