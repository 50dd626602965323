"""Where the defects of a collection's photos are, as shapes that can be drawn anew."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from PIL import Image

from ensemble.datasets.collection import CollectedPhoto, Collection
from ensemble.imaging.masks import damaged_pixels, read_mask
from ensemble.imaging.outlines import BoxShape, Outlines, PolygonShape, areas_of
from ensemble.imaging.overlays import EVIDENCE_SIDE, canvas, darkened, thumbnail
from ensemble.imaging.photos import read_photo
from ensemble.values.results import NON_DEFECTIVE
from ensemble.values.view import View, rectangle
from pages.session.drawings import Drawn
from pages.session.products import view

DEFECT = "defect"  # the kind of shape
MOST_BOXES = 50  # of a mask that are drawn anew as rectangles


def photos_to_mark(found: Collection) -> tuple[CollectedPhoto, ...]:
    """The photos of a collection that show a defect, those without a mark first."""
    defective = [photo for photo in found.photos() if not photo.dropped and photo.label != NON_DEFECTIVE]
    return tuple(sorted(defective, key=lambda photo: photo.mask is not None))


def outlines_of(shapes: Sequence[Drawn]) -> Outlines:
    """Drawn shapes as the outlines of damage, as importers hand them over."""
    return Outlines(
        tuple(
            BoxShape((*shape.points[0], *shape.points[2])) if shape.form == "rectangle" else PolygonShape(shape.points)
            for shape in shapes
        ),
        shares=True,
    )


def marked_boxes(photo: CollectedPhoto) -> tuple[Drawn, ...]:
    """The mask of a photo as rectangles, where it consists of them; none otherwise."""
    return _boxes(str(photo.mask), (photo.width, photo.height)) if photo.mask else ()


@st.cache_data(max_entries=256, show_spinner=False)
def _boxes(mask: str, size: tuple[int, int]) -> tuple[Drawn, ...]:
    areas = list(areas_of(damaged_pixels(read_mask(Path(mask), size))))
    if len(areas) > MOST_BOXES or not all(pixels.all() for _, pixels in areas):
        return ()
    width, height = size
    return tuple(
        Drawn(
            DEFECT,
            "rectangle",
            rectangle(left / width, top / height, (right - left) / width, (bottom - top) / height),
        )
        for (left, top, right, bottom), _ in areas
    )


def picture_to_mark(photo: CollectedPhoto) -> bytes:
    """A photo to draw on; all but its mask is dark where that has another shape than rectangles."""
    mask = photo.mask if photo.mask and not marked_boxes(photo) else None
    return _picture(str(photo.path), str(mask or ""), (photo.width, photo.height), view())


@st.cache_data(max_entries=32, show_spinner=False)
def _picture(path: str, mask: str, size: tuple[int, int], seen: View) -> bytes:
    picture = canvas(read_photo(Path(path), seen).picture)
    if mask:
        picture = darkened(picture, Image.fromarray(damaged_pixels(read_mask(Path(mask), size))))
    return thumbnail(picture, EVIDENCE_SIDE)
