"""How trainings went: what was measured at each epoch."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ensemble.figures.template import (
    LEGEND_ROOM,
    Chart,
    Scheme,
    cell,
    pens,
    sentence,
    styled,
    titled,
    with_legend,
    wrapped,
)

LOSS = "loss"  # how the name of what has no upper end ends; everything else lies in [0, 1]
SHORT = 8  # epochs, below which each is counted at the axis
Curves = Mapping[str, Sequence[float]]


def training_curves(measured: Curves, scheme: Scheme) -> Chart:
    """What was measured at each epoch, a line a name; losses and what lies in [0, 1] in panels of their own."""
    losses = [name for name in measured if name.endswith(LOSS)]
    panels = {"loss": losses, "quality": [name for name in measured if name not in losses]}
    panels = {title: names for title, names in panels.items() if names}
    with_pens = dict(zip(measured, pens(scheme), strict=False))
    figure = make_subplots(rows=max(1, len(panels)), shared_xaxes=True, vertical_spacing=0.1)
    for row, (title, names) in enumerate(panels.items(), 1):
        for name in names:
            figure.add_trace(_line(name, measured[name], with_pens[name]), row=row, col=1)
        figure.update_yaxes(title=titled(title), row=row)
    figure.update_layout(height=64 + 160 * len(panels))
    _name_epochs(figure, scheme)
    rows = tuple(
        {"curve": name, "epoch": epoch, "value": cell(value)}
        for name, values in measured.items()
        for epoch, value in enumerate(values, 1)
    )
    return Chart(figure, curves_text(measured), ("curve", "epoch", "value"), rows)


def curves(measured: Curves, scheme: Scheme) -> go.Figure:
    """What was measured at each epoch of a training, one line a name, the names above the chart."""
    drawn = zip(measured.items(), pens(scheme), strict=False)
    figure = go.Figure([_line(name, values, pen) for (name, values), pen in drawn], {"height": 220})
    _name_epochs(figure, scheme)
    return figure


def _line(name: str, values: Sequence[float], pen: Mapping[str, object]) -> go.Scatter:
    epochs = list(range(1, len(values) + 1))
    mode = "lines" if len(values) > 1 else "markers"
    return go.Scatter(x=epochs, y=list(values), mode=mode, name=_shown(name), line=pen)


def _name_epochs(figure: go.Figure, scheme: Scheme) -> None:
    figure.update_layout(margin={"l": 8, "r": 16, "t": 8, "b": 48})
    longest = max((len(line.x) for line in figure.data), default=0)
    figure.update_xaxes(dtick=1 if longest < SHORT else None)
    list(figure.select_xaxes())[-1].update(title=titled("epoch"))
    with_legend(styled(figure, scheme), scheme)


def _shown(name: str) -> str:
    return wrapped(name.replace("_", " "), LEGEND_ROOM)


def curves_text(measured: Curves) -> str:
    """What `curves` shows, in words."""
    return sentence([_curve_text(name, values) for name, values in measured.items()])


def _curve_text(name: str, values: Sequence[float]) -> str:
    epochs = "1 epoch" if len(values) == 1 else f"{len(values)} epochs"
    return f"{name.replace('_', ' ')} from {values[0]:.3f} to {values[-1]:.3f} over {epochs}"
