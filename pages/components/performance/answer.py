"""The answer first: four numbers, each with what it still allows."""

from collections.abc import Mapping

import streamlit as st

from ensemble.evaluation.performance import Decided
from ensemble.metrics import costs
from ensemble.policies import Policy
from ensemble.values.language import Message, _
from pages.components.common.sheet import as_html, tied
from pages.components.common.style import shape
from pages.components.performance.basis import Measured, without_review

SURE = costs.percent(costs.CONFIDENCE_LEVEL)
# Each kind of event: its name, its share and limit, and what is said where no photo could have been one.
SENTENCES: Mapping[str, tuple[Message, Message, Message]] = {
    "escapes": (
        Message("Escapes"),
        Message(
            "{share} of defective parts passed as OK (missed defect, false negative). Upper limit {limit} ({sure})."
        ),
        Message("No defective parts in the test set."),
    ),
    "overkills": (
        Message("Overkills"),
        Message("{share} of good parts rejected (false reject, false positive). Upper limit {limit} ({sure})."),
        Message("No good parts in the test set."),
    ),
    "reviews": (
        Message("Reviews"),
        Message("{share} of photos need a manual check. Upper limit {limit} ({sure})."),
        Message("No photos in the test set."),
    ),
    "errors": (
        Message("Errors"),
        Message("{share} of decided photos are wrong. Upper limit {limit} ({sure})."),
        Message("No photo was decided."),
    ),
}


def show_performance_answer(measured: Measured) -> None:
    """Show what is right of what was decided, escapes, overkills and reviews, each with its exact limit."""
    decided = measured.decided()
    tiles = [_accuracy(decided), *(_mistakes(decided) if decided.counts is None else _misjudged(decided))]
    tiles.append(_reviews(decided, measured.policy))
    st.html(f'<div class="tiles wide">{"".join(tiles)}</div>')


def counted(events: int, trials: int) -> str:
    """A count and of how many, as HTML of a tile."""
    return _("{count}<small> of {total}</small>", count=events, total=trials)


def _accuracy(decided: Decided) -> str:
    name = _("Correct")
    if decided.accuracy is None:
        return _html("none", "", "–", name, _("All photos go to review."))
    least, accuracy = costs.lowest(decided.right, decided.decided), costs.percent(decided.accuracy)
    said = _("Accuracy {accuracy}. Lower limit {least} ({sure}).", accuracy=accuracy, least=least, sure=SURE)
    if decided.reviews:
        said = _(
            "Accuracy {accuracy} of the {decided} decided photos. Lower limit {least} ({sure}).",
            accuracy=accuracy,
            decided=decided.decided,
            least=least,
            sure=SURE,
        )
    return _html("", "", counted(decided.right, decided.decided), name, said)


def _reviews(decided: Decided, policy: Policy) -> str:
    """How many parts a person must look at; where the policy never asks for it, that alone, and no limit of a rate."""
    if decided.reviews or policy.asks_a_person:
        return _tile("review", "reviews", decided.reviews, decided.photos)
    return _html("none", "", as_html(_("none")), _("Reviews"), without_review(policy))


def _misjudged(decided: Decided) -> list[str]:
    counts = decided.counts
    assert counts is not None
    return [
        _tile("nok", "escapes", counts.escapes, counts.defective),
        _tile("plain", "overkills", counts.overkills, counts.good),
    ]


def _mistakes(decided: Decided) -> list[str]:
    return [_tile("plain", "errors", decided.wrong, decided.decided)]


def _tile(look: str, event: str, events: int, trials: int) -> str:
    """Colour only where something happened: what is as it should be stays quiet."""
    name, seen, nothing = SENTENCES[event]
    if not trials:
        return _html("none", "", "–", name, nothing)
    said = _(seen.text, share=costs.percent(events / trials), limit=costs.highest(events, trials), sure=SURE)
    mark = shape(look) if events and look in ("nok", "review") else ""  # type: ignore[arg-type]
    return _html(look if events else "none", mark, counted(events, trials), name, said)


def _html(look: str, mark: str, number: str, name: str, sentence: str) -> str:
    return f'<div class="tile {look}"><b>{number}</b><span>{mark}{as_html(name)}</span><p>{tied(sentence)}</p></div>'
