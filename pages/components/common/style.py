"""Quorum's mark and the shapes of the verdicts; each verdict has its own outline, so that colour never speaks alone."""

import base64
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from ensemble.figures import PALETTES, Tone

MARK = Path(__file__).with_name("mark.svg").read_text(encoding="utf-8").strip()
WORDMARK = (
    MARK.replace('viewBox="0 0 48 48" width="48"', 'viewBox="0 0 190 48" width="190"').removesuffix("</svg>")
    + '<text x="60" y="35" font-family="sans-serif" font-size="32" font-weight="700" fill="#6B8896">Quorum</text></svg>'
)

_OUTLINES: dict[Tone, str] = {
    "ok": '<circle cx="50" cy="50" r="44"/><path d="M29 52l15 15 28-32"/>',
    "nok": '<path d="M33 6h34l27 27v34L67 94H33L6 67V33z"/><path d="M35 35l30 30M65 35L35 65"/>',
    "review": '<path d="M50 5l45 45-45 45L5 50z"/><path d="M38 41a12 12 0 1 1 17 11c-4 2-5 4-5 8M50 72v1"/>',
    "plain": '<path d="M8 14h48l36 36-36 36H8z"/><path d="M30 50h1"/>',
}


def shape(look: Tone) -> str:
    """The shape of a verdict as HTML; the style sheet cuts it out of the colour of the text around it."""
    return f'<i class="shape {look}"></i>'


def _as_address(outline: str) -> str:
    pen = 'fill="none" stroke="#000" stroke-width="9" stroke-linecap="round" stroke-linejoin="round"'
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" {pen}>{outline}</svg>'
    return data_address("svg+xml", drawing.encode())


def data_address(kind: str, picture: bytes) -> str:
    """A picture as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


SHEET = Path(__file__).with_name("style.css")


def show_style() -> None:
    """Put the style sheet into the page, and the product's mark above the sidebar, alone where that is closed."""
    st.logo(WORDMARK, size="large", icon_image=MARK)
    light, dark = asdict(PALETTES["light"]), asdict(PALETTES["dark"])
    # light-dark() follows the scheme that the visitor chose, in the browser or in Streamlit's own settings.
    colours = "".join(f"--{name.replace('_', '-')}: light-dark({light[name]}, {dark[name]});" for name in light)
    # Pages may carry pictures in their styles, but no drawing in their text.
    shapes = "\n".join(
        f".shape.{look} {{ mask-image: url({_as_address(drawn)}); }}" for look, drawn in _OUTLINES.items()
    )
    st.html(f"<style>:root {{ {colours} }}\n{shapes}\n{SHEET.read_text(encoding='utf-8')}</style>")
