"""The parts of a batch whose product expects several views: each with its verdict, its views, and what is missing."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from ensemble import figures
from ensemble.inspection.batches import Judged
from ensemble.jobs.batch_parts import BatchPart
from ensemble.values.language import Message, _, worded
from ensemble.values.results import REVIEW, Classes, word
from pages.components.batch.grid import ALL, REFUSED, Lines, label_of, show_tile, shown_word
from pages.components.batch.part_detail import part_title, show_part
from pages.components.common.choices import show_choice, show_page
from pages.components.common.sheet import as_html, as_markdown
from pages.components.common.style import data_address, shape
from pages.session import batch_parts, batches

PARTS_PAGE = 12  # parts
MOST_SMALL = 8  # photos of a part beside its verdict; all are there once it is opened
WAYS: Mapping[str, str] = {batch_parts.PARTS: Message("Parts"), batch_parts.PHOTOS: Message("Photos")}


def show_by() -> str:
    """Show the choice between parts and photos; gives what is chosen."""
    return show_choice(_("Show"), WAYS, batch_parts.BY, lambda way: worded(WAYS[way]))


def show_parts(batch: batches.Batch, parts: Sequence[BatchPart], lines: Lines) -> None:
    """Show how many parts have which verdict, and the parts, or the one that was picked."""
    order = _attention_first(parts, batch.classes)
    picked = batch_parts.picked_part(batch)
    chosen = next((part for part in order if part.key == picked), None)
    if chosen is not None:
        show_part(batch, [part for part in order if _is_shown(part)], chosen)
        return
    _show_tiles(batch, parts, lines)
    shown = [part for part in order if _is_shown(part)]
    if not shown:
        st.info(_("No part has this verdict."))
        return
    on_page = show_page(shown, PARTS_PAGE, "batch_parts_page")
    places = [line.place for part in on_page for _view, line in part.files[:MOST_SMALL]]
    rows = {row.place: row for row in batches.batch_rows(batch, places, seen=True)}
    with st.container(horizontal=True, key="batch_parts"):
        for part in on_page:
            _show_card(batch, part, rows)


def _is_shown(part: BatchPart) -> bool:
    return batch_parts.shown_verdict() in (ALL, part.verdict.label)


def _labels(classes: Classes) -> list[str]:
    """The verdicts that a part may have, what needs a person first."""
    defects = [name for name in classes.names if name == classes.defect]
    return [*defects, REVIEW, *(name for name in classes.names if name not in defects)]


def _attention_first(parts: Sequence[BatchPart], classes: Classes) -> list[BatchPart]:
    rank = {label: number for number, label in enumerate(_labels(classes))}
    return sorted(parts, key=lambda part: rank.get(part.verdict.label, len(rank)))


def _show_tiles(batch: batches.Batch, parts: Sequence[BatchPart], lines: Lines) -> None:
    counts = Counter({ALL: len(parts), **Counter(part.verdict.label for part in parts)})
    shown = batch_parts.shown_verdict()
    with st.container(horizontal=True, key="batch_tiles"):
        for number, label in enumerate((ALL, *_labels(batch.classes))):
            press = batch_parts.show_parts_with
            show_tile(number, label, counts[label], batch.classes, press, chosen=label == shown)
    photos = Counter(map(label_of, lines))
    words = [f"{photos[label]} {shown_word(label)}" for label in (*_labels(batch.classes), REFUSED) if photos[label]]
    said = _("{count} photo: {words}.", "{count} photos: {words}.", count=len(lines), words=", ".join(words))
    st.caption(as_markdown(said))
    if loose := len(lines) - sum(len(part.files) for part in parts):
        told = _(
            "{count} file name tells no part: that photo has a verdict of its own, under Photos.",
            "{count} file names tell no part: these photos have a verdict of their own, under Photos.",
            count=loose,
        )
        st.warning(told, icon=":material/label_off:")
    if batch.job.is_open:
        st.caption(_("A view that is not analyzed yet still counts as missing."))


def _show_card(batch: batches.Batch, part: BatchPart, rows: Mapping[int, Judged]) -> None:
    with st.container(key=f"batch_part_{part.files[0][1].place}"):
        st.html(_card(batch, part, rows))
        st.button(
            as_markdown(part_title(part)),
            type="tertiary",
            on_click=batch_parts.pick_part,
            args=(batch, part.key),
            key=f"batch_part_pick_{part.files[0][1].place}",
        )


def _card(batch: batches.Batch, part: BatchPart, rows: Mapping[int, Judged]) -> str:
    verdict = part.verdict
    look = figures.tone(verdict.label, batch.classes)
    views = [_small(batch, view, rows.get(line.place)) for view, line in part.files[:MOST_SMALL]]
    views += [missing_view(view) for view in part.empty]
    more = len(part.files) - MOST_SMALL
    rest = f"<p>{as_html(_('and {count} more', 'and {count} more', count=more))}</p>" if more > 0 else ""
    return (
        f'<div class="part-card {look}"><div class="part-word">{shape(look)}{as_html(word(verdict.label))}</div>'
        f'<div class="part-views">{"".join(views)}</div>{rest}<p>{as_html(verdict.reason)}</p></div>'
    )


def _small(batch: batches.Batch, view: str, row: Judged | None) -> str:
    verdict = row.verdict if row is not None else None
    look = figures.tone(verdict.label, batch.classes) if verdict else "refused"
    sign = shape(figures.tone(verdict.label, batch.classes)) if verdict else ""
    name = row.name if row is not None else ""
    seen = (
        f'<img src="{data_address("jpeg", row.thumbnail)}" alt="{as_html(name)}">'
        if row is not None and row.thumbnail
        else '<div class="gone"></div>'
    )
    said = as_html(shown_word(verdict.label if verdict else REFUSED))
    return (
        f'<figure class="shot {look}">{seen}<figcaption>{sign}{said}</figcaption>'
        f"<small>{as_html(view or _('no view named'))}</small></figure>"
    )


def missing_view(view: str) -> str:
    """A place for a view that is not there, as HTML."""
    gone = as_html(_("missing"))
    return f'<figure class="shot refused"><div class="gone">{gone}</div><small>{as_html(view)}</small></figure>'
