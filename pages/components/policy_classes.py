"""What a draft makes of products without a defect: each class by itself."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from ensemble import figures
from ensemble.cases import Case, truth
from ensemble.evaluation import verdict_quality
from ensemble.policies import Policy
from ensemble.results import REVIEW, word
from pages.components import session
from pages.components.chart import show_chart, show_csv
from pages.components.sheet import show_sheet

COLUMNS = ("class", "photos", "precision", "recall", "reviews")


def show_policy_classes(draft: Policy, known: Sequence[Case]) -> None:
    """Show precision, recall and reviews of each class, and the confusion."""
    labels, classes = session.labels(draft, known), session.classes()
    confusion = verdict_quality(truth(known), labels, classes)["confusion"]
    rows = [_row(name, confusion) for name in classes.names]
    show_sheet(
        ("Class", "Photos", "Precision", "Recall", "Reviews"),
        [[escape(word(str(row["class"]))), *(_shown(row[column]) for column in COLUMNS[1:])] for row in rows],
        folding=True,
    )
    st.caption(
        "Precision: of all parts given this class, those that truly are. Recall: of all that are, those given it."
    )
    show_csv("classes", COLUMNS, rows, "These figures (CSV)")
    show_chart(figures.confusion(confusion, classes, session.scheme()), "confusion")


def _row(name: str, confusion: dict[str, dict[str, int]]) -> dict[str, object]:
    right, photos = confusion[name][name], sum(confusion[name].values())
    given = sum(row[name] for row in confusion.values())
    return {
        "class": name,
        "photos": photos,
        "precision": round(right / given, 4) if given else "",
        "recall": round(right / photos, 4) if photos else "",
        "reviews": confusion[name].get(REVIEW, 0),
    }


def _shown(value: object) -> str:
    return f"{value:.1%}" if isinstance(value, float) else str(value if value != "" else "–")
