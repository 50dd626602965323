"""The new model against the current one: the answer, what differs and how surely, and the photos that changed."""

from collections import Counter
from collections.abc import Iterable, Sequence

import streamlit as st

from ensemble import figures
from ensemble.evaluation import comparison as compared
from ensemble.evaluation.comparison import Answer, Change, Comparison, Figure, Interval, TypeCounts, Voter
from ensemble.figures.comparisons import Limits
from ensemble.metrics import costs
from ensemble.values.digits import signed
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.titles import voter_title
from pages.components.common.charts import case_facts, show_chart, show_csv, show_json
from pages.components.common.choices import show_choice, show_page
from pages.components.common.sheet import as_html, as_markdown, chip, show_sheet, tied
from pages.session import products

WORDS: dict[Answer, str] = {
    "better": Message("The new model is better"),
    "worse": Message("The new model is worse"),
    "mixed": Message("Better in one figure, worse in another"),
    "undecided": Message("No difference shown"),
}
NAMES = {
    "accuracy": Message("Accuracy, all photos"),
    "right_of_decided": Message("Accuracy, decided photos"),
    "auroc": Message("AUROC"),
    "escape_rate": Message("Escapes"),
    "overkill_rate": Message("Overkills"),
    "review_rate": Message("Reviews"),
}
UNITS = {
    "accuracy": Message("accuracy"),
    "right_of_decided": Message("accuracy"),
    "auroc": Message("AUROC"),
    "escape_rate": Message("escape rate"),
    "overkill_rate": Message("overkill rate"),
    "review_rate": Message("review rate"),
}
MORE_IS_BETTER = ("accuracy", "auroc")


def show_differences(comparison: Comparison, notes: Sequence[str] = ()) -> None:
    """Show what differs between a new model and the current one; all figures, the method and notes open on demand."""
    with st.container(key="comparison"):
        _show_changed_figures(comparison)
        show_changes(comparison)
        with st.expander(_("All figures, method and notes"), icon=":material/table_chart:"):
            _show_table(comparison, comparison.voters, _figures_of(comparison.voters))
            _show_figure(comparison)
            _show_types(comparison.types)
            st.markdown("\n".join(f"- {as_markdown(said)}" for said in (*compared.remarks(comparison), *notes)))
            with st.container(horizontal=True):
                if comparison.changes:
                    show_csv("changes", [_row(change) for change in comparison.changes])
                show_json(comparison.as_json(), "comparison", _("Comparison (JSON)"))


def show_answer(comparison: Comparison) -> None:
    """Show in one word and one sentence whether the new model is better."""
    answer = compared.answer(comparison)
    said = tied(compared.changes_sentence(comparison))
    st.html(f'<div class="in-force"><div class="word">{as_html(WORDS[answer])}</div><p>{said}</p></div>')
    if comparison.learnt:
        said = _(
            "The current model was trained on {learnt} of these {photos} photos: its figures are too optimistic.",
            learnt=comparison.learnt,
            photos=comparison.photos,
        )
        st.warning(said, icon=":material/report:")


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
    name = as_html(voter_title(voter.name))
    cells = [_figure(voter.figures[key]) if key in voter.figures else "–" for key in asked]
    return [name, *cells, as_html(compared.probability(voter.tests["right"].adjusted))]


def _figure(figure: Figure) -> str:
    if figure.before.value is None or figure.after.value is None:
        return "–"
    if figure.before.photos != figure.after.photos:
        sides = " → ".join(
            as_html(_("{events} of {photos}", events=side.events, photos=side.photos))
            for side in (figure.before, figure.after)
        )
        return f"<div>{sides}</div>"
    before, after, photos = _side(figure.before), _side(figure.after), figure.after.photos
    both = _("{before} → {after}", before=before, after=after)
    if photos is not None:
        both = _("{before} → {after} of {photos}", before=before, after=after, photos=photos)
    change = "" if figure.difference.value is None else f"<small>{_change(figure)}</small>"
    return f"<div>{as_html(both)}{change}</div>"


def _side(side: Interval) -> str:
    if side.value is None:
        return "–"
    return NumberText(f"{side.value:.3f}" if side.events is None else str(side.events))


def _change(figure: Figure) -> str:
    """The difference and its limits: of rates in points of a hundred."""
    change = figure.difference
    is_rate = figure.before.events is not None
    scale, digits = (100.0, 1) if is_rate else (1.0, 3)
    value = signed(scale * (change.value or 0.0), digits)
    told = _("{value}\N{NO-BREAK SPACE}points", value=value) if is_rate else worded(value)
    if change.low is None or change.high is None:
        return told
    low, high = (signed(scale * limit, digits) for limit in (change.low, change.high))
    limits = _("{low}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{high}", low=low, high=high)
    return f"{told}, <wbr>{limits}"


def _show_figure(comparison: Comparison) -> None:
    asked = [name for name in NAMES if any(_limits(voter, name) for voter in comparison.voters)]
    words = lambda name: worded(NAMES[name])  # noqa: E731
    chosen = show_choice(_("Figure"), asked, "comparison_figure", words, label_visibility="visible")
    values = {voter.name: limits for voter in comparison.voters if (limits := _limits(voter, chosen))}
    chart = figures.differences(values, products.scheme(), UNITS[chosen], more_is_better=chosen in MORE_IS_BETTER)
    show_chart(chart, f"comparison-{chosen.replace('_', '-')}")


def _limits(voter: Voter, name: str) -> Limits | None:
    change = voter.figures[name].difference if name in voter.figures else Interval()
    return None if change.value is None else (change.value, change.low, change.high)


PAGE, PICTURE_SIDE = 10, 320  # photos; pixels
KINDS = {
    "escaped": Message("Newly escaped"),
    "caught": Message("Newly caught"),
    "rejected": Message("New overkill"),
    "spared": Message("Overkill fixed"),
    "broken": Message("Newly wrong"),
    "mended": Message("Fixed"),
    "otherwise": Message("Other changes"),
}


def show_changes(comparison: Comparison) -> None:
    """Show every photo whose verdict changed by what changed, some at a time."""
    st.subheader(_("Changed verdicts"), anchor=False)
    if not comparison.changes:
        st.html(f'<p class="calm">{as_html(_("No verdict changes."))}</p>')
        return
    counts = Counter(change.kind for change in comparison.changes)
    met = [name for name in KINDS if name in counts]
    kind = show_choice(
        _("Show"),
        met,
        "comparison_kind",
        lambda name: _("{name} ({count})", name=KINDS[name], count=counts[name]),
    )
    shown = [change for change in comparison.changes if change.kind == kind]
    part = show_page(shown, PAGE, f"comparison_page {kind}")
    cards = "".join(_card(change, comparison) for change in part)
    st.html(f'<div class="parts changes">{cards}</div>')


def _show_types(types: tuple[TypeCounts, ...]) -> None:
    if not types:
        return
    st.subheader(_("Escapes by defect type"), anchor=False)
    rows = [
        (as_html(_spoken(each.defect)), f"{each.before} → {each.after}", str(each.photos))
        for each in types
        if each.before or each.after
    ]
    if rows:
        show_sheet((_("Type"), _("Current → new"), _("Photos")), rows)
    if caught := [f"{_spoken(each.defect)} ({each.photos})" for each in types if not (each.before or each.after)]:
        st.caption(as_markdown(_("No escapes: {names}.", names=", ".join(sorted(caught)))))


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
