"""What stands out on the photo, in words: the numbers are those of the outlines."""

from collections.abc import Sequence

import streamlit as st

from ensemble.imaging.masks import HOT
from ensemble.imaging.overlays import MOST_OUTLINES
from ensemble.values.digits import beside
from ensemble.values.language import Message, NumberText, _
from ensemble.values.results import MAP_THRESHOLD, Region
from pages.components.common.sheet import as_html

ANOMALY = Message("anomaly")
CALM = Message("No anomaly found.")
NOTHING = Message("No object detected.")
LEAST_SHARE = 0.001  # of the image; less is not told apart


def show_places(regions: Sequence[Region], size: tuple[int, int], *, calm: bool) -> None:
    """Show one line a region, or one sentence where there is none; `calm` says that a heat map was looked at."""
    if not regions:
        st.html(f'<p class="calm">{as_html(CALM if calm else NOTHING)}</p>')
        return
    lines = "".join(
        f"<li>{_line(number, region, size)}</li>" for number, region in enumerate(regions[:MOST_OUTLINES], 1)
    )
    more = len(regions) - MOST_OUTLINES
    lower = _("{count} more, with a lower score.", "{count} more, each with a lower score.", count=more)
    rest = f'<p class="calm">{as_html(lower)}</p>' if more > 0 else ""
    st.html(f'<ol class="places">{lines}</ol>{rest}')


def _line(number: int, region: Region, size: tuple[int, int]) -> str:
    left, top, right, bottom = region.pixels(size)
    known = {
        "score": beside(region.score, MAP_THRESHOLD)[0],
        "width": right - left,
        "height": bottom - top,
        "left": left,
        "top": top,
        "area": NumberText(f"{max(region.area, LEAST_SHARE):.1%}"),
    }
    if region.area < LEAST_SHARE:
        facts = _("score {score} · {width} × {height} px at ({left}, {top}) · under {area} of the image", **known)
    else:
        facts = _("score {score} · {width} × {height} px at ({left}, {top}) · {area} of the image", **known)
    label = as_html(ANOMALY if region.label == HOT else region.label)
    return f"<b>{number}</b><div>{label}<small>{as_html(facts)}</small></div>"
