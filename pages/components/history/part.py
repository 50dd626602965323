"""A part of several views in the history: its verdict by all its photos, its views, and what is missing."""

import streamlit as st

from ensemble import figures
from ensemble.inspection.kept import classes_of
from ensemble.inspection.kept_parts import KeptPart
from ensemble.records.values import Inspection
from ensemble.values.errors import QuorumError
from ensemble.values.language import _, listed, worded
from pages.components.common.charts import show_file
from pages.components.common.part import show_part_card
from pages.components.common.sheet import as_html, as_markdown, breakable, chip, quiet_chip, show_sheet
from pages.session import history_address, history_files, part_views
from pages.session.clock import local_time


def show_part_asked(wanted: history_address.Asked) -> None:
    """Show the part that the filters name, where its product expects views, by all its photos, not only those shown."""
    part = wanted.values.get("part", "")
    if not part:
        return
    try:
        found = part_views.parts_called(part, wanted.values.get("lot", ""), wanted.values.get("of", ""))
    except QuorumError as error:
        st.error(as_markdown(error.message), icon=":material/report:")
        return
    if len(found) > 1:
        told = _("Several products have a part {part}: choose one.", part=as_markdown(part))
        st.info(told, icon=":material/category:")
    elif found:
        _show_part(found[0])


def _show_part(found: KeptPart) -> None:
    classes, verdict = classes_of(found.photos[0].stored), found.verdict
    with st.container(border=True, key="history_one_part"):
        facts = _("Part {part} of {product}", part=verdict.part, product=found.photos[0].stored["product"])
        show_part_card(facts, verdict.label, verdict.reason, figures.tone(verdict.label, classes))
        rows = [
            (
                breakable(each.stored["trace"]["view"] or "–"),
                chip(each.settled, classes),
                as_html(local_time(each.stored["time"])),
                breakable(each.stored["photo"]),
            )
            for each in found.photos
        ]
        missing = quiet_chip(_("missing"))
        rows += [(as_html(view), missing, "–", "–") for view in verdict.missing]
        show_sheet((_("View"), _("Verdict"), _("Time"), _("Photo")), rows, folding=True)
        label = _("Evidence of the part (PDF)")
        make, about = history_files.part_evidence(found), verdict.part
        show_file(
            make, "part_evidence", ".pdf", label, about=about, at=found.photos[0].stored["time"], quiet=False, kept=True
        )


def show_part_of(inspection: Inspection) -> None:
    """Show which part an inspection is of, what that part comes to, and the way to all its photos."""
    stored = inspection.stored
    trace = stored["trace"]
    if not trace["part"]:
        return
    try:
        found = part_views.part_of(stored["product"], trace["part"], trace["lot"])
    except QuorumError as error:
        st.error(as_markdown(error.message), icon=":material/report:")
        found = None
    if found is not None:
        said = chip(found.verdict.label, classes_of(stored))
        told = _("Part {part}", part=trace["part"])
        st.html(
            f'<div class="part-line"><b>{as_html(told)}</b>{said}<span>{as_html(found.verdict.reason)}</span></div>'
        )
    st.button(
        _("All photos of this part"),
        icon=":material/view_carousel:",
        on_click=history_address.ask_for_part,
        args=(stored,),
        key="history_part_all",
    )


def show_part_link(inspection: Inspection) -> None:
    """Show the part and the view of a photo among many; a press shows all photos of the part."""
    stored = inspection.stored
    trace = stored["trace"]
    if not trace["part"]:
        return
    label = listed([_("Part {part}", part=trace["part"]), *([trace["view"]] if trace["view"] else [])])
    with st.container(key=f"history_of_part_{inspection.number}"):
        st.button(
            as_markdown(worded(label)),
            icon=":material/view_carousel:",
            type="tertiary",
            on_click=history_address.ask_for_part,
            args=(stored,),
            key=f"history_part_{inspection.number}",
        )
