"""What is odd about the photos: look, then decide photo by photo or all of a kind at once."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from ensemble.datasets.cleaning import FINDING_KINDS
from ensemble.datasets.collection import CONTRADICTION, CollectedPhoto, Finding
from ensemble.values.results import word
from pages.components.common.charts import show_csv
from pages.components.common.choices import show_page
from pages.components.common.progress import show_work
from pages.components.common.sheet import as_markdown
from pages.components.data.kept import LARGE, NAMES, kept_card, show_kept
from pages.session import background, collections

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
        st.success("1 issue found." if count == 1 else f"{count} issues found.", icon=":material/check:")
    looked_at = collection.looked_at()
    findings = collection.findings()
    photos = {photo.sha256: photo for photo in collection.photos()}
    _show_contradictions([finding for finding in findings if finding.kind == CONTRADICTION], photos)
    _show_look(looked_at)
    if not looked_at:
        return
    findings = tuple(finding for finding in findings if finding.kind != CONTRADICTION)
    if not findings:
        st.info("No open issues. Next: **Split** or training.", icon=":material/check:")
        return
    _show_kinds(findings, photos)


def _show_contradictions(findings: Sequence[Finding], photos: Mapping[str, CollectedPhoto]) -> None:
    """Photos that came in under two labels, before anything else: nobody but a person can settle them."""
    if not findings:
        return
    kind = FINDING_KINDS[CONTRADICTION]
    st.header(f"{kind.title} ({len(findings)})", anchor=False)
    st.markdown(f"{as_markdown(kind.meaning)} {as_markdown(kind.advice)}")
    _show_findings(findings, photos, "contradiction")


def _show_look(looked_at: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        labels = st.toggle(
            "Check labels",
            value=True,
            help="A quick model predicts every photo by cross-validation: some seconds per hundred photos.",
            key="clean_labels",
        )
        pressed = st.button(  # no callback: it would get what was chosen when the page was last shown
            "Check again" if looked_at else "Check all photos",
            type="secondary" if looked_at else "primary",
            icon=":material/troubleshoot:",
            key="look_through",
        )
    if pressed:
        collections.look_through(label_errors=labels)
        st.rerun()
    if looked_at:
        st.caption(f"Last check {looked_at[:16].replace('T', ' ')} UTC. Kept photos are not listed again.")


def _show_kinds(findings: Sequence[Finding], photos: Mapping[str, CollectedPhoto]) -> None:
    counts = Counter(finding.kind for finding in findings)
    kinds = [kind for kind in FINDING_KINDS if counts[kind]]
    kind = st.pills(
        "Issues",
        kinds,
        default=kinds[0],
        required=True,
        format_func=lambda name: f"{FINDING_KINDS[name].title} ({counts[name]})",
        label_visibility="collapsed",
        key=f"clean_kind {' '.join(kinds)}",
    )
    st.markdown(f"{as_markdown(FINDING_KINDS[kind].meaning)} {as_markdown(FINDING_KINDS[kind].advice)}")
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
    show_csv("findings", rows, "All issues (CSV)")


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
    with st.popover(f"Apply to all {len(shown)}", icon=":material/done_all:"):
        st.caption("One entry in the history; can be undone.")
        if kind != CONTRADICTION:  # of two labels one must be said
            st.button("Keep all", on_click=collections.keep, args=(shown,), key=f"all keep {kind}")
        st.button("Exclude all", on_click=collections.decide, args=("drop", digests), key=f"all drop {kind}")


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
                    f"Move to {NAMES[home]}",
                    icon=":material/swap_horiz:",
                    on_click=collections.decide,
                    args=("move", [finding.sha256], home),
                    key=f"move {key}",
                )
            st.button(
                "Exclude",
                icon=":material/delete:",
                on_click=collections.decide,
                args=("drop", [finding.sha256]),
                key=f"drop {key}",
            )


def _show_label_button(finding: Finding, label: str, key: str) -> None:
    shown = as_markdown(word(label))
    st.button(
        f"Part is {shown}" if finding.kind == CONTRADICTION else f"Change to {shown}",
        icon=":material/label:",
        on_click=collections.decide,
        args=("relabel", [finding.sha256], label),
        key=key,
    )


def _keep_words(finding: Finding) -> str:
    if finding.kind == "label":
        return "Keep label"
    return "Keep both" if finding.others else "Keep"
