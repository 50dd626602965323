"""One part of a batch, its views side by side, each with its own verdict."""

from collections.abc import Sequence

import streamlit as st

from ensemble import figures
from ensemble.imaging import overlays
from ensemble.imaging.photos import open_own, open_photo
from ensemble.inspection.batches import Judged
from ensemble.jobs.batch_parts import BatchPart
from ensemble.policies import reasons
from ensemble.values.language import _
from pages.components.batch.grid import REFUSED, shown_word, why_text
from pages.components.common.choices import show_page
from pages.components.common.neighbours import show_ways
from pages.components.common.part import show_part_card
from pages.components.common.sheet import as_html, as_markdown, chip, quiet_chip
from pages.components.inspect.evidence import show_overlay_controls
from pages.session import batch_parts, batches, products

VIEWS_PAGE = 12  # photos


def show_part(batch: batches.Batch, order: Sequence[BatchPart], part: BatchPart) -> None:
    """Show a part with all its views, and buttons with keys that go to the part before and the one after it."""
    with st.container(border=True, key="batch_one_part"):
        keys = [each.key for each in order]
        show_ways("part", keys, part.key, batch_parts.pick_part, batch, _("All parts"))
        show_part_card(
            part_title(part), part.verdict.label, part.verdict.reason, figures.tone(part.verdict.label, batch.classes)
        )
        files = show_page(part.files, VIEWS_PAGE, "batch_views_page")
        rows = {row.place: row for row in batches.batch_rows(batch, [line.place for _view, line in files], whole=True)}
        points = any(row.anomaly_map is not None or (row.verdict and row.verdict.regions) for row in rows.values())
        opacity = show_overlay_controls() / 100 if points else 0.0
        with st.container(horizontal=True, key="part_views"):
            for view, line in files:
                if line.place in rows:
                    _show_view(batch, view, rows[line.place], opacity)
            for number, view in enumerate(part.empty):
                with st.container(key=f"part_missing_{number}"):
                    _show_title(view, quiet_chip(_("missing")))
                    gone = _("No photo of this view came.")
                    st.html(f'<div class="waiting"><span>{as_html(gone)}</span></div>')


def part_title(part: BatchPart) -> str:
    """What a part is called: its id, and its lot where that is known."""
    if not part.lot:
        return _("Part {part}", part=part.verdict.part)
    return _("Part {part}, lot {lot}", part=part.verdict.part, lot=part.lot)


def _show_title(view: str, said: str) -> None:
    st.html(f'<div class="view-title"><b>{as_html(view or _("no view named"))}</b>{said}</div>')


def _show_view(batch: batches.Batch, view: str, row: Judged, opacity: float) -> None:
    with st.container(key=f"part_view_{row.place}"):
        if row.verdict is None:
            _show_title(view, quiet_chip(shown_word(REFUSED)))
            st.error(as_markdown(why_text(row)), icon=":material/broken_image:")
            return
        _show_title(view, chip(row.verdict.label, batch.classes))
        small = open_own(row.thumbnail) if row.thumbnail and not row.data else None
        picture = open_photo(row.data, row.name, products.view()).picture if row.data else small
        if picture is None:
            st.caption(_("The photo itself is no longer kept."))
        else:
            drawn = overlays.overlay(overlays.canvas(picture), row.anomaly_map, row.verdict.regions, opacity)
            alt = _("The photo {name}", name=row.name)
            st.image(overlays.png(drawn), output_format="PNG", width="stretch", alt=alt)
        st.caption(as_markdown(why_text(row) if row.repeats else reasons.headline(row.verdict)))
        st.button(
            as_markdown(row.name),
            icon=":material/open_in_full:",
            on_click=batch_parts.open_photo_of_part,
            args=(batch, row.place),
            key=f"part_photo_{row.place}",
        )
