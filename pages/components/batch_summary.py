"""How many of each: the numbers of a batch at a glance."""

from collections import Counter
from collections.abc import Sequence
from html import escape

import streamlit as st

from ensemble import figures
from ensemble.batches import Judged
from ensemble.results import REVIEW, word
from pages.components import session
from pages.components.mark import shape

REFUSED = "refused"


def label_of(row: Judged) -> str:
    """What became of a file: its verdict's label, or that it was refused."""
    return row.verdict.label if row.verdict else REFUSED


def show_batch_summary(batch: session.Batch, rows: Sequence[Judged]) -> None:
    """Show a tile for each verdict and one for refused files."""
    classes = batch.classes
    counts = Counter(label_of(row) for row in rows)
    tiles = [_tile(figures.tone(label, classes), word(label), counts[label]) for label in (*classes.names, REVIEW)]
    refused = f'<div class="tile none"><b>{counts[REFUSED]}</b><span>refused</span></div>'
    st.html(f'<div class="tiles">{"".join(tiles)}{refused}</div>')
    repeats = sum(bool(row.repeats) for row in rows)
    notes = [f"{len(rows)} of {batch.total} files in {batch.seconds:.1f} s"]
    notes += [f"{repeats} repeated, judged once"] if repeats else []
    notes += ["stopped before the end"] if batch.stopped else []
    st.caption(" · ".join(notes))


def _tile(look: figures.Tone, name: str, number: int) -> str:
    quiet = "" if number else "none"
    return f'<div class="tile {look} {quiet}"><b>{number}</b><span>{shape(look)}{escape(name)}</span></div>'
