"""Manifests of Lookout for Vision and SageMaker Ground Truth: a line of JSON a photo, with its class, boxes or mask."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ensemble.imaging.outlines import BoxShape, FileShape, Outlines
from ensemble.importers.listing import Tree, legible
from ensemble.importers.marked import BOXED, FREE, Marked, MarkedPhotos, beginning, json_in, marks_note
from ensemble.importers.mask_files import size_of
from ensemble.importers.values import Importer, Understood
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.vocabulary import WHOLE, part_called

MANIFEST_EXPECTED = Message("source-ref, and a class, boxes or a mask with the metadata that says which")
META, BLACK = "-metadata", (0, 0, 0)


def why_not_manifest(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    return "" if _manifests(tree) else Message("no file .manifest whose lines begin with source-ref")


def read_manifests(tree: Tree, _field: str) -> Understood:
    """The photos that the lines name."""
    photos, files, masks = MarkedPhotos(tree), _manifests(tree), list[Path]()
    for name in files:
        words = re.split(r"[^A-Za-z]+", name.rpartition("/")[2].rpartition(".")[0])
        split = next(filter(None, map(part_called, words)), WHOLE)
        photos.read(name, _manifest_lines, partial(_manifest_row, photos, split, masks), MANIFEST_EXPECTED)
    return photos.understood([*masks, *(tree.files[name] for name in files)], [marks_note(photos.names())])


def _manifests(tree: Tree) -> list[str]:
    names = [name for name in tree.files if name.casefold().endswith((".manifest", ".jsonl"))]
    return [name for name in names if b'"source-ref"' in beginning(tree.files[name])]


def _manifest_lines(text: str, shown: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield Message("{file}, line {number}", file=shown, number=number), line


def _manifest_row(photos: MarkedPhotos, split: str, masks: list[Path], line: str) -> dict[str, Marked]:
    """What a line says; a DataError where it says nothing of its photo."""
    row: Mapping[str, Any] = json_in(line, "It")
    marked, told = Marked(split=split), False
    for key, meta in row.items():
        label, kind = key.removesuffix(META), str(meta.get("type", "")) if key.endswith(META) else ""
        if kind.endswith("image-classification"):
            marked.kind, told = legible(str(meta.get("class-name", row[label]))), True
        elif kind.endswith("object-detection"):
            _take_boxes(marked, row[label], meta["class-map"])
            told = True
        elif kind.endswith("semantic-segmentation") and label in row:
            masks.append(photos.lookup.find_tail(row[label]))
            _take_mask(marked, masks[-1], meta.get("internal-color-map", {}))
    if not told and marked.marks:  # a mask alone: it tells whether there is damage
        size = size_of(photos.lookup.find_tail(row["source-ref"]))
        marked.kind = BOXED if size and Outlines(tuple(marked.marks)).drawn(size).any() else FREE
    elif not told:
        raise DataError("It has no label, so nobody knows whether {photo} is good.", photo=legible(row["source-ref"]))
    return {str(row["source-ref"]): marked}


def _take_boxes(marked: Marked, boxes: Mapping[str, Any], names: Mapping[str, str]) -> None:
    (size,) = boxes["image_size"]
    marked.size = int(size["width"]), int(size["height"])
    for each in boxes["annotations"]:
        left, top = float(each["left"]), float(each["top"])
        box = BoxShape((left, top, left + float(each["width"]), top + float(each["height"])))
        marked.mark(legible(str(names[str(each["class_id"])])), box)


def _take_mask(marked: Marked, mask: Path, colours: Mapping[str, Mapping[str, Any]]) -> None:
    """Take a mask; the colour of its background is said, and its kind of damage where there is one alone."""
    named = {number: str(each.get("class-name", "")).strip() for number, each in colours.items()}
    ground = next((number for number, name in named.items() if name.upper() == "BACKGROUND"), "0")
    written = str(colours.get(ground, {}).get("hex-color", "")).lstrip("#")[:6]
    colour = tuple(bytes.fromhex(written)) or BLACK
    marked.marks.append(FileShape(mask, None if colour == BLACK else (colour[0], colour[1], colour[2])))
    kinds = [legible(name) for number, name in named.items() if number != ground and name]
    marked.names += kinds if len(kinds) == 1 else ()


MANIFEST = Importer(
    title=Message("Lookout for Vision or SageMaker manifest"),
    expects=Message(
        "a .manifest file, a line of JSON a photo with source-ref and anomaly-label, anomaly-mask-ref, a class, boxes "
        "or a mask, and the photos by their names."
    ),
    refuses=why_not_manifest,
    read=read_manifests,
)
