"""Previews: small copies for the eye, with nothing moved or lost."""

import io

import pytest
from PIL import Image

from ensemble.previews import contact_sheet

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
