"""A photo to draw on, by mouse, pen, finger or keys: rectangles and polygons in shares of its width and height."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from ensemble.values.language import _, language, worded
from pages.components.common.style import data_address
from pages.session.drawings import Drawn, as_drawn, drawn_before, remember

Look = Literal["region", "ignored", "defect"]  # shaded around, hatched with a dashed line, filled
_HERE = Path(__file__).parent
_board = st.components.v2.component(
    "drawing", js=(_HERE / "drawing.js").read_text("utf-8"), css=(_HERE / "drawing.css").read_text("utf-8")
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be drawn: what it is called on its tools and on the photo, its look, and whether there is but one."""

    tools: Mapping[str, str]  # "rectangle" and "polygon", each with the label of its tool
    label: str
    look: Look
    single: bool = False


def show_drawing(
    jpeg: bytes, size: tuple[int, int], alt: str, kinds: Mapping[str, Kind], start: Sequence[Drawn], name: str
) -> tuple[Drawn, ...]:
    """Show a photo with shapes that can be drawn, moved and taken away; gives them.

    What was drawn under a `name` stays as long as the page: another one begins with `start`.
    """
    last = [shape.as_json() for shape in drawn_before(name, start)]
    data = {
        "id": name,
        "photo": data_address("jpeg", jpeg),
        "size": list(size),
        "alt": alt,
        "language": language().replace("qps", "en"),
        "kinds": {
            key: {"label": worded(kind.label), "look": kind.look, "single": kind.single} for key, kind in kinds.items()
        },
        "tools": [
            {"kind": key, "form": form, "label": worded(label)}
            for key, kind in kinds.items()
            for form, label in kind.tools.items()
        ],
        "texts": _texts(),
        "shapes": [shape.as_json() for shape in start],
    }
    found = _board(key=f"drawing {name}", data=data, default={"shapes": last}, on_shapes_change=_nothing)
    return remember(name, as_drawn(found["shapes"], tuple(kinds)))


def _nothing() -> None:
    """A value of a component needs somebody who is told; the screen reads it where it is shown."""


def _texts() -> dict[str, Any]:
    return {
        "tools": _("Drawing tools"),
        "move": _("Move"),
        "undo": _("Undo"),
        "redo": _("Redo"),
        "remove": _("Delete"),
        "close": _("Close the polygon"),
        "choose": _("Choose a tool to draw."),
        "change": _("Drag a shape or its corners."),
        "keys": _("Keys: arrows move, Shift and arrows resize, Delete deletes."),
        "rectangle": _("Drag across the photo."),
        "polygon": _("Tap each corner. Tap the first one again to close."),
        "lies": _("{shape}: {left} from the left, {top} from the top, {width} wide, {height} high"),
    }
