"""A collection as other tools read it, COCO or YOLO: photos by split, what masks mark as boxes, polygons or runs."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.datasets.collection import Collection
from ensemble.datasets.collection.values import CALIBRATION, TEST, TRAIN, UNSPLIT, CollectedPhoto
from ensemble.datasets.yolo_labels import refuse_in_use, unlike_names
from ensemble.imaging.masks import damaged_pixels, read_mask
from ensemble.imaging.outlines import Damage, areas_of, loops_of, one_polygon, runs_of
from ensemble.members.detector_training import ANY_DEFECT, label_text
from ensemble.values.errors import DataError
from ensemble.values.results import NON_DEFECTIVE
from ensemble.values.safe_names import clean_parts

FORMATS: Mapping[str, Sequence[str]] = {"coco": ("polygons", "boxes", "rle"), "yolo": ("polygons", "boxes")}
SPLIT_FOLDERS = {TRAIN: "train", CALIBRATION: "val", TEST: "test", UNSPLIT: "default"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: photos by split, marks by kind of defect, and the defective photos that were left out, because
    without a mask they would pass for good."""

    photos: Mapping[str, int]
    marks: Mapping[str, int]
    left_out: tuple[str, ...]


def export_collection(collection: Collection, destination: Path, form: str, marks: str = "polygons") -> Exported:
    """Write photos and annotations into a new folder, all of it or nothing; a DataError where that cannot be."""
    if marks not in FORMATS.get(form, ()):
        raise DataError(
            "{form} with {marks} is not written. There are {known}.",
            form=form,
            marks=marks,
            known="; ".join(f"{name}: {', '.join(each)}" for name, each in FORMATS.items()),
        )
    refuse_in_use(destination)
    photos = [photo for photo in collection.photos() if not photo.dropped]
    classes = collection.classes()
    good = (classes.good if classes else None) or NON_DEFECTIVE
    known = [
        photo for photo in photos if photo.label == good or ((marked := _damage_of(photo)) is not None and marked.any())
    ]
    taken = {photo.sha256 for photo in known}
    left_out = tuple(photo.name for photo in photos if photo.sha256 not in taken)
    if not any(photo.label != good for photo in known):
        raise DataError(
            "No mask in {folder} marks anything, so there is nothing to write as {form}. Import photos with masks.",
            folder=collection.folder,
            form=form,
        )
    names = sorted({photo.defect or ANY_DEFECT for photo in known if photo.label != good})
    files = unlike_names("__".join(clean_parts(photo.name)) or "photo" for photo in known)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=f".{destination.name}.") as temporary:
        folder = Path(temporary) / "export"
        rows = list(zip(known, files, strict=True))
        for photo, file in rows:
            place = folder / "images" / SPLIT_FOLDERS[photo.split]
            place.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(photo.path, place / file)
        write = _write_yolo if form == "yolo" else _write_coco
        counted = write(folder, rows, good, names, marks)
        if destination.exists():
            destination.rmdir()
        folder.rename(destination)
    return Exported(dict(Counter(SPLIT_FOLDERS[photo.split] for photo in known)), counted, left_out)


PhotoFiles = Sequence[tuple[CollectedPhoto, str]]


def _damage_of(photo: CollectedPhoto) -> Damage | None:
    return damaged_pixels(read_mask(photo.mask, (photo.width, photo.height))) if photo.mask else None


def _write_yolo(folder: Path, rows: PhotoFiles, good: str, names: Sequence[str], marks: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for photo, file in rows:
        text = ""
        if photo.label != good and (marked := _damage_of(photo)) is not None:
            name = photo.defect or ANY_DEFECT
            number = names.index(name)
            text = label_text(marked, number) if marks == "boxes" else "".join(_polygon_lines(marked, number))
            counts[name] += text.count("\n")
        place = folder / "labels" / SPLIT_FOLDERS[photo.split]
        place.mkdir(parents=True, exist_ok=True)
        (place / file).with_suffix(".txt").write_text(text, encoding="ascii")
    there = {SPLIT_FOLDERS[photo.split] for photo, _ in rows}
    parts = "".join(f"{name}: images/{name}\n" for name in SPLIT_FOLDERS.values() if name in there)
    classes = "".join(f"  {number}: {json.dumps(name, ensure_ascii=False)}\n" for number, name in enumerate(names))
    (folder / "data.yaml").write_text(f"{parts}names:\n{classes}", encoding="utf-8")
    return dict(counts)


def _polygon_lines(damage: Damage, number: int) -> Iterator[str]:
    """A line for each area; one with holes is a single line around all of it."""
    height, width = damage.shape
    for (left, top, _, _), area in areas_of(damage):
        corners = one_polygon(loops_of(area))
        yield f"{number} " + " ".join(f"{(left + x) / width:.8f} {(top + y) / height:.8f}" for x, y in corners) + "\n"


def _write_coco(folder: Path, rows: PhotoFiles, good: str, names: Sequence[str], marks: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    (folder / "annotations").mkdir()
    categories = [{"id": number, "name": name, "supercategory": ""} for number, name in enumerate(names, 1)]
    for part in dict.fromkeys(SPLIT_FOLDERS[photo.split] for photo, _ in rows):
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for photo, file in rows:
            if SPLIT_FOLDERS[photo.split] != part:
                continue
            images.append({"id": len(images) + 1, "file_name": file, "width": photo.width, "height": photo.height})
            if photo.label != good and (marked := _damage_of(photo)) is not None:
                name = photo.defect or ANY_DEFECT
                known = {"image_id": len(images), "category_id": names.index(name) + 1, "iscrowd": 0}
                found = [known | area for area in _coco_areas(marked, marks)]
                annotations += [{"id": len(annotations) + n, **each} for n, each in enumerate(found, 1)]
                counts[name] += len(found)
        document = {"images": images, "annotations": annotations, "categories": categories}
        text = json.dumps(document, ensure_ascii=False)
        (folder / "annotations" / f"instances_{part}.json").write_text(text, encoding="utf-8")
    return dict(counts)


def _coco_areas(damage: Damage, marks: str) -> Iterator[dict[str, Any]]:
    """Box, size and segmentation of each area; one with holes as runs, because a polygon of COCO's has none."""
    for (left, top, right, bottom), area in areas_of(damage):
        found: dict[str, Any] = {"bbox": [left, top, right - left, bottom - top], "area": int(area.sum())}
        loops = loops_of(area) if marks == "polygons" else []
        if len(loops) == 1:
            found["segmentation"] = [[at for x, y in loops[0] for at in (left + x, top + y)]]
        elif marks != "boxes":
            whole = damage & False
            whole[top:bottom, left:right] = area
            found["segmentation"] = {"size": list(damage.shape), "counts": runs_of(whole)}
        yield found
