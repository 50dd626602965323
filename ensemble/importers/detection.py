"""What labelling tools export to teach detectors: photos with boxes in YOLO's text files, COCO's JSON, VOC's XML.

A photo with a box is defective, by the names of its boxes; one whose label file names none is good. The boxes
themselves are not kept.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import Any

from ensemble.importers.listing import Lookup, Problem, Tree, is_photo_name, legible, some
from ensemble.importers.mask_files import MaskFiles
from ensemble.importers.values import FoundPhoto, Importer, Understood
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.results import DEFECTIVE
from ensemble.values.vocabulary import WHOLE, classes_by_name, is_bad, is_good, part_called

FREE, BOXED = "good", DEFECTIVE
NAMES_FILES = re.compile(r"(^|/)(data|dataset)\.ya?ml$|(^|/)(classes\.txt|obj\.names)$", re.IGNORECASE)
COCO = re.compile(r"(^|/)annotations?/[^/]*\.json$|coco[^/]*\.json$|(^|/)instances_[^/]*\.json$", re.IGNORECASE)
KEYS = re.compile(rb'"(file_name|image_id|category_id|supercategory)"')  # of COCO's lists
# class, then a box or the corners of a polygon; some tools write the class as 0.0, and -1 where they know none
BOX_ROW = re.compile(r"(?P<number>-?\d{1,6})(\.0*)?([ \t]+[-+]?[\d.]+(e[-+]?\d+)?){4,}", re.IGNORECASE)
OBJECT = re.compile(rb"<object>.*?<name>\s*(.*?)\s*</name>", re.DOTALL)
IMAGES, LABELS = ("images", "jpegimages", "image"), ("labels", "annotations", "label")
MAX_TEXT, MAX_JSON = 1_000_000, 100_000_000  # bytes
HEAD = 65_536  # bytes of a JSON file that recognition reads
LABEL_FILES_READ = 5  # label files that recognition reads

BoxNames = dict[str, list[str]]  # the names of the boxes of each photo


def why_not_detection(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    masks = MaskFiles.names(tree)
    photos = [name for name in tree.files if is_photo_name(name) and name not in masks]
    if any(is_good(folder) or is_bad(folder) for name in photos for folder in name.split("/")[:-1]):
        return Message("folders that name good or defective parts")
    if _coco_files(tree):
        return ""
    pairs = _label_pairs(tree, photos)
    if not pairs or 2 * len(pairs) < len(photos):
        return Message("neither COCO's JSON nor a label file (.txt, .xml) for most photos, beside them or in labels/")
    told = [_boxes(tree, name, ()) for name in list(pairs.values())[:LABEL_FILES_READ]]
    return "" if any(boxes is not None for boxes in told) else Message("text files that hold no boxes")


def read_detection(tree: Tree, _field: str) -> Understood:
    """Photos with boxes and without, by part."""
    masks = MaskFiles.of(tree)
    photos = [name for name, path in tree.files.items() if is_photo_name(name) and path not in masks.files]
    problems: list[Problem] = []
    boxes = _read_coco(tree, problems)
    names, pairs = _box_names(tree), _label_pairs(tree, photos)
    for photo, file in pairs.items():
        told = _boxes(tree, file, names)
        if photo not in boxes and told is not None:
            boxes[photo] = told
    entries = [_detection_entry(tree, photo, boxes[photo], masks) for photo in photos if photo in boxes]
    for name in (tree.above + photo for photo in photos if photo not in boxes):
        reason = Message("{file} has no label file that can be read, so nobody knows whether it is good.", file=name)
        problems.append(Problem(name, reason))
    found = sorted({name for told in boxes.values() for name in told})
    notes = [
        Message(
            "This is an export for a detector: photos with a box ({boxes}) are taken as defective, photos whose "
            "label file names no box as good. The boxes are not kept.",
            boxes=some(found),
        ),
        *masks.notes(tree),
    ]
    kinds = classes_by_name(entry.kind for entry in entries)
    if len(kinds) == 1:
        notes.append(
            Message(
                "There is one class only, {name}: a product needs photos of another one too.", name=next(iter(kinds))
            )
        )
    return Understood(tuple(entries), kinds, tuple(problems), tuple(notes))


def _detection_entry(tree: Tree, photo: str, boxes: Sequence[str], masks: MaskFiles) -> FoundPhoto:
    bad = sorted({name for name in boxes if not is_good(name)})
    part = next((part for folder in photo.split("/")[:-1] if (part := part_called(folder))), WHOLE)
    defect = ", ".join(name for name in bad if not is_bad(name))
    path = tree.files[photo]
    kind = BOXED if bad else FREE
    return FoundPhoto(path, tree.above + photo, kind, part, defect, mask=masks.by_photo.get(path))


def _label_pairs(tree: Tree, photos: Sequence[str]) -> dict[str, str]:
    """The label file of each photo that has one: beside it, or where `labels/` stands for `images/`."""
    known = {name.casefold(): name for name in tree.files if name.casefold().endswith((".txt", ".xml"))}
    pairs = {}
    for photo in photos:
        stem = photo.casefold().rpartition(".")[0]
        found = (known[name + end] for name in _twins(stem) for end in (".txt", ".xml") if name + end in known)
        if (file := next(found, None)) is not None:
            pairs[photo] = file
    return pairs


def _twins(stem: str) -> Iterator[str]:
    yield stem
    folders = stem.split("/")
    for place in reversed(range(len(folders) - 1)):
        if folders[place] in IMAGES:
            yield from ("/".join((*folders[:place], other, *folders[place + 1 :])) for other in LABELS)


def _boxes(tree: Tree, file: str, names: Sequence[str]) -> list[str] | None:
    """The names of the boxes in a label file; None where it is none."""
    data = _head(tree.files[file], MAX_TEXT + 1)
    if data is None or len(data) > MAX_TEXT:
        return None
    if file.casefold().endswith(".xml"):
        found = [legible(unescape(name.decode("utf-8", "replace"))) for name in OBJECT.findall(data)]
        return found if b"<annotation" in data else None
    rows = [row.strip() for row in data.decode("utf-8-sig", "replace").splitlines() if row.strip()]
    boxes = [box for row in rows if (box := BOX_ROW.fullmatch(row))]
    if len(boxes) < len(rows):
        return None
    numbers = [int(box["number"]) for box in boxes]
    return [names[number] if 0 <= number < len(names) else f"class {number}" for number in numbers]


def _box_names(tree: Tree) -> list[str]:
    """What the numbers in text files stand for: the names of the YAML file, or the lines of the list of classes."""
    for name in filter(NAMES_FILES.search, tree.files):
        if (data := _head(tree.files[name], MAX_TEXT)) is None:
            continue
        text = data.decode("utf-8-sig", "replace")
        if not name.casefold().endswith((".yaml", ".yml")):
            return [legible(line.strip()) for line in text.splitlines() if line.strip()]
        if found := re.search(r"^names:[ \t]*\[(.*?)\]", text, re.DOTALL | re.MULTILINE):
            return [legible(each.strip(" \t\r\n'\"")) for each in found[1].split(",")]
        if found := re.search(r"^names:[ \t]*\r?\n((?:[ \t]*(?:-|\d+:)[^\n]*\n?)+)", text, re.MULTILINE):
            rows = re.findall(r"^[ \t]*(?:-|\d+:)[ \t]*(.*?)[ \t\r]*$", found[1], re.MULTILINE)
            return [legible(row.strip("'\"")) for row in rows]
    return []


def _coco_files(tree: Tree) -> list[str]:
    return [name for name in tree.files if COCO.search(name) and KEYS.search(_head(tree.files[name], HEAD) or b"")]


def _head(path: Path, size: int) -> bytes | None:
    """The first bytes of a file; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return None


def _read_coco(tree: Tree, problems: list[Problem]) -> BoxNames:
    """The boxes of the photos that COCO's JSON files list."""
    found: BoxNames = {}
    lookup, by_path = Lookup(tree), {path: name for name, path in tree.files.items()}
    for name in _coco_files(tree):
        try:
            listed = _coco(tree.files[name])
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            shown = tree.above + name
            problems.append(
                Problem(
                    shown,
                    Message(
                        "{file} cannot be read as COCO's JSON ({problem}).", file=shown, problem=type(error).__name__
                    ),
                )
            )
            continue
        for written, boxes in listed.items():
            try:
                found.setdefault(by_path[lookup.find(written, name.rpartition("/")[0])], []).extend(boxes)
            except DataError as error:
                problems.append(
                    Problem(legible(written), Message("{file}: {problem}", file=tree.above + name, problem=error))
                )
    return found


def _coco(path: Path) -> BoxNames:
    if path.stat().st_size > MAX_JSON:
        raise ValueError("too large")
    document: Mapping[str, Any] = json.loads(path.read_bytes())
    names = {each["id"]: legible(str(each["name"])) for each in document["categories"]}
    files = {each["id"]: str(each["file_name"]) for each in document["images"]}
    found: BoxNames = {file: [] for file in files.values()}
    for each in document["annotations"]:
        found[files[each["image_id"]]].append(names[each["category_id"]])
    return found


DETECTION = Importer(
    title=Message("Boxes for a detector"),
    expects=Message(
        "images/ and labels/ as YOLO has them, COCO's JSON or VOC's XML files with the photos; a photo with a box "
        "is taken as defective, one without as good."
    ),
    refuses=why_not_detection,
    read=read_detection,
)
