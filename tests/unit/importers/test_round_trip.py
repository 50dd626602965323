"""Every layout: in through the real door, out as COCO or YOLO, in again, with equal labels, boxes and masks."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.datasets.collection import Collection
from ensemble.datasets.exports import export_collection
from ensemble.datasets.workbench import bring_into, opened
from ensemble.imaging import outlines
from ensemble.imaging.masks import boxes, damaged_pixels, read_mask
from ensemble.imaging.outlines import runs_of
from ensemble.importers.sources import read_source
from ensemble.values.errors import DataError
from tests.conftest import Run

SIDE = 40
Files = dict[str, bytes | str]
BOX = (6, 8, 20, 14)  # left, top, right, bottom
RING = np.zeros((SIDE, SIDE), dtype=bool)
RING[10:30, 12:32] = True
RING[15:25, 17:27] = False
RING[30, 32] = True  # touches at a corner
PLAIN = np.zeros((SIDE, SIDE), dtype=bool)
PLAIN[8:14, 6:20] = True
TWO = RING.copy()
TWO[2:5, 2:9] = True
NOTHING = np.zeros((SIDE, SIDE), dtype=bool)


def photo(seed: int) -> bytes:
    return png(np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))


def png(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels).save(buffer, kind)
    return buffer.getvalue()


def photos(*names: str) -> Files:
    return {name: photo(sum(map(ord, name))) for name in names}


def corners(box: tuple[int, int, int, int]) -> list[int]:
    left, top, right, bottom = box
    return [left, top, right, top, right, bottom, left, bottom]


def compressed(counts: list[int]) -> str:
    """COCO's own way, as its reference writes it."""
    text = ""
    for place, count in enumerate(counts):
        number, more = count - (counts[place - 2] if place > 2 else 0), True
        while more:
            chunk = number & 31
            number >>= 5
            more = number != (-1 if chunk & 16 else 0)
            text += chr(48 + (chunk | 32 if more else chunk))
    return text


def coco() -> Files:
    runs = runs_of(TWO)
    size = [SIDE, SIDE]
    given = [
        {"image_id": 1, "category_id": 7, "bbox": [6, 8, 14, 6]},
        {"image_id": 2, "category_id": 7, "bbox": [6, 8, 14, 6], "segmentation": [corners(BOX)]},
        {"image_id": 3, "category_id": 9, "segmentation": {"size": size, "counts": runs}},
        {"image_id": 4, "category_id": 9, "segmentation": {"size": size, "counts": compressed(runs)}},
    ]
    listed = [{"id": n, "file_name": f"{n}.png", "width": SIDE, "height": SIDE} for n in range(1, 6)]
    document = {
        "images": listed,
        "annotations": given,
        "categories": [{"id": 7, "name": "dent"}, {"id": 9, "name": "rust"}],
    }
    return {
        **photos(*(f"train/{n}.png" for n in range(1, 6))),
        "annotations/instances_train.json": json.dumps(document),
    }


def yolo() -> Files:
    polygon = " ".join(str(at / SIDE) for at in corners(BOX))
    return {
        **photos("images/train/1.png", "images/val/2.png", "images/val/3.png"),
        "labels/train/1.txt": f"0 {13 / SIDE} {11 / SIDE} {14 / SIDE} {6 / SIDE}\n",
        "labels/val/2.txt": f"1 {polygon}\n",
        "labels/val/3.txt": "",
        "data.yaml": "names: [dent, rust]\n",
    }


def voc() -> Files:
    size = f"<size><width>{SIDE}</width><height>{SIDE}</height></size>"
    edges = "".join(f"<{key}>{at}</{key}>" for key, at in zip(("xmin", "ymin", "xmax", "ymax"), BOX, strict=True))
    return {
        **photos("1.png", "2.png"),
        "1.xml": f"<annotation>{size}<object><name>dent</name><bndbox>{edges}</bndbox></object></annotation>",
        "2.xml": f"<annotation>{size}</annotation>",
    }


def cvat() -> Files:
    def image(name: str, inner: str) -> str:
        return f'<image id="0" name="{name}" subset="Train" width="{SIDE}" height="{SIDE}">{inner}</image>'

    points = ";".join(f"{x},{y}" for x, y in zip(corners(BOX)[::2], corners(BOX)[1::2], strict=True))
    runs = ",".join(map(str, runs_of(TWO[2:31, 2:33].T)))
    inner = (
        image("a/1.png", '<box label="dent" xtl="6" ytl="8" xbr="20" ybr="14"/>')
        + image("a/2.png", f'<polygon label="dent" points="{points}"/>')
        + image("3.png", f'<mask label="rust" rle="{runs}" left="2" top="2" width="31" height="29"/>')
        + image("4.png", "")
        + image("5.png", '<tag label="good"/>')
    )
    text = f'<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{inner}</annotations>'
    return {
        **photos("images/a/1.png", "images/a/2.png", *(f"images/{n}.png" for n in (3, 4, 5))),
        "annotations.xml": text,
    }


def packed(damage: np.ndarray) -> list[int]:
    """A brush as rle-pack writes it, with runs of up to 256 equal values."""
    values = np.repeat(damage.ravel().astype(np.uint8) * 255, 4)
    bits = f"{values.size:032b}{7:05b}" + f"{7:04b}" * 4
    starts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1), values.size]
    for start, end in pairwise(starts):
        for at in range(start, end, 256):
            bits += f"1{0:02b}{min(256, end - at) - 1:08b}{values[start]:08b}"
    bits += "0" * (-len(bits) % 8)
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]


def label_studio() -> Files:
    def result(kind: str, name: str, value: dict[str, object]) -> dict[str, object]:
        return {"type": kind, "original_width": SIDE, "original_height": SIDE, "value": {kind: [name], **value}}

    share = 100 / SIDE
    rectangle = {"x": 6 * share, "y": 8 * share, "width": 14 * share, "height": 6 * share, "rotation": 0}
    points = [[x * share, y * share] for x, y in zip(corners(BOX)[::2], corners(BOX)[1::2], strict=True)]
    choice = {"type": "choices", "value": {"choices": ["good"]}}
    given = [
        [result("rectanglelabels", "dent", rectangle)],
        [result("polygonlabels", "dent", {"points": points})],
        [result("brushlabels", "rust", {"format": "rle", "rle": packed(TWO)})],
        [],
        [choice],
    ]
    given_at, signed = ("/data/upload/1/0a1b2c3d-", "https://bucket.example/parts/"), ("", "?X-Amz-Signature=1%2F2")
    tasks = [
        {
            "id": n,
            "data": {"id": "p", "image": f"{given_at[n % 2]}{n}.png{signed[n % 2]}"},
            "annotations": [{"result": results}],
        }
        for n, results in enumerate(given, 1)
    ]
    return {**photos(*(f"{n}.png" for n in range(1, 6))), "project-1.json": json.dumps(tasks)}


def manifest() -> Files:
    def line(name: str, label: int, **known: object) -> str:
        meta = {"class-name": "anomaly" if label else "normal", "type": "groundtruth/image-classification"}
        row = {
            "source-ref": f"s3://bucket/parts/{name}",
            "anomaly-label": label,
            "anomaly-label-metadata": meta,
            **known,
        }
        return json.dumps(row) + "\n"

    white = np.where(TWO[..., None], (44, 160, 44), (255, 255, 255)).astype(np.uint8)
    colours = {
        "0": {"class-name": "BACKGROUND", "hex-color": "#ffffff"},
        "1": {"class-name": "rust", "hex-color": "#2ca02c"},
    }
    mask = {
        "anomaly-mask-ref": "s3://bucket/masks/1_mask.png",
        "anomaly-mask-ref-metadata": {"internal-color-map": colours, "type": "groundtruth/semantic-segmentation"},
    }
    box = {"class_id": 0, "left": 6, "top": 8, "width": 14, "height": 6}
    boxed = {"annotations": [box], "image_size": [{"width": SIDE, "height": SIDE, "depth": 3}]}
    meta = {"class-map": {"0": "dent"}, "type": "groundtruth/object-detection"}
    return {
        **photos("parts/1.png", "parts/2.png", "parts/3.png"),
        "masks/1_mask.png": png(white),
        "train.manifest": line("1.png", 1, **mask)
        + line("2.png", 0)
        + json.dumps({"source-ref": "s3://bucket/parts/3.png", "job": boxed, "job-metadata": meta}),
    }


def real_iad() -> Files:
    def row(name: str, kind: str, mask: str | None = None) -> dict[str, str | None]:
        return {"category": "plug", "anomaly_class": kind, "image_path": name, "mask_path": mask}

    good, bad = "OK/S0001/plug_0001_OK_C1.png", "AK/S0002/plug_0002_NG_AK_C1.png"
    document = {
        "meta": {"normal_class": "OK", "prefix": "plug/"},
        "train": [row(good, "OK")],
        "test": [row(f"NG/{bad}", "AK", f"NG/{bad}".replace("C1", "C1_mask"))],
    }
    tree = "realiad_1024/plug"
    return {
        **photos(f"{tree}/{good}", f"{tree}/NG/{bad}"),
        f"{tree}/NG/{bad}".replace("C1", "C1_mask"): png(TWO),
        "realiad_jsons/plug.json": json.dumps(document),
    }


Wanted = dict[str, tuple[str, str, str, np.ndarray]]  # label, defect, split, mask by how a photo's name ends
OK, NOK = "non_defective", "defective"
LABELS = "1\n1\t0\t0001.PNG\t0\t0\n2\t1\t0002.PNG\t1\t0002_label.PNG\n"
LAYOUTS: dict[str, tuple[str, Callable[[], Files], Wanted]] = {
    "coco": (
        "Boxes for a detector",
        coco,
        {
            "1.png": (NOK, "dent", "train", PLAIN),
            "2.png": (NOK, "dent", "train", PLAIN),
            "3.png": (NOK, "rust", "train", TWO),
            "4.png": (NOK, "rust", "train", TWO),
            "5.png": (OK, "", "train", NOTHING),
        },
    ),
    "yolo": (
        "Boxes for a detector",
        yolo,
        {
            "1.png": (NOK, "dent", "train", PLAIN),
            "2.png": (NOK, "rust", "calibration", PLAIN),
            "3.png": (OK, "", "calibration", NOTHING),
        },
    ),
    "voc": ("Boxes for a detector", voc, {"1.png": (NOK, "dent", "", PLAIN), "2.png": (OK, "", "", NOTHING)}),
    "cvat": (
        "CVAT",
        cvat,
        {
            "1.png": (NOK, "dent", "train", PLAIN),
            "2.png": (NOK, "dent", "train", PLAIN),
            "3.png": (NOK, "rust", "train", TWO),
            "4.png": (OK, "", "train", NOTHING),
            "5.png": (OK, "", "train", NOTHING),
        },
    ),
    "label_studio": (
        "Label Studio",
        label_studio,
        {
            "1.png": (NOK, "dent", "", PLAIN),
            "2.png": (NOK, "dent", "", PLAIN),
            "3.png": (NOK, "rust", "", TWO),
            "4.png": (OK, "", "", NOTHING),
            "5.png": (OK, "", "", NOTHING),
        },
    ),
    "manifest": (
        "Lookout for Vision or SageMaker manifest",
        manifest,
        {
            "1.png": (NOK, "rust", "train", TWO),
            "2.png": (OK, "", "train", NOTHING),
            "3.png": (NOK, "dent", "train", PLAIN),
        },
    ),
    "kolektor": (
        "KolektorSDD",
        lambda: {
            **photos("kos01/Part0.png", "kos01/Part1.png"),
            "kos01/Part0_label.bmp": png(NOTHING, "BMP"),
            "kos01/Part1_label.bmp": png(TWO, "BMP"),
        },
        {"Part0.png": (OK, "", "", NOTHING), "Part1.png": (NOK, "", "", TWO)},
    ),
    "kolektor 2": (
        "KolektorSDD",
        lambda: {
            **photos("train/10000.png", "test/20000.png"),
            "train/10000_GT.png": png(NOTHING),
            "test/20000_GT.png": png(TWO),
        },
        {"10000.png": (OK, "", "train", NOTHING), "20000.png": (NOK, "", "test", TWO)},
    ),
    "btad": (
        "Class folders",
        lambda: {
            **photos("01/train/ok/1.bmp", "01/test/ok/2.bmp", "01/test/ko/3.bmp", "02/train/ok/4.bmp"),
            "01/ground_truth/ko/3.png": png(TWO),
        },
        {
            "1.bmp": (OK, "", "train", NOTHING),
            "2.bmp": (OK, "", "test", NOTHING),
            "3.bmp": (NOK, "", "test", TWO),
            "4.bmp": (OK, "", "train", NOTHING),
        },
    ),
    "dagm": (
        "DAGM",
        lambda: {
            **photos("Class1/Train/0001.PNG", "Class1/Train/0002.PNG", "Class1/Test/0003.PNG"),
            "Class1/Train/Label/0002_label.PNG": png(TWO),
            "Class1/Train/Label/Labels.txt": LABELS,
            "Class1/Test/Label/Labels.txt": "1\n3\t0\t0003.PNG\t0\t0\n",
        },
        {
            "0001.PNG": (OK, "", "train", NOTHING),
            "0002.PNG": (NOK, "", "train", TWO),
            "0003.PNG": (OK, "", "test", NOTHING),
        },
    ),
    "mvtec ad 2": (
        "Class folders",
        lambda: {
            **photos("can/train/good/1.png", "can/validation/good/2.png", "can/test_public/bad/3.png"),
            "can/test_public/ground_truth/bad/3_mask.png": png(TWO),
        },
        {
            "1.png": (OK, "", "train", NOTHING),
            "2.png": (OK, "", "calibration", NOTHING),
            "3.png": (NOK, "", "test", TWO),
        },
    ),
    "mvtec loco": (
        "Class folders",
        lambda: {
            **photos("train/good/1.png", "test/good/2.png", "test/logical_anomalies/000.png"),
            **photos("test/structural_anomalies/001.png"),
            "ground_truth/logical_anomalies/000/000.png": png(RING),
            "ground_truth/logical_anomalies/000/001.png": png(TWO & ~RING),
            "ground_truth/structural_anomalies/001/000.png": png(PLAIN),
        },
        {
            "1.png": (OK, "", "train", NOTHING),
            "2.png": (OK, "", "test", NOTHING),
            "000.png": (NOK, "logical_anomalies", "test", TWO),
            "001.png": (NOK, "structural_anomalies", "test", PLAIN),
        },
    ),
    "real-iad": (
        "Real-IAD",
        real_iad,
        {"_OK_C1.png": (OK, "", "train", NOTHING), "_AK_C1.png": (NOK, "AK", "test", TWO)},
    ),
    "visa": (
        "VisA",
        lambda: {
            **photos("candle/Data/0.png", "candle/Data/1.png"),
            "candle/Masks/1.png": png(TWO.astype(np.uint8) * 3),
            "split_csv/1cls.csv": "object,split,label,image,mask\ncandle,train,normal,candle/Data/0.png,\n"
            "candle,test,anomaly,candle/Data/1.png,candle/Masks/1.png\n",
        },
        {"0.png": (OK, "", "train", NOTHING), "1.png": (NOK, "", "test", TWO)},
    ),
    "magnetic tile": (
        "Magnetic tile",
        lambda: {
            "MT_Free/Imgs/1.jpg": png(np.full((SIDE, SIDE), 90, np.uint8), "JPEG"),
            "MT_Break/Imgs/2.jpg": png(np.full((SIDE, SIDE), 120, np.uint8), "JPEG"),
            "MT_Break/Imgs/2.png": png(TWO),
        },
        {"1.jpg": (OK, "", "", NOTHING), "2.jpg": (NOK, "break", "", TWO)},
    ),
    "labels csv": (
        "Labels in a CSV file",
        lambda: {
            **photos("a.png", "b.png"),
            "m.png": png(TWO),
            "labels.csv": "file,label,split,defect,mask\na.png,ok,train,,\nb.png,nok,test,rust,m.png\n",
        },
        {"a.png": (OK, "", "train", NOTHING), "b.png": (NOK, "rust", "test", TWO)},
    ),
}


def zipped(files: Files | Path) -> bytes:
    buffer = io.BytesIO()
    if isinstance(files, Path):
        files = {path.relative_to(files).as_posix(): path.read_bytes() for path in files.rglob("*") if path.is_file()}
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def brought(files: Files | Path, below: Path, name: str, layout: str) -> Collection:
    """A collection of what a zip holds."""
    collection = Collection.create(below / "collections", name)
    with opened([("set.zip", lambda: zipped(files))], below) as found:
        assert (found.layout, found.problems) == (layout, ())
        added = bring_into(found, collection, origin="set.zip")
    assert added.refused == added.known == ()
    return collection


def held(collection: Collection) -> dict[str, tuple[str, str, str, bytes]]:
    return {
        each.sha256: (
            each.label,
            each.defect,
            each.split,
            (damaged_pixels(read_mask(each.mask)) if each.mask else NOTHING).tobytes(),
        )
        for each in collection.photos()
    }


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_goes_in_and_out_and_in_again(tmp_path: Path, name: str) -> None:
    layout, make, wanted = LAYOUTS[name]
    first = brought(make(), tmp_path, "first", layout)
    by_end = {end: next(each for each in first.photos() if each.name.endswith(end)) for end in wanted}
    known = held(first)
    assert {end: known[each.sha256] for end, each in by_end.items()} == {
        end: (label, defect, split, mask.tobytes()) for end, (label, defect, split, mask) in wanted.items()
    }
    for form in ("coco", "yolo"):
        export_collection(first, tmp_path / form, form)
        assert held(brought(tmp_path / form, tmp_path, form, "Boxes for a detector")) == known


@pytest.mark.parametrize(("form", "marks"), [("coco", "boxes"), ("coco", "rle"), ("yolo", "boxes")])
def test_boxes_and_runs_go_out_and_in_again(tmp_path: Path, form: str, marks: str) -> None:
    first = brought(coco(), tmp_path, "first", "Boxes for a detector")
    made = export_collection(first, tmp_path / "out", form, marks)
    assert (made.photos, made.marks, made.left_out) == ({"train": 5}, {"dent": 2, "rust": 4}, ())
    again, known = held(brought(tmp_path / "out", tmp_path, "again", "Boxes for a detector")), held(first)
    for digest, (*said, mask) in known.items():
        found = np.frombuffer(again[digest][3], dtype=bool).reshape(SIDE, SIDE)
        damage = np.frombuffer(mask, dtype=bool).reshape(SIDE, SIDE)
        assert list(again[digest][:3]) == said and boxes(found) == boxes(damage)
        assert marks == "boxes" or (found == damage).all()
    masks = [entry.mask for entry in read_source(tmp_path / "out").entries if entry.mask]  # as training reads them
    assert sorted(len(boxes(damaged_pixels(read_mask(mask)))) for mask in masks) == [1, 1, 2, 2]


def test_export_on_the_command_line(run: Run, tmp_path: Path) -> None:
    first = brought(coco(), tmp_path, "first", "Boxes for a detector")
    code, _, said = run("data", "export", first.folder, tmp_path / "out", "--format", "yolo")
    assert (code, said.split("with ")[1]) == (0, "{'train': 5} photos and 6 polygons: 2 dent, 4 rust.")
    assert (tmp_path / "out/data.yaml").read_text() == 'train: images/train\nnames:\n  0: "dent"\n  1: "rust"\n'


def test_what_cannot_go_out_is_said(tmp_path: Path) -> None:
    first = brought(photos("ok/1.png", "nok/2.png"), tmp_path, "first", "Class folders")
    with pytest.raises(DataError, match=r"No mask in .* marks anything, so there is nothing to write as coco"):
        export_collection(first, tmp_path / "out", "coco")
    with pytest.raises(DataError, match=r"yolo with rle is not written. There are coco: polygons"):
        export_collection(first, tmp_path / "out", "yolo", "rle")
    (tmp_path / "used").mkdir()
    (tmp_path / "used/x").touch()
    with pytest.raises(DataError, match="is in use"):
        export_collection(first, tmp_path / "used", "coco")


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]><annotations><image name="1.png"/></annotations>'
RLE = {"size": [SIDE, SIDE], "counts": [10**12]}


def marked(**known: object) -> str:
    """COCO's JSON on one photo with one annotation."""
    picture = {"id": 1, "file_name": "1.png", "width": SIDE, "height": SIDE}
    given = [{"image_id": 1, "category_id": 1, **known}]
    return json.dumps({"images": [picture], "categories": [{"id": 1, "name": "dent"}], "annotations": given})


HOSTILE: dict[str, tuple[str, str, str]] = {
    "coco endless runs": (
        "coco.json",
        marked(segmentation=RLE),
        "runs are 1000000000000 pixels long: expected 40 × 40",
    ),
    "coco other size": (
        "coco.json",
        marked(segmentation={"size": [90000, 90000], "counts": "0"}),
        "runs are of 90000 × 90000 pixels at 0, 0: expected a place within its 40 × 40",
    ),
    "coco bad text": (
        "coco.json",
        marked(segmentation={"size": [SIDE, SIDE], "counts": "o" * 99}),
        "compressed runs hold 'oooooooooooooooooooo': expected those of COCO",
    ),
    "coco far polygon": (
        "coco.json",
        marked(segmentation=[[0, 0, 1e300, 0, 0, 9]]),
        "reach to 1e.300: expected pixels",
    ),
    "coco no number": ("coco.json", marked(bbox=[float("nan"), 0, 1, 1]), "reach to nan: expected pixels"),
    "coco line": ("coco.json", marked(segmentation=[[0, 0, 9]]), "A polygon has 3 numbers: expected x and y of three"),
    "coco vast polygon": (
        "coco.json",
        marked(segmentation=[[0, 0, 9, 40] * 20]),
        "has 40 corners, which cross its rows of pixels 1,600 times: expected 1,000 at most",
    ),
    "coco no lists": ("coco.json", '{"image_id": 1}', "expected images, annotations and categories .* found KeyError"),
    "coco way out": ("coco.json", marked().replace("1.png", "../1.png"), "../1.png leads out of the folder"),
    "cvat bomb": ("annotations.xml", BOMB, "annotations.xml cannot be read. It declares a document type"),
    "cvat broken": ("annotations.xml", "<annotations>", "annotations.xml is no XML that can be read"),
    "cvat video": ("annotations.xml", "<annotations><track/></annotations>", "expected <image>, found <track>"),
    "cvat no size": (
        "annotations.xml",
        '<annotations><image name="1.png"/></annotations>',
        "image 1: expected name, width and height, .* found KeyError 'width'",
    ),
    "label studio nobody": (
        "a.json",
        '[{"data": {"image": "1.png"}, "annotations": []}]',
        "a.json, task 1: It has no annotation, so nobody knows whether its photo is good",
    ),
    "label studio short": ("a.json", '[{"image": "1.png", "annotations": []}]', "task 1: expected data with the photo"),
    "manifest no label": ("a.manifest", '{"source-ref": "s3://b/1.png"}', "line 1: It has no label, so nobody knows"),
    "manifest gone": (
        "a.manifest",
        '{"source-ref": "s3://b/2.png", "l": 0, "l-metadata": {"type": "groundtruth/image-classification"}}',
        "s3://b/2.png is not there",
    ),
    "real-iad": (
        "plug.json",
        '{"train": [{"anomaly_class": "OK", "image_path": "1.png"}]}',
        "expected meta, train and test as Real-IAD has them, found KeyError 'meta'",
    ),
    "kolektor": ("1_label.bmp", "BM", "The mask .* cannot be read"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_as_expected_is_said_in_a_sentence_and_never_taken_for_good(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlines, "MOST_CROSSINGS", 1000)
    file, content, sentence = HOSTILE[name]
    folder = tmp_path / "set"
    for place, data in {"1.png": photo(1), file: content.encode()}.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(data)
    collection = Collection.create(tmp_path, "x")
    try:
        with opened(folder, tmp_path) as found:
            added = bring_into(found, collection, origin="x")
        said = " ".join(problem.reason for problem in added.refused)
    except DataError as error:
        said = str(error)
    assert re.search(sentence, said), said
    assert not [each for each in collection.photos() if each.label == OK]
