"""Photos whose verdict becomes another one, grouped by what changes."""

from collections.abc import Iterable

import streamlit as st

from ensemble import figures
from ensemble.values.language import Message
from ensemble.values.results import Classes, word
from pages.components.common.sheet import as_html, breakable, chip, quiet_chip
from pages.components.common.style import data_address


def show_turn(before: str, after: str, frames: Iterable[str], count: int, classes: Classes, *, level: int = 2) -> None:
    """Show what one verdict becomes, how often, and the photos; `level` is that of the heading."""
    arrow = f'<span aria-label="{as_html(Message("becomes"))}">→</span>'
    st.html(
        f'<h{level} class="turn">{quiet_chip(word(before))}{arrow}{chip(after, classes)}<small>{count}</small>'
        f'</h{level}><div class="thumbs">{"".join(frames)}</div>'
    )


def turn_frame(name: str, picture: bytes | None, after: str, told: str, classes: Classes, mark: str = "") -> str:
    """One photo as HTML, in the colour of the verdict that it gets, with what is `told` of it and a `mark` in HTML."""
    seen = f'<span class="photo-gone">{as_html(Message("no photo"))}</span>'
    if picture is not None:
        seen = f'<img src="{data_address("jpeg", picture)}" alt="{as_html(Message("Photo {name}", name=name))}">'
    return (
        f'<figure class="{figures.tone(after, classes)}">{seen}<figcaption><b>{breakable(name)}</b>'
        f"<span>{as_html(told)}</span>{mark}</figcaption></figure>"
    )


def compared_tile(look: str, number: str, name: str, lines: Iterable[str]) -> str:
    """A number as HTML, large, with what stands small below it: of how many, and what it is compared with."""
    small = "".join(f"<small>{as_html(line)}</small>" for line in lines)
    return f'<div class="tile {look}"><b>{as_html(number)}</b><span>{as_html(name)}</span>{small}</div>'
