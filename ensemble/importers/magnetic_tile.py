"""Magnetic tile (Huang et al., Surface defect saliency of magnetic tile, The Visual Computer 2020).

`MT_KIND/Imgs/NAME.jpg` with its mask `NAME.png` beside; `expN_num_FRAME` names repeat captures of one tile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ensemble.importers.listing import Problem, Tree, some
from ensemble.importers.values import FoundPhoto, Importer, Understood
from ensemble.values.language import Message
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE
from ensemble.values.samples import captured_parts, frame_number

PREFIX, GOOD = "mt_", "mt_free"
MASK_ENDING = ".png"


def why_not_magnetic_tile(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    return "" if _tile_kinds(tree) else Message("no folders MT_Free, MT_Break and the like")


def read_magnetic_tile(tree: Tree, _field: str) -> Understood:
    """The photos of every MT_ folder, each with its mask and the tile that it shows."""
    kinds = _tile_kinds(tree)
    found = [entry for kind in kinds for entry in _folder_entries(tree, kind)]
    photos = [entry for entry in found if entry.path != entry.mask]
    entries = [
        replace(entry, part=part)
        for entry, part in zip(photos, _tile_numbers([entry.path for entry in photos]), strict=True)
    ]
    used = [path for entry in found for path in (entry.path, entry.mask) if path]
    return Understood(
        tuple(entries),
        {kind: NON_DEFECTIVE if kind.lower() == GOOD else DEFECTIVE for kind in kinds},
        tuple(_lonely(entry) for entry in found if entry.path == entry.mask),
        (*_tile_notes(entries), *tree.idle(used)),
    )


def _lonely(entry: FoundPhoto) -> Problem:
    reason = Message(
        "{file} is a mask and has no photo {photo} beside it. Add the photo.",
        file=entry.name,
        photo=f"{entry.path.stem}.jpg",
    )
    return Problem(entry.name, reason)


def _tile_kinds(tree: Tree) -> list[str]:
    return [name for name in tree.folders() if name.lower().startswith(PREFIX)]


def _folder_entries(tree: Tree, kind: str) -> Iterator[FoundPhoto]:
    """The photos of one folder with their masks; a mask without a photo stands for its own photo."""
    files = tree.below_folder(kind).values()
    masks = {(path.parent, path.stem.lower()): path for path in files if path.suffix.lower() == MASK_ENDING}
    photos = [path for path in files if path.suffix.lower() != MASK_ENDING]
    with_photo = {(path.parent, path.stem.lower()) for path in photos}
    photos += [mask for key, mask in masks.items() if key not in with_photo]
    defect = "" if kind.lower() == GOOD else kind[len(PREFIX) :].lower()
    for path in photos:
        yield FoundPhoto(path, tree.name(path), kind, defect=defect, mask=masks.get((path.parent, path.stem.lower())))


def _tile_numbers(photos: Sequence[Path]) -> list[str]:
    """For each photo its tile by the first frame that shows it; nothing where the name does not tell."""
    frames = [frame_number(path) for path in photos]
    numbers = captured_parts(photos)
    first: dict[int, int] = {}
    for number, frame in zip(numbers, frames, strict=True):
        if frame is not None:
            first[number] = min(frame, first.get(number, frame))
    return [f"num_{first[number]}" if number in first else "" for number in numbers]


def _tile_notes(entries: Sequence[FoundPhoto]) -> list[str]:
    tiles = {entry.part for entry in entries if entry.part}
    told = sum(bool(entry.part) for entry in entries)
    notes: list[str] = [
        Message(
            "{photos} photos show {tiles} tiles by the frame numbers in their names; such captures belong together.",
            photos=told,
            tiles=len(tiles),
        )
    ]
    bare = [entry.name for entry in entries if entry.defect and entry.mask is None]
    if bare:
        notes.append(
            Message("{count} photos of defects have no mask beside them: {files}.", count=len(bare), files=some(bare))
        )
    if any(entry.kind.lower() == GOOD for entry in entries):
        notes.append(Message("Masks of good photos are not taken: they should mark nothing."))
    return notes


MAGNETIC_TILE = Importer(
    title=Message("Magnetic tile"),
    expects=Message("MT_KIND/Imgs/NAME.jpg with the mask NAME.png beside, MT_Free holding good parts."),
    refuses=why_not_magnetic_tile,
    read=read_magnetic_tile,
)
