"""What stands out on the photo, in words: the numbers are those of the outlines."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from ensemble.imaging.masks import HOT
from ensemble.imaging.overlays import MOST_OUTLINES
from ensemble.values.digits import beside
from ensemble.values.results import MAP_THRESHOLD, Region

ANOMALY = "anomaly"
CALM = "No anomaly found."
NOTHING = "No object detected."


def show_places(regions: Sequence[Region], size: tuple[int, int], *, calm: bool) -> None:
    """Show one line a region, or one sentence where there is none; `calm` says that a heat map was looked at."""
    if not regions:
        st.html(f'<p class="calm">{CALM if calm else NOTHING}</p>')
        return
    lines = "".join(
        f"<li>{_line(number, region, size)}</li>" for number, region in enumerate(regions[:MOST_OUTLINES], 1)
    )
    more = len(regions) - MOST_OUTLINES
    rest = f'<p class="calm">{more} more, each with a lower score.</p>' if more > 0 else ""
    st.html(f'<ol class="places">{lines}</ol>{rest}')


def _line(number: int, region: Region, size: tuple[int, int]) -> str:
    left, top, right, bottom = region.pixels(size)
    score, size_shown = beside(region.score, MAP_THRESHOLD)[0], f"{right - left} × {bottom - top} px"
    facts = f"score {score} · {size_shown} at ({left}, {top}) · {_share(region.area)} of the image"
    return f"<b>{number}</b><div>{escape(ANOMALY if region.label == HOT else region.label)}<small>{facts}</small></div>"


def _share(area: float) -> str:
    return "under 0.1%" if area < 0.001 else f"{area:.1%}"
