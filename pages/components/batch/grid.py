"""The photos of a batch as a grid: those that need a person first, each with the word and shape of its verdict."""

from collections import Counter
from collections.abc import Callable, Sequence

import streamlit as st

from ensemble import figures
from ensemble.inspection.batches import Judged
from ensemble.jobs.batch_results import BatchLine
from ensemble.values.language import Message, _, paragraph, worded
from ensemble.values.results import REVIEW, Classes, word
from pages.components.common.choices import show_page
from pages.components.common.sheet import as_html, as_markdown
from pages.components.common.style import data_address, shape
from pages.session import batches

PAGE = 24  # photos
REFUSED, ALL = "not readable", ""
Lines = Sequence[BatchLine]
REFUSED_WORD = Message("not readable")


def label_of(line: BatchLine) -> str:
    """What became of a file: its verdict's label, or that it could not be read."""
    return line.label or REFUSED


def batch_labels(classes: Classes) -> list[str]:
    """Everything that may become of a file, what needs a person first."""
    defects = [name for name in classes.names if name == classes.defect]
    return [*defects, REVIEW, REFUSED, *(name for name in classes.names if name not in defects)]


def attention_first(lines: Lines, classes: Classes) -> list[BatchLine]:
    """The files: NOK, REVIEW and what could not be read, then the others, each in their order."""
    rank = {label: number for number, label in enumerate(batch_labels(classes))}
    return sorted(lines, key=lambda line: rank.get(label_of(line), len(rank)))


def show_tiles(batch: batches.Batch, lines: Lines) -> None:
    """Show a tile for all files and one for each thing that became of them; a press shows these alone."""
    counts = Counter({ALL: len(lines), **Counter(map(label_of, lines))})
    shown = batches.shown_label()
    with st.container(horizontal=True, key="batch_tiles"):
        for number, label in enumerate((ALL, *batch_labels(batch.classes))):
            show_tile(number, label, counts[label], batch.classes, batches.show_label, chosen=label == shown)
    done = _(
        "{done} of {total} files in {seconds:.1f} s", done=len(lines), total=batch.job.total, seconds=batch.job.seconds
    )
    notes = [done]
    if repeats := sum(line.repeated for line in lines):
        notes.append(_("{count} duplicate skipped", "{count} duplicates skipped", count=repeats))
    if batch.job.state == "stopped":
        notes.append(_("stopped by user"))
    st.caption(" · ".join(notes))


def show_tile(
    number: int, label: str, count: int, classes: Classes, press: Callable[[str], None], *, chosen: bool
) -> None:
    """Show how many have a label, or how many there are; a press on it shows these alone."""
    name = _("All") if label == ALL else shown_word(label)
    look = figures.tone(label, classes) if label not in (ALL, REFUSED) else None
    states = f"{look or ''}{'' if count and look else ' none'}{' chosen' if chosen else ''}"
    with st.container(key=f"batch_tile_{number}"):
        st.html(
            f'<div class="tile {states}"><b>{count}</b><span>{shape(look) if look else ""}{as_html(name)}</span></div>'
        )
        told = _("Show all") if label == ALL else _("Show {verdict} alone", verdict=name)
        st.button(as_markdown(told), on_click=press, args=(label,), key=f"batch_show_{number}")


def shown_word(label: str) -> str:
    """What a person reads of a label."""
    return worded(REFUSED_WORD if label == REFUSED else word(label))


def show_filtered(lines: Lines) -> list[int]:
    """Show what narrows the photos further; gives the places of those that are left."""
    disputed = st.toggle(_("Only disagreements"), key="disputed")
    label = batches.shown_label()
    return [line.place for line in lines if label in (ALL, label_of(line)) and (line.disputed or not disputed)]


def show_grid(batch: batches.Batch, order: Sequence[int]) -> None:
    """Show the photos whole, some at a time; a press on one shows it large."""
    if not order:
        st.info(_("No files match these filters."))
        return
    picked = batches.picked_row(batch)
    with st.container(horizontal=True, key="batch_grid"):
        for row in batches.batch_rows(batch, show_page(order, PAGE, "batch_page"), seen=True):
            place = row.place
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
    said = as_html(shown_word(row.verdict.label if row.verdict else REFUSED))
    return (
        f'<figure class="shot {look}{" chosen" if chosen else ""}">{seen}'
        f"<figcaption>{sign}{stamp}{said}</figcaption></figure>"
    )


def why_text(row: Judged) -> str:
    """Why a file's verdict is what it is, or why it could not be read."""
    if row.verdict is None:
        return worded(row.error)
    if row.repeats:
        return worded(paragraph(row.verdict.reason, Message("Duplicate of {name}.", name=row.repeats)))
    return worded(row.verdict.reason)
