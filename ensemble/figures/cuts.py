"""What every cut on the scores would do: overkill against parts caught, precision against parts caught, and F-beta."""

from collections.abc import Callable, Iterable, Mapping

import plotly.graph_objects as go

from ensemble.figures.template import (
    LEGEND_ROOM,
    PALETTES,
    Chart,
    Scheme,
    cell,
    mark_cut,
    pens,
    percent,
    sentence,
    styled,
    titled,
    with_legend,
    wrapped,
)
from ensemble.metrics.curves import Curve
from ensemble.values.digits import alone

CAUGHT = "share of defective parts caught"
FEW = 0.05  # the overkill rate at which members are told in words
MOST = 0.95  # the share of parts caught at which they are
Curves = Mapping[str, Curve]


def roc(curves: Curves, scheme: Scheme, *, ensemble: str | None = None) -> Chart:
    """The share of defective parts caught over the overkill rate, a line a member; that of `ensemble` is bold."""
    figure = _by_member(curves, scheme, ensemble, "linear")
    guess = {"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1, "layer": "below"}
    figure.add_shape(**guess, line={"color": PALETTES[scheme].muted, "width": 1, "dash": "dot"})
    _name_axes(figure, "overkill rate (dotted line: guessing)", CAUGHT)
    with_legend(figure, scheme, "area under the curve (AUROC)")
    return Chart(figure, _told(curves, _roc_text), *_table(curves, "member", "overkill_rate", "caught"))


def precision_recall(curves: Curves, scheme: Scheme, *, ensemble: str | None = None) -> Chart:
    """The precision over the share of defective parts caught, a line a member; that of `ensemble` is bold."""
    # Points run from all parts caught to none, and each holds until the next: a slope between them would flatter.
    figure = _by_member(curves, scheme, ensemble, "hv")
    _name_axes(figure, CAUGHT, "share of rejected parts<br>that are defective")
    with_legend(figure, scheme, "average precision")
    return Chart(figure, _told(curves, _precision_text), *_table(curves, "member", "caught", "precision"))


def f_beta(curves: Curves, chosen: float | None, scheme: Scheme) -> Chart:
    """F-beta of the defect over the cut, a line a beta; `chosen` is the cut of the policy."""
    figure = go.Figure(layout={"height": 300})
    for (name, curve), pen in zip(curves.items(), pens(scheme), strict=False):
        figure.add_scatter(x=curve.x, y=curve.y, mode="lines", name=name.upper(), line={**pen, "shape": "hvh"})
    policy = "" if chosen is None else f"<br>line: the policy's threshold, {alone(chosen)}"
    _name_axes(figure, f"cut on the defect probability{policy}", "F-beta of the defect")
    figure.update_xaxes(tickformat=".1f")
    figure.update_yaxes(tickformat=".1f")
    with_legend(styled(figure, scheme), scheme)
    if chosen is not None:
        mark_cut(figure, chosen, PALETTES[scheme])
    text = sentence([_f_text(name.upper(), curve, chosen) for name, curve in curves.items()])
    return Chart(figure, text, *_table(curves, "curve", "cut", "f_beta"))


def _by_member(curves: Curves, scheme: Scheme, ensemble: str | None, shape: str) -> go.Figure:
    figure = go.Figure()
    for (name, curve), pen in zip(_ranked(curves), pens(scheme), strict=False):
        line, entry = {**pen, "shape": shape}, f"{wrapped(name, LEGEND_ROOM)} {curve.area:.3f}"
        if name == ensemble:
            line, entry = {"color": PALETTES[scheme].ink, "width": 4, "shape": shape}, f"<b>{entry}</b>"
        figure.add_scatter(x=curve.x, y=curve.y, mode="lines", name=entry, line=line)
    figure.update_layout(height=300)
    return styled(figure, scheme)


def _ranked(curves: Curves) -> list[tuple[str, Curve]]:
    return sorted(curves.items(), key=lambda named: -(named[1].area or 0.0))


def _name_axes(figure: go.Figure, x: str, y: str) -> None:
    figure.update_layout(margin={"l": 8, "r": 16, "t": 8, "b": 48})
    figure.update_xaxes(range=[-0.005, 1.005], tickformat=".0%", title=titled(x))
    figure.update_yaxes(range=[-0.01, 1.03], tickformat=".0%", title=titled(y))


def _told(curves: Curves, tell: Callable[[str, Curve], str]) -> str:
    return sentence([tell(name, curve) for name, curve in _ranked(curves)])


def _roc_text(name: str, curve: Curve) -> str:
    caught = max(curve.y[curve.x <= FEW], default=0.0)
    return f"{name}: AUROC {curve.area:.3f}, {percent(caught)} of the defective parts caught at {FEW:.0%} overkill"


def _precision_text(name: str, curve: Curve) -> str:
    precision = max(curve.y[curve.x >= MOST], default=0.0)
    caught = f"with {MOST:.0%} of the defective parts caught, {percent(precision)} of the rejected parts are defective"
    return f"{name}: average precision {curve.area:.3f}; {caught}"


def _f_text(name: str, curve: Curve, chosen: float | None) -> str:
    best = int(curve.y.argmax())
    highest = f"{name} is highest, {curve.y[best]:.3f}, at the threshold {alone(float(curve.x[best]))}"
    if chosen is None:
        return highest
    return f"{highest}, and about {curve.y[abs(curve.x - chosen).argmin()]:.3f} at the policy's, {alone(chosen)}"


def _table(curves: Curves, first: str, x: str, y: str) -> tuple[tuple[str, ...], tuple[Mapping[str, object], ...]]:
    columns = tuple(dict.fromkeys((first, x, y, "cut")))
    rows: Iterable[Mapping[str, object]] = (
        {first: name, x: cell(across), y: cell(up), "cut": cell(cut)}
        for name, curve in curves.items()
        for across, up, cut in zip(curve.x, curve.y, curve.cuts, strict=True)
    )
    return columns, tuple(rows)
