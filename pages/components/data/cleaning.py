"""What is odd about the photos: look, then decide photo by photo or all of a kind at once."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from ensemble.datasets.cleaning import FINDING_KINDS
from ensemble.datasets.collection import CONTRADICTION, CollectedPhoto, Finding
from ensemble.values.language import _, paragraph
from ensemble.values.results import word
from pages.components.common.charts import show_csv
from pages.components.common.choices import show_page
from pages.components.common.progress import show_work
from pages.components.common.sheet import as_markdown
from pages.components.data.kept import LARGE, NAMES, kept_card, show_kept
from pages.session import background, collections
from pages.session.clock import local_time

PAGE = 6


def show_cleaning() -> None:
    """Show the button that looks for what is odd, then what was found and is still open."""
    collection = collections.collection()
    if collection is None:
        return
    key = f"clean {collection.folder}"
    if background.work(key) is not None:
        if (done := show_work(key)) is None:
            return
        background.forget_work(key)
        count = len(done.result)
        st.success(_("{count} issue found.", "{count} issues found.", count=count), icon=":material/check:")
    looked_at = collection.looked_at()
    findings = collection.findings()
    photos = {photo.sha256: photo for photo in collection.photos()}
    _show_contradictions([finding for finding in findings if finding.kind == CONTRADICTION], photos)
    _show_look(looked_at)
    if not looked_at:
        return
    findings = tuple(finding for finding in findings if finding.kind != CONTRADICTION)
    if not findings:
        st.info(_("No open issues. Next: **Split** or training."), icon=":material/check:")
        return
    _show_kinds(findings, photos)


def _titled(kind: str, count: int) -> str:
    return _("{name} ({count})", name=FINDING_KINDS[kind].title, count=count)


def _show_contradictions(findings: Sequence[Finding], photos: Mapping[str, CollectedPhoto]) -> None:
    """Photos that came in under two labels, before anything else: nobody but a person can settle them."""
    if not findings:
        return
    kind = FINDING_KINDS[CONTRADICTION]
    st.header(_titled(CONTRADICTION, len(findings)), anchor=False)
    st.markdown(as_markdown(paragraph(kind.meaning, kind.advice)))
    _show_findings(findings, photos, "contradiction")


def _show_look(looked_at: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        labels = st.toggle(
            _("Check labels"),
            value=True,
            help=_("A quick model predicts every photo by cross-validation: some seconds per hundred photos."),
            key="clean_labels",
        )
        pressed = st.button(  # no callback: it would get what was chosen when the page was last shown
            _("Check again") if looked_at else _("Check all photos"),
            type="secondary" if looked_at else "primary",
            icon=":material/troubleshoot:",
            key="look_through",
        )
    if pressed:
        collections.look_through(label_errors=labels)
        st.rerun()
    if looked_at:
        st.caption(_("Last check {time}. Kept photos are not listed again.", time=local_time(looked_at)))


def _show_kinds(findings: Sequence[Finding], photos: Mapping[str, CollectedPhoto]) -> None:
    counts = Counter(finding.kind for finding in findings)
    kinds = [kind for kind in FINDING_KINDS if counts[kind]]
    kind = st.pills(
        _("Issues"),
        kinds,
        default=kinds[0],
        required=True,
        format_func=lambda name: _titled(name, counts[name]),
        label_visibility="collapsed",
        key=f"clean_kind {' '.join(kinds)}",
    )
    st.markdown(as_markdown(paragraph(FINDING_KINDS[kind].meaning, FINDING_KINDS[kind].advice)))
    shown = [finding for finding in findings if finding.kind == kind]
    _show_all(shown, kind)
    _show_findings(shown, photos, kind)
    rows = [
        {
            "kind": finding.kind,
            "photo": photos[finding.sha256].name,
            "sha256": finding.sha256,
            "others": " ".join(photos[other].name for other in finding.others if other in photos),
            "score": finding.score,
            "sentence": finding.sentence,
            "suggestion": finding.suggestion,
        }
        for finding in findings
    ]
    show_csv("findings", rows, _("All issues (CSV)"))


def _show_findings(findings: Sequence[Finding], photos: Mapping[str, CollectedPhoto], kind: str) -> None:
    part = show_page(findings, PAGE, f"clean_page {kind}")
    look = "pairs" if any(finding.others for finding in part) else "singles"
    with st.container(key=f"findings_{look} {kind}"):
        for finding in part:
            show_finding(finding, photos)


def _show_all(shown: Sequence[Finding], kind: str) -> None:
    if len(shown) < 2:
        return
    digests = [finding.sha256 for finding in shown]
    with st.popover(_("Apply to all {count}", count=len(shown)), icon=":material/done_all:"):
        st.caption(_("One entry in the history; can be undone."))
        if kind != CONTRADICTION:  # of two labels one must be said
            st.button(_("Keep all"), on_click=collections.keep, args=(shown,), key=f"all keep {kind}")
        st.button(_("Exclude all"), on_click=collections.decide, args=("drop", digests), key=f"all drop {kind}")


OTHERS = 3  # pictures of photos that it resembles


def show_finding(finding: Finding, photos: Mapping[str, CollectedPhoto]) -> None:
    """Show a finding with its photos side by side, and what can be decided."""
    photo = photos[finding.sha256]
    others = [photos[other] for other in finding.others[:OTHERS] if other in photos]
    key = f"{finding.kind} {finding.sha256[:16]} {len(finding.others)}"
    key += f" {finding.suggestion}" if finding.kind == CONTRADICTION else ""
    with st.container(border=True, key=f"finding {key}"):
        show_kept([kept_card(each, LARGE) for each in (photo, *others)], "pair")
        st.markdown(as_markdown(finding.sentence))
        with st.container(horizontal=True):
            if finding.kind == CONTRADICTION:
                _show_label_button(finding, photo.label, f"first {key}")
            else:
                st.button(_keep_words(finding), on_click=collections.keep, args=([finding],), key=f"keep {key}")
            if finding.suggestion:
                _show_label_button(finding, finding.suggestion, f"relabel {key}")
            home = others[0].split if others else ""
            if home and home != photo.split:
                st.button(
                    _("Move to {split}", split=NAMES[home]),
                    icon=":material/swap_horiz:",
                    on_click=collections.decide,
                    args=("move", [finding.sha256], home),
                    key=f"move {key}",
                )
            st.button(
                _("Exclude"),
                icon=":material/delete:",
                on_click=collections.decide,
                args=("drop", [finding.sha256]),
                key=f"drop {key}",
            )


def _show_label_button(finding: Finding, label: str, key: str) -> None:
    two = finding.kind == CONTRADICTION
    st.button(
        as_markdown(_("Part is {label}", label=word(label)) if two else _("Change to {label}", label=word(label))),
        icon=":material/label:",
        on_click=collections.decide,
        args=("relabel", [finding.sha256], label),
        key=key,
    )


def _keep_words(finding: Finding) -> str:
    if finding.kind == "label":
        return _("Keep label")
    return _("Keep both") if finding.others else _("Keep")
