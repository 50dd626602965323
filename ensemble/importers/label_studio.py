"""Label Studio's JSON export: rectangles, polygons, ellipses and brushes on photos, and choices as classes."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ensemble.imaging.outlines import (
    AnyShape,
    PolygonShape,
    RunShape,
    WidthHeight,
    ellipse,
    packed_runs,
    turned_polygon,
)
from ensemble.importers.listing import Tree, is_photo_name, legible
from ensemble.importers.marked import Marked, MarkedPhotos, beginning, json_in, marks_note
from ensemble.importers.values import Importer, Understood
from ensemble.values.errors import DataError
from ensemble.values.language import Message

TASKS = re.compile(rb'"(annotations|completions|annotation_id|original_width)"')
TASK_EXPECTED = Message("data with the photo and annotations with results, as Label Studio exports them as JSON")
UPLOADED = re.compile(r"(^|/)[0-9a-f]{8}-(?=[^/]+$)")  # what it puts before the name of an upload


def why_not_label_studio(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    return "" if _task_files(tree) else Message("no JSON file at the top that is a list of tasks with annotations")


def read_label_studio(tree: Tree, _field: str) -> Understood:
    """The photos of all tasks."""
    photos, files = MarkedPhotos(tree), _task_files(tree)
    for name in files:
        photos.read(name, _tasks, lambda task: {_address(task, photos): _task(task)}, TASK_EXPECTED)
    return photos.understood([tree.files[name] for name in files], [marks_note(photos.names())])


def _tasks(text: str, shown: str) -> list[tuple[str, Any]]:
    tasks = enumerate(list(json_in(text, shown)), 1)
    return [(Message("{file}, task {number}", file=shown, number=number), task) for number, task in tasks]


def _task_files(tree: Tree) -> list[str]:
    starts = {name: beginning(path) for name, path in tree.at_top().items() if name.casefold().endswith(".json")}
    return [
        name
        for name, start in starts.items()
        if start.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"[" and TASKS.search(start)
    ]


def _address(task: Mapping[str, Any], photos: MarkedPhotos) -> str:
    """How a task calls its photo, without what was put before its name where the file is not called so."""
    texts = (each.partition("?X-")[0] for each in task["data"].values() if isinstance(each, str))
    written = next(filter(is_photo_name, texts))  # a signed address ends behind the name
    with suppress(DataError):
        photos.lookup.find_tail(written)
        return written
    return UPLOADED.sub(r"\1", written)


def _task(task: Mapping[str, Any]) -> Marked:
    """What everybody who has looked at a task has marked and chosen."""
    given = task["annotations"] if "annotations" in task else task["completions"]
    done = [each["result"] for each in given if not each.get("was_cancelled")]
    if not done:
        raise DataError("It has no annotation, so nobody knows whether its photo is good. Annotate it or leave it out.")
    marked, choices = Marked(), dict[str, None]()
    for result in (each for results in done for each in results):
        value = result.get("value", {})
        if result["type"] == "choices":
            choices |= dict.fromkeys(legible(str(each)) for each in value["choices"])
        elif names := next((value[key] for key in value if key.endswith("labels")), None):
            size = int(result["original_width"]), int(result["original_height"])
            if marked.size not in (None, size):
                raise DataError("Its results are of photos of several sizes: expected one.")
            marked.size = size
            marked.mark(legible(", ".join(map(str, names))), *_result_marks(value, size))
    marked.kind = next(iter(choices)) if len(choices) == 1 else ""
    for choice in choices if len(choices) > 1 else ():
        marked.mark(choice)
    return marked


def _result_marks(value: Mapping[str, Any], size: WidthHeight) -> Iterator[AnyShape]:
    """What one result marks, in pixels; its own numbers are percent of the photo's sides."""
    across, down = (side / 100 for side in size)
    if "points" in value:
        yield PolygonShape.of(
            [at * by for point in value["points"] for at, by in zip(point, (across, down), strict=True)]
        )
    elif "rle" in value:
        yield RunShape(packed_runs(value["rle"], size), (0, 0, *size), by_row=True)
    elif "radiusX" in value:
        radii = value["radiusX"] * across, value["radiusY"] * down
        yield ellipse((value["x"] * across, value["y"] * down), radii, float(value.get("rotation") or 0))
    elif "width" in value:
        left, top = value["x"] * across, value["y"] * down
        right, bottom = left + value["width"] * across, top + value["height"] * down
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        yield turned_polygon(corners, float(value.get("rotation") or 0), (left, top))


LABEL_STUDIO = Importer(
    title=Message("Label Studio"),
    expects=Message(
        "the JSON export at the top with the photos: rectangles, polygons, ellipses, brushes, and choices as classes."
    ),
    refuses=why_not_label_studio,
    read=read_label_studio,
)
