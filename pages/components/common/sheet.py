"""Small tables and chips as plain HTML: readable from afar, foldable on a phone, every text escaped."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape

import streamlit as st

from ensemble.figures import Tone, tone
from ensemble.values.errors import QuorumError
from ensemble.values.language import worded
from ensemble.values.results import Classes, word
from pages.components.common.style import shape

Row = Sequence[str]
# What the browser turns into icons and links once it has taken the backslashes away: a sign without width parts it.
SPOTTED = re.compile(r":(?=material/|streamlit:)|https?:(?=//)|www(?=\.)|@", re.IGNORECASE)
PARTED = "\N{WORD JOINER}"
BLANKS = re.compile(r"[^\S\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]+")  # those that may become a line break


def as_markdown(text: str) -> str:
    """A text that Markdown shows as it is, on one line, whatever signs are in it."""
    parted = SPOTTED.sub(lambda found: found[0] + PARTED, BLANKS.sub(" ", worded(text)).strip())
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])", r"\\\1", parted)


def as_code(text: str) -> str:
    """A text that Markdown shows as it is, in the letters of what is typed; line breaks become blanks."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{' '.join(text.split())}{pad}{fence}"


def as_html(text: object) -> str:
    """A text as HTML that shows it as it is, in the reader's language."""
    return escape(worded(text))


def breakable(text: str) -> str:
    """A text as HTML whose long names break between their words alone."""
    return as_html(text).replace("_", "_<wbr>")


def tied(text: str) -> str:
    """A text as HTML that does not break between a number and its percent sign."""
    return as_html(text).replace(" %", "\N{NO-BREAK SPACE}%")


def chip(label: str, classes: Classes) -> str:
    """A label as HTML: its word on its colour, with its shape."""
    look: Tone = tone(label, classes)
    return f'<span class="chip {look}">{shape(look)}{as_html(word(label))}</span>'


def quiet_chip(text: str) -> str:
    """A word in a frame as HTML, for a state that needs nobody's attention."""
    return f'<span class="chip quiet">{as_html(text)}</span>'


@contextmanager
def refusals_shown(
    icon: str = ":material/report:", errors: tuple[type[Exception], ...] = (QuorumError,)
) -> Iterator[None]:
    """Show what cannot be done, and why, in the place of doing it."""
    try:
        yield
    except errors as error:
        st.error(as_markdown(worded(error)), icon=icon)


def show_sheet(columns: Sequence[str], rows: Sequence[Row], *, folding: bool = False) -> None:
    """Show a table of HTML cells; a folding one turns each row into a short list where the page is narrow."""
    head = "".join(f'<th scope="col">{as_html(name)}</th>' for name in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="number" data-label="{as_html(name)}"><span>{cell}</span></td>'
            for name, cell in zip(columns, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    look = "sheet folding" if folding else "sheet"
    st.html(f'<table class="{look}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')
