"""Previews: small copies for the eye, with nothing moved or lost."""

import io

import pytest
from PIL import Image

from ensemble.imaging.overlays import DRAWN_SIDE, EVIDENCE_SIDE, canvas, contact_sheet, png

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def test_contact_sheet_keeps_rows_places_and_proportions() -> None:
    rows = [[Image.new("RGB", (200, 100), RED), Image.new("RGB", (50, 80), GREEN)], [Image.new("RGB", (90, 90), BLUE)]]
    sheet = Image.open(io.BytesIO(contact_sheet(rows, side=64)))
    assert (sheet.format, sheet.size) == ("JPEG", (128, 128))
    for place, colour in {
        (31, 10): RED,
        (31, 50): WHITE,  # twice as wide as high
        (74, 20): GREEN,
        (120, 20): WHITE,
        (31, 90): BLUE,
        (96, 96): WHITE,  # the second row is shorter
    }.items():
        assert sheet.getpixel(place) == pytest.approx(colour, abs=12)


def test_a_canvas_is_large_enough_to_draw_on_and_keeps_small_pixels_whole() -> None:
    small = Image.new("RGB", (100, 60), RED)
    small.putpixel((99, 59), BLUE)
    drawn = canvas(small)
    assert drawn.size == (DRAWN_SIDE, 600)
    assert drawn.getpixel((990, 590)) == BLUE and drawn.getpixel((989, 589)) == RED
    assert max(canvas(Image.new("RGB", (3000, 2000))).size) == EVIDENCE_SIDE
    assert canvas(Image.new("RGB", (800, 500))).size == (800, 500)


def test_a_png_keeps_every_pixel_and_says_what_it_means() -> None:
    picture = Image.linear_gradient("L")
    again = Image.open(io.BytesIO(png(picture, "Grey is heat.")))
    assert again.mode == "L" and list(again.tobytes()) == list(picture.tobytes())
    assert again.text["Description"] == "Grey is heat."  # type: ignore[attr-defined]
