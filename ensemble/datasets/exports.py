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
    areas = {photo.sha256: _marked_areas(photo, form, marks) for photo in photos if photo.label != good}
    known = [photo for photo in photos if areas.get(photo.sha256, photo.label == good)]
    left_out = tuple(photo.name for photo in photos if not areas.get(photo.sha256, photo.label == good))
    if not any(areas.values()):
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
        rows = [(photo, file, areas.get(photo.sha256, [])) for photo, file in zip(known, files, strict=True)]
        for photo, file, _ in rows:
            place = folder / "images" / SPLIT_FOLDERS[photo.split]
            place.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(photo.path, place / file)
        write = _write_yolo if form == "yolo" else _write_coco
        counted = write(folder, rows, names)
        if destination.exists():
            destination.rmdir()
        folder.rename(destination)
    return Exported(dict(Counter(SPLIT_FOLDERS[photo.split] for photo in known)), counted, left_out)


PhotoFiles = Sequence[tuple[CollectedPhoto, str, Sequence[Any]]]  # with what its mask marks


def _marked_areas(photo: CollectedPhoto, form: str, marks: str) -> Sequence[Any]:
    """What the mask of a photo marks, as it will be written but for its kind: each mask is read once."""
    if not photo.mask:
        return []
    damage = damaged_pixels(read_mask(photo.mask, (photo.width, photo.height)))
    if form == "coco":
        return list(_coco_areas(damage, marks))
    return label_text(damage, 0).splitlines() if marks == "boxes" else list(_polygon_lines(damage))


def _write_yolo(folder: Path, rows: PhotoFiles, names: Sequence[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for photo, file, areas in rows:
        name = photo.defect or ANY_DEFECT
        text = "".join(f"{names.index(name)} {line.partition(' ')[2]}\n" for line in areas)
        if areas:
            counts[name] += len(areas)
        place = folder / "labels" / SPLIT_FOLDERS[photo.split]
        place.mkdir(parents=True, exist_ok=True)
        (place / file).with_suffix(".txt").write_text(text, encoding="ascii")
    there = {SPLIT_FOLDERS[photo.split] for photo, _, _ in rows}
    parts = "".join(f"{name}: images/{name}\n" for name in SPLIT_FOLDERS.values() if name in there)
    classes = "".join(f"  {number}: {json.dumps(name, ensure_ascii=False)}\n" for number, name in enumerate(names))
    (folder / "data.yaml").write_text(f"{parts}names:\n{classes}", encoding="utf-8")
    return dict(counts)


def _polygon_lines(damage: Damage) -> Iterator[str]:
    """A line of class 0 for each area; one with holes is a single line around all of it."""
    height, width = damage.shape
    for (left, top, _, _), area in areas_of(damage):
        corners = one_polygon(loops_of(area))
        yield "0 " + " ".join(f"{(left + x) / width:.8f} {(top + y) / height:.8f}" for x, y in corners)


def _write_coco(folder: Path, rows: PhotoFiles, names: Sequence[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    (folder / "annotations").mkdir()
    categories = [{"id": number, "name": name, "supercategory": ""} for number, name in enumerate(names, 1)]
    for part in dict.fromkeys(SPLIT_FOLDERS[photo.split] for photo, _, _ in rows):
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for photo, file, areas in rows:
            if SPLIT_FOLDERS[photo.split] != part:
                continue
            images.append({"id": len(images) + 1, "file_name": file, "width": photo.width, "height": photo.height})
            if areas:
                name = photo.defect or ANY_DEFECT
                known = {"image_id": len(images), "category_id": names.index(name) + 1, "iscrowd": 0}
                annotations += [{"id": len(annotations) + n, **known, **each} for n, each in enumerate(areas, 1)]
                counts[name] += len(areas)
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
