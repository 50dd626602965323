"""One inspection of the history: photo, heat map, votes as they were then, and what people said of it since."""

import json

import streamlit as st

from ensemble.imaging import overlays
from ensemble.records.values import Inspection, last_review
from ensemble.values.errors import QuorumError, RecordsError
from ensemble.values.language import Message, _, worded
from ensemble.values.results import REVIEW, Verdict, word
from ensemble.values.titles import policy_title
from pages.components.common.neighbours import show_neighbours
from pages.components.common.person import show_name_field
from pages.components.common.places import show_places
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_html, as_markdown, breakable, chip, show_sheet
from pages.components.common.votes import show_absent, show_defect_score, show_reason, show_votes
from pages.components.history.files import show_inspection_files, show_stored
from pages.components.history.part import show_part_of
from pages.components.inspect.evidence import show_anomaly_map_legend, show_overlay_controls
from pages.components.inspect.verdict import show_verdict_card
from pages.session import history, history_address
from pages.session.clock import local_time
from pages.session.told import HISTORY

SOURCES = {
    "screen": Message("Inspect a photo"),
    "batch": Message("Inspect a batch"),
    "command line": Message("command line"),
    "API": Message("API"),
    "folder": Message("watched folder"),
}


def show_inspection() -> None:
    """Show the inspection that the address names, and the ways to its neighbours and back to all."""
    try:
        inspection = history.one()
    except RecordsError as error:
        st.error(as_markdown(error.message), icon=":material/history_toggle_off:")
        st.button(_("All inspections"), on_click=history_address.open_one, args=("",), key="history_back")
        return
    _show_ways(inspection)
    show_told(HISTORY)
    try:
        verdict = history.verdict_then(inspection)
    except QuorumError as error:
        st.error(as_markdown(error.message), icon=":material/history_toggle_off:")
        show_stored(inspection)
        return
    with st.container(key="history_one"):
        photo, said = st.columns([3, 2])
        with photo, st.container(key="history_evidence"):
            _show_photo(inspection, verdict)
        with said, st.container(key="line"):
            show_verdict_card(verdict)
            show_absent(verdict.absent)
            show_part_of(inspection)
            _show_reviews(inspection, verdict)
            _show_correction(inspection, verdict)
            _show_facts(inspection)
    with st.expander(_("Why?"), icon=":material/help:", key="history_why"):
        show_reason(verdict)
        show_defect_score(verdict, key="history_score")
        show_votes(verdict, key="history_votes", explained=False)
    _show_digests(inspection)
    show_inspection_files(inspection, verdict)


def _show_ways(inspection: Inspection) -> None:
    try:
        newer, older = history.beside(history_address.asked(), inspection)
    except history_address.AddressError:
        newer = older = None
    with st.container(horizontal=True, vertical_alignment="center", key="history_neighbours"):
        st.button(
            _("All inspections"),
            icon=":material/grid_view:",
            on_click=history_address.open_one,
            args=("",),
            key="history_back",
        )
        before, after = ((called,) if called else None for called in (newer, older))
        show_neighbours("history", before, after, history_address.open_one, (_("Newer"), _("Older")))


def _show_photo(inspection: Inspection, verdict: Verdict) -> None:
    """The photo with heat and outlines, or why it cannot be shown."""
    name = inspection.stored["photo"]
    try:
        photo = history.photo_of(inspection)
    except QuorumError as error:
        st.error(as_markdown(error.message), icon=":material/broken_image:")
        return
    if photo is None:
        told = as_html(_("The photo is not kept."))
        st.html(f'<div class="waiting"><span>{told}</span></div>')
        return
    place = st.container()
    points = bool(verdict.regions) or verdict.anomaly_map is not None
    opacity = show_overlay_controls() / 100 if points else 0.0
    drawn = overlays.overlay(overlays.canvas(photo.picture), verdict.anomaly_map, verdict.regions, opacity)
    with place:
        alt = _("The photo {name}", name=name)
        st.image(overlays.png(drawn), output_format="PNG", width="stretch", alt=alt)
    if verdict.anomaly_map is not None:
        show_anomaly_map_legend()
    if points:
        calm = verdict.anomaly_map is not None
        show_places(verdict.regions, verdict.size, calm=calm, scale=verdict.mm_per_pixel)


def _show_reviews(inspection: Inspection, verdict: Verdict) -> None:
    """Everything that people said, the newest last; what was taken back stays."""
    if not inspection.reviews:
        return
    st.header(_("Reviews"), anchor=False)
    rows = []
    for review in inspection.reviews:
        said = as_html(_("undone")) if review.withdraws is not None else chip(review.label, verdict.classes)
        why = "<br>".join(as_html(each) for each in (review.defect, review.reason) if each) or "–"
        rows.append((as_html(local_time(review.at)), breakable(review.who or "–"), said, why))
    show_sheet((_("Time"), _("Who"), _("Says"), _("Reason")), rows, folding=True)
    if last_review(inspection.reviews) is not None:
        st.button(
            _("Undo the last review"),
            icon=":material/undo:",
            on_click=history.undo,
            args=(inspection.id,),
            key="history_undo",
        )


def _show_correction(inspection: Inspection, verdict: Verdict) -> None:
    settled = inspection.settled
    label = _("What is the part?") if settled == REVIEW else _("Correct the verdict")
    with st.popover(label, icon=":material/flag:"):
        labels = [name for name in verdict.classes.names if name != settled]
        st.radio(
            _("The part is"),
            labels,
            format_func=lambda name: as_markdown(word(name)),
            key="history_label",
            horizontal=True,
        )
        st.text_input(_("Reason (optional)"), key="history_reason", max_chars=300)
        if verdict.classes.defect is not None:
            st.text_input(_("Kind of defect (optional)"), key="history_defect", max_chars=60)
        show_name_field("history_who")
        st.button(
            _("Save"),
            type="primary",
            on_click=history.correct,
            args=(inspection.id,),
            key="history_correct",
            width="stretch",
        )
        st.caption(_("The verdict stays as it was given; this is kept beside it."))


def _show_facts(inspection: Inspection) -> None:
    stored = inspection.stored
    state = stored["policy_state"]
    policy = policy_title(stored["policy"])
    facts = {
        _("Time"): local_time(stored["time"]),
        _("Photo"): stored["photo"],
        _("Product"): stored["product"],
        _("Policy"): policy if state is None else _("{policy}, version {number}", policy=policy, number=state),
        _("Model version"): "–" if stored["model_version"] is None else str(stored["model_version"]),
        _("Inspected from"): worded(SOURCES.get(stored["source"], stored["source"])),
        _("Who"): stored["who"] or "–",
        **({_("Batch"): stored["batch"]} if stored["batch"] else {}),
        **{worded(title): value for title, value in history.trace_of(inspection).items()},
    }
    if stored["trial"]:
        st.caption(_("A trial policy gave this verdict: it does not count."))
    rows = "".join(f"<dt>{as_html(name)}</dt><dd>{breakable(value)}</dd>" for name, value in facts.items())
    st.html(f'<dl class="facts-list">{rows}</dl>')


def _show_digests(inspection: Inspection) -> None:
    stored = inspection.stored
    with st.expander(_("Evidence"), icon=":material/fingerprint:", key="history_digests"):
        facts = {
            _("Inspection"): inspection.id,
            _("Entry of the history"): str(inspection.number),
            _("SHA-256 of the photo"): stored["sha256"],
            _("SHA-256 of the models"): stored["model_digest"],
            _("SHA-256 of the policy"): stored["policy_digest"],
            _("Software"): stored["software"],
            _("Time (UTC)"): stored["time"],
            _("Time zone of the visitor"): stored["zone"] or "–",
        }
        rows = "".join(
            f"<dt>{as_html(name)}</dt><dd><code>{as_html(value)}</code></dd>" for name, value in facts.items()
        )
        st.html(f'<dl class="facts-list">{rows}</dl>')
        if policy := history.policy_kept(inspection):
            st.json(json.loads(policy), expanded=False)
