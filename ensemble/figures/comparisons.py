"""Charts that compare: members, policies, versions."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from ensemble.figures.template import (
    LINE,
    NAME_ROOM,
    PALETTES,
    ROW_PIXELS,
    Chart,
    Palette,
    Scheme,
    Tone,
    cell,
    styled,
    text_alternative,
    titled,
    with_legend,
    wrapped,
    write_beside,
)
from ensemble.values.digits import signed
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.titles import policy_title, voter_title

Limits = tuple[float, float | None, float | None]  # a value, and its lower and upper limit where these are known
COMPARISON_COLUMNS = ("voter", "value", "low", "high")


def estimates(values: Mapping[str, Limits], scheme: Scheme, unit: str) -> Chart:
    """What was measured of each voter, from 0 to 1, a dot with its limits; `unit` says what."""
    palette = PALETTES[scheme]
    figure = _figure(values, [palette.plain] * len(values), _("{unit} with 95% limits", unit=unit), scheme)
    lowest = min((low if low is not None else value for value, low, _high in values.values()), default=0.0)
    figure.update_xaxes(range=[max(0.0, min(lowest - 0.05, 0.45)), 1.02])
    write_beside(figure, (_bold(NumberText(f"{value:.3f}")) for value, *_rest in values.values()), palette)
    parts = [_estimate_text(name, unit, limits) for name, limits in values.items()]
    return Chart(figure, text_alternative(parts), COMPARISON_COLUMNS, _interval_rows(values))


def differences(values: Mapping[str, Limits], scheme: Scheme, unit: str, *, more_is_better: bool) -> Chart:
    """What each voter's figure is now minus before, a dot with its limits, and a line where nothing has changed.

    A voter whose limits leave only the worse side stands out; where limits reach over the line it can be chance.
    """
    palette = PALETTES[scheme]
    worse = [_is_worse(each, more_is_better) for each in values.values()]
    colours = [palette.review if bad else palette.plain for bad in worse]
    title = _("change of {unit}<br>(left of the line: better)", unit=unit)
    if more_is_better:
        title = _("change of {unit}<br>(right of the line: better)", unit=unit)
    figure = _figure(values, colours, title, scheme)
    figure.add_vline(0, line={"color": palette.ink, "width": 2})
    reach = max((abs(end) for each in values.values() for end in each if end is not None), default=0.0)
    figure.update_xaxes(range=[-1.1 * max(reach, 0.02), 1.1 * max(reach, 0.02)])
    write_beside(figure, (_bold(signed(value)) for value, *_rest in values.values()), palette)
    parts = [_change_text(*named, unit, bad=bad) for named, bad in zip(values.items(), worse, strict=True)]
    return Chart(figure, text_alternative(parts), COMPARISON_COLUMNS, _interval_rows(values))


def _figure(values: Mapping[str, Limits], colours: Sequence[str], title: str, scheme: Scheme) -> go.Figure:
    figure = go.Figure(_voter_traces(list(values.values()), colours, PALETTES[scheme]))
    _lay_out_rows(figure, [wrapped(voter_title(name), NAME_ROOM) for name in values], title, PALETTES[scheme])
    figure.update_layout(margin={"r": 76, "b": 72}, xaxis={"nticks": 5})
    return styled(figure, scheme)


def _voter_traces(found: Sequence[Limits], colours: Sequence[str], palette: Palette) -> list[go.Scatter]:
    """A trace a voter, so that each has its own colour; hollow where the limits are unknown."""
    return [
        go.Scatter(
            x=[value],
            y=[row],
            mode="markers",
            cliponaxis=False,
            marker={
                "size": 13,
                "color": palette.surface if low is None else colour,
                "symbol": "circle",
                "line": {"width": 2, "color": colour},
            },
            error_x=None if low is None or high is None else _whisker(value, low, high, colour),
        )
        for row, ((value, low, high), colour) in enumerate(zip(found, colours, strict=True))
    ]


def _whisker(value: float, low: float, high: float, colour: str) -> Mapping[str, object]:
    ends = {"array": [max(0.0, high - value)], "arrayminus": [max(0.0, value - low)]}
    return {"type": "data", "symmetric": False, "color": colour, "thickness": 3, "width": 6, **ends}


def _is_worse(limits: Limits, more_is_better: bool) -> bool:
    _value, low, high = limits
    return low is not None and high is not None and (high < 0 if more_is_better else low > 0)


def _bold(text: str) -> str:
    return f"<b>{worded(text)}</b>"


def _estimate_text(name: str, unit: str, limits: Limits) -> str:
    value, low, high = limits
    told = {"voter": voter_title(name), "unit": unit, "value": value}
    if low is None or high is None:
        return _("{voter}: {unit} {value:.3f} (limits unknown)", **told)
    return _("{voter}: {unit} {value:.3f} ({low:.3f} to {high:.3f})", **told, low=low, high=high)


def _change_text(name: str, limits: Limits, unit: str, *, bad: bool) -> str:
    value, low, high = limits
    told = {"voter": voter_title(name), "unit": unit, "change": signed(value)}
    if low is None or high is None:
        return _("{voter}: change of {unit} {change} (limits unknown)", **told)
    told |= {"low": signed(low), "high": signed(high)}
    if bad:
        return _("{voter}: change of {unit} {change} ({low} to {high}), worse", **told)
    return _("{voter}: change of {unit} {change} ({low} to {high})", **told)


def _interval_rows(values: Mapping[str, Limits]) -> tuple[Mapping[str, object], ...]:
    return tuple(
        {"voter": name, "value": cell(value), "low": cell(low), "high": cell(high)}
        for name, (value, low, high) in values.items()
    )


Cost = tuple[str, float | None, float | None, float | None]  # policy, money for its escapes, overkills and reviews
PRICED: Mapping[str, Tone] = {"escapes": "nok", "overkills": "plain", "reviews": "review"}
PARTS: Mapping[str, Message] = {
    "escapes": Message("escapes"),
    "overkills": Message("overkills"),
    "reviews": Message("reviews"),
}
COST_COLUMNS = ("policy", *PRICED, "all", "active")


def draw_without_each(changes: Mapping[str, float], scheme: Scheme, unit: str, *, more_is_better: bool = True) -> Chart:
    """How much worse, or better, the ensemble is without each member; the one that it would miss most comes first.

    `changes` holds the ensemble's figure without the member minus that with it, `unit` what it is a figure of;
    `more_is_better` is False for money and for rates of mistakes.
    """
    palette = PALETTES[scheme]
    losses = {name: (-change if more_is_better else change) for name, change in changes.items()}
    ranked = dict(sorted(losses.items(), key=lambda entry: -entry[1]))
    colours = [palette.plain if loss >= 0 else palette.review for loss in ranked.values()]
    figure = go.Figure(_bars(list(ranked.values()), colours))
    write_beside(figure, map(_worse, ranked.values()), palette)
    title = _("{unit} lost without the model<br>(left of 0: better without it)", unit=unit)
    _lay_out_rows(figure, [wrapped(voter_title(name), NAME_ROOM) for name in ranked], title, palette)
    figure.add_vline(0, line={"color": palette.ink, "width": 1})
    parts = [
        _("Without {voter}: {change}", voter=voter_title(name), change=_worse(loss, f" {unit}"))
        for name, loss in ranked.items()
    ]
    rows = tuple({"member": name, "change": cell(changes[name])} for name in ranked)
    return Chart(styled(figure, scheme), text_alternative(parts), ("member", "change"), rows)


def policy_costs(costs: Sequence[Cost], scheme: Scheme, *, unit: str, active: str | None = None) -> Chart:
    """What the escapes, overkills and reviews of each policy cost, the cheapest first; `active` is marked.

    Money that is not known is None; such a policy has no sum and comes last. `unit` says what the money is for.
    """
    palette = PALETTES[scheme]
    ranked = sorted(costs, key=lambda cost: (_sum(cost) is None, _sum(cost) or 0.0))
    figure = go.Figure()
    for place, (name, look) in enumerate(PRICED.items()):
        figure.add_trace(
            _bars(
                [cost[1:][place] if _sum(cost) is not None else None for cost in ranked],
                palette.fill(look),
                worded(PARTS[name]),
            )
        )
    totals = map(_sum, ranked)
    write_beside(figure, (_("unknown") if total is None else _bold(_money(total)) for total in totals), palette)
    marks = ("<b>▸ ", "</b>")
    labels = [wrapped(policy_title(name), NAME_ROOM).join(marks if name == active else ("", "")) for name, *_ in ranked]
    _lay_out_rows(figure, labels, _("{unit} (▸: active)", unit=unit) if active else unit, palette)
    figure.update_layout(barmode="stack")
    with_legend(styled(figure, scheme), scheme)
    figure.update_yaxes(showgrid=False)
    text = text_alternative([_cost_text(cost, unit, active) for cost in ranked])
    return Chart(figure, text, COST_COLUMNS, tuple(_cost_row(cost, active) for cost in ranked))


def _bars(lengths: Sequence[float | None], colour: str | Sequence[str], name: str = "") -> go.Bar:
    marker = {"color": colour, "line": {"width": 0}}
    return go.Bar(x=lengths, y=list(range(len(lengths))), name=name, orientation="h", width=0.5, marker=marker)


def _lay_out_rows(figure: go.Figure, labels: Sequence[str], title: str, palette: Palette) -> None:
    figure.update_xaxes(title=titled(title), nticks=4, tickangle=0)
    figure.update_yaxes(range=[len(labels) - 0.5, -0.5], ticks="", tickvals=list(range(len(labels))))
    figure.update_yaxes(ticktext=[f"{label}  " for label in labels], tickfont={"size": 14, "color": palette.ink})
    lines = max((label.count("<br>") + 1 for label in labels), default=1)
    figure.update_layout(
        height=max(ROW_PIXELS, LINE * lines) * len(labels) + 104, margin={"l": 8, "r": 116, "t": 8, "b": 64}
    )


def _worse(loss: float, unit: str = "") -> str:
    size = NumberText(f"{abs(loss):,.3f}")
    if float(size.replace(",", "")) == 0:
        return _("the same")
    if loss > 0:
        return _("worse by {size}{unit}", size=size, unit=unit)
    return _("better by {size}{unit}", size=size, unit=unit)


def _sum(cost: Cost) -> float | None:
    known = [money for money in cost[1:] if money is not None]
    return sum(known) if len(known) == len(PRICED) else None


def _cost_text(cost: Cost, unit: str, active: str | None) -> str:
    total, title = _sum(cost), policy_title(cost[0])
    name = _("{policy} (active)", policy=title) if cost[0] == active else title
    if total is None:
        return _("{policy}: cost unknown", policy=name)
    amounts = zip(PARTS.values(), cost[1:], strict=True)
    parts = ", ".join(f"{worded(part)} {worded(_money(money))}" for part, money in amounts if money is not None)
    return _("{policy}: {total} {unit} ({parts})", policy=name, total=_money(total), unit=unit, parts=parts)


def _money(amount: float) -> NumberText:
    return NumberText(f"{amount:,.2f}")


def _cost_row(cost: Cost, active: str | None) -> Mapping[str, object]:
    parts = {part: cell(money) for part, money in zip(PRICED, cost[1:], strict=True)}
    return {"policy": cost[0], **parts, "all": cell(_sum(cost)), "active": "yes" if cost[0] == active else "no"}
