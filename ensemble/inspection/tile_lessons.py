"""How members learn from tiles of good photos, and where good parts end: whole photos tell, not single tiles."""

from collections.abc import Iterable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ensemble.features.photo_batch import PhotoBatch, input_key
from ensemble.features.readings import PartReading, seen_look
from ensemble.imaging.looking import Look, cut_tile, looked_tiles
from ensemble.imaging.masks import damaged
from ensemble.inspection.tiled import StitchedMap, TiledPrediction, cut_tiles, seen_picture
from ensemble.members import Member
from ensemble.members.good_parts import FEWEST_GOOD, GoodPartsMember, HeldOut, part_of
from ensemble.values.language import Message
from ensemble.values.samples import Dataset
from ensemble.values.training import ShareDone
from ensemble.values.view import Tiles

MOST_WHOLE = 12  # good photos that set the scale: a third of them, but so many at most
FEWEST_BY_TILES = 3 * FEWEST_GOOD  # good photos


def no_tiles_for(kind: type[Member], dataset: Dataset) -> Message | None:
    """Why a kind cannot learn from photos that are looked at by tiles; None where it can, or they are not."""
    if not dataset.view.tiles:
        return None
    if not kind.by_tiles:
        return Message("It does not look at tiles.")
    good = sum(sample.label == dataset.classes.good for sample in dataset.train)
    if good >= FEWEST_BY_TILES:
        return None
    return Message(
        "Needs {fewest} photos of good parts to learn from tiles, found {good}.", fewest=FEWEST_BY_TILES, good=good
    )


def fit_by_tiles(member: GoodPartsMember, known: PartReading, report: ShareDone) -> GoodPartsMember:
    """Learn from tiles of most good photos; the scale comes from whole ones of which no tile was learnt from.

    A photo is judged by its hottest tile among many, so that single tiles would set a threshold too low.
    """
    photos = list(dict.fromkeys(known.samples))
    rng = np.random.default_rng(member.seed)
    count = min(MOST_WHOLE, max(FEWEST_GOOD, len(photos) // 3))
    whole = [photos[place] for place in rng.permutation(len(photos))[:count]]
    apart = set(whole)
    rest = [place for place, sample in enumerate(known.samples) if sample not in apart]
    member.fit(known.inputs[input_key(member.input)][rest], known.labels[rest], partial(part_of, report, 0.0, 0.6))
    tiles = known.samples[0].view.tiles or Tiles()
    member.rescale(measure_whole(member, map(seen_look, whole), tiles, rng))
    report(1.0)
    return member


def hottest_tile(member: Member, shown: Image.Image | Look, tiles: Tiles) -> NDArray[np.float64]:
    """The probabilities (K,) of a photo by one member; what it raises on a tile is raised."""
    found = TiledPrediction(StitchedMap(seen_picture(shown).size, tiles))
    for boxes, pictures in cut_tiles(shown, tiles):
        found.add(member, boxes, PhotoBatch(pictures))
    return found.probabilities


def measure_whole(
    member: GoodPartsMember, photos: Iterable[Image.Image | Look], tiles: Tiles, rng: np.random.Generator
) -> HeldOut:
    """What whole photos of good parts measure that the member has not learnt from: each by its farthest tile.

    And what each of them would measure with damage drawn on one of its tiles.
    """
    found: list[tuple[float, float, float, float]] = []
    for shown in photos:
        far, peak, calm = 0.0, 0.0, []
        for _, pictures in cut_tiles(shown, tiles):
            distances, maps = member.measure(PhotoBatch(pictures).rows(member.input))
            far = max(far, float(distances.max()))
            if maps is not None:
                peak = max(peak, float(maps.max()))
                calm.append(float(np.median(maps)))
        harmed, _ = member.measure(PhotoBatch([_damaged_tile(shown, tiles, rng)]).rows(member.input))
        found.append((far, peak, float(np.median(calm)) if calm else 0.0, max(far, float(harmed[0]))))
    far_ones, peaks, usual, bad = np.array(found).T
    return HeldOut(far_ones, peaks if peaks.any() else peaks[:0], float(np.median(usual)), bad)


def _damaged_tile(shown: Image.Image | Look, tiles: Tiles, rng: np.random.Generator) -> Image.Image:
    """Any tile of a photo with damage drawn on it, where it is looked at."""
    boxes = looked_tiles(shown, tiles)
    box = boxes[int(rng.integers(len(boxes)))]
    tile = cut_tile(seen_picture(shown), box)
    harmed = damaged(tile, rng)
    return Image.composite(harmed, tile, cut_tile(shown.by.seen, box)) if isinstance(shown, Look) else harmed
