"""The charts of one verdict: the score that decided, and each vote against its threshold; DEMO where dummies voted."""

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

import plotly.graph_objects as go

from ensemble.figures.template import (
    PALETTES,
    ROW_PIXELS,
    Palette,
    Scheme,
    Tone,
    styled,
    titled,
    tone,
    wrapped,
    write_beside,
)
from ensemble.policies import reasons
from ensemble.values.digits import beside, in_order, percents
from ensemble.values.language import _, language, worded, written_number
from ensemble.values.results import Decision, Verdict, Vote, word
from ensemble.values.titles import model_title

CLOSE = 0.09  # of the gauge, that two of its numbers need between them


def draw_defect_score(verdict: Verdict, scheme: Scheme) -> go.Figure:
    """What decided in one figure: a gauge of the defect score with its thresholds, or a bar for each class."""
    decision = verdict.decision
    if decision is None:
        figure = go.Figure()
    elif verdict.classes.defect:
        figure = _gauge(decision, verdict, PALETTES[scheme])
    else:
        figure = _class_shares(decision, verdict, PALETTES[scheme])
    return _finished(figure, verdict, scheme)


def defect_score_title(verdict: Verdict) -> str:
    """What `defect_score` draws, by its name."""
    if verdict.decision is None:
        return _("No score has decided") if verdict.doubt else _("Nobody voted")
    if verdict.classes.defect:
        return worded(reasons.quantity_title(verdict.decision))
    titles = {
        "mean": _("Mean probability of each class"),
        "fused": _("Fused probability of each class"),
        "weight": _("Weight of each class"),
    }
    return titles.get(verdict.decision.kind, _("Votes for each class"))


def defect_score_text(verdict: Verdict) -> str:
    """What `defect_score` shows, in words."""
    decision = verdict.decision
    if decision is None:
        why = _("This photo may not show this part, so no score has decided.")
        return why if verdict.doubt else _("No model voted, so there is no score.")
    if verdict.classes.defect:
        needed = reasons.needed(decision)
        found = reasons.told(decision)
        return _("{found}; {limits}.", found=found, limits=needed) if needed else _("{found}.", found=found)
    shares = _share_texts(decision, verdict)
    named = ", ".join(f"{worded(word(name))} {shares[name]}" for name in verdict.classes.names)
    return _("{quantity}: {shares}.", quantity=defect_score_title(verdict), shares=named)


def votes_count(verdict: Verdict) -> str:
    """How many models voted, in words."""
    return _("{count} vote", "{count} votes", count=len(verdict.votes))


def votes(verdict: Verdict, scheme: Scheme) -> go.Figure:
    """A bar for each model's score, its own threshold marked, its vote written beside it."""
    palette = PALETTES[scheme]
    members = [worded(model_title(vote.member)) for vote in verdict.votes]
    colours = [_bar_colour(vote, verdict, palette) for vote in verdict.votes]
    figure = _score_bars([vote.score for vote in verdict.votes], members, colours)
    texts = (f"<b>{escape(worded(word(vote.label)))}</b> {vote_texts(vote)[0]}" for vote in verdict.votes)
    write_beside(figure, texts, palette)
    for row, vote in enumerate(verdict.votes):
        if vote.threshold is not None:
            threshold = {"x0": vote.threshold, "x1": vote.threshold, "y0": row - 0.42, "y1": row + 0.42}
            figure.add_shape(type="line", **threshold, line={"color": palette.ink, "width": 3})
    means = _("defect score (line: threshold)") if verdict.classes.defect else _("probability")
    _vote_rows(figure, len(members), means, palette)
    figure.update_yaxes(tickvals=members, ticktext=[f"{wrapped(member)}  " for member in members], ticksuffix="")
    return _finished(figure, verdict, scheme)


def _score_bars(lengths: Sequence[float], names: Sequence[str], colours: Sequence[str]) -> go.Figure:
    return go.Figure(go.Bar(x=lengths, y=names, orientation="h", width=0.5, marker={"color": colours}))


def _bar_colour(vote: Vote, verdict: Verdict, palette: Palette) -> str:
    look = tone(vote.label, verdict.classes)
    return palette.muted if look == "plain" and vote.label != verdict.label else palette.fill(look)


def votes_text(verdict: Verdict) -> str:
    """What `votes` shows, in words."""
    return "; ".join(_vote_text(vote) for vote in verdict.votes) + "." if verdict.votes else _("No model voted.")


def vote_texts(vote: Vote) -> tuple[str, str]:
    """A vote's score and its threshold, with digits that keep their order; a dash where there is no threshold."""
    if vote.threshold is None:
        return worded(in_order(vote.score)[0]), "–"
    score, threshold = beside(vote.score, vote.threshold)
    return worded(score), worded(threshold)


def _vote_text(vote: Vote) -> str:
    score, threshold = vote_texts(vote)
    told = {"model": model_title(vote.member), "verdict": word(vote.label), "score": score}
    if vote.threshold is None:
        return _("{model}: {verdict}, {score}", **told)
    return _("{model}: {verdict}, {score} (threshold {threshold})", **told, threshold=threshold)


def _gauge(decision: Decision, verdict: Verdict, palette: Palette) -> go.Figure:
    """The score on its own scale: models of models, percent of the weight, or a probability from 0 to 1."""
    counts = decision.kind == "votes"
    full = {"votes": float(decision.counted[1]), "weight": 100.0}.get(decision.kind, 1.0)
    score = float(decision.counted[0]) if counts else decision.score * full
    places = [threshold * full for threshold in decision.thresholds]
    write: Callable[..., Sequence[str]] = {
        "votes": partial(in_order, least=int(any(place % 1 for place in places))),
        "weight": partial(in_order, least=1),
    }.get(decision.kind, beside)
    shown, *thresholds = write(score, *places)
    digits = 0 if counts else len(shown.partition(".")[2])
    suffix = _(" of {models}", models=decision.counted[1]) if counts else ""
    if decision.kind == "weight":
        suffix = written_number("%", language())
    ticks = _gauge_ticks(places, [worded(each) for each in thresholds], full)
    indicator = go.Indicator(
        mode="gauge+number",
        value=score,
        number={"suffix": suffix, "valueformat": f".{digits}f", "font": {"size": 40, "color": palette.ink}},
        domain={"x": [0, 1], "y": [0, 1]},
        gauge={
            "axis": {
                "range": [0, full],
                "tickvals": list(ticks),
                "ticktext": list(ticks.values()),
                "tickcolor": palette.muted,
            },
            "bar": {"color": palette.fill(tone(verdict.label, verdict.classes)), "thickness": 0.6},
            "bgcolor": palette.surface,
            "borderwidth": 1,
            "bordercolor": palette.line,
            "steps": [
                *_gauge_zones(decision, full, palette),
                *(
                    {"range": [place - full / 200, place + full / 200], "color": palette.ink, "thickness": 1}
                    for place in places[:-1]  # the gauge itself marks one threshold, the last
                ),
            ],
        },
    )
    if places:
        mark = {"color": palette.ink, "width": 4}
        indicator.gauge.threshold = {"value": places[-1], "thickness": 1, "line": mark}
    figure = go.Figure(indicator)
    figure.update_layout(height=190, margin={"l": 44, "r": 44, "t": 28, "b": 8})
    return figure


def _gauge_zones(decision: Decision, full: float, palette: Palette) -> list[dict[str, object]]:
    """What a score in each part of the gauge would be: OK, REVIEW or NOK, as a tint behind the bar."""
    review, reject = decision.review_from, decision.reject_from
    starts: list[tuple[Tone, float]] = [("ok", 0.0)]
    starts += [("review", review)] if review is not None else []
    starts += [("nok", reject)] if reject is not None else []
    if len(starts) < 2:
        return []
    ends = [start for _, start in starts[1:]] + [1.0]
    return [
        {"range": [start * full, end * full], "color": _tint(palette.fill(look)), "thickness": 1}
        for (look, start), end in zip(starts, ends, strict=True)
        if start < end
    ]


def _tint(colour: str) -> str:
    """A colour that what lies before it stands out from."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.28)"


def _gauge_ticks(places: Sequence[float], texts: Sequence[str], full: float) -> dict[float, str]:
    """The numbers about the gauge: its ends, where no threshold is too close to them, and the thresholds."""
    if len(places) > 1 and places[-1] - places[0] < CLOSE * full:
        marks = {(places[0] + places[-1]) / 2: " · ".join(dict.fromkeys(texts))}
    else:
        marks = dict(zip(places, texts, strict=True))
    ends = {0.0: "0", full: f"{full:g}"}
    clear = {end: text for end, text in ends.items() if all(abs(end - place) >= CLOSE * full for place in marks)}
    return dict(sorted({**clear, **marks}.items()))


def _class_shares(decision: Decision, verdict: Verdict, palette: Palette) -> go.Figure:
    names, texts = verdict.classes.names, _share_texts(decision, verdict)
    shares = [decision.shares.get(name, 0.0) for name in names]
    colours = [palette.plain if name == verdict.label else palette.line for name in names]
    figure = _score_bars(shares, [wrapped(word(name)) for name in names], colours)
    write_beside(figure, (f"<b>{texts[name]}</b>" for name in names), palette)
    shares_of = {
        "mean": _("mean probability"),
        "fused": _("fused probability"),
        "weight": _("share of the weight"),
    }
    axis = shares_of.get(decision.kind, _("share of the votes"))
    _vote_rows(figure, len(names), axis, palette)
    return figure


def _share_texts(decision: Decision, verdict: Verdict) -> dict[str, str]:
    """What stands beside each class: its votes, or its share with digits that keep the order of the classes."""
    names = verdict.classes.names
    if decision.kind == "votes":
        models = decision.counted[1]
        votes_for = {name: round(decision.shares.get(name, 0.0) * models) for name in names}
        return {name: _("{says} of {models}", says=says, models=models) for name, says in votes_for.items()}
    shares = (decision.shares.get(name, 0.0) for name in names)
    texts = percents(*shares) if decision.kind == "weight" else in_order(*shares)
    return dict(zip(names, map(worded, texts), strict=True))


def _vote_rows(figure: go.Figure, rows: int, title: str, palette: Palette) -> None:
    figure.update_xaxes(range=[0, 1], tickvals=[0, 0.5, 1], title=titled(title), gridcolor=palette.line)
    figure.update_yaxes(autorange="reversed", ticks="", ticksuffix="  ", tickfont={"size": 15, "color": palette.ink})
    figure.update_layout(height=ROW_PIXELS * rows + 64, margin={"l": 8, "r": 96, "t": 8, "b": 48}, bargap=0.4)


def _finished(figure: go.Figure, verdict: Verdict, scheme: Scheme) -> go.Figure:
    figure = styled(figure, scheme)
    if verdict.demo:
        place = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
        figure.add_annotation(text="<b>DEMO</b>", textangle=-14, opacity=0.4, font={"size": 64}, **place)
    return figure
