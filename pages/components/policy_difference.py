"""Which parts change their verdict when another policy comes into force."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from ensemble.cases import Case, Evidence
from ensemble.policies import Policy
from ensemble.results import Classes, word
from pages.components import session
from pages.components.chart import show_csv
from pages.components.policy_words import many
from pages.components.sheet import chip, quiet_chip, show_sheet

MOST = 50
COLUMNS = ("photo", "sha256", "truth", "before", "after", "new_escape", "new_overkill")


@dataclass(frozen=True, slots=True)
class Change:
    """A part whose verdict changes."""

    case: Case
    before: str
    after: str

    def is_escape(self, classes: Classes) -> bool:
        """Whether a defective part passes that was stopped before."""
        return classes.defect is not None and self.case.label == classes.defect and self.after == classes.good

    def is_overkill(self, classes: Classes) -> bool:
        """Whether a good part is rejected that was not before."""
        return classes.defect is not None and self.case.label == classes.good and self.after == classes.defect


def show_policy_difference(before: Policy, after: Policy, evidence: Evidence) -> None:
    """Show the test photos whose verdict changes from one policy to another: new escapes first."""
    classes, known = evidence.classes, evidence.test
    pairs = zip(known, session.labels(before, known), session.labels(after, known), strict=True)
    changes = [Change(case, first, then) for case, first, then in pairs if first != then]
    changes.sort(key=lambda change: (not change.is_escape(classes), not change.is_overkill(classes)))
    _show_counts(changes, len(known), classes)
    if not changes:
        return
    rows = [_cells(change, classes) for change in changes[:MOST]]
    show_sheet(("Photo", "Truly", "Before", "After"), rows, folding=True)
    if len(changes) > MOST:
        st.caption(f"The first {MOST} of {len(changes)}; the file holds all.")
    show_csv("difference", COLUMNS, [_row(change, classes) for change in changes], "These parts (CSV)")


def _show_counts(changes: Sequence[Change], total: int, classes: Classes) -> None:
    parts = "1 part changes its verdict" if len(changes) == 1 else f"{len(changes)} parts change their verdict"
    facts = [f'<p class="word">{parts}<small>of {total} test photos</small></p>']
    if classes.defect is not None:
        escapes = sum(change.is_escape(classes) for change in changes)
        stopped = sum(change.case.label == classes.defect and change.before == classes.good for change in changes)
        overkills = sum(change.is_overkill(classes) for change in changes)
        spared = sum(change.case.label == classes.good and change.before == classes.defect for change in changes)
        look = "nok" if escapes else "quiet"
        facts.append(f'<span class="chip {look}">{many(escapes, "new escape")}</span>')
        facts += [
            f'<span class="chip quiet">{text}</span>'
            for text in (
                f"{many(stopped, 'escape')} fewer",
                many(overkills, "new overkill"),
                f"{many(spared, 'overkill')} fewer",
            )
        ]
    st.html(f'<div class="difference" role="status">{"".join(facts)}</div>')


def _cells(change: Change, classes: Classes) -> list[str]:
    case = change.case
    picture = session.case_thumbnail(case)
    name = case.photo.rpartition("/")[2]
    shown = (
        f"{escape(name)}<small>{escape(case.defect)}</small>" if case.defect not in ("", case.label) else escape(name)
    )
    seen = '<span class="photo-gone">no photo</span>'
    if picture is not None:
        address = base64.b64encode(picture).decode()
        seen = f'<img src="data:image/jpeg;base64,{address}" alt="Photo {escape(name)}">'
    note = ""
    if change.is_escape(classes):
        note = ' <span class="chip nok">new escape</span>'
    elif change.is_overkill(classes):
        note = f" {quiet_chip('new overkill')}"
    return [
        f'<span class="with-photo">{seen}<span>{shown}</span></span>',
        quiet_chip(word(case.label)),
        quiet_chip(word(change.before)),
        f"{chip(change.after, classes)}{note}",
    ]


def _row(change: Change, classes: Classes) -> dict[str, object]:
    return {
        "photo": change.case.photo,
        "sha256": change.case.sha256,
        "truth": change.case.label,
        "before": change.before,
        "after": change.after,
        "new_escape": "yes" if change.is_escape(classes) else "no",
        "new_overkill": "yes" if change.is_overkill(classes) else "no",
    }
