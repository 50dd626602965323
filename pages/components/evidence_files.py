"""What can be taken away of the photo: the outlines on it, and its heat as numbers in grey."""

import json
from collections.abc import Callable
from functools import partial

import streamlit as st
from PIL import Image

from ensemble import exports, overlays
from ensemble.previews import png
from ensemble.results import HeatMap, Region
from pages.components import session

GREY = "Grey 0 to 255 is heat 0 to 1 on the scale fixed by training; a good part stays below 128."
OUTLINED = "Every pixel that is not under an outline is the photo's own."


def show_evidence_files(
    chosen: session.Chosen, heat: HeatMap | None, regions: tuple[Region, ...], *, demo: bool
) -> None:
    """Offer the photo with outlines and the heat map as PNG, made on demand at the photo's own size."""
    picture = chosen.photo.picture
    said = json.dumps([region.as_json(picture.size) for region in regions])
    about = chosen.photo.sha256.encode() + said.encode() + (heat.values.tobytes() if heat else b"")
    with st.container(horizontal=True):
        if regions:
            _show_file("outlines", "Photo with outlines", about, partial(_outlined, picture, regions, demo), demo)
        if heat is not None:
            _show_file("heat", "Heat map", about, partial(_heat, heat, picture.size, demo), demo)
    if heat is not None:
        st.caption(f"Heat map file: {GREY}")


def _show_file(kind: str, label: str, about: bytes, make: Callable[[], bytes], demo: bool) -> None:
    name = exports.file_name(kind, about, ".png", demo=demo)
    st.download_button(
        f"{label} (PNG)", make, name, "image/png", on_click="ignore", icon=":material/download:", key=f"{kind} file"
    )


def _outlined(picture: Image.Image, regions: tuple[Region, ...], demo: bool) -> bytes:
    return _file(overlays.outlined(picture, regions), OUTLINED, demo)


def _heat(heat: HeatMap, size: tuple[int, int], demo: bool) -> bytes:
    return _file(overlays.heat_picture(heat, size), GREY, demo)


def _file(picture: Image.Image, meaning: str, demo: bool) -> bytes:
    return png(overlays.stamped(picture), "DEMO: made up, no model looked.") if demo else png(picture, meaning)
