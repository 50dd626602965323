"""One photo of a batch, large, with its verdict, what stands out on it, and the way to its neighbours."""

from collections.abc import Sequence

import streamlit as st

from ensemble.imaging import overlays
from ensemble.imaging.photos import Photo, open_own, open_photo
from ensemble.inspection.batches import Judged
from ensemble.values.language import _
from pages.components.batch.grid import why_text
from pages.components.common.neighbours import show_ways
from pages.components.common.places import show_places
from pages.components.common.sheet import as_markdown
from pages.components.common.votes import show_absent, show_defect_score, show_reason, show_votes
from pages.components.common.wrong_verdict import show_correction
from pages.components.inspect.evidence import show_anomaly_map_legend, show_overlay_controls
from pages.components.inspect.verdict import show_verdict_card
from pages.session import batches, products
from pages.session.photo import Chosen


def show_detail(batch: batches.Batch, order: Sequence[int], picked: int) -> None:
    """Show the row that was picked, and buttons with keys that go to the previous and the next one."""
    found = batches.batch_rows(batch, [picked], whole=True)
    if not found:
        return
    (row,) = found
    with st.container(border=True, key="line"):
        show_ways("batch", order, picked, batches.pick_row, batch, _("All photos"))
        st.text(row.name)
        if row.verdict is None:
            st.error(as_markdown(why_text(row)), icon=":material/broken_image:")
            return
        show_verdict_card(row.verdict)
        show_absent(row.verdict.absent)
        opened = open_photo(row.data, row.name, products.view()) if row.data else None
        if opened is not None:
            show_correction(Chosen(opened, b"", row.data), row.verdict)
        _show_photo(row, opened)
        if row.verdict.regions or row.anomaly_map is not None:
            show_places(row.verdict.regions, row.verdict.size, calm=True, scale=row.verdict.mm_per_pixel)
        with st.expander(_("Why?"), icon=":material/help:", key="batch_why"):
            show_reason(row.verdict)
            show_defect_score(row.verdict, key="line_score")
            show_votes(row.verdict, key="line_votes")


def _show_photo(row: Judged, opened: Photo | None) -> None:
    """The photo with heat and outlines, or its small copy where it is no longer kept."""
    if row.verdict is None:
        return
    if opened is None and not row.thumbnail:
        st.caption(_("The photo itself is no longer kept."))
        return
    picture = opened.picture if opened is not None else open_own(row.thumbnail)
    place = st.container()
    points = bool(row.verdict.regions) or row.anomaly_map is not None
    opacity = show_overlay_controls() / 100 if points else 0.0
    drawn = overlays.overlay(overlays.canvas(picture), row.anomaly_map, row.verdict.regions, opacity)
    drawn = overlays.stamped(drawn) if row.verdict.demo else drawn
    with place:
        alt = _("The photo {name}", name=row.name)
        st.image(overlays.png(drawn), output_format="PNG", width="stretch", alt=alt)
    if row.anomaly_map is not None:
        show_anomaly_map_legend()
    if opened is None:
        st.caption(_("The photo itself is no longer kept: this is a small copy."))
