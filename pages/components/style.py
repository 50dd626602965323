"""The style sheet: what Streamlit's theme cannot say. Its colours are those of the figures."""

from dataclasses import asdict
from pathlib import Path

import streamlit as st

from ensemble.figures import PALETTES
from pages.components.mark import shapes_style

SHEET = Path(__file__).with_name("style.css")


def show_style() -> None:
    """Put the style sheet into the page."""
    light, dark = asdict(PALETTES["light"]), asdict(PALETTES["dark"])
    # light-dark() follows the scheme that the visitor chose, in the browser or in Streamlit's own settings.
    colours = "".join(f"--{name.replace('_', '-')}: light-dark({light[name]}, {dark[name]});" for name in light)
    st.html(f"<style>:root {{ {colours} }}\n{shapes_style()}\n{SHEET.read_text(encoding='utf-8')}</style>")
