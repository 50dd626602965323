"""Where it fails: by type of defect, by product, or class by class; every rate with what it still allows."""

from collections.abc import Mapping

import streamlit as st

from ensemble.evaluation.performance import ClassCounts, Decided, by_class, by_product, by_type
from ensemble.metrics import costs
from ensemble.values.language import _
from ensemble.values.results import word
from pages.components.common.charts import show_csv
from pages.components.common.sheet import as_html, show_sheet
from pages.components.performance.basis import Measured

DECIDED, COUNTED = ("photos", "decided", "right", "reviews"), ("good", "defective", "escapes", "overkills")


def show_performance_tables(measured: Measured) -> None:
    """Show the counts by type of defect and by product where these are known, and by class where none is the defect."""
    given = measured.known, measured.verdicts, measured.classes
    types, products = by_type(*given), by_product(*given)
    if measured.classes.defect is None:
        _show_classes(by_class(*given))
    if types:
        _show_types(types)
    if products:
        _show_products(products)
    if not types and not products and measured.classes.defect is not None:
        st.info(_("No breakdown: neither types of defects nor several products are known."))
    elif types or products:
        st.caption(_("In brackets: upper limit ({sure} confidence).", sure=costs.percent(costs.CONFIDENCE_LEVEL)))


def _show_types(types: Mapping[str, Decided]) -> None:
    st.header(_("By defect type"), anchor=False)
    rows = []
    for name, decided in types.items():
        counts = decided.counts
        assert counts is not None
        caught = as_html(_("{caught} of {defective}", caught=counts.caught, defective=counts.defective))
        rows.append((_name(name), _rate(counts.escapes, counts.defective), str(decided.reviews), caught))
    show_sheet((_("Type"), _("Escapes"), _("Reviews"), _("Rejected")), rows, folding=True)
    _show_file("by-type", "defect", types)


def _show_products(products: Mapping[str, Decided]) -> None:
    st.header(_("By product"), anchor=False)
    rows = []
    for name, decided in products.items():
        counts = decided.counts
        wrong = (
            (_rate(decided.wrong, decided.decided),)
            if counts is None
            else (_rate(counts.escapes, counts.defective), _rate(counts.overkills, counts.good))
        )
        accuracy = _share(decided.right, decided.decided)
        rows.append((_name(name), accuracy, *wrong, _rate(decided.reviews, decided.photos)))
    has_defect = all(decided.counts for decided in products.values())
    mistakes = (_("Escapes"), _("Overkills")) if has_defect else (_("Errors"),)
    show_sheet((_("Product"), _("Correct"), *mistakes, _("Reviews")), rows, folding=True)
    _show_file("by-product", "product", products)


def _show_classes(classes: Mapping[str, ClassCounts]) -> None:
    st.header(_("By class"), anchor=False)
    rows = [
        (as_html(word(name)), _share(counts.right, counts.called), _share(counts.right, counts.photos))
        for name, counts in classes.items()
    ]
    show_sheet((_("Class"), _("Precision"), _("Recall")), rows, folding=True)
    file = [
        {"class": name, "photos": each.photos, "called": each.called, "right": each.right}
        for name, each in classes.items()
    ]
    show_csv("by-class", file)


def _name(name: str) -> str:
    return as_html(name.replace("_", " ") or "–")


def _share(right: int, of: int) -> str:
    if not of:
        return "–"
    return _("{share}<small>{right} of {total}</small>", share=costs.percent(right / of), right=right, total=of)


def _rate(events: int, trials: int) -> str:
    if not trials:
        return "–"
    return _(
        "{events} of {trials}<small>{share} (≤ {limit})</small>",
        events=events,
        trials=trials,
        share=costs.percent(events / trials),
        limit=costs.highest(events, trials),
    )


def _show_file(kind: str, first: str, found: Mapping[str, Decided]) -> None:
    rows: list[dict[str, object]] = []
    for name, decided in found.items():
        counted = {key: getattr(decided.counts, key) for key in COUNTED} if decided.counts else {}
        rows.append({first: name} | {key: getattr(decided, key) for key in DECIDED} | counted)
    show_csv(kind, rows)
