"""Where it fails: by type of defect, by product, or class by class; every rate with what it still allows."""

from collections.abc import Mapping
from html import escape

import streamlit as st

from ensemble.evaluation.performance import ClassCounts, Decided, by_class, by_product, by_type
from ensemble.metrics import costs
from ensemble.values.results import word
from pages.components.common.charts import show_csv
from pages.components.common.sheet import show_sheet
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
        st.info("No breakdown: neither types of defects nor several products are known.")
    elif types or products:
        st.caption(f"In brackets: upper limit ({costs.percent(costs.CONFIDENCE_LEVEL)} confidence).")


def _show_types(types: Mapping[str, Decided]) -> None:
    st.header("By defect type", anchor=False)
    rows = []
    for name, decided in types.items():
        counts = decided.counts
        assert counts is not None
        caught = f"{counts.caught} of {counts.defective}"
        rows.append((_name(name), _rate(counts.escapes, counts.defective), str(decided.reviews), caught))
    show_sheet(("Type", "Escapes", "Reviews", "Rejected"), rows, folding=True)
    _show_file("by-type", "defect", types)


def _show_products(products: Mapping[str, Decided]) -> None:
    st.header("By product", anchor=False)
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
    mistakes = (
        ("Errors",) if len(rows[0]) == len(("product", "right", "mistakes", "reviews")) else ("Escapes", "Overkills")
    )
    show_sheet(("Product", "Correct", *mistakes, "Reviews"), rows, folding=True)
    _show_file("by-product", "product", products)


def _show_classes(classes: Mapping[str, ClassCounts]) -> None:
    st.header("By class", anchor=False)
    rows = [
        (escape(word(name)), _share(counts.right, counts.called), _share(counts.right, counts.photos))
        for name, counts in classes.items()
    ]
    show_sheet(("Class", "Precision", "Recall"), rows, folding=True)
    file = [
        {"class": name, "photos": each.photos, "called": each.called, "right": each.right}
        for name, each in classes.items()
    ]
    show_csv("by-class", file)


def _name(name: str) -> str:
    return escape(name.replace("_", " ") or "–")


def _share(right: int, of: int) -> str:
    return f"{costs.percent(right / of)}<small>{right} of {of}</small>" if of else "–"


def _rate(events: int, trials: int) -> str:
    if not trials:
        return "–"
    return f"{events} of {trials}<small>{costs.percent(events / trials)} (≤ {costs.highest(events, trials)})</small>"


def _show_file(kind: str, first: str, found: Mapping[str, Decided]) -> None:
    rows: list[dict[str, object]] = []
    for name, decided in found.items():
        counted = {key: getattr(decided.counts, key) for key in COUNTED} if decided.counts else {}
        rows.append({first: name} | {key: getattr(decided, key) for key in DECIDED} | counted)
    show_csv(kind, rows)
