"""How trainings went: what was measured at each epoch."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from ensemble.figures.template import PALETTES, Scheme, pens, styled, titled, with_legend


def curves(measured: Mapping[str, Sequence[float]], scheme: Scheme) -> go.Figure:
    """What was measured at each epoch of a training, one line a name, the names above the chart."""
    drawn = zip(measured.items(), pens(scheme), strict=False)
    figure = go.Figure([_line(name, values, pen) for (name, values), pen in drawn])
    figure.update_layout(height=260, margin={"l": 8, "r": 16, "t": 8, "b": 48})
    figure.update_xaxes(title=titled("epoch"), gridcolor=PALETTES[scheme].line)
    return with_legend(styled(figure, scheme), scheme)


def _line(name: str, values: Sequence[float], pen: Mapping[str, object]) -> go.Scatter:
    epochs = list(range(1, len(values) + 1))
    mode = "lines" if len(values) > 1 else "markers"
    return go.Scatter(x=epochs, y=list(values), mode=mode, name=name.replace("_", " "), line=pen)


def curves_text(measured: Mapping[str, Sequence[float]]) -> str:
    """What `curves` shows, in words."""
    return "; ".join(_curve_text(name, values) for name, values in measured.items()) + "."


def _curve_text(name: str, values: Sequence[float]) -> str:
    epochs = "1 epoch" if len(values) == 1 else f"{len(values)} epochs"
    return f"{name.replace('_', ' ')} from {values[0]:.3f} to {values[-1]:.3f} over {epochs}"
