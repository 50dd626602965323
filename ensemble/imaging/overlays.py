"""Pictures for a screen: small ones, and photos with heat maps, masks and boxes laid over them."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from PIL.PngImagePlugin import PngInfo

from ensemble.imaging.masks import enlarge
from ensemble.values.results import MAP_THRESHOLD, AnomalyMap, Region

Pixels = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom exclusive

DRAWN_FROM = 0.3  # heat below this is not drawn at all
VERMILION, WHITE = (200, 66, 0), (255, 255, 255)
BLUE_GREY = (38, 62, 76)
BLACK, YELLOW = (20, 23, 26), (245, 196, 0)
# From one heat on: its colour and how much of the photo it covers. One hue; it jumps where good parts end.
RAMP: tuple[tuple[float, tuple[int, int, int], float], ...] = (
    (DRAWN_FROM, (252, 222, 200), 0.0),
    (MAP_THRESHOLD - 1 / 255, (246, 188, 150), 0.5),
    (MAP_THRESHOLD, (226, 92, 24), 0.75),
    (1.0, (150, 40, 0), 1.0),
)
MOST_OUTLINES = 9  # outlines on one photo: more than that are no pointer
LEAST_MARGIN = 8  # pixels around a small region: less shows nothing to compare it with
VEIL = 0.7  # how much of the photo is hidden where a model did not look


def overlay(
    picture: Image.Image, anomaly_map: AnomalyMap | None, regions: Sequence[Region] = (), opacity: float = 1.0
) -> Image.Image:
    """The photo under its heat and its numbered outlines; at opacity 0 the photo itself.

    The colour of a heat never depends on what else is hot on the photo.
    """
    if not opacity:
        return picture.copy()
    drawn = picture.copy()
    if anomaly_map is not None:
        steps = np.rint(enlarge(anomaly_map.values, picture.size) * 255).astype(np.uint8)
        colours, shares = _ramp()
        mask = Image.fromarray(np.rint(shares * (255 * opacity)).astype(np.uint8)[steps])
        drawn.paste(Image.fromarray(colours[steps]), mask=mask)
    return outlined(drawn, regions)


def outlined(picture: Image.Image, regions: Sequence[Region]) -> Image.Image:
    """The photo with a numbered outline around each of the first regions; no other pixel changes."""
    layer = outlines(regions, picture.size)
    drawn = picture.copy()
    drawn.paste(layer, mask=layer.getchannel("A"))
    return drawn


def outlines(regions: Sequence[Region], size: tuple[int, int]) -> Image.Image:
    """The outlines alone (RGBA), each pixel whole or not at all, around the regions and never on them."""
    layer = Image.new("RGBA", size)
    draw = ImageDraw.Draw(layer)
    line = max(1, round(max(size) / 450))
    letter = max(12, round(max(size) / 28))
    font = ImageFont.load_default(letter)
    shown = [_around(region.pixels(size), 2 * line) for region in regions[:MOST_OUTLINES]]
    for left, top, right, bottom in shown:
        for inset, colour in ((0, WHITE), (line, VERMILION), (3 * line, WHITE)):
            thick = 2 * line if colour == VERMILION else line
            box = (left - 4 * line + inset, top - 4 * line + inset, right + 4 * line - inset, bottom + 4 * line - inset)
            draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline=(*colour, 255), width=thick)
    taken: list[Pixels] = []
    for number, box in enumerate(shown, 1):
        width, height = round(draw.textlength(str(number), font)) + 8 * line, round(1.25 * letter)
        place = _tag_corner(box, (width, height), 4 * line, size, taken)
        taken.append(place)
        draw.rectangle((place[0], place[1], place[2] - 1, place[3] - 1), fill=(*VERMILION, 255))
        middle = ((place[0] + place[2]) / 2, (place[1] + place[3]) / 2)
        draw.text(middle, str(number), fill=(*WHITE, 255), font=font, anchor="mm")
    return layer


def anomaly_map_picture(anomaly_map: AnomalyMap, size: tuple[int, int]) -> Image.Image:
    """The heat alone, grey (L) at (width, height): 0 is heat 0, 255 is heat 1, on the scale fixed by training."""
    return Image.fromarray(np.rint(enlarge(anomaly_map.values, size) * 255).astype(np.uint8))


def closeup(picture: Image.Image, region: Region) -> Image.Image:
    """The part of the photo around a region, at the photo's own pixels, with a margin of half the region's size."""
    left, top, right, bottom = region.pixels(picture.size)
    across, down = max(LEAST_MARGIN, (right - left) // 2), max(LEAST_MARGIN, (bottom - top) // 2)
    width, height = picture.size
    return picture.crop(
        (max(0, left - across), max(0, top - down), min(width, right + across), min(height, bottom + down))
    )


def looked_at(picture: Image.Image, values: NDArray[np.float32]) -> Image.Image:
    """The photo under a blue-grey veil that lifts where (h, w) values in [0, 1] are high."""
    drawn = picture.copy()
    veil = np.rint((1 - np.clip(enlarge(values, picture.size), 0, 1)) * (255 * VEIL)).astype(np.uint8)
    drawn.paste(BLUE_GREY, mask=Image.fromarray(veil))
    return drawn


def stamped(picture: Image.Image) -> Image.Image:
    """The photo with DEMO across it and a striped band along its foot, so that no copy can pass for a result."""
    drawn = picture.convert("RGB")
    width, height = drawn.size
    band = max(14, round(0.06 * height))
    draw = ImageDraw.Draw(drawn)
    draw.rectangle((0, height - band, width, height), fill=YELLOW)
    for left in range(-band, width + band, 2 * band):
        right = left + band
        draw.polygon(
            [(left, height), (right, height), (right + band, height - band), (right, height - band)], fill=BLACK
        )
    ghost = Image.new("L", drawn.size)
    font = ImageFont.load_default(max(20, round(0.24 * min(width, height))))
    ImageDraw.Draw(ghost).text((width / 2, height / 2), "DEMO", fill=90, font=font, anchor="mm")
    drawn.paste(YELLOW, mask=ghost.rotate(14))
    label = ImageFont.load_default(max(10, round(0.7 * band)))
    room = draw.textlength(" DEMO ", label)
    draw.rectangle(((width - room) / 2, height - band, (width + room) / 2, height), fill=YELLOW)
    draw.text((width / 2, height - band / 2), "DEMO", fill=BLACK, font=label, anchor="mm")
    return drawn


def _ramp() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """For each of 256 steps of heat its colour (256, 3) and its share of the pixel (256,)."""
    steps = np.arange(256) / 255
    at = [anomaly_map for anomaly_map, _, _ in RAMP]
    colours = [np.interp(steps, at, [colour[channel] for _, colour, _ in RAMP]) for channel in range(3)]
    shares = np.interp(steps, at, [share for _, _, share in RAMP])
    return np.rint(np.stack(colours, axis=1)).astype(np.uint8), shares


def _around(box: Pixels, gap: int) -> Pixels:
    """A box with some room around it, and never without any."""
    left, top, right, bottom = box
    return left - gap, top - gap, max(right, left + 1) + gap, max(bottom, top + 1) + gap


def _tag_corner(box: Pixels, tag: tuple[int, int], line: int, size: tuple[int, int], taken: Sequence[Pixels]) -> Pixels:
    """Where a number's tag goes: at a corner of its outline, within the photo, and clear of the other tags."""
    left, top, right, bottom = box[0] - line, box[1] - line, box[2] + line, box[3] + line
    width, height = tag
    corners = [
        (left, top - height),
        (left, bottom),
        (right - width, top - height),
        (right - width, bottom),
        (right, top),
        (left - width, top),
    ]
    places = []
    for x, y in corners:
        across, down = min(max(0, x), size[0] - width), min(max(0, y), size[1] - height)
        places.append((across, down, across + width, down + height))
    inside = [place for place, corner in zip(places, corners, strict=True) if place[:2] == corner]
    clear = [place for place in inside if not any(_touch(place, other) for other in taken)]
    return (clear or inside or places)[0]


def _touch(one: Pixels, other: Pixels) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


THUMBNAIL_SIDE = 128
EVIDENCE_SIDE = 1400
DRAWN_SIDE = 1000  # so wide that lines drawn on it look fine


def thumbnail(picture: Image.Image, side: int = THUMBNAIL_SIDE) -> bytes:
    """A JPEG of a few kilobytes, at most `side` pixels wide and high."""
    return _encoded(_reduced_picture(picture, side), "JPEG", quality=82)


def evidence(picture: Image.Image) -> bytes:
    """A PNG, free of compression marks that could pass for a defect, at most EVIDENCE_SIDE pixels wide and high."""
    return png(_reduced_picture(picture, EVIDENCE_SIDE))


def canvas(picture: Image.Image) -> Image.Image:
    """A copy to draw on, at most EVIDENCE_SIDE pixels a side; each pixel of a small photo becomes a whole square."""
    times = DRAWN_SIDE // max(picture.size)
    if times < 2:
        return _reduced_picture(picture, EVIDENCE_SIDE)
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)


def png(picture: Image.Image, meaning: str = "") -> bytes:
    """A PNG of the picture as it is; `meaning` goes into the file, for whoever finds it later."""
    notes = PngInfo()
    if meaning:
        notes.add_text("Description", meaning)
    return _encoded(picture, "PNG", compress_level=1, pnginfo=notes)


def darkened(picture: Image.Image, seen: Image.Image) -> Image.Image:
    """A picture with what is not looked at darkened; `seen` is white where it is, and of any size."""
    mask = seen.convert("L").resize(picture.size).filter(ImageFilter.GaussianBlur(0.5))
    return Image.composite(picture, picture.point([value // 3 for value in range(256)] * 3), mask)


def contact_sheet(rows: Sequence[Sequence[Image.Image]], side: int = THUMBNAIL_SIDE) -> bytes:
    """A JPEG of rows of pictures, each drawn into a square of `side` pixels."""
    sheet = Image.new("RGB", (side * max(map(len, rows)), side * len(rows)), "white")
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            sheet.paste(_reduced_picture(picture, side - 2), (side * column, side * row))
    return _encoded(sheet, "JPEG", quality=82)


def _reduced_picture(picture: Image.Image, side: int) -> Image.Image:
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def _encoded(picture: Image.Image, kind: str, **options: int | PngInfo) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()
