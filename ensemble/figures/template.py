"""What all charts share: the palettes of both schemes, pens, names that fit, and the shape of a chart's answer."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import cycle
from types import MappingProxyType
from typing import Literal

import plotly.graph_objects as go

from ensemble.values.language import NumberText, _, language, worded, written_number
from ensemble.values.results import REVIEW, Classes

Scheme = Literal["light", "dark"]
Tone = Literal["ok", "nok", "review", "plain"]


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one scheme; `…_ink` is what is written on the colour of that name."""

    paper: str
    surface: str
    ink: str
    muted: str
    line: str
    ok: str
    ok_ink: str
    nok: str
    nok_ink: str
    review: str
    review_ink: str
    plain: str
    plain_ink: str

    def fill(self, tone: Tone) -> str:
        """The colour of a tone."""
        return str(getattr(self, tone))

    def ink_on(self, tone: Tone) -> str:
        """The colour to write with on the colour of a tone."""
        return str(getattr(self, f"{tone}_ink"))


PALETTES: Mapping[Scheme, Palette] = MappingProxyType(
    {
        "light": Palette(
            *("#F3F5F6", "#FFFFFF", "#1D252B", "#55616A", "#B9C2C8"),
            *("#00695C", "#FFFFFF", "#B83A00", "#FFFFFF", "#FFB000", "#241A00", "#3F6275", "#FFFFFF"),
        ),
        "dark": Palette(
            *("#171B1E", "#22282C", "#E6EAEC", "#A9B4BB", "#465159"),
            *("#4DB6A6", "#06201C", "#CC4308", "#FFFFFF", "#FFB938", "#241A00", "#8FB4C8", "#10202A"),
        ),
    }
)
FONT = '"Source Sans", sans-serif'  # the one that comes with Streamlit: nothing is fetched
LONG = 18  # letters of a name that still stand on one line
NAME_LINE = 24  # letters of a line of a broken name
LEGEND_ROOM = 30  # letters of a name above a chart, where it has the width of a phone
NAME_ROOM = 16  # letters of a name beside a chart that needs the width itself
LINE = 21  # pixels a line of text takes
ROW_PIXELS = 44  # pixels a bar and its label take
DASHES = ("solid", "dash", "dot", "dashdot")
# What lines that stand for members are drawn with: none of these colours is a verdict's.
PENS: Mapping[Scheme, Sequence[str]] = MappingProxyType(
    {
        "light": ("#3F6275", "#8A4F7D", "#2E6FB5", "#6B5B2E", "#55616A"),
        "dark": ("#8FB4C8", "#D3A3C8", "#7FB2EE", "#CFC08A", "#A9B4BB"),
    }
)


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: the figure, what it shows in words, and its numbers as rows for `exports.as_csv`."""

    figure: go.Figure
    text: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, object], ...]


def tone(label: str, classes: Classes) -> Tone:
    """How a label looks: ok, nok, review, or plain where the classes have no defect."""
    if label == REVIEW:
        return "review"
    if classes.defect is None:
        return "plain"
    return "nok" if label == classes.defect else "ok"


def wrapped(name: str, room: int = LONG) -> str:
    """A name as HTML, on more lines where it has more letters than `room`; no letter is left out."""
    return "<br>".join(escape(line, quote=False) for line in _lines(worded(name), room, room))


def _lines(name: str, room: int, most: int) -> list[str]:
    if len(name) <= most:
        return [name]
    places = [place for place, letter in enumerate(name[:-1], 1) if letter in "_- "] or [len(name) // 2]
    middle = min(places, key=lambda place: abs(place - len(name) / 2))
    slack = NAME_LINE - LONG  # a half may be a little longer than a whole name, before it is broken too
    return [line for half in (name[:middle], name[middle:]) for line in _lines(half, room, room + slack)]


def pens(scheme: Scheme) -> Iterator[Mapping[str, object]]:
    """One pen after the other, without end; twenty differ, and neighbours in dash as well as in colour."""
    for colour, dash in zip(cycle(PENS[scheme]), cycle(DASHES), strict=False):
        yield {"color": colour, "dash": dash, "width": 2}


def titled(text: str) -> dict[str, object]:
    """The title of an axis."""
    return {"text": text, "font": {"size": 13}}


def blend(colour: str, ground: str, share: float) -> str:
    """A #RRGGBB colour, this share of which lies on a ground."""
    pairs = [(int(colour[at : at + 2], 16), int(ground[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(share * over + (1 - share) * under):02X}" for over, under in pairs)


def write_beside(figure: go.Figure, texts: Iterable[str], palette: Palette) -> None:
    """Write to the right of each row of a chart, into its margin; all at once: to add one copies those before it."""
    place = {"x": 1, "xshift": 8, "xref": "paper", "xanchor": "left", "yref": "y", "showarrow": False}
    look = {"align": "left", "font": {"size": 15, "color": palette.ink}}
    figure.update_layout(annotations=[{**place, **look, "y": row, "text": text} for row, text in enumerate(texts)])


def mark_threshold(figure: go.Figure, place: float, palette: Palette) -> None:
    """Draw a threshold from the bottom to the top of a chart."""
    figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, yref="paper", line={"color": palette.ink, "width": 2})


def text_alternative(parts: Sequence[str]) -> str:
    """Parts of a text alternative as one sentence."""
    return f"{'; '.join(parts)}." if parts else _("There is nothing to show.")


def whole_percent(share: float) -> NumberText:
    """A share in percent, in which neither a few look like none nor nearly all like all."""
    rounded = f"{share:.0%}"
    if rounded == "0%" and share > 0:
        return NumberText("<1%")
    return NumberText(">99%" if rounded == "100%" and share < 1 else rounded)


def cell(value: float | None) -> float | str:
    """A number as a file holds it; empty where there is none."""
    return "" if value is None or math.isnan(value) else round(float(value), 6)


def styled(figure: go.Figure, scheme: Scheme) -> go.Figure:
    """Give a figure the look of all figures: no ground of its own, calm axes, nothing that moves."""
    palette = PALETTES[scheme]
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "color": palette.muted, "size": 14},
        showlegend=False,
        separators=written_number(".,", language()),  # of decimals and of thousands
    )
    figure.update_xaxes(zeroline=False, fixedrange=True, automargin=True, gridcolor=palette.line)
    figure.update_yaxes(zeroline=False, fixedrange=True, automargin=True, gridcolor=palette.line, showgrid=False)
    return figure


def with_legend(figure: go.Figure, scheme: Scheme, title: str = "") -> go.Figure:
    """Put the names of what is drawn above a styled chart, which grows by them, and lines across it to read by."""
    palette = PALETTES[scheme]
    lines = sum(1 + (trace.name or "").count("<br>") for trace in figure.data) + bool(title)
    figure.update_layout(
        showlegend=True,
        height=figure.layout.height + LINE * lines,  # on a phone each name has a line of its own
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "maxheight": 1, "traceorder": "normal"},
        legend_font={"color": palette.ink},
        legend_title={"text": title, "side": "top", "font": {"size": 13}},
    )
    figure.update_yaxes(showgrid=True)
    return figure
