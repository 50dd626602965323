"""The photos of a batch as a grid: those that need a person first, each with the word and shape of its verdict."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from ensemble import figures
from ensemble.inspection.batches import Judged
from ensemble.values.language import Message, _, paragraph, worded
from ensemble.values.results import REVIEW, Classes, word
from pages.components.common.choices import show_page
from pages.components.common.sheet import as_html, as_markdown
from pages.components.common.style import data_address, shape
from pages.session import batches

PAGE = 24  # photos
REFUSED, ALL = "not readable", ""
REFUSED_WORD = Message("not readable")


def label_of(row: Judged) -> str:
    """What became of a file: its verdict's label, or that it could not be read."""
    return row.verdict.label if row.verdict else REFUSED


def _labels(classes: Classes) -> list[str]:
    """Everything that may become of a file, what needs a person first."""
    defects = [name for name in classes.names if name == classes.defect]
    return [*defects, REVIEW, REFUSED, *(name for name in classes.names if name not in defects)]


def attention_first(rows: Sequence[Judged], classes: Classes) -> list[int]:
    """The places of the rows: NOK, REVIEW and what could not be read, then the others, each in their order."""
    rank = {label: number for number, label in enumerate(_labels(classes))}
    return sorted(range(len(rows)), key=lambda place: rank.get(label_of(rows[place]), len(rank)))


def show_tiles(batch: batches.Batch, rows: Sequence[Judged]) -> None:
    """Show a tile for all files and one for each thing that became of them; a press shows these alone."""
    counts = Counter(label_of(row) for row in rows)
    shown = batches.shown_label()
    with st.container(horizontal=True, key="batch_tiles"):
        for number, label in enumerate((ALL, *_labels(batch.classes))):
            name = _("All") if label == ALL else _shown_word(label)
            count = len(rows) if label == ALL else counts[label]
            look = figures.tone(label, batch.classes) if label not in (ALL, REFUSED) else None
            states = f"{look or ''}{'' if count and look else ' none'}{' chosen' if label == shown else ''}"
            with st.container(key=f"batch_tile_{number}"):
                st.html(
                    f'<div class="tile {states}"><b>{count}</b>'
                    f"<span>{shape(look) if look else ''}{as_html(name)}</span></div>"
                )
                told = _("Show all") if label == ALL else _("Show {verdict} alone", verdict=name)
                st.button(as_markdown(told), on_click=batches.show_label, args=(label,), key=f"batch_show_{number}")
    done = _("{done} of {total} files in {seconds:.1f} s", done=len(rows), total=batch.total, seconds=batch.seconds)
    notes = [done]
    if repeats := sum(bool(row.repeats) for row in rows):
        notes.append(_("{count} duplicate skipped", "{count} duplicates skipped", count=repeats))
    if batch.stopped:
        notes.append(_("stopped by user"))
    st.caption(" · ".join(notes))


def _shown_word(label: str) -> str:
    return worded(REFUSED_WORD if label == REFUSED else word(label))


def show_filtered(order: Sequence[int], rows: Sequence[Judged]) -> list[int]:
    """Show what narrows the photos further; gives the places of those that are left."""
    disputed = st.toggle(_("Only disagreements"), key="disputed")
    label = batches.shown_label()
    return [
        place for place in order if label in (ALL, label_of(rows[place])) and (rows[place].disputed or not disputed)
    ]


def show_grid(batch: batches.Batch, rows: Sequence[Judged], order: Sequence[int]) -> None:
    """Show the photos whole, some at a time; a press on one shows it large."""
    if not order:
        st.info(_("No files match these filters."))
        return
    picked = batches.picked_row(batch)
    with st.container(horizontal=True, key="batch_grid"):
        for place in show_page(order, PAGE, "batch_page"):
            row = rows[place]
            with st.container(key=f"batch_photo_{place}"):
                st.html(_photo(row, batch, chosen=place == picked))
                st.button(
                    as_markdown(row.name),
                    type="tertiary",
                    on_click=batches.pick_row,
                    args=(batch, place),
                    key=f"batch_pick_{place}",
                )


def _photo(row: Judged, batch: batches.Batch, *, chosen: bool) -> str:
    look = figures.tone(row.verdict.label, batch.classes) if row.verdict else "refused"
    stamp = "DEMO " if batch.demo else ""
    sign = shape(figures.tone(row.verdict.label, batch.classes)) if row.verdict else ""
    seen = (
        f'<img src="{data_address("jpeg", row.thumbnail)}" alt="{as_html(row.name)}">'
        if row.thumbnail
        else '<div class="gone"></div>'
    )
    return (
        f'<figure class="shot {look}{" chosen" if chosen else ""}">{seen}'
        f"<figcaption>{sign}{stamp}{as_html(_shown_word(label_of(row)))}</figcaption></figure>"
    )


def why_text(row: Judged) -> str:
    """Why a file's verdict is what it is, or why it could not be read."""
    if row.verdict is None:
        return worded(row.error)
    if row.repeats:
        return worded(paragraph(row.verdict.reason, Message("Duplicate of {name}.", name=row.repeats)))
    return worded(row.verdict.reason)
