"""Which members fail together."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ensemble.figures.template import (
    NAME_ROOM,
    PALETTES,
    Chart,
    Palette,
    Scheme,
    blend,
    cell,
    sentence,
    styled,
    wrapped,
)

NAMED = 5  # pairs of members that are told in words
UNKNOWN = "–"
CELL = 48  # pixels that three lines of a name take
FEW = 8  # members whose cells are that wide on a phone that numbers of the usual size fit


def error_correlation(matrix: ArrayLike, names: Sequence[str], scheme: Scheme) -> Chart:
    """How much the errors of each two members go together, as numbers on a scale of one hue.

    `matrix` is (M, M), in the order of `names`: 1 where two members err on the same photos, 0 where independently. NaN,
    of members that always or never err, is shown as a dash.
    """
    palette, known = PALETTES[scheme], np.array(matrix, dtype=float)  # (M, M), a copy
    if known.shape != (len(names), len(names)):
        raise ValueError(f"A correlation of {len(names)} members has as many rows and columns. Got {known.shape}.")
    numbers = [str(number) for number in range(1, len(names) + 1)]
    figure = go.Figure(
        _cells(known, palette), {"margin": {"l": 8, "r": 8, "t": 8, "b": 8}, "height": 48 + CELL * len(names)}
    )
    places = list(range(len(names)))
    look = {"showgrid": False, "ticks": "", "tickvals": places, "tickfont": {"size": 13, "color": palette.ink}}
    figure.update_xaxes(side="top", ticktext=numbers, **look)
    labels = [f"{wrapped(name, NAME_ROOM)} <b>{number}</b> " for name, number in zip(names, numbers, strict=True)]
    figure.update_yaxes(autorange="reversed", ticktext=labels, **look)
    rows = tuple(
        {"member": name, **{other: cell(value) for other, value in zip(names, row, strict=True)}}
        for name, row in zip(names, known, strict=True)
    )
    return Chart(styled(figure, scheme), _text(known, names), ("member", *names), rows)


def _cells(known: NDArray[np.float64], palette: Palette) -> go.Heatmap:
    shown = np.where(np.eye(len(known), dtype=bool), np.nan, known)  # that a member fails with itself says nothing
    words = [
        ["" if row == column else _short(value) for column, value in enumerate(values)]
        for row, values in enumerate(known)
    ]
    scale = [(0, blend(palette.plain, palette.surface, 0.04)), (1, blend(palette.plain, palette.surface, 0.45))]
    return go.Heatmap(
        z=np.nan_to_num(shown, nan=0.0),
        zmin=0,
        zmax=1,
        colorscale=scale,
        showscale=False,
        xgap=2,
        ygap=2,
        text=words,
        texttemplate="%{text}",
        textfont={"size": 13 if len(known) <= FEW else 11, "color": palette.ink},
    )


def _short(value: float) -> str:
    """Two digits without the zero before the point, as correlations are commonly written: they stay below 1."""
    return UNKNOWN if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}".replace("0.", ".", 1)


def _text(known: NDArray[np.float64], names: Sequence[str]) -> str:
    pairs = list(combinations(range(len(names)), 2))
    told = sorted((pair for pair in pairs if not np.isnan(known[pair])), key=lambda pair: -known[pair])
    parts = [f"{names[one]} and {names[other]} {known[one, other]:.2f}" for one, other in told[:NAMED]]
    if len(told) < len(pairs):
        parts.append(f"unknown for {len(pairs) - len(told)} of {len(pairs)} pairs")
    return f"Correlation of errors, highest first: {sentence(parts)}" if parts else "There are no two members."
