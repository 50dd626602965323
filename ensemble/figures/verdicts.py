"""The charts of one verdict: the mean of its votes, and each vote against its cut; DEMO across where dummies voted."""

import plotly.graph_objects as go

from ensemble.figures.template import PALETTES, ROW, Palette, Scheme, styled, titled, tone, wrapped, write_beside
from ensemble.results import Verdict, Vote, word


def mean_score(verdict: Verdict, scheme: Scheme) -> go.Figure:
    """The votes in one figure: a gauge of the mean defect probability, or the mean probability of each class."""
    figure = _gauge(verdict, scheme) if verdict.classes.defect else _class_means(verdict, scheme)
    return _finished(figure, verdict, scheme)


def mean_score_text(verdict: Verdict) -> str:
    """What `mean_score` shows, in words."""
    if not verdict.votes:
        return "No member voted, so there is no mean."
    if verdict.classes.defect:
        mean = verdict.mean_probability(verdict.classes.defect) or 0.0
        cut = _mean_cut(verdict)
        return f"Mean defect probability {mean:.0%} over {votes_count(verdict)}; the mean cut is {cut:.0%}."
    means = (f"{word(name)} {verdict.mean_probability(name) or 0.0:.0%}" for name in verdict.classes.names)
    return f"Mean probability over {votes_count(verdict)}: {', '.join(means)}."


def votes_count(verdict: Verdict) -> str:
    """How many members voted, in words."""
    return "1 vote" if len(verdict.votes) == 1 else f"{len(verdict.votes)} votes"


def votes(verdict: Verdict, scheme: Scheme) -> go.Figure:
    """A bar for each member's score, its own cut marked, its vote written beside it."""
    palette = PALETTES[scheme]
    members = [vote.member for vote in verdict.votes]
    figure = go.Figure(
        go.Bar(
            x=[vote.score for vote in verdict.votes],
            y=members,
            orientation="h",
            width=0.5,
            marker={"color": [_bar(vote, verdict, palette) for vote in verdict.votes]},
        )
    )
    for row, vote in enumerate(verdict.votes):
        write_beside(figure, row, f"<b>{word(vote.label)}</b> {vote.score:.2f}", palette)
        if vote.threshold is not None:
            cut = {"x0": vote.threshold, "x1": vote.threshold, "y0": row - 0.42, "y1": row + 0.42}
            figure.add_shape(type="line", **cut, line={"color": palette.ink, "width": 3})
    means = "defect probability (line: the cut)" if verdict.classes.defect else "probability"
    _as_rows(figure, len(members), means, palette)
    figure.update_yaxes(tickvals=members, ticktext=[f"{wrapped(member)}  " for member in members], ticksuffix="")
    return _finished(figure, verdict, scheme)


def _bar(vote: Vote, verdict: Verdict, palette: Palette) -> str:
    look = tone(vote.label, verdict.classes)
    return palette.muted if look == "plain" and vote.label != verdict.label else palette.fill(look)


def votes_text(verdict: Verdict) -> str:
    """What `votes` shows, in words."""
    return "; ".join(_vote_text(vote) for vote in verdict.votes) + "." if verdict.votes else "No member voted."


def _vote_text(vote: Vote) -> str:
    cut = "" if vote.threshold is None else f" (cut {vote.threshold:.2f})"
    return f"{vote.member} says {word(vote.label)}, {vote.score:.2f}{cut}"


def _gauge(verdict: Verdict, scheme: Scheme) -> go.Figure:
    palette = PALETTES[scheme]
    mean, cut = verdict.mean_probability(verdict.classes.defect or "") or 0.0, _mean_cut(verdict)
    indicator = go.Indicator(
        mode="gauge+number",
        value=100 * mean,
        number={"suffix": "%", "valueformat": ".0f", "font": {"size": 40, "color": palette.ink}},
        domain={"x": [0, 1], "y": [0, 1]},
        gauge={
            "axis": {
                "range": [0, 100],
                "tickvals": [0, 100 * cut, 100],
                "ticktext": ["0", f"{100 * cut:.0f}", "100"],
                "tickcolor": palette.muted,
            },
            "bar": {"color": palette.fill(tone(verdict.label, verdict.classes)), "thickness": 0.6},
            "bgcolor": palette.surface,
            "borderwidth": 1,
            "bordercolor": palette.line,
            "threshold": {"value": 100 * cut, "thickness": 1, "line": {"color": palette.ink, "width": 4}},
        },
    )
    figure = go.Figure(indicator)
    figure.update_layout(height=190, margin={"l": 36, "r": 36, "t": 28, "b": 8})
    return figure


def _mean_cut(verdict: Verdict) -> float:
    """The mean of the cuts by the same weights as the mean of the scores, so that the two can be compared."""
    cuts = [(vote.weight, vote.threshold) for vote in verdict.votes if vote.threshold is not None]
    return sum(weight * cut for weight, cut in cuts) / sum(weight for weight, _ in cuts) if cuts else 0.5


def _class_means(verdict: Verdict, scheme: Scheme) -> go.Figure:
    palette = PALETTES[scheme]
    means = [verdict.mean_probability(name) or 0.0 for name in verdict.classes.names]
    colours = [palette.plain if name == verdict.label else palette.line for name in verdict.classes.names]
    names = [word(name) for name in verdict.classes.names]
    figure = go.Figure(go.Bar(x=means, y=names, orientation="h", width=0.5, marker={"color": colours}))
    for row, mean in enumerate(means):
        write_beside(figure, row, f"<b>{mean:.0%}</b>", palette)
    _as_rows(figure, len(names), "mean probability", palette)
    return figure


def _as_rows(figure: go.Figure, rows: int, title: str, palette: Palette) -> None:
    figure.update_xaxes(range=[0, 1], tickvals=[0, 0.5, 1], title=titled(title), gridcolor=palette.line)
    figure.update_yaxes(autorange="reversed", ticks="", ticksuffix="  ", tickfont={"size": 15, "color": palette.ink})
    figure.update_layout(height=ROW * rows + 64, margin={"l": 8, "r": 96, "t": 8, "b": 48}, bargap=0.4)


def _finished(figure: go.Figure, verdict: Verdict, scheme: Scheme) -> go.Figure:
    figure = styled(figure, scheme)
    if verdict.demo:
        place = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
        figure.add_annotation(text="<b>DEMO</b>", textangle=-14, opacity=0.4, font={"size": 64}, **place)
    return figure
