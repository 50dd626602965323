"""What labelling tools export to teach detectors: photos with boxes or outlines in YOLO's text files, COCO's JSON,
VOC's XML.

A photo with a box is defective, by the names of its boxes; one whose label file names none is good.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any

from ensemble.imaging.outlines import AnyShape, BoxShape, PolygonShape, RunShape, compressed_runs
from ensemble.importers.listing import Problem, Tree, is_photo_name, legible, some
from ensemble.importers.marked import BOXED, Marked, MarkedPhotos, beginning, json_in
from ensemble.importers.mask_files import MaskFiles
from ensemble.importers.values import Importer, Understood
from ensemble.values.language import Message
from ensemble.values.vocabulary import is_bad, is_good

NAMES_FILES = re.compile(r"(^|/)(data|dataset)\.ya?ml$|(^|/)(classes\.txt|obj\.names)$", re.IGNORECASE)
COCO = re.compile(
    r"(^|/)annotations?/[^/]*\.json$|coco[^/]*\.json$|(^|/)(instances_[^/]*|result)\.json$", re.IGNORECASE
)
COCO_EXPECTED = Message("images, annotations and categories as COCO has them")
KEYS = re.compile(rb'"(file_name|image_id|category_id|supercategory)"')  # of COCO's lists
# class, then a box or the corners of a polygon; some tools write the class as 0.0, and -1 where they know none
BOX_ROW = re.compile(r"(?P<number>-?\d{1,6})(\.0*)?(?P<place>([ \t]+[-+]?[\d.]+(e[-+]?\d+)?){4,})", re.IGNORECASE)
NAMED = re.compile(rb"<name>\s*(.*?)\s*</name>", re.DOTALL)
EDGE = re.compile(rb"<(xmin|ymin|xmax|ymax)>\s*([\d.]{1,12})\s*<")
PHOTO_SIDE = re.compile(rb"<(width|height)>\s*(\d{1,6})\s*<")
IMAGES, LABELS = ("images", "jpegimages", "image"), ("labels", "annotations", "label")
MAX_TEXT = 1_000_000  # bytes
LABEL_FILES_READ = 5  # label files that recognition reads


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
    marked = MarkedPhotos(tree)
    for name in _coco_files(tree):
        marked.read(name, lambda text, shown: [(shown, json_in(text, shown))], _coco, COCO_EXPECTED)
    names, pairs = _box_names(tree), _label_pairs(tree, photos)
    for photo, file in pairs.items():
        told = _boxes(tree, file, names)
        if told is not None:
            marked.found.setdefault(tree.files[photo], told)
    for name in (tree.above + photo for photo in photos if tree.files[photo] not in marked.found):
        reason = Message(
            "{file} has no label file that can be read, so nobody knows whether it is good: an empty one says so.",
            file=name,
        )
        marked.problems.append(Problem(name, reason))
    note = Message(
        "This is an export for a detector: photos with a box ({boxes}) are taken as defective, photos whose label file "
        "names no box as good. Boxes become masks of all that lies in them.",
        boxes=some(marked.names()),
    )
    return marked.understood(tree.files.values(), (note, *masks.notes(tree)), masks.by_photo)


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


def _boxes(tree: Tree, file: str, names: Sequence[str]) -> Marked | None:
    """What a label file marks; None where it is none."""
    data = beginning(tree.files[file], MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        return None
    try:
        if file.casefold().endswith(".xml"):
            return _voc(data) if b"<annotation" in data else None
        return _yolo(data, names)
    except ValueError:  # a number such as 1.2.3
        return None


def _yolo(data: bytes, names: Sequence[str]) -> Marked | None:
    rows = [row.strip() for row in data.decode("utf-8-sig", "replace").splitlines() if row.strip()]
    boxes = [box for row in rows if (box := BOX_ROW.fullmatch(row))]
    if len(boxes) < len(rows):
        return None
    marked = Marked(shares=True)
    for box in boxes:
        number = int(box["number"])
        name = names[number] if 0 <= number < len(names) else f"class {number}"
        marked.mark(name, _yolo_mark(list(map(float, box["place"].split()))))
    return marked


def _yolo_mark(shares: Sequence[float]) -> AnyShape:
    """A polygon, or a box by its middle and sides; a single number more is how sure a detector was."""
    if len(shares) >= 6 and len(shares) % 2 == 0:
        return PolygonShape.of(shares)
    x, y, width, height = shares[:4]
    return BoxShape((x - width / 2, y - height / 2, x + width / 2, y + height / 2))


def _voc(data: bytes) -> Marked:
    """What an XML file marks; it is searched and never json_in, so nothing in it is carried out."""
    head, *objects = data.split(b"<object>")
    sides = {key: int(value) for key, value in PHOTO_SIDE.findall(head)}
    size = (sides[b"width"], sides[b"height"]) if all(sides.get(key) for key in (b"width", b"height")) else None
    marked = Marked(size)
    for each in objects:
        named, edges = NAMED.search(each), {key: float(value) for key, value in reversed(EDGE.findall(each))}
        place = [edges[key] for key in (b"xmin", b"ymin", b"xmax", b"ymax") if key in edges]
        name = legible(unescape(named[1].decode("utf-8", "replace"))) if named else BOXED
        marked.mark(name, *((BoxShape((place[0], place[1], place[2], place[3])),) if len(place) == 4 else ()))
    return marked


def _box_names(tree: Tree) -> list[str]:
    """What the numbers in text files stand for: the names of the YAML file, or the lines of the list of classes."""
    for name in filter(NAMES_FILES.search, tree.files):
        text = beginning(tree.files[name], MAX_TEXT).decode("utf-8-sig", "replace")
        if not name.casefold().endswith((".yaml", ".yml")):
            return [legible(line.strip()) for line in text.splitlines() if line.strip()]
        if found := re.search(r"^names:[ \t]*\[(.*?)\]", text, re.DOTALL | re.MULTILINE):
            return [legible(each.strip(" \t\r\n'\"")) for each in found[1].split(",")]
        if found := re.search(r"^names:[ \t]*\r?\n((?:[ \t]*(?:-|\d+:)[^\n]*\n?)+)", text, re.MULTILINE):
            rows = re.findall(r"^[ \t]*(?:-|\d+:)[ \t]*(.*?)[ \t\r]*$", found[1], re.MULTILINE)
            return [legible(row.strip("'\"")) for row in rows]
    return []


def _coco_files(tree: Tree) -> list[str]:
    return [name for name in tree.files if COCO.search(name) and KEYS.search(beginning(tree.files[name]))]


def _coco(document: Mapping[str, Any]) -> dict[str, Marked]:
    names = {each["id"]: legible(str(each["name"])) for each in document["categories"]}
    found: dict[str, Marked] = {}
    by_number: dict[Any, Marked] = {}
    for each in document["images"]:
        sides = int(each.get("width") or 0), int(each.get("height") or 0)
        by_number[each["id"]] = found.setdefault(str(each["file_name"]), Marked(sides if all(sides) else None))
    for each in document["annotations"]:
        by_number[each["image_id"]].mark(names[each["category_id"]], *_coco_marks(each))
    return found


def _coco_marks(annotation: Mapping[str, Any]) -> list[AnyShape]:
    """Its runs or polygons, else its box; nothing where it has none."""
    places = annotation.get("segmentation")
    if isinstance(places, Mapping):
        height, width = map(int, places["size"])
        counts = places["counts"]
        lengths = compressed_runs(counts) if isinstance(counts, str) else tuple(map(int, counts))
        return [RunShape(lengths, (0, 0, width, height))]
    if places:
        return [PolygonShape.of(each) for each in places]
    if box := annotation.get("bbox"):
        left, top, across, down = map(float, box)
        return [BoxShape((left, top, left + across, top + down))]
    return []


DETECTION = Importer(
    title=Message("Boxes for a detector"),
    expects=Message(
        "images/ and labels/ as YOLO has them (boxes or polygons), COCO's JSON (boxes, polygons or RLE) or VOC's XML "
        "files with the photos; a photo with a box is taken as defective, one without as good."
    ),
    refuses=why_not_detection,
    read=read_detection,
)
