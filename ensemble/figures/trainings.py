"""How trainings went: what was measured at each epoch."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from ensemble.figures.template import (
    LEGEND_ROOM,
    PALETTES,
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
GAP = 0.08  # of the height, between two panels
Curves = Mapping[str, Sequence[float]]


def training_curves(measured: Curves, scheme: Scheme) -> Chart:
    """What was measured at each epoch, a line a name; losses and what lies in [0, 1] in panels of their own."""
    panels = {"loss": [name for name in measured if name.endswith(LOSS)]}
    panels |= {"quality": [name for name in measured if name not in panels["loss"]]}
    drawn = {title: names for title, names in panels.items() if names}
    with_pens = dict(zip(measured, pens(scheme), strict=False))
    figure = go.Figure()
    for number, (title, names) in enumerate(drawn.items(), 1):
        axis = "y" if number == 1 else f"y{number}"
        for name in names:
            figure.add_trace(_line(name, measured[name], with_pens[name]).update(yaxis=axis))
        height = (1 - GAP * (len(drawn) - 1)) / len(drawn)
        top = 1 - (number - 1) * (height + GAP)
        figure.update_layout({f"yaxis{axis[1:]}": {"domain": [max(0.0, top - height), top], "title": titled(title)}})
    _name_epochs(figure, scheme)
    figure.update_layout(
        height=64 + 160 * len(drawn) + 20 * len(measured), xaxis={"anchor": f"y{len(drawn)}".replace("y1", "y")}
    )
    rows = tuple(
        {"curve": name, "epoch": epoch, "value": cell(value)}
        for name, values in measured.items()
        for epoch, value in enumerate(values, 1)
    )
    return Chart(figure, curves_text(measured), ("curve", "epoch", "value"), rows)


def curves(measured: Curves, scheme: Scheme) -> go.Figure:
    """What was measured at each epoch of a training, one line a name, the names above the chart."""
    drawn = zip(measured.items(), pens(scheme), strict=False)
    figure = go.Figure([_line(name, values, pen) for (name, values), pen in drawn], {"height": 260})
    _name_epochs(figure, scheme)
    return figure


def _line(name: str, values: Sequence[float], pen: Mapping[str, object]) -> go.Scatter:
    epochs = list(range(1, len(values) + 1))
    mode = "lines" if len(values) > 1 else "markers"
    return go.Scatter(x=epochs, y=list(values), mode=mode, name=_shown(name), line=pen)


def _name_epochs(figure: go.Figure, scheme: Scheme) -> None:
    figure.update_layout(margin={"l": 8, "r": 16, "t": 8, "b": 48})
    figure.update_xaxes(title=titled("epoch"), gridcolor=PALETTES[scheme].line)
    with_legend(styled(figure, scheme), scheme)


def _shown(name: str) -> str:
    return wrapped(name.replace("_", " "), LEGEND_ROOM)


def curves_text(measured: Curves) -> str:
    """What `curves` shows, in words."""
    return sentence(_curve_text(name, values) for name, values in measured.items())


def _curve_text(name: str, values: Sequence[float]) -> str:
    epochs = "1 epoch" if len(values) == 1 else f"{len(values)} epochs"
    return f"{name.replace('_', ' ')} from {values[0]:.3f} to {values[-1]:.3f} over {epochs}"
