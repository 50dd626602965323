"""Charts of scores: their histogram, and how far they can be taken for probabilities."""

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ensemble.figures.template import (
    LEGEND_ROOM,
    PALETTES,
    Chart,
    Palette,
    Scheme,
    cell,
    mark_threshold,
    styled,
    text_alternative,
    titled,
    tone,
    whole_percent,
    wrapped,
)
from ensemble.values.digits import threshold_text
from ensemble.values.language import _, worded
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, REVIEW, word

HISTOGRAM_BINS = 50  # bars of 0.02, so that most thresholds of two digits fall between two of them
NICE_STEPS = tuple(digit * 10**power for power in range(7) for digit in (1, 2, 5))
APART = 0.2  # of the higher side, that two counts beside the axis keep between them
NAME = 0.22  # of the higher side, that the name of a class takes beyond its highest bar
Zone = tuple[str, float, float]  # verdict, from, to
BinCounts = Mapping[str, NDArray[np.int64]]


def score_histogram(
    good: Sequence[float],
    defective: Sequence[float],
    review: float,
    reject: float,
    scheme: Scheme,
    *,
    axis: str = "",
) -> Chart:
    """How many good parts (upwards) and defective parts (downwards) have which score, in the zones of two thresholds.

    A part is in REVIEW from the threshold `review` on and NOK from `reject` on; where both are equal there is no
    REVIEW. Bars are as high as the root of their count, so that one defective part shows beside thousands of good ones.
    `axis` says what the scores are. Scores and cuts outside [0, 1], and thresholds in the wrong order, raise a
    ValueError.
    """
    if not 0 <= review <= reject <= 1:
        raise ValueError(f"Cuts lie in [0, 1], that of REVIEW not above that of NOK. Got {review} and {reject}.")
    sides = {NON_DEFECTIVE: _checked_scores(good), DEFECTIVE: _checked_scores(defective)}
    zones = _zones(review, reject)
    counts = {label: np.histogram(scores, HISTOGRAM_BINS, (0, 1))[0] for label, scores in sides.items()}
    figure = _draw_bars(counts, zones, PALETTES[scheme])
    figure.update_xaxes(title=titled(f"{axis or _('defect probability')}<br>{_in_words(zones)}"))
    rows = tuple(
        {"truth": label, "score": cell(score), "verdict": _verdict(score, zones)}
        for label, scores in sides.items()
        for score in scores
    )
    text = text_alternative(
        [_histogram_text(label, [row["verdict"] for row in rows if row["truth"] == label], zones) for label in sides]
    )
    return Chart(styled(figure, scheme), f"{_in_words(zones)}; {text}", ("truth", "score", "verdict"), rows)


def _checked_scores(scores: Sequence[float]) -> NDArray[np.float64]:
    found = np.asarray(scores, dtype=float)
    inside = (found >= 0) & (found <= 1)  # also refuses NaN
    if not inside.all():
        raise ValueError(f"Scores lie in [0, 1]. Got {found[~inside][0]}.")
    return found


def _zones(review: float, reject: float) -> list[Zone]:
    zones = [(NON_DEFECTIVE, 0.0, review), (REVIEW, review, reject), (DEFECTIVE, reject, 1.0)]
    return [zone for zone in zones if zone[0] != REVIEW or review < reject]


def _verdict(score: float, zones: Sequence[Zone]) -> str:
    return next(label for label, start, _end in reversed(zones) if score >= start)


def _in_words(zones: Sequence[Zone]) -> str:
    return ", ".join(
        _("{verdict} from {threshold}", verdict=word(label), threshold=threshold_text(start))
        for label, start, _end in zones[1:]
    )


def _histogram_text(truth: str, verdicts: Sequence[object], zones: Sequence[Zone]) -> str:
    said = ", ".join(_told_verdicts(truth, label, verdicts.count(label)) for label, *_rest in zones)
    return _("of {parts} {verdicts}", parts=_bar_parts(truth, len(verdicts)), verdicts=said)


def _told_verdicts(truth: str, label: str, count: int) -> str:
    if (truth, label) == (NON_DEFECTIVE, DEFECTIVE):
        return _("{count} {verdict} (overkill)", count=count, verdict=word(label))
    if (truth, label) == (DEFECTIVE, NON_DEFECTIVE):
        return _("{count} {verdict} (escaped)", count=count, verdict=word(label))
    return f"{count} {worded(word(label))}"


def _bar_parts(truth: str, count: int) -> str:
    if truth == NON_DEFECTIVE:
        return _("{count} good part", "{count} good parts", count=count)
    return _("{count} defective part", "{count} defective parts", count=count)


def _draw_bars(counts: BinCounts, zones: Sequence[Zone], palette: Palette) -> go.Figure:
    peaks = {label: float(np.sqrt(max(1, found.max()))) for label, found in counts.items()}
    highest = max(peaks.values())
    figure = go.Figure(layout={"height": 360, "margin": {"l": 8, "r": 36, "t": 48, "b": 64}, "barmode": "overlay"})
    for label, start, end in zones:
        _add_zone(figure, label, start, end, palette)
    ticks: dict[float, str] = {0.0: "0"}
    for label, sign, corner in ((NON_DEFECTIVE, 1, ("right", 1.0)), (DEFECTIVE, -1, ("left", 0.0))):
        middles = (np.arange(HISTOGRAM_BINS) + 0.5) / HISTOGRAM_BINS
        colour = palette.fill(tone(label, OK_NOK))
        marker = {"color": colour, "line": {"width": 0}}
        figure.add_bar(x=middles, y=sign * np.sqrt(counts[label]), width=0.9 / HISTOGRAM_BINS, marker=marker)
        _add_name(figure, f"<b>{_bar_parts(label, counts[label].sum())}</b>", corner, palette)
        ticks |= {sign * float(np.sqrt(count)): str(count) for count in _count_ticks(peaks[label], highest)}
    figure.update_xaxes(range=[0, 1], tickvals=[0, 0.25, 0.5, 0.75, 1], showgrid=False)
    high, low = (peaks[label] + NAME * highest for label in (NON_DEFECTIVE, DEFECTIVE))
    figure.update_yaxes(range=[-low, high], tickvals=list(ticks), ticktext=list(ticks.values()))
    figure.update_yaxes(title=titled(_("photos (square-root scale)")))
    figure.add_hline(0, line={"color": palette.muted, "width": 1})
    for _label, start, _end in zones[1:]:
        mark_threshold(figure, start, palette)
    return figure


def _count_ticks(peak: float, highest: float) -> list[int]:
    """Round counts up to the highest bar, from above, as long as the root scale has room between them."""
    kept: list[int] = []
    for count in reversed(NICE_STEPS):
        above = np.sqrt(kept[-1]) if kept else np.inf
        if np.sqrt(count) <= peak and min(above - np.sqrt(count), np.sqrt(count)) >= APART * highest:
            kept.append(count)
    return kept


def _add_zone(figure: go.Figure, label: str, start: float, end: float, palette: Palette) -> None:
    look = tone(label, OK_NOK)
    tint = {"fillcolor": palette.fill(look), "opacity": 0.14, "layer": "below", "line_width": 0}
    figure.add_shape(type="rect", x0=start, x1=end, y0=0, y1=1, yref="paper", **tint)
    # OK and NOK lean on their thresholds and REVIEW stands above them: a narrow zone needs no room for its word.
    places: Mapping[str, tuple[float, str, int]] = {
        NON_DEFECTIVE: (end, "right", 0),
        REVIEW: ((start + end) / 2, "center", 18),
        DEFECTIVE: (start, "left", 0),
    }
    x, anchor, lift = places[label]
    words = {"text": f"<b>{worded(word(label))}</b>", "font": {"size": 14, "color": palette.ink}, "showarrow": False}
    figure.add_annotation(**words, x=x, xanchor=anchor, y=1, yref="paper", yanchor="bottom", yshift=lift)


def _add_name(figure: go.Figure, name: str, corner: tuple[str, float], palette: Palette) -> None:
    side, height = corner
    place = {"x": height, "y": height, "xref": "paper", "yref": "paper", "xanchor": side}
    look = {"text": name, "font": {"size": 14, "color": palette.ink}, "showarrow": False}
    figure.add_annotation(**look, bgcolor=palette.surface, **place, yanchor="top" if height else "bottom")


Bin = tuple[float, float, int]  # mean stated probability, share that came true, photos
LARGEST, SMALLEST = 30, 6  # pixels across, of the dots that stand for the most photos and for next to none


def reliability(bins: Sequence[Bin], scheme: Scheme, name: str) -> Chart:
    """How often came true what `name` stated, a dot a bin, as large as its photos are many; the diagonal is right."""
    palette = PALETTES[scheme]
    seen = [entry for entry in bins if entry[2] > 0]
    figure = go.Figure(_score_dots(seen, palette))
    line = {"color": palette.muted, "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, layer="below", line=line)
    title = {"text": wrapped(name, LEGEND_ROOM), "font": {"size": 14, "color": palette.ink}, "x": 0, "xref": "paper"}
    figure.update_layout(height=340, margin={"l": 8, "r": 24, "t": 48, "b": 48}, title=title)
    figure.update_xaxes(title=titled(_("predicted probability (dotted: ideal)")))
    figure.update_yaxes(title=titled(_("observed frequency")))
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(range=[-0.05, 1.08], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%")
    styled(figure, scheme).update_yaxes(showgrid=True)
    rows = tuple({"stated": cell(stated), "came_true": cell(true), "photos": count} for stated, true, count in bins)
    return Chart(figure, f"{name}: {_bin_counts(seen)}", ("stated", "came_true", "photos"), rows)


def _score_dots(bins: Sequence[Bin], palette: Palette) -> go.Scatter:
    most = max((count for *_, count in bins), default=1)
    sizes = [max(SMALLEST, LARGEST * sqrt(count / most)) for *_, count in bins]
    return go.Scatter(
        x=[stated for stated, *_rest in bins],
        y=[true for _stated, true, _count in bins],
        mode="markers+text",
        cliponaxis=False,
        marker={"color": palette.plain, "size": sizes, "opacity": 1, "line": {"width": 0}},
        text=[str(count) for *_, count in bins],
        textposition="top center",
        textfont={"size": 13, "color": palette.ink},
    )


def _bin_counts(bins: Sequence[Bin]) -> str:
    parts = [
        _(
            "predicted {stated}, observed {true} ({count} photo)",
            "predicted {stated}, observed {true} ({count} photos)",
            stated=whole_percent(stated),
            true=whole_percent(true),
            count=count,
        )
        for stated, true, count in bins
    ]
    return text_alternative(parts) if parts else _("no photos.")
