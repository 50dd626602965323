"""The files of a batch, one a line, to filter, to export and to look into."""

from collections import Counter
from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from ensemble import figures
from ensemble.imaging import overlays
from ensemble.imaging.overlays import png
from ensemble.imaging.photos import open_own
from ensemble.inspection.batches import Judged
from ensemble.policies import reasons
from ensemble.values.digits import in_number
from ensemble.values.results import REVIEW, Classes, word
from pages.components.common.choices import show_page
from pages.components.common.places import show_places
from pages.components.common.sheet import as_markdown
from pages.components.common.style import data_address, shape
from pages.components.common.votes import show_absent, show_reason, show_votes
from pages.components.inspect.verdict import show_verdict_card
from pages.session import batches, products

PAGE = 100
NO_PHOTO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" fill="none" stroke="#87939a" stroke-width="3">'
    b'<rect x="8" y="8" width="48" height="48" rx="3" stroke-dasharray="6 4"/><path d="M24 24l16 16m0-16L24 40"/></svg>'
)
SIGNS = {"ok": "✓", "nok": "✕", "review": "?", "plain": "•"}


def show_batch_table(batch: batches.Batch, rows: Sequence[Judged]) -> None:
    """Show the filters, the table and, for the line that was chosen, its votes."""
    classes = batch.classes
    found = _show_filters(rows, classes)
    if not found:
        st.info("No files match these filters.")
        return
    part, page = show_page(found, PAGE, "batch_page"), st.session_state.get("batch_page", 1)
    # Not the lines themselves: a line that is chosen stays so while others come after it.
    passing = (st.session_state.get("filter"), st.session_state.get("disputed"), products.policy().name)
    event = st.dataframe(
        _styled(part, classes),
        hide_index=True,
        row_height=64,
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        column_config={
            "Photo": st.column_config.ImageColumn(width=72),
            "Verdict": st.column_config.TextColumn(width=110),
            "Regions": st.column_config.TextColumn(width=72),
            "Why": st.column_config.TextColumn(width="large"),
        },
        key=f"batch table {batch.key} {page} {passing}",
        alt="Files of the batch with their verdicts; select a row for details.",
    )
    lines = [*event.selection.rows, *(line for line, _ in event.selection.cells)]
    if lines:
        _show_line(part[lines[0]])
    else:
        st.caption("Select a row for details.")


def _show_filters(rows: Sequence[Judged], classes: Classes) -> list[Judged]:
    counts = Counter(label_of(row) for row in rows)
    labels = [label for label in (*classes.names, REVIEW, REFUSED) if counts[label]]
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.pills(
            "Show",
            labels,
            selection_mode="multi",
            format_func=lambda label: as_markdown(f"{word(label)} {counts[label]}"),
            key="filter",
            label_visibility="collapsed",
        )
        disputed = st.toggle("Only disagreements", key="disputed")
    return [row for row in rows if (not wanted or label_of(row) in wanted) and (row.disputed or not disputed)]


def _styled(rows: Sequence[Judged], classes: Classes) -> "pd.io.formats.style.Styler":
    palette = figures.PALETTES[products.scheme()]
    looks = {label: figures.tone(label, classes) for label in (*classes.names, REVIEW)}
    frame = pd.DataFrame(
        {
            "Photo": [_address(row.thumbnail) for row in rows],
            "Verdict": [_verdict_cell(row, classes) for row in rows],
            "Name": [row.name for row in rows],
            "Decided by": [_decided_by(row) for row in rows],
            **({"Regions": [_places(row) for row in rows]} if any(_places(row) for row in rows) else {}),
            "Why": [_why(row) for row in rows],
        }
    )
    colours = [
        f"background-color: {palette.fill(looks[row.verdict.label])}; color: {palette.ink_on(looks[row.verdict.label])}"
        if row.verdict and looks[row.verdict.label] in ("nok", "review")
        else ""
        for row in rows
    ]
    return frame.style.apply(lambda _: colours, subset=["Verdict"])


def _verdict_cell(row: Judged, classes: Classes) -> str:
    if row.verdict is None:
        return f"– {REFUSED}"
    return f"{SIGNS[figures.tone(row.verdict.label, classes)]} {row.verdict.word}"


def _decided_by(row: Judged) -> str:
    """The score that decided, by its name: `3 of 6 models say NOK`, `Mean defect probability 0.71`."""
    return reasons.told(row.verdict.decision) if row.verdict and row.verdict.decision else "–"


def _places(row: Judged) -> str:
    return str(len(row.verdict.regions)) if row.verdict and row.verdict.regions else ""


def _why(row: Judged) -> str:
    if row.verdict is None:
        return row.error
    return f"{row.verdict.reason} Duplicate of {row.repeats}." if row.repeats else row.verdict.reason


def _address(thumbnail: bytes) -> str:
    """A small copy as an address; of a file that is no photo a crossed frame, for a table calls nothing "None"."""
    return data_address("jpeg", thumbnail) if thumbnail else data_address("svg+xml", NO_PHOTO)


def _show_line(row: Judged) -> None:
    with st.container(border=True, key="line"):
        st.text(row.name)
        if row.verdict is None:
            st.error(as_markdown(row.error), icon=":material/broken_image:")
            return
        with st.container(horizontal=True, key="linehead"):
            st.image(_marked(row), width=128, output_format="PNG", alt=f"Small copy of {row.name}")
            with st.container():
                show_verdict_card(row.verdict)
        show_absent(row.verdict.absent)
        show_reason(row.verdict)
        if row.verdict.regions:
            show_places(row.verdict.regions, row.verdict.size, calm=True)
        show_votes(row.verdict, key="line_votes")


def _marked(row: Judged) -> bytes:
    """The small copy with its regions outlined."""
    if row.verdict is None or not row.verdict.regions:
        return row.thumbnail
    return png(overlays.outlined(open_own(row.thumbnail), row.verdict.regions))


REFUSED = "not readable"


def label_of(row: Judged) -> str:
    """What became of a file: its verdict's label, or that it could not be read."""
    return row.verdict.label if row.verdict else REFUSED


def show_batch_summary(batch: batches.Batch, rows: Sequence[Judged]) -> None:
    """Show a tile for each verdict and one for files that could not be read."""
    classes = batch.classes
    counts = Counter(label_of(row) for row in rows)
    tiles = [_tile(figures.tone(label, classes), word(label), counts[label]) for label in (*classes.names, REVIEW)]
    refused = f'<div class="tile none"><b>{counts[REFUSED]}</b><span>{REFUSED}</span></div>'
    st.html(f'<div class="tiles">{"".join(tiles)}{refused}</div>')
    repeats = sum(bool(row.repeats) for row in rows)
    notes = [f"{len(rows)} of {batch.total} files in {batch.seconds:.1f} s"]
    if repeats:
        notes.append(in_number(repeats, "1 duplicate skipped", "{count} duplicates skipped"))
    if batch.stopped:
        notes.append("stopped by user")
    st.caption(" · ".join(notes))


def _tile(look: figures.Tone, name: str, number: int) -> str:
    quiet = "" if number else "none"
    return f'<div class="tile {look} {quiet}"><b>{number}</b><span>{shape(look)}{escape(name)}</span></div>'
