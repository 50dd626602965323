"""The new model against the current one: the answer, what differs and how surely, and the photos that changed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

import streamlit as st

from ensemble import figures
from ensemble.evaluation import comparison as compared
from ensemble.evaluation.comparison import Answer, Change, Comparison, Figure, Interval, TypeCounts, Voter
from ensemble.figures.comparisons import Limits
from ensemble.metrics import costs
from ensemble.values.digits import signed
from ensemble.values.language import _
from ensemble.values.titles import voter_title
from pages.components.common.charts import case_facts, show_chart, show_csv, show_json
from pages.components.common.choices import show_choice, show_page
from pages.components.common.sheet import as_html, as_markdown, chip, show_sheet, tied
from pages.session import products

WORDS: dict[Answer, str] = {
    "better": "The new model is better",
    "worse": "The new model is worse",
    "mixed": "Better in one figure, worse in another",
    "undecided": "No difference shown",
}
NAMES = {
    "accuracy": "Accuracy, all photos",
    "right_of_decided": "Accuracy, decided photos",
    "auroc": "AUROC",
    "escape_rate": "Escapes",
    "overkill_rate": "Overkills",
    "review_rate": "Reviews",
}
UNITS = {
    "accuracy": "accuracy",
    "right_of_decided": "accuracy",
    "auroc": "AUROC",
    "escape_rate": "escape rate",
    "overkill_rate": "overkill rate",
    "review_rate": "review rate",
}
MORE_IS_BETTER = ("accuracy", "auroc")


def show_comparison(comparison: Comparison) -> None:
    """Show a comparison of a new model with the current one, and offer it as a file."""
    with st.container(key="comparison"):
        _show_answer(comparison)
        _show_changed_figures(comparison)
        with st.expander(_("All models and figures"), icon=":material/table_chart:"):
            _show_table(comparison, comparison.voters, _figures_of(comparison.voters))
            _show_figure(comparison)
            _show_types(comparison.types)
        show_changes(comparison)
        with st.expander(_("Method")):
            st.markdown("\n".join(f"- {as_markdown(said)}" for said in compared.remarks(comparison)))
        with st.container(horizontal=True):
            if comparison.changes:
                show_csv("changes", [_row(change) for change in comparison.changes])
            show_json(comparison.as_json(), "comparison", "Comparison (JSON)")


def _show_answer(comparison: Comparison) -> None:
    answer = compared.answer(comparison)
    said = tied(compared.changes_sentence(comparison))
    st.html(f'<div class="in-force"><div class="word">{WORDS[answer]}</div><p>{said}</p></div>')
    if comparison.learnt:
        st.warning(
            f"The current model was trained on {comparison.learnt} of these {comparison.photos} photos: its figures "
            "are too optimistic.",
            icon=":material/report:",
        )


def _show_changed_figures(comparison: Comparison) -> None:
    """Show the models and figures that differ, and say so where none does."""
    voters = [voter for voter in comparison.voters if any(map(_differs, voter.figures.values()))]
    if not voters:
        st.html(f'<p class="calm">{as_html(_("No figure changes."))}</p>')
        return
    _show_table(comparison, voters, [name for name in _figures_of(voters) if _differs_for(voters, name)])


def _figures_of(voters: Iterable[Voter]) -> list[str]:
    return [name for name in NAMES if any(name in voter.figures for voter in voters)]


def _differs_for(voters: Iterable[Voter], name: str) -> bool:
    return any(_differs(voter.figures[name]) for voter in voters if name in voter.figures)


def _differs(figure: Figure) -> bool:
    """Whether a figure is another one now, as it is written."""
    if figure.before.value is None or figure.after.value is None:
        return False
    return figure.before.photos != figure.after.photos or _side(figure.before) != _side(figure.after)


def _show_table(comparison: Comparison, voters: Iterable[Voter], asked: list[str]) -> None:
    rows = [_cells(voter, asked) for voter in voters]
    show_sheet((_("Model"), *(NAMES[name] for name in asked), _("p-value")), rows, folding=True)
    st.caption(
        _(
            "Current → new on the same {count} photo; below, the difference with {level} limits. p-value: probability "
            "of so uneven changes by chance, corrected for several tests.",
            "Current → new on the same {count} photos; below, the difference with {level} limits. p-value: probability "
            "of so uneven changes by chance, corrected for several tests.",
            count=comparison.photos,
            level=costs.percent(costs.CONFIDENCE_LEVEL),
        )
    )


def _cells(voter: Voter, asked: list[str]) -> list[str]:
    name = escape(voter_title(voter.name))
    cells = [_figure(voter.figures[key]) if key in voter.figures else "–" for key in asked]
    return [name, *cells, escape(compared.probability(voter.tests["right"].adjusted))]


def _figure(figure: Figure) -> str:
    if figure.before.value is None or figure.after.value is None:
        return "–"
    if figure.before.photos != figure.after.photos:
        sides = " → ".join(f"{side.events} of {side.photos}" for side in (figure.before, figure.after))
        return f"<div>{sides}</div>"
    of = f" of {figure.after.photos}" if figure.after.photos is not None else ""
    change = "" if figure.difference.value is None else f"<small>{_change(figure)}</small>"
    return f"<div>{_side(figure.before)} → {_side(figure.after)}{of}{change}</div>"


def _side(side: Interval) -> str:
    if side.value is None:
        return "–"
    return f"{side.value:.3f}" if side.events is None else str(side.events)


def _change(figure: Figure) -> str:
    """The difference and its limits: of rates in points of a hundred."""
    change = figure.difference
    scale, digits, unit = (1.0, 3, "") if figure.before.events is None else (100.0, 1, "\N{NO-BREAK SPACE}points")
    told = f"{signed(scale * (change.value or 0.0), digits)}{unit}"
    if change.low is None or change.high is None:
        return told
    low, high = (signed(scale * limit, digits) for limit in (change.low, change.high))
    return f"{told}, <wbr>{low}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{high}"


def _show_figure(comparison: Comparison) -> None:
    asked = [name for name in NAMES if any(_limits(voter, name) for voter in comparison.voters)]
    chosen = show_choice("Figure", asked, "comparison_figure", NAMES.__getitem__, label_visibility="visible")
    values = {voter.name: limits for voter in comparison.voters if (limits := _limits(voter, chosen))}
    chart = figures.differences(values, products.scheme(), UNITS[chosen], more_is_better=chosen in MORE_IS_BETTER)
    show_chart(chart, f"comparison-{chosen.replace('_', '-')}")


def _limits(voter: Voter, name: str) -> Limits | None:
    change = voter.figures[name].difference if name in voter.figures else Interval()
    return None if change.value is None else (change.value, change.low, change.high)


PAGE, PICTURE_SIDE = 12, 320  # photos; pixels
KINDS = {
    "escaped": "Newly escaped",
    "caught": "Newly caught",
    "rejected": "New overkill",
    "spared": "Overkill fixed",
    "broken": "Newly wrong",
    "mended": "Fixed",
    "otherwise": "Other changes",
}


def show_changes(comparison: Comparison) -> None:
    """Show types of defect whose escapes changed, and by what changed every photo whose verdict did, some at a time."""
    _show_type_rows([each for each in comparison.types if each.before != each.after])
    st.subheader("Changed verdicts", anchor=False)
    if not comparison.changes:
        st.html('<p class="calm">No verdict changes.</p>')
        return
    counts = Counter(change.kind for change in comparison.changes)
    met = [name for name in KINDS if name in counts]
    kind = show_choice("Show", met, "comparison_kind", lambda name: f"{KINDS[name]} ({counts[name]})")
    shown = [change for change in comparison.changes if change.kind == kind]
    part = show_page(shown, PAGE, f"comparison_page {kind}")
    cards = "".join(_card(change, comparison) for change in part)
    st.html(f'<div class="parts changes">{cards}</div>')


def _show_types(types: tuple[TypeCounts, ...]) -> None:
    if not types:
        return
    _show_type_rows([each for each in types if each.before or each.after])
    if caught := [f"{_spoken(each.defect)} ({each.photos})" for each in types if not (each.before or each.after)]:
        st.caption(as_markdown(f"No escapes: {', '.join(sorted(caught))}."))


def _show_type_rows(types: Sequence[TypeCounts]) -> None:
    if types:
        st.subheader(_("Escapes by defect type"), anchor=False)
        rows = [(as_html(_spoken(each.defect)), f"{each.before} → {each.after}", str(each.photos)) for each in types]
        show_sheet((_("Type"), _("Current → new"), _("Photos")), rows)


def _spoken(defect: str) -> str:
    return defect.replace("_", " ")


def _card(change: Change, comparison: Comparison) -> str:
    verdicts = " → ".join(chip(label, comparison.classes) for label in (change.before, change.after))
    return f'<article class="part">{case_facts(change.case, verdicts, PICTURE_SIDE)}</article>'


def _row(change: Change) -> dict[str, object]:
    return {
        "what": KINDS[change.kind],
        "photo": change.photo,
        "truth": change.label,
        "defect": change.defect,
        "product": change.category,
        "before": change.before,
        "after": change.after,
    }
