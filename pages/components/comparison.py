"""The new model against the current one: the answer, what differs and how surely, and the photos that changed."""

import json
from html import escape

import streamlit as st

from ensemble import comparison as compared
from ensemble import figures, risk
from ensemble.comparison import Answer, Comparison, Estimate, Figure, Voter
from ensemble.figures.comparisons import Limits
from pages.components import session
from pages.components.chart import show_chart, show_file
from pages.components.comparison_changes import show_changes
from pages.components.sheet import as_markdown, breakable, show_sheet

WORDS: dict[Answer, str] = {
    "better": "The new one is better",
    "worse": "The new one is worse",
    "mixed": "Better at one thing, worse at another",
    "undecided": "No difference shown",
}
NAMES = {
    "accuracy": "Right of all",
    "right_of_decided": "Right of those decided",
    "auroc": "AUROC",
    "escape_rate": "Escapes",
    "overkill_rate": "Overkills",
    "review_rate": "Reviews",
}
MORE_IS_BETTER = ("accuracy", "auroc")


def show_comparison(comparison: Comparison) -> None:
    """Show a comparison of a new model with the current one, and offer it as a file."""
    with st.container(key="comparison"):
        _show_answer(comparison)
        _show_table(comparison)
        _show_figure(comparison)
        show_changes(comparison)
        with st.expander("How they were compared"):
            st.markdown("\n".join(f"- {as_markdown(said)}" for said in compared.remarks(comparison)))
        data = json.dumps(comparison.as_json(), indent=2, ensure_ascii=False) + "\n"
        show_file(data.encode(), "comparison", ".json", "This comparison (JSON)")


def _show_answer(comparison: Comparison) -> None:
    answer = compared.answer(comparison)
    said = compared.sentence(comparison).partition(": ")[2] if answer != "undecided" else compared.sentence(comparison)
    shown = escape(said[:1].upper() + said[1:]).replace(" %", "\N{NO-BREAK SPACE}%")
    st.html(f'<div class="in-force"><div class="word">{WORDS[answer]}</div><p>{shown}</p></div>')
    if comparison.learnt:
        st.warning(
            f"The current model has learnt from {comparison.learnt} of these {comparison.photos} photos, which "
            "flatters it.",
            icon=":material/report:",
        )


def _show_table(comparison: Comparison) -> None:
    asked = [name for name in NAMES if any(name in voter.figures for voter in comparison.voters)]
    rows = [_cells(voter, asked) for voter in comparison.voters]
    show_sheet(("Voter", *(NAMES[name] for name in asked), "By chance"), rows, folding=True)
    st.caption(
        f"Current → new on the same {comparison.photos} photos; below, how much that is and its "
        f"{risk.percent(risk.CONFIDENCE)} limits. By chance: how probable so uneven right and wrong verdicts are where "
        "both are equally good, corrected for testing several."
    )


def _cells(voter: Voter, asked: list[str]) -> list[str]:
    name = breakable(voter.name)
    cells = [_figure(voter.figures[key]) if key in voter.figures else "–" for key in asked]
    return [name, *cells, escape(compared.probability(voter.tests["right"].adjusted))]


def _figure(figure: Figure) -> str:
    if figure.before.value is None or figure.after.value is None:
        return "–"
    if figure.before.photos != figure.after.photos:
        sides = " → ".join(f"{side.events} of {side.photos}" for side in (figure.before, figure.after))
        return f"<div>{sides}</div>"
    change = "" if figure.difference.value is None else f"<small>{_change(figure)}</small>"
    return f"<div>{_side(figure.before)} → {_side(figure.after)}{_of(figure)}{change}</div>"


def _side(side: Estimate) -> str:
    return f"{side.value:.3f}" if side.events is None else str(side.events)


def _of(figure: Figure) -> str:
    return f" of {figure.after.photos}" if figure.after.photos is not None else ""


def _change(figure: Figure) -> str:
    """The difference and its limits: of rates in points of a hundred."""
    change = figure.difference
    scale, digits, unit = (1.0, 3, "") if figure.before.events is None else (100.0, 1, "\N{NO-BREAK SPACE}points")
    told = f"{_signed(change.value or 0.0, scale, digits)}{unit}"
    if change.low is None or change.high is None:
        return told
    low, high = (_signed(limit, scale, digits) for limit in (change.low, change.high))
    return f"{told}, <wbr>{low}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{high}"


def _signed(value: float, scale: float, digits: int) -> str:
    shown = f"{scale * value:+.{digits}f}"
    return "0" if float(shown) == 0 else shown.replace("-", "\N{MINUS SIGN}")


def _show_figure(comparison: Comparison) -> None:
    asked = [name for name in NAMES if any(_limits(voter, name) for voter in comparison.voters)]
    chosen = st.segmented_control(
        "What has changed",
        asked,
        default=asked[0],
        required=True,
        format_func=lambda name: NAMES[name],
        key="comparison_figure",
    )
    values = {voter.name: limits for voter in comparison.voters if (limits := _limits(voter, chosen))}
    unit = {"accuracy": "Share of all photos that are right", "auroc": "AUROC"}.get(
        chosen, f"Rate of {NAMES[chosen].lower()}"
    )
    chart = figures.differences(values, session.scheme(), unit, more_is_better=chosen in MORE_IS_BETTER)
    show_chart(chart, f"comparison-{chosen.replace('_', '-')}")


def _limits(voter: Voter, name: str) -> Limits | None:
    change = voter.figures[name].difference if name in voter.figures else Estimate()
    return None if change.value is None else (change.value, change.low, change.high)
