"""Charts of errors: which class is taken for which, and which members fail together."""

from collections.abc import Mapping, Sequence
from html import escape
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
    styled,
    text_alternative,
    titled,
    whole_percent,
    wrapped,
)
from ensemble.values.language import _, worded
from ensemble.values.results import REVIEW, Classes, word
from ensemble.values.titles import model_title

EDGES = dict.fromkeys("lrtb", 8)  # pixels left free around a matrix
FEW_COLUMNS = 4  # columns that leave room for large figures on a phone
VerdictCounts = Mapping[str, int]  # how many of one true class were given each verdict


def confusion(counts: Mapping[str, VerdictCounts], classes: Classes, scheme: Scheme) -> Chart:
    """How often each true class (row) was given each verdict (column), with the share of its row.

    What is right is tinted with a calm colour, a review with amber, a mistake with vermilion; an escape is filled with
    it. What never happened has no colour. `counts` may leave out verdicts that were never given.
    """
    palette, columns = PALETTES[scheme], (*classes.names, REVIEW)
    full = {truth: {verdict: counts[truth].get(verdict, 0) for verdict in columns} for truth in classes.names}
    shapes, notes = [], []
    for down, (truth, row) in enumerate(full.items()):
        for across, verdict in enumerate(columns):
            fill, ink = _look(truth, verdict, row, classes, palette)
            shapes.append(_cell_box(across, down, fill))
            words = _cell_words(truth, verdict, row, classes)
            notes.append({"x": across, "y": down, "text": words, "showarrow": False, "font": {"color": ink}})
    layout = {"margin": EDGES, "height": 72 + 84 * len(full)}
    # A trace without points: shapes and notes alone do not make axes.
    figure = go.Figure(go.Scatter(x=[], y=[]), layout | {"shapes": shapes, "annotations": notes})
    _name_matrix_axes(figure, full, columns, palette)
    rows = tuple({"truth": truth, **row} for truth, row in full.items())
    text = text_alternative([_row_text(truth, row, classes) for truth, row in full.items()])
    return Chart(styled(figure, scheme), text, ("truth", *columns), rows)


def _name_matrix_axes(
    figure: go.Figure, counts: Mapping[str, VerdictCounts], columns: Sequence[str], palette: Palette
) -> None:
    look = {"showgrid": False, "ticks": "", "tickfont": {"size": 14, "color": palette.ink}}
    figure.update_xaxes(
        range=[-0.5, len(columns) - 0.5],
        side="top",
        tickvals=list(range(len(columns))),
        ticktext=[f"<b>{wrapped(word(name))}</b>" for name in columns],
        title=titled(_("predicted")),
        **look,
    )
    figure.update_yaxes(
        range=[len(counts) - 0.5, -0.5],
        tickvals=list(range(len(counts))),
        ticktext=[
            _(
                "actual <b>{verdict}</b>  <br>{count} photo  ",
                "actual <b>{verdict}</b>  <br>{count} photos  ",
                verdict=wrapped(word(name)),
                count=sum(row.values()),
            )
            for name, row in counts.items()
        ],
        **look,
    )


def _look(truth: str, verdict: str, row: VerdictCounts, classes: Classes, palette: Palette) -> tuple[str, str]:
    """The colours of a cell and of what is written in it."""
    share = _cell_share(row, verdict)
    if not share:
        return blend(palette.plain, palette.surface, 0.04), palette.muted
    if verdict == truth:
        return blend(palette.plain, palette.surface, 0.1 + 0.25 * share), palette.ink
    if verdict == REVIEW:
        return blend(palette.review, palette.surface, 0.3), palette.ink
    if _mistake(truth, verdict, classes) == "escape":
        return palette.nok, palette.nok_ink
    return blend(palette.nok, palette.surface, 0.25), palette.ink


def _cell_box(across: int, down: int, fill: str) -> dict[str, object]:
    corners = {"x0": across - 0.48, "x1": across + 0.48, "y0": down - 0.47, "y1": down + 0.47}
    return {"type": "rect", **corners, "fillcolor": fill, "line": {"width": 0}, "layer": "below"}


def _cell_words(truth: str, verdict: str, row: VerdictCounts, classes: Classes) -> str:
    count, share, mistake = row[verdict], _cell_share(row, verdict), _mistake(truth, verdict, classes)
    large, small = (24, 14) if len(row) <= FEW_COLUMNS else (16, 12)
    lines = [f'<b style="font-size:{large}px">{count}</b>']
    if share is not None:
        lines.append(f'<span style="font-size:{small}px">{escape(worded(whole_percent(share)))}</span>')
    if mistake:
        lines.append(f'<span style="font-size:{small}px">{_mistakes(mistake, count)}</span>')
    return "<br>".join(lines)


def _cell_share(row: VerdictCounts, verdict: str) -> float | None:
    total = sum(row.values())
    return row[verdict] / total if total else None


def _mistake(truth: str, verdict: str, classes: Classes) -> str:
    """What this field calls a mistake; empty where it is none, or has no name of its own."""
    names = {(classes.defect, classes.good): "escape", (classes.good, classes.defect): "overkill"}
    return names.get((truth, verdict), "")


def _mistakes(mistake: str, count: int) -> str:
    if mistake == "escape":
        return _("escape", "escapes", count=count)
    return _("overkill", "overkills", count=count)


def _row_text(truth: str, row: VerdictCounts, classes: Classes) -> str:
    said = []
    for verdict, count in row.items():
        share, mistake = _cell_share(row, verdict), _mistake(truth, verdict, classes)
        notes = [] if share is None else [worded(whole_percent(share))]
        notes += [_mistakes(mistake, count)] if mistake else []
        told = {"count": count, "verdict": word(verdict)}
        if notes:
            said.append(_("{count} predicted {verdict} ({notes})", **told, notes=", ".join(notes)))
        else:
            said.append(_("{count} predicted {verdict}", **told))
    counts = ", ".join(said)
    return _("Actual {verdict} ({total}): {counts}", verdict=word(truth), total=sum(row.values()), counts=counts)


PAIRS_NAMED = 5  # pairs of members that are told in words
NO_SHARE = "–"
CELL = 48  # pixels that three lines of a name take
FEW_PARTS = 8  # members whose cells are that wide on a phone that numbers of the usual size fit


def draw_error_correlation(matrix: ArrayLike, names: Sequence[str], scheme: Scheme) -> Chart:
    """How much the errors of each two members go together, as numbers on a scale of one hue.

    `matrix` is (M, M), in the order of `names`: 1 where two members err on the same photos, 0 where independently. NaN,
    of members that always or never err, is shown as a dash.
    """
    palette, known = PALETTES[scheme], np.array(matrix, dtype=float)  # (M, M), a copy
    if known.shape != (len(names), len(names)):
        raise ValueError(f"A correlation of {len(names)} members has as many rows and columns. Got {known.shape}.")
    numbers = [str(number) for number in range(1, len(names) + 1)]
    figure = go.Figure(_matrix_cells(known, palette), {"margin": EDGES, "height": 48 + CELL * len(names)})
    places = list(range(len(names)))
    look = {"showgrid": False, "ticks": "", "tickvals": places, "tickfont": {"size": 13, "color": palette.ink}}
    figure.update_xaxes(side="top", ticktext=numbers, **look)
    labels = [
        f"{wrapped(model_title(name), NAME_ROOM)} <b>{number}</b> " for name, number in zip(names, numbers, strict=True)
    ]
    figure.update_yaxes(autorange="reversed", ticktext=labels, **look)
    rows = tuple(
        {"member": name, **{other: cell(value) for other, value in zip(names, row, strict=True)}}
        for name, row in zip(names, known, strict=True)
    )
    return Chart(styled(figure, scheme), _matrix_text(known, names), ("member", *names), rows)


def _matrix_cells(known: NDArray[np.float64], palette: Palette) -> go.Heatmap:
    shown = np.where(np.eye(len(known), dtype=bool), np.nan, known)  # that a member fails with itself says nothing
    words = [
        ["" if row == column else _short_correlation(value) for column, value in enumerate(values)]
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
        textfont={"size": 13 if len(known) <= FEW_PARTS else 11, "color": palette.ink},
    )


def _short_correlation(value: float) -> str:
    """Two digits without the zero before the point, as correlations are commonly written: they stay below 1."""
    return NO_SHARE if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}".replace("0.", ".", 1)


def _matrix_text(known: NDArray[np.float64], names: Sequence[str]) -> str:
    pairs = list(combinations(range(len(names)), 2))
    told = sorted((pair for pair in pairs if not np.isnan(known[pair])), key=lambda pair: -known[pair])
    parts = [
        _(
            "{model} and {other} {correlation:.2f}",
            model=model_title(names[one]),
            other=model_title(names[other]),
            correlation=float(known[one, other]),
        )
        for one, other in told[:PAIRS_NAMED]
    ]
    if len(told) < len(pairs):
        parts.append(_("unknown for {unknown} of {pairs} pairs", unknown=len(pairs) - len(told), pairs=len(pairs)))
    if not parts:
        return _("Fewer than two models.")
    return _("Error correlation, highest first: {pairs}", pairs=text_alternative(parts))
