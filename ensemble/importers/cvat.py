"""CVAT's own export, "CVAT for images 1.1": annotations.xml with boxes, polygons, ellipses, masks and tags."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from xml.etree import ElementTree

from ensemble.imaging.outlines import AnyShape, BoxShape, PolygonShape, RunShape, ellipse, turned_polygon
from ensemble.importers.listing import Tree, legible, some
from ensemble.importers.marked import FEW_DOCUMENTS, Marked, MarkedPhotos, beginning, marks_note
from ensemble.importers.values import Importer, Understood
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.vocabulary import part_called

CVAT_FILE = "annotations.xml"
CVAT_EXPECTED = Message("name, width and height, with labelled <box>, <polygon>, <ellipse>, <mask> or <tag>")


def why_not_cvat(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    return "" if _cvat_files(tree) else Message("no XML file of CVAT's, annotations.xml or one at the top")


def read_cvat(tree: Tree, _field: str) -> Understood:
    """The photos that the XML files name."""
    photos, idle, files = MarkedPhotos(tree), dict[str, None](), _cvat_files(tree)
    for name in files:
        photos.read(name, _images, lambda image: {image.attrib["name"]: _cvat_photo(image, idle)}, CVAT_EXPECTED)
    notes = [marks_note(photos.names())]
    if idle:
        notes.append(Message("Marks of these kinds have no area and are not drawn: {kinds}.", kinds=some(idle)))
    return photos.understood([tree.files[name] for name in files], notes)


def _images(text: str, shown: str) -> Sequence[tuple[str, ElementTree.Element]]:
    root = _cvat_root(text, shown)
    if listed := [
        (Message("{file}, image {number}", file=shown, number=number), image)
        for number, image in enumerate(root.iter("image"), 1)
    ]:
        return listed
    raise DataError(
        "{file} names no photo: expected <image>, found {found}. Export it as CVAT for images 1.1.",
        file=shown,
        found=some(dict.fromkeys(f"<{each.tag}>" for each in root)) or Message("nothing"),
    )


def _cvat_files(tree: Tree) -> list[str]:
    names = (name for name in tree.files if name.casefold().rpartition("/")[2] == CVAT_FILE)
    at_top = (name for name in tree.at_top() if name.casefold().endswith(".xml") and name.casefold() != CVAT_FILE)
    few = (*names, *islice(at_top, FEW_DOCUMENTS))
    return [name for name in few if b"<annotations" in beginning(tree.files[name])]


class _WithoutEntities(ElementTree.TreeBuilder):
    """Builds the tree of a document that declares nothing of its own, so that nothing in it grows or reaches out."""

    def doctype(self, *_: Any) -> None:
        """Refuse it."""
        raise DataError("It declares a document type, as no export does, so it is not read.")


def _cvat_root(text: str, shown: str) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_WithoutEntities())
    try:
        parser.feed(text)
        root: ElementTree.Element = parser.close()
    except ElementTree.ParseError as error:
        raise DataError(
            "{file} is no XML that can be read ({problem}).", file=shown, problem=legible(str(error))
        ) from error
    except DataError as error:
        raise DataError("{file} cannot be read. {problem}", file=shown, problem=error) from error
    return root


def _cvat_photo(image: ElementTree.Element, idle: dict[str, None]) -> Marked:
    size = int(image.attrib["width"]), int(image.attrib["height"])
    marked = Marked(size, split=part_called(image.get("subset", "")))
    tags = [legible(each.attrib["label"]) for each in image if each.tag == "tag"]
    marked.kind = tags[0] if len(tags) == 1 else ""
    for tag in tags if len(tags) > 1 else ():
        marked.mark(tag)
    for each in image:
        if each.tag != "tag":
            marks = list(_cvat_marks(each))
            marked.mark(legible(each.attrib["label"]), *marks)
            idle |= {} if marks else {each.tag: None}
    return marked


def _cvat_marks(mark: ElementTree.Element) -> Iterator[AnyShape]:
    def number(name: str) -> float:
        return float(mark.attrib[name])

    degrees = float(mark.get("rotation", 0))
    if mark.tag == "box":
        left, top, right, bottom = map(number, ("xtl", "ytl", "xbr", "ybr"))
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        middle = (left + right) / 2, (top + bottom) / 2
        yield turned_polygon(corners, degrees, middle) if degrees else BoxShape((left, top, right, bottom))
    elif mark.tag == "polygon":
        yield PolygonShape.of([float(each) for point in mark.attrib["points"].split(";") for each in point.split(",")])
    elif mark.tag == "ellipse":
        yield ellipse((number("cx"), number("cy")), (number("rx"), number("ry")), degrees)
    elif mark.tag == "mask":
        left, top, width, height = (int(number(name)) for name in ("left", "top", "width", "height"))
        yield RunShape(tuple(map(int, mark.attrib["rle"].split(","))), (left, top, width, height), by_row=True)


CVAT = Importer(
    title=Message("CVAT"),
    expects=Message(
        "annotations.xml of CVAT for images 1.1 with the photos: boxes, polygons, ellipses, masks, and tags as classes."
    ),
    refuses=why_not_cvat,
    read=read_cvat,
)
