"""Bars to compare by: what each member adds, and what each policy costs."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from ensemble.figures.template import (
    LINE,
    NAME_ROOM,
    PALETTES,
    ROW,
    Chart,
    Palette,
    Scheme,
    Tone,
    cell,
    sentence,
    styled,
    titled,
    with_legend,
    wrapped,
    write_beside,
)

Cost = tuple[str, float | None, float | None, float | None]  # policy, money for its escapes, overkills and reviews
PRICED: Mapping[str, Tone] = {"escapes": "nok", "overkills": "plain", "reviews": "review"}
COST_COLUMNS = ("policy", *PRICED, "all", "active")


def without_each(changes: Mapping[str, float], scheme: Scheme, unit: str, *, more_is_better: bool = True) -> Chart:
    """How much worse, or better, the ensemble is without each member; the one that it would miss most comes first.

    `changes` holds the ensemble's figure without the member minus that with it, `unit` what it is a figure of;
    `more_is_better` is False for money and for rates of mistakes.
    """
    palette = PALETTES[scheme]
    losses = {name: (-change if more_is_better else change) for name, change in changes.items()}
    ranked = dict(sorted(losses.items(), key=lambda entry: -entry[1]))
    colours = [palette.plain if loss >= 0 else palette.review for loss in ranked.values()]
    figure = go.Figure(_bars(list(ranked.values()), colours))
    for row, loss in enumerate(ranked.values()):
        write_beside(figure, row, _worse(loss), palette)
    _as_rows(
        figure,
        [wrapped(name, NAME_ROOM) for name in ranked],
        f"how much worse without it<br>({unit}; left of 0: better)",
        palette,
    )
    figure.add_vline(0, line={"color": palette.ink, "width": 1})
    text = sentence([f"without {name} the ensemble is {_worse(loss, f' {unit}')}" for name, loss in ranked.items()])
    rows = tuple({"member": name, "change": cell(changes[name])} for name in ranked)
    return Chart(styled(figure, scheme), text, ("member", "change"), rows)


def policy_costs(costs: Sequence[Cost], scheme: Scheme, *, unit: str, active: str | None = None) -> Chart:
    """What the escapes, overkills and reviews of each policy cost, the cheapest first; `active` is marked.

    Money that is not known is None; such a policy has no sum and comes last. `unit` says what the money is for.
    """
    palette = PALETTES[scheme]
    ranked = sorted(costs, key=lambda cost: (_sum(cost) is None, _sum(cost) or 0.0))
    figure = go.Figure()
    for place, (name, look) in enumerate(PRICED.items()):
        figure.add_trace(
            _bars([cost[1:][place] if _sum(cost) is not None else None for cost in ranked], palette.fill(look), name)
        )
    for row, cost in enumerate(ranked):
        total = _sum(cost)
        write_beside(figure, row, "unknown" if total is None else f"<b>{total:,.2f}</b>", palette)
    marks = ("<b>▸ ", "</b>")
    labels = [wrapped(name, NAME_ROOM).join(marks if name == active else ("", "")) for name, *_ in ranked]
    _as_rows(figure, labels, f"{unit}{' (▸: active)' if active else ''}", palette)
    figure.update_layout(barmode="stack")
    with_legend(styled(figure, scheme), scheme)
    figure.update_yaxes(showgrid=False)
    text = sentence([_cost_text(cost, unit, active) for cost in ranked])
    return Chart(figure, text, COST_COLUMNS, tuple(_cost_row(cost, active) for cost in ranked))


def _bars(lengths: Sequence[float | None], colour: str | Sequence[str], name: str = "") -> go.Bar:
    rows = list(range(len(lengths)))
    return go.Bar(
        x=lengths, y=rows, name=name, orientation="h", width=0.5, marker={"color": colour, "line": {"width": 0}}
    )


def _as_rows(figure: go.Figure, labels: Sequence[str], title: str, palette: Palette) -> None:
    places = list(range(len(labels)))
    figure.update_xaxes(title=titled(title), nticks=4, tickangle=0)
    figure.update_yaxes(range=[len(labels) - 0.5, -0.5], ticks="", tickvals=places)
    figure.update_yaxes(ticktext=[f"{label}  " for label in labels], tickfont={"size": 14, "color": palette.ink})
    lines = max((label.count("<br>") + 1 for label in labels), default=1)
    figure.update_layout(height=max(ROW, LINE * lines) * len(labels) + 104, margin={"l": 8, "r": 116, "t": 8, "b": 64})


def _worse(loss: float, unit: str = "") -> str:
    size = f"{abs(loss):,.3f}"
    return "the same" if float(size.replace(",", "")) == 0 else f"{'worse' if loss > 0 else 'better'} by {size}{unit}"


def _sum(cost: Cost) -> float | None:
    known = [money for money in cost[1:] if money is not None]
    return sum(known) if len(known) == len(PRICED) else None


def _cost_text(cost: Cost, unit: str, active: str | None) -> str:
    total, name = _sum(cost), f"{cost[0]} (active)" if cost[0] == active else cost[0]
    if total is None:
        return f"what {name} costs is unknown"
    parts = ", ".join(f"{part} {money:,.2f}" for part, money in zip(PRICED, cost[1:], strict=True))
    return f"{name} costs {total:,.2f} {unit}: {parts}"


def _cost_row(cost: Cost, active: str | None) -> Mapping[str, object]:
    parts = {part: cell(money) for part, money in zip(PRICED, cost[1:], strict=True)}
    return {"policy": cost[0], **parts, "all": cell(_sum(cost)), "active": "yes" if cost[0] == active else "no"}
