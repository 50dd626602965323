"""What stands out on the photo, in words: the numbers are those of the outlines."""

from collections.abc import Sequence

import streamlit as st
from PIL import Image

from ensemble.imaging.masks import HOT
from ensemble.imaging.overlays import MOST_OUTLINES, canvas, closeup, stamped, thumbnail
from ensemble.values.digits import beside
from ensemble.values.language import Message, NumberText, _
from ensemble.values.results import MAP_THRESHOLD, Region
from pages.components.common.sheet import as_html
from pages.components.common.style import data_address

ANOMALY = Message("anomaly")
CALM = Message("No anomaly found.")
NOTHING = Message("No object detected.")
LEAST_SHARE = 0.001  # of the image; less is not told apart


MOST_CLOSEUPS, CLOSEUP_SIDE = 6, 640


def show_places(
    regions: Sequence[Region],
    size: tuple[int, int],
    *,
    calm: bool,
    picture: Image.Image | None = None,
    demo: bool = False,
    scale: float | None = None,
) -> None:
    """Show one line a region, or one sentence where there is none; `calm` says that a heat map was looked at.

    `scale` is how many millimetres wide a pixel is, where that is known. With the photo at hand each line is a button
    that zooms onto its region, and the first regions are shown enlarged.
    """
    if not regions:
        st.html(f'<p class="calm">{as_html(CALM if calm else NOTHING)}</p>')
        return
    lines = "".join(
        f"<li>{_line(number, region, size, scale) if picture is None else _button(number, region, size, scale)}</li>"
        for number, region in enumerate(regions[:MOST_OUTLINES], 1)
    )
    more = len(regions) - MOST_OUTLINES
    lower = _("{count} more, with a lower score.", "{count} more, each with a lower score.", count=more)
    rest = f'<p class="calm">{as_html(lower)}</p>' if more > 0 else ""
    st.html(f'<ol class="places">{lines}</ol>{rest}')
    if picture is not None:
        _show_closeups(picture, regions[:MOST_CLOSEUPS], demo=demo)


def _show_closeups(picture: Image.Image, regions: Sequence[Region], *, demo: bool) -> None:
    figures = []
    for number, region in enumerate(regions, 1):
        large = canvas(closeup(picture, region))
        address = data_address("jpeg", thumbnail(stamped(large) if demo else large, CLOSEUP_SIDE))
        described = as_html(_("Region {number} of the photo, enlarged", number=number))
        score = as_html(_score(region))
        figures.append(
            f'<figure data-zoom-box="{_shares(region)}"><img src="{address}" alt="{described}">'
            f"<figcaption><b>{number}</b><span>{score}</span></figcaption></figure>"
        )
    st.html(f'<div class="thumbs closeups">{"".join(figures)}</div>')


def _score(region: Region) -> Message:
    """A region's score, beside it from where on the heat of a place is an anomaly; detectors have no such limit."""
    score, limit = beside(region.score, MAP_THRESHOLD)
    if region.label != HOT:
        return Message("score {score}", score=score)
    return Message("score {score}, anomaly from {limit}", score=score, limit=limit)


def _shares(region: Region) -> str:
    return " ".join(f"{share:.5f}" for share in region.box)


def _button(number: int, region: Region, size: tuple[int, int], scale: float | None) -> str:
    line = _line(number, region, size, scale, "span")
    return f'<button type="button" data-zoom-box="{_shares(region)}">{line}</button>'


def _lengths(width: int, height: int, scale: float | None) -> Message:
    known = {"width": width, "height": height}
    if scale is None:
        return Message("{width} × {height} px", **known)
    across, down = (NumberText(f"{side * scale:.2f}") for side in (width, height))
    return Message("{width} × {height} px ({across} × {down} mm)", **known, across=across, down=down)


def _line(number: int, region: Region, size: tuple[int, int], scale: float | None, block: str = "div") -> str:
    left, top, right, bottom = region.pixels(size)
    known = {
        "score": _score(region),
        "lengths": _lengths(right - left, bottom - top, scale),
        "left": left,
        "top": top,
        "area": NumberText(f"{max(region.area, LEAST_SHARE):.1%}"),
    }
    if region.area < LEAST_SHARE:
        facts = _("{score} · {lengths} at ({left}, {top}) · under {area} of the image", **known)
    else:
        facts = _("{score} · {lengths} at ({left}, {top}) · {area} of the image", **known)
    label = as_html(ANOMALY if region.label == HOT else region.label)
    return f"<b>{number}</b><{block}>{label}<small>{as_html(facts)}</small></{block}>"
