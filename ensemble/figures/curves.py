"""Charts with a line: thresholds over a share, and what learning has measured by epochs."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ensemble.figures.template import (
    LEGEND_ROOM,
    PALETTES,
    Chart,
    Scheme,
    cell,
    mark_threshold,
    pens,
    styled,
    text_alternative,
    titled,
    whole_percent,
    with_legend,
    wrapped,
)
from ensemble.metrics.image_metrics import Curve
from ensemble.values.digits import threshold_text
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.titles import voter_title

CAUGHT = Message("recall (defective parts caught)")
FEW_OVERKILLS = 0.05  # the overkill rate at which members are told in words
MOST_CAUGHT = 0.95  # the share of parts caught at which they are
CurvesByMember = Mapping[str, Curve]


def draw_roc(curves: CurvesByMember, scheme: Scheme, *, ensemble: str | None = None) -> Chart:
    """The share of defective parts caught over the overkill rate, a line a member; that of `ensemble` is bold."""
    figure = _by_member(curves, scheme, ensemble, "linear")
    guess = {"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1, "layer": "below"}
    figure.add_shape(**guess, line={"color": PALETTES[scheme].muted, "width": 1, "dash": "dot"})
    _name_curve_axes(figure, _("overkill rate (dotted: chance)"), worded(CAUGHT))
    with_legend(figure, scheme, "AUROC")
    return Chart(figure, _told_curve(curves, _roc_text), *_table(curves, "member", "overkill_rate", "caught"))


def draw_precision_recall(curves: CurvesByMember, scheme: Scheme, *, ensemble: str | None = None) -> Chart:
    """The precision over the share of defective parts caught, a line a member; that of `ensemble` is bold."""
    # Points run from all parts caught to none, and each holds until the next: a slope between them would flatter.
    figure = _by_member(curves, scheme, ensemble, "hv")
    _name_curve_axes(figure, worded(CAUGHT), _("precision (rejected parts<br>that are defective)"))
    with_legend(figure, scheme, _("average precision"))
    return Chart(figure, _told_curve(curves, _precision_text), *_table(curves, "member", "caught", "precision"))


def f_beta(curves: CurvesByMember, chosen: float | None, scheme: Scheme) -> Chart:
    """F-beta of the defect over the threshold, a line a beta; `chosen` is the threshold of the policy."""
    figure = go.Figure(layout={"height": 300})
    for (name, curve), pen in zip(curves.items(), pens(scheme), strict=False):
        figure.add_scatter(x=curve.x, y=curve.y, mode="lines", name=name.upper(), line={**pen, "shape": "hvh"})
    axis = _("threshold")
    if chosen is not None:
        axis = _("threshold<br>(line: policy, {threshold})", threshold=threshold_text(chosen))
    _name_curve_axes(figure, axis, _("F-beta (NOK)"))
    figure.update_xaxes(tickformat=".1f")
    figure.update_yaxes(tickformat=".1f")
    with_legend(styled(figure, scheme), scheme)
    if chosen is not None:
        mark_threshold(figure, chosen, PALETTES[scheme])
    text = text_alternative([_f_text(name.upper(), curve, chosen) for name, curve in curves.items()])
    return Chart(figure, text, *_table(curves, "curve", "cut", "f_beta"))


def _by_member(curves: CurvesByMember, scheme: Scheme, ensemble: str | None, shape: str) -> go.Figure:
    figure = go.Figure()
    for (name, curve), pen in zip(_ranked(curves), pens(scheme), strict=False):
        line, entry = {**pen, "shape": shape}, f"{wrapped(voter_title(name), LEGEND_ROOM)} {_area_text(curve)}"
        if name == ensemble:
            line, entry = {"color": PALETTES[scheme].ink, "width": 4, "shape": shape}, f"<b>{entry}</b>"
        figure.add_scatter(x=curve.x, y=curve.y, mode="lines", name=entry, line=line)
    figure.update_layout(height=300)
    return styled(figure, scheme)


def _area_text(curve: Curve) -> str:
    return worded(NumberText(f"{curve.area:.3f}"))


def _ranked(curves: CurvesByMember) -> list[tuple[str, Curve]]:
    return sorted(curves.items(), key=lambda named: -(named[1].area or 0.0))


def _name_curve_axes(figure: go.Figure, x: str, y: str) -> None:
    figure.update_layout(margin={"l": 8, "r": 16, "t": 8, "b": 48})
    figure.update_xaxes(range=[-0.005, 1.005], tickformat=".0%", title=titled(x))
    figure.update_yaxes(range=[-0.01, 1.03], tickformat=".0%", title=titled(y))


def _told_curve(curves: CurvesByMember, tell: Callable[[str, Curve], str]) -> str:
    return text_alternative([tell(name, curve) for name, curve in _ranked(curves)])


def _roc_text(name: str, curve: Curve) -> str:
    caught = max(curve.y[curve.x <= FEW_OVERKILLS], default=0.0)
    return _(
        "{voter}: AUROC {area:.3f}, {caught} of defective parts caught at {overkill:.0%} overkill",
        voter=voter_title(name),
        area=curve.area,
        caught=whole_percent(caught),
        overkill=FEW_OVERKILLS,
    )


def _precision_text(name: str, curve: Curve) -> str:
    precision = max(curve.y[curve.x >= MOST_CAUGHT], default=0.0)
    return _(
        "{voter}: average precision {area:.3f}, precision {precision} at {recall:.0%} recall",
        voter=voter_title(name),
        area=curve.area,
        precision=whole_percent(precision),
        recall=MOST_CAUGHT,
    )


def _f_text(name: str, curve: Curve, chosen: float | None) -> str:
    best = int(curve.y.argmax())
    told = {"name": name, "highest": float(curve.y[best]), "threshold": threshold_text(float(curve.x[best]))}
    if chosen is None:
        return _("{name}: highest {highest:.3f} at threshold {threshold}", **told)
    return _(
        "{name}: highest {highest:.3f} at threshold {threshold}, {by_policy:.3f} at the policy's threshold {chosen}",
        **told,
        by_policy=float(curve.y[abs(curve.x - chosen).argmin()]),
        chosen=threshold_text(chosen),
    )


def _table(
    curves: CurvesByMember, first: str, x: str, y: str
) -> tuple[tuple[str, ...], tuple[Mapping[str, object], ...]]:
    columns = tuple(dict.fromkeys((first, x, y, "cut")))
    rows: Iterable[Mapping[str, object]] = (
        {first: name, x: cell(across), y: cell(up), "cut": cell(threshold)}
        for name, curve in curves.items()
        for across, up, threshold in zip(curve.x, curve.y, curve.thresholds, strict=True)
    )
    return columns, tuple(rows)


LOSS = "loss"  # how the name of what has no upper end ends; everything else lies in [0, 1]
CURVE_TITLES: Mapping[str, Message] = {
    "learning_loss": Message("training loss"),
    "held_out_loss": Message("validation loss"),
    "held_out_auroc": Message("validation AUROC"),
    "held_out_accuracy": Message("validation accuracy"),
}
SHORT = 8  # epochs, below which each is counted at the axis
Courses = Mapping[str, Sequence[float]]


def training_curves(measured: Courses, scheme: Scheme) -> Chart:
    """What was measured at each epoch, a line a name; losses and what lies in [0, 1] in panels of their own."""
    losses = [name for name in measured if name.endswith(LOSS)]
    panels = {_("loss"): losses, _("quality"): [name for name in measured if name not in losses]}
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


def curves(measured: Courses, scheme: Scheme) -> go.Figure:
    """What was measured at each epoch of a training, one line a name, the names above the chart."""
    drawn = zip(measured.items(), pens(scheme), strict=False)
    figure = go.Figure([_line(name, values, pen) for (name, values), pen in drawn], {"height": 220})
    _name_epochs(figure, scheme)
    return figure


def _line(name: str, values: Sequence[float], pen: Mapping[str, object]) -> go.Scatter:
    epochs = list(range(1, len(values) + 1))
    mode, shown = "lines" if len(values) > 1 else "markers", wrapped(curve_title(name), LEGEND_ROOM)
    return go.Scatter(x=epochs, y=list(values), mode=mode, name=shown, line=pen)


def _name_epochs(figure: go.Figure, scheme: Scheme) -> None:
    figure.update_layout(margin={"l": 8, "r": 16, "t": 8, "b": 48})
    longest = max((len(line.x) for line in figure.data), default=0)
    figure.update_xaxes(dtick=1 if longest < SHORT else None)
    list(figure.select_xaxes())[-1].update(title=titled(_("epoch")))
    with_legend(styled(figure, scheme), scheme)


def curves_text(measured: Courses) -> str:
    """What `curves` shows, in words."""
    return text_alternative([worded(curve_message(name, values)) for name, values in measured.items()])


def curve_message(name: str, values: Sequence[float]) -> Message:
    """What a curve of a training shows, in words."""
    return Message(
        "{curve} from {first:.3f} to {last:.3f} over {count} epoch",
        "{curve} from {first:.3f} to {last:.3f} over {count} epochs",
        curve=curve_title(name),
        first=float(values[0]),
        last=float(values[-1]),
        count=len(values),
    )


def curve_title(name: str) -> str:
    """What a curve of a training is called on screen; one of a kind that is not known by its name, with blanks."""
    return CURVE_TITLES.get(name, name.replace("_", " "))
