"""Whether a stated probability comes true."""

from collections.abc import Sequence
from math import sqrt

import plotly.graph_objects as go

from ensemble.figures.template import (
    LEGEND_ROOM,
    PALETTES,
    Chart,
    Palette,
    Scheme,
    cell,
    percent,
    sentence,
    styled,
    titled,
    wrapped,
)

Bin = tuple[float, float, int]  # mean stated probability, share that came true, photos
LARGEST, SMALLEST = 30, 6  # pixels across, of the dots that stand for the most photos and for next to none


def reliability(bins: Sequence[Bin], scheme: Scheme, name: str) -> Chart:
    """How often came true what `name` stated, a dot a bin, as large as its photos are many; the diagonal is right."""
    palette = PALETTES[scheme]
    seen = [entry for entry in bins if entry[2] > 0]
    figure = go.Figure(_dots(seen, palette))
    line = {"color": palette.muted, "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, layer="below", line=line)
    title = {"text": wrapped(name, LEGEND_ROOM), "font": {"size": 14, "color": palette.ink}, "x": 0, "xref": "paper"}
    figure.update_layout(height=340, margin={"l": 8, "r": 24, "t": 48, "b": 48}, title=title)
    figure.update_xaxes(title=titled("stated probability (dotted: as often as stated)"))
    figure.update_yaxes(title=titled("how often it came true"))
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(range=[-0.05, 1.08], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%")
    styled(figure, scheme).update_yaxes(showgrid=True)
    rows = tuple({"stated": cell(stated), "came_true": cell(true), "photos": count} for stated, true, count in bins)
    return Chart(figure, f"{name}: {_text(seen)}", ("stated", "came_true", "photos"), rows)


def _dots(bins: Sequence[Bin], palette: Palette) -> go.Scatter:
    most = max((count for *_, count in bins), default=1)
    return go.Scatter(
        x=[stated for stated, *_ in bins],
        y=[true for _, true, _ in bins],
        mode="markers+text",
        cliponaxis=False,
        marker={
            "color": palette.plain,
            "size": [max(SMALLEST, LARGEST * sqrt(count / most)) for *_, count in bins],
            "opacity": 1,
            "line": {"width": 0},
        },
        text=[str(count) for *_, count in bins],
        textposition="top center",
        textfont={"size": 13, "color": palette.ink},
    )


def _text(bins: Sequence[Bin]) -> str:
    if not bins:
        return "no photo has been seen."
    return sentence(
        [f"stated {percent(stated)}, came true {percent(true)} of {_photos(count)}" for stated, true, count in bins]
    )


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count} photos"
