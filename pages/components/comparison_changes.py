"""The photos that the new model decides otherwise than the current one, escapes first."""

import base64
from collections import Counter
from html import escape
from pathlib import Path

import streamlit as st

from ensemble.cases import Case
from ensemble.comparison import Change, Comparison, TypeCounts
from ensemble.errors import QuorumError
from ensemble.results import Classes, word
from pages.components import session
from pages.components.chart import show_csv
from pages.components.sheet import as_markdown, chip, show_sheet

PAGE = 12
KINDS = {
    "escaped": "Escapes now",
    "caught": "Caught now",
    "rejected": "Overkill now",
    "spared": "Overkill no more",
    "broken": "Right no more",
    "mended": "Right now",
    "otherwise": "Decided otherwise",
}
COLUMNS = ("what", "photo", "truth", "defect", "product", "before", "after")


def show_changes(comparison: Comparison) -> None:
    """Show escapes by type of defect, and every photo whose verdict changed, some at a time."""
    _show_types(comparison.types)
    st.subheader("Which photos changed", anchor=False)
    if not comparison.changes:
        st.html('<p class="calm">Both decide every photo alike.</p>')
        return
    counts = Counter(change.kind for change in comparison.changes)
    kind = st.segmented_control(
        "Show",
        [name for name in KINDS if name in counts],
        default=next(name for name in KINDS if name in counts),
        required=True,
        format_func=lambda name: f"{KINDS[name]} {counts[name]}",
        label_visibility="collapsed",
        key="comparison_kind",
    )
    shown = [change for change in comparison.changes if change.kind == kind]
    pages = -(-len(shown) // PAGE)
    page = st.pagination(pages, key=f"comparison_page {kind}") if pages > 1 else 1
    cards = "".join(_card(change, comparison.classes) for change in shown[(page - 1) * PAGE : page * PAGE])
    st.html(f'<div class="parts changes">{cards}</div>')
    show_csv("changes", COLUMNS, [_row(change) for change in comparison.changes])


def _show_types(types: tuple[TypeCounts, ...]) -> None:
    if not types:
        return
    st.subheader("Escapes by type of defect", anchor=False)
    rows = [
        (escape(_spoken(each.defect)), f"{each.before} → {each.after}", str(each.photos))
        for each in types
        if each.before or each.after
    ]
    if rows:
        show_sheet(("Type", "Current → new", "Photos"), rows)
    if caught := [f"{_spoken(each.defect)} ({each.photos})" for each in types if not (each.before or each.after)]:
        st.caption(as_markdown(f"No escape of either: {', '.join(sorted(caught))}."))


def _spoken(defect: str) -> str:
    return defect.replace("_", " ")


def _card(change: Change, classes: Classes) -> str:
    defect = _spoken(change.defect) if change.defect != change.label else ""
    facts = " · ".join(filter(None, (f"truly {word(change.label)}", defect, change.category)))
    verdicts = f"{chip(change.before, classes)} → {chip(change.after, classes)}"
    name = escape(Path(change.photo).stem.replace("_", " "))
    said = f"<div><h4>{name}</h4><p>{verdicts}<br>{escape(facts)}</p></div>"
    return f'<article class="part">{_picture(change)}{said}</article>'


def _picture(change: Change) -> str:
    try:
        thumbnail = session.case_thumbnail(Case(change.photo, change.sha256, change.label, ()))
    except QuorumError:  # the product has no evidence that would say where its photos lie
        thumbnail = None
    if thumbnail is None:
        return '<div class="gone">photo<br>not here</div>'
    address = f"data:image/jpeg;base64,{base64.b64encode(thumbnail).decode()}"
    return f'<img src="{address}" alt="{escape(change.photo)}" loading="lazy">'


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
