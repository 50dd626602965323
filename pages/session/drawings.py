"""What a browser sends of shapes that were drawn on a photo, taken for nothing but numbers within their bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ensemble.values.digits import is_number
from ensemble.values.view import MOST_CORNERS, Polygon, rectangle

MOST_SHAPES = 200  # on one photo
LAST = "_drawn"
FORMS = ("rectangle", "polygon")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A shape on a photo: what it stands for, how it was drawn, and its corners in shares of width and height."""

    kind: str
    form: str
    points: Polygon

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"kind": self.kind, "form": self.form, "points": [list(corner) for corner in self.points]}


def as_drawn(sent: object, kinds: Sequence[str]) -> tuple[Drawn, ...]:
    """The shapes of these kinds in what a browser has sent; whatever else it holds is left out."""
    shapes = sent if isinstance(sent, list | tuple) else ()
    return tuple(shape for each in shapes[:MOST_SHAPES] if (shape := _shape(each, kinds)) is not None)


def drawn_before(name: str, start: Sequence[Drawn]) -> Sequence[Drawn]:
    """What was drawn last under this name, though its photo was out of sight since; `start` where nothing was."""
    found: Sequence[Drawn] = st.session_state.get(LAST, {}).get(name, start)
    return found


def remember(name: str, shapes: tuple[Drawn, ...]) -> tuple[Drawn, ...]:
    """Remember what is drawn under this name; gives it."""
    st.session_state.setdefault(LAST, {})[name] = shapes
    return shapes


def polygon_drawn(kind: str, points: Polygon) -> Drawn:
    """A polygon that is known already, as a shape; one with the corners of a rectangle is changed like one."""
    left, top = points[0]
    right, bottom = points[2 % len(points)]
    square = right > left and bottom > top and points == rectangle(left, top, right - left, bottom - top)
    return Drawn(kind, FORMS[0] if square else FORMS[1], points)


def _shape(sent: object, kinds: Sequence[str]) -> Drawn | None:
    if not isinstance(sent, dict) or sent.get("kind") not in kinds or sent.get("form") not in FORMS:
        return None
    points = sent.get("points")
    if not isinstance(points, list | tuple) or not 3 <= len(points) <= MOST_CORNERS:
        return None
    if not all(isinstance(point, list | tuple) and len(point) == 2 and all(map(is_number, point)) for point in points):
        return None
    return Drawn(sent["kind"], sent["form"], tuple((_share(x), _share(y)) for x, y in points))


def _share(number: float) -> float:
    return min(1.0, max(0.0, float(number)))
