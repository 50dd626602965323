"""The answer first: four numbers, each with what it still allows."""

from html import escape

import streamlit as st

from ensemble import risk
from ensemble.performance import Decided
from pages.components.mark import shape
from pages.components.performance_basis import Measured

SURE = risk.percent(risk.CONFIDENCE)


def show_performance_answer(measured: Measured) -> None:
    """Show accuracy, escapes, overkills and reviews with their exact bounds."""
    decided = measured.decided()
    tiles = [_accuracy(decided), *(_mistakes(decided) if decided.counts is None else _misjudged(decided))]
    tiles.append(_tile("review", "Reviews", decided.reviews, decided.photos, "photos", "review rate"))
    st.html(f'<div class="tiles wide">{"".join(tiles)}</div>')


def _accuracy(decided: Decided) -> str:
    least = risk.percent(risk.lower_bound(decided.right, decided.photos))
    right = f"{decided.right} of {decided.photos} photos decided rightly. The true share is at least {least} ({SURE})."
    return _html("", "", risk.percent(decided.accuracy or 0.0), "Accuracy", right)


def _misjudged(decided: Decided) -> list[str]:
    counts = decided.counts
    assert counts is not None
    return [
        _tile("nok", "Escapes", counts.escapes, counts.defective, "defective parts", "escape rate"),
        _tile("plain", "Overkills", counts.overkills, counts.good, "good parts", "overkill rate"),
    ]


def _mistakes(decided: Decided) -> list[str]:
    wrong = decided.photos - decided.right - decided.reviews
    return [_tile("plain", "Mistakes", wrong, decided.photos, "photos", "share of mistakes")]


def _tile(look: str, name: str, events: int, trials: int, of: str, rate: str) -> str:
    """Colour only where something happened: what is as it should be stays quiet."""
    if not trials:
        return _html("none", "", "–", name, f"No {of} among the test photos: nothing is known.")
    bound = risk.percent(risk.upper_bound(events, trials))
    share = risk.percent(events / trials)
    seen = f"{share} of the {of} seen. The true {rate} can still be up to {bound} ({SURE})."
    mark = shape(look) if events and look in ("nok", "review") else ""  # type: ignore[arg-type]
    return _html(look if events else "none", mark, f"{events}<small> of {trials}</small>", name, seen)


def _html(look: str, mark: str, number: str, name: str, sentence: str) -> str:
    tied = escape(sentence).replace(" %", "\N{NO-BREAK SPACE}%")
    return f'<div class="tile {look}"><b>{number}</b><span>{mark}{name}</span><p>{tied}</p></div>'
