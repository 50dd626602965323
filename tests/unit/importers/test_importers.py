"""Importers: what each layout makes of a folder, and what it says where it cannot read one."""

import json
import os
import socket
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ensemble.datasets.loading import find_dataset
from ensemble.importers import IMPORTERS, Understood, understand
from ensemble.importers import listing as tree_module
from ensemble.values.errors import DataError

PHOTO = b"\xff\xd8\xff photo"
Files = dict[str, bytes | str]


def lay(folder: Path, *names: str) -> Path:
    """Write photos of these names, each with bytes of its own."""
    return fill(folder, {name: PHOTO + name.encode() for name in names})


def fill(folder: Path, files: Files) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def mask(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), 255).save(path)


def counts(found: Understood) -> dict[tuple[str, str, str | None], int]:
    return dict(Counter((entry.split, entry.kind, found.meaning[entry.kind]) for entry in found.entries))


def reasons(found: Understood) -> str:
    return " ".join(problem.reason for problem in found.problems)


CLASS_FOLDERS: list[tuple[tuple[str, ...], dict[tuple[str, str, str | None], int]]] = [
    (("ok/1.jpg", "ok/2.JPG", "nok/3.jpg"), {("", "ok", "non_defective"): 2, ("", "nok", "defective"): 1}),
    (("a/1.jpg", "b/1.jpg", "c/1.png"), {("", "a", "a"): 1, ("", "b", "b"): 1, ("", "c", "c"): 1}),
    (
        ("train/ok_front/1.jpeg", "train/def_front/2.jpeg", "test/ok_front/3.jpeg", "test/def_front/4.jpeg"),
        {
            ("train", "ok_front", "non_defective"): 1,
            ("train", "def_front", "defective"): 1,
            ("test", "ok_front", "non_defective"): 1,
            ("test", "def_front", "defective"): 1,
        },
    ),
    (
        ("train/good/1.png", "test/good/1.png", "test/cut/1.png"),
        {
            ("train", "good", "non_defective"): 1,
            ("test", "good", "non_defective"): 1,
            ("test", "cut", "defective"): 1,
        },
    ),
    (
        ("train/shoes/1.jpg", "train/hats/1.jpg", "val/hats/2.jpg", "validation/hats/3.jpg", "test/shoes/4.jpg"),
        {
            ("train", "shoes", "shoes"): 1,
            ("train", "hats", "hats"): 1,
            ("calibration", "hats", "hats"): 2,
            ("test", "shoes", "shoes"): 1,
        },
    ),
    (("shoes/1.jpg",), {("", "shoes", "shoes"): 1}),
    (("nok/scratch/1.jpg", "nok/dent/2.jpg"), {("", "nok", "defective"): 2}),
    (("good/1.jpg",), {("", "good", "non_defective"): 1}),
]


@pytest.mark.parametrize(("names", "expected"), CLASS_FOLDERS)
@pytest.mark.parametrize("above", ["", "Teile für Halle 3/", "photos/set 2/"])
def test_class_folders_also_below_lone_folders(
    tmp_path: Path, names: tuple[str, ...], expected: dict[tuple[str, str, str | None], int], above: str
) -> None:
    lay(tmp_path, *(above + name for name in names), "__MACOSX/._1.jpg", ".DS_Store", f"{above}.hidden/1.jpg")
    found = understand(tmp_path)
    assert (found.layout, counts(found), found.problems) == ("Class folders", expected, ())
    assert {entry.name for entry in found.entries} == {above + name for name in names}
    assert all(entry.path == tmp_path / entry.name for entry in found.entries)
    looked_into = ("which was looked into", "1 category, taken as one product")  # the latter for MVTec AD
    assert sum(any(words in note for words in looked_into) for note in found.notes) == above.count("/")


def test_class_folders_mean_what_they_mean_in_training(tmp_path: Path) -> None:
    for place in ("leather", "grid"):
        lay(tmp_path, *(f"{place}/train/good/{n}.png" for n in range(3)), f"{place}/test/good/7.png")
        lay(tmp_path, f"{place}/test/cut/8.png", f"{place}/test/hole/deep/9.png")
        mask(tmp_path / place / "ground_truth" / "cut" / "8_mask.png")
    found, dataset = understand(tmp_path), find_dataset(tmp_path)
    assert found.meaning == dict(dataset.folders)
    for split, samples in (("train", dataset.train), ("test", dataset.test)):
        entries = [entry for entry in found.entries if entry.split == split]
        assert {(e.path, found.meaning[e.kind], e.mask, e.category) for e in entries} == {
            (s.path, s.label, s.mask, s.category) for s in samples
        }
    assert {entry.defect for entry in found.entries} == {"", "cut", "hole/deep"}


def test_a_category_alone_and_a_tree_of_one(tmp_path: Path) -> None:
    lay(tmp_path, "leather/train/good/1.png", "leather/test/good/1.png", "leather/test/cut/2.png")
    assert {entry.category for entry in understand(tmp_path).entries} == {"leather"}
    assert {entry.category for entry in understand(tmp_path / "leather").entries} == {""}


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        (("good/train/ok/1.jpg", "good/train/nok/2.jpg"), {"ok", "nok"}),
        (("defect/ok/1.jpg", "defect/nok/2.jpg"), {"ok", "nok"}),
        (("good/good/1.jpg",), {"good"}),
    ],
)
def test_a_lone_folder_with_classes_inside_is_no_class(tmp_path: Path, names: tuple[str, ...], kinds: set[str]) -> None:
    assert {entry.kind for entry in understand(lay(tmp_path, *names)).entries} == kinds


def test_files_that_are_no_photos_and_photos_in_no_class_are_named(tmp_path: Path) -> None:
    lay(tmp_path, "ok/1.jpg", "nok/2.jpg", "lost.jpg")
    fill(tmp_path, {"ok/notes.txt": "x", "ok/empty.jpg": b"", "README.md": "x"})
    os.truncate(lay(tmp_path, "nok/large.jpg") / "nok/large.jpg", 30_000_000)
    found = understand(tmp_path)
    assert [entry.name for entry in found.entries] == ["nok/2.jpg", "ok/1.jpg"]
    told = {problem.name: problem.reason for problem in found.problems}
    assert told == {
        "lost.jpg": "lost.jpg lies in no class folder. Put it into one, such as train/ok or train/nok.",
        "nok/large.jpg": "nok/large.jpg is too large (30.0 MB, it must stay under 30 MB). Save it smaller.",
        "ok/empty.jpg": "ok/empty.jpg is empty (0 bytes). Copy it again.",
        "ok/notes.txt": "ok/notes.txt is no photo by its ending. Expected one of .jpg, .jpeg, .png, .bmp, .webp, "
        ".tif, .tiff, .gif, .pbm, .pgm, .ppm, .pnm.",
    }
    assert "Left out: 1 other file (README.md)." in found.notes


def test_links_and_special_files_are_named_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    lay(outside, "secret.jpg", "cut/secret.jpg")
    folder = lay(tmp_path / "set", "train/good/1.png", "test/good/2.png", "test/cut/3.png")
    (folder / "train/good/link.jpg").symlink_to(outside / "secret.jpg")
    (folder / "train/good/inside.png").symlink_to(folder / "train/good/1.png")
    (folder / "train/good/nowhere.jpg").symlink_to(folder / "gone.jpg")
    (folder / "train/good/circle.jpg").symlink_to(folder / "train/good/circle.jpg")
    (folder / "test/linked").symlink_to(outside / "cut")
    (folder / "ground_truth/cut").mkdir(parents=True)
    (folder / "ground_truth/cut/3_mask.png").symlink_to(outside / "secret.jpg")
    os.mkfifo(folder / "train/good/pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        place = Path.cwd()
        os.chdir(folder / "train/good")  # the path of a socket must be short
        try:
            listening.bind("socket.jpg")
        finally:
            os.chdir(place)
        found = understand(folder)
    assert [entry.name for entry in found.entries] == [
        "train/good/1.png",
        "train/good/inside.png",
        "test/cut/3.png",
        "test/good/2.png",
    ]
    assert all(entry.mask is None for entry in found.entries)
    told = {problem.name: problem.reason for problem in found.problems}
    assert set(told) == {
        *("ground_truth/cut/3_mask.png", "test/linked"),
        *(f"train/good/{name}.jpg" for name in ("link", "nowhere", "circle", "pipe", "socket")),
    }
    assert "is a link that leads elsewhere" in told["train/good/link.jpg"]
    assert "leads nowhere" in told["train/good/circle.jpg"] and "no plain file" in told["train/good/pipe.jpg"]


def test_names_that_cannot_be_shown_are_named(tmp_path: Path) -> None:
    lay(tmp_path, "ok/1.jpg", "nok/2.jpg", "ok/a\nb.jpg")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/ok/\xff.jpg")).write_bytes(PHOTO)
    found = understand(tmp_path)
    assert len(found.entries) == 2 and [problem.name for problem in found.problems] == [
        r"ok/a\nb.jpg",
        r"ok/\udcff.jpg",
    ]


TILES = (
    *("MT_Free/Imgs/exp1_num_100.jpg", "MT_Free/Imgs/exp2_num_150.jpg", "MT_Free/Imgs/exp1_num_900.jpg"),
    *("MT_Break/Imgs/exp3_num_180.jpg", "MT_Break/Imgs/other.jpg", "MT_Crack/Imgs/exp1_num_5000.JPG"),
)


@pytest.mark.parametrize("above", ["", "Magnetic-tile-defect-datasets.-master/"])
def test_magnetic_tile(tmp_path: Path, above: str) -> None:
    lay(tmp_path, *(above + name for name in TILES))
    for name in (*TILES[:4], "MT_Crack/Imgs/exp1_num_5000.x", "MT_Crack/Imgs/alone.x"):
        lay(tmp_path, f"{above}{name.rpartition('.')[0]}.png")
    fill(tmp_path, {f"{above}README.md": "x", f"{above}MT_Break/Imgs/Thumbs.db": "x"})
    found = understand(tmp_path)
    assert found.layout == "Magnetic tile"
    assert found.meaning == {"MT_Break": "defective", "MT_Crack": "defective", "MT_Free": "non_defective"}
    told = {
        entry.path.name: (entry.kind, entry.defect, entry.part, entry.mask and entry.mask.name, entry.mask_scale)
        for entry in found.entries
    }
    assert told == {
        "exp1_num_100.jpg": ("MT_Free", "", "num_100", None, "grey"),
        "exp2_num_150.jpg": ("MT_Free", "", "num_100", None, "grey"),
        "exp1_num_900.jpg": ("MT_Free", "", "num_900", None, "grey"),
        "exp3_num_180.jpg": ("MT_Break", "break", "num_100", "exp3_num_180.png", "grey"),
        "other.jpg": ("MT_Break", "break", "", None, "grey"),
        "exp1_num_5000.JPG": ("MT_Crack", "crack", "num_5000", "exp1_num_5000.png", "grey"),
    }
    assert [problem.name for problem in found.problems] == [f"{above}MT_Crack/Imgs/alone.png"]
    assert any("5 photos show 3 tiles" in note for note in found.notes)
    assert any("1 photos of defects have no mask" in note for note in found.notes)


def visa(folder: Path, *, split: bool = True, kinds: bool = True, windows: bool = False) -> Path:
    end = "\r\n" if windows else "\n"
    rows = ["object,split,label,image,mask"]
    for category in ("candle", "pcb1"):
        base = f"{category}/Data/Images"
        lay(folder, f"{base}/Normal/0.JPG", f"{base}/Normal/1.JPG", f"{base}/Anomaly/0.JPG")
        lay(folder, f"{category}/Data/Masks/Anomaly/0.png")
        rows += [f"{category},train,normal,{base}/Normal/0.JPG,", f"{category},test,normal,{base}/Normal/1.JPG,"]
        damaged = f"{base}/Anomaly/0.JPG,{category}/Data/Masks/Anomaly/0.png"
        rows += [f"{category},test,anomaly,{damaged}"]
        if kinds:
            image, mask_name = damaged.split(",")
            lines = ["image,label,mask", f"{base}/Normal/0.JPG,normal,", f"{base}/Normal/1.JPG,normal,"]
            lines += [f'{image},"bent,melt",{mask_name}']
            fill(folder, {f"{category}/image_anno.csv": end.join(lines)})
    if split:
        fill(folder, {"split_csv/1cls.csv": "\ufeff" + end.join([*rows, "macaroni1,train,normal,macaroni1/x.JPG,"])})
        fill(folder, {"split_csv/2cls_fewshot.csv": end.join(rows[:2]) + end})
    return folder


@pytest.mark.parametrize("windows", [False, True])
def test_visa_with_splits_and_kinds(tmp_path: Path, windows: bool) -> None:
    found = understand(visa(tmp_path, windows=windows))
    assert (found.layout, found.problems) == ("VisA", ())
    assert counts(found) == {
        ("train", "normal", "non_defective"): 2,
        ("test", "normal", "non_defective"): 2,
        ("test", "anomaly", "defective"): 2,
    }
    damaged = [entry for entry in found.entries if entry.kind == "anomaly"]
    assert [(entry.category, entry.defect, entry.mask_scale) for entry in damaged] == [
        ("candle", "bent, melt", "index"),
        ("pcb1", "bent, melt", "index"),
    ]
    assert damaged[0].mask == tmp_path / "candle/Data/Masks/Anomaly/0.png"
    assert found.notes[0] == "Splits are those of 1cls; there are 1cls, 2cls_fewshot."
    assert "1 photos of macaroni1 are not here." in found.notes
    assert len(understand(tmp_path, field="2cls_fewshot").entries) == 1
    with pytest.raises(DataError, match="has no split file 3cls"):
        understand(tmp_path, field="3cls", layout="visa")


@pytest.mark.parametrize("category", ["", "candle"])
def test_visa_without_splits(tmp_path: Path, category: str) -> None:
    found = understand(visa(tmp_path, split=False) / category)
    number = 1 if category else 2
    assert counts(found) == {("", "normal", "non_defective"): 2 * number, ("", "anomaly", "defective"): number}
    assert found.problems == () and found.entries[0].category == "candle"
    assert [entry.defect for entry in found.entries if entry.defect] == ["bent, melt"] * number


def test_visa_rows_whose_files_are_gone(tmp_path: Path) -> None:
    visa(tmp_path)
    (tmp_path / "candle/Data/Images/Normal/0.JPG").unlink()
    (tmp_path / "pcb1/Data/Masks/Anomaly/0.png").unlink()
    found = understand(tmp_path)
    assert len(found.entries) == 5 and [problem.name for problem in found.problems] == [
        "candle/Data/Images/Normal/0.JPG",
        "pcb1/Data/Masks/Anomaly/0.png",
    ]
    assert "split_csv/1cls.csv, row 2: candle/Data/Images/Normal/0.JPG is not there." in reasons(found)


TABLES: list[tuple[str, bytes]] = [
    ("comma", b"file,label,split\nimages/1.jpg,ok,train\nimages/2.jpg,nok,test\n"),
    ("semicolon", "\ufeffDatei;Klasse;Split\r\nimages\\1.jpg;ok;Training\r\n\r\nimages\\2.jpg;nok;Test\r\n".encode()),
    ("tab", b"path\tclass\tsubset\n./images/1.JPG\tok\ttrain\n2.jpg\tnok\ttest"),
    ("bar", b"image|label|split\r1|ok|train\r2|nok|test\r"),
    ("utf_16", "filename\tlabel\tset\nimages/1.jpg\tok\ttrain\nimages/2.jpg\tnok\ttest\n".encode("utf-16")),
    (
        "quoted",
        b'"label","note","id","split"\n"ok","a, b","images/1.jpg","train"\n"nok","c\nd","images/2.jpg","test"\n',
    ),
]


@pytest.mark.parametrize("data", [data for _, data in TABLES], ids=[name for name, _ in TABLES])
def test_labels_csv_as_people_save_it(tmp_path: Path, data: bytes) -> None:
    lay(tmp_path, "images/1.jpg", "images/2.jpg", "images/3.jpg")
    found = understand(fill(tmp_path, {"labels.CSV": data}))
    assert (found.layout, found.problems) == ("Labels in a CSV file", ())
    assert counts(found) == {("train", "ok", "non_defective"): 1, ("test", "nok", "defective"): 1}
    assert "Left out: 1 other file (images/3.jpg)." in found.notes and "file = " in found.notes[0]


def test_labels_csv_with_every_column(tmp_path: Path) -> None:
    lay(tmp_path, "Tür/1.jpg", "Tür/2.jpg", "m/2.png")
    text = (
        "file,verdict,split,defect type,serial,mask,category,operator\n"
        "tu\u0308r/1.jpg,ok,train,,P-7,,door,A\n"
        "Tür/2.jpg,nok,fold 3,scratch,P-7,m/2.png,door,B\n"
    )
    found = understand(fill(tmp_path, {"labels.csv": text}))
    assert [(e.kind, e.split, e.defect, e.part, e.category, e.mask) for e in found.entries] == [
        ("ok", "train", "", "P-7", "door", None),
        ("nok", "", "scratch", "P-7", "door", tmp_path / "m/2.png"),
    ]
    assert found.notes[0].endswith("category = category. Not read: operator.")
    assert any(note.startswith("Not known as a split and left without one: fold 3 (1).") for note in found.notes)


def test_labels_csv_rows_that_cannot_enter(tmp_path: Path) -> None:
    lay(tmp_path / "set", "a/1.jpg", "b/1.jpg", "2.jpg")
    lay(tmp_path, "secret.jpg")
    rows = (
        "2.jpg,ok",
        "2.jpg,nok",
        "1.jpg,ok",
        "9.jpg,ok",
        "../secret.jpg,ok",
        "/etc/passwd,ok",
        "C:\\x.jpg,ok",
        ",ok",
    )
    rows += ("a/1.jpg,", "b/1.jpg,ok,gone.png", "a/../../secret.jpg,nok", "http://x/y.jpg,ok")
    found = understand(fill(tmp_path / "set", {"labels.csv": "file,label,mask\n" + "\n".join(rows)}))
    assert [entry.name for entry in found.entries] == ["2.jpg", "b/1.jpg"]
    for sentence in (
        "row 3: 2.jpg is named again, as nok and no longer as ok. Row 2 counts",
        "row 4: 1.jpg may be any of 2 files, such as a/1.jpg.",
        "row 5: 9.jpg is not there.",
        "row 6: ../secret.jpg leads out of the folder and is not opened.",
        "row 7: /etc/passwd leads out of the folder",
        "row 8: C:\\x.jpg leads out of the folder",
        "row 9: No file is named.",
        "row 10: a/1.jpg has no label.",
        "row 11: gone.png is not there.",
        "row 12: a/../../secret.jpg leads out",
        "row 13: http://x/y.jpg leads out",
    ):
        assert sentence in reasons(found)
    assert len(found.problems) == 11


def test_the_label_column_may_be_said(tmp_path: Path) -> None:
    lay(tmp_path, "1.jpg", "2.jpg")
    fill(tmp_path, {"styles.csv": "id,label,subCategory\n1,x,Topwear\n2,x,Shoes\n"})
    assert set(understand(tmp_path).meaning) == {"x"}
    found = understand(tmp_path, field="subCategory", table={"Topwear": "topwear", "Bags": "bags"})
    assert found.meaning == {"Topwear": "topwear", "Shoes": None}
    assert found.notes[-2:] == ("Left out: Shoes (1).", "No photo is of Bags.")


def catalogue(folder: Path, *, bom: str = "") -> Path:
    for number, kind in enumerate(("Topwear", "Topwear", "Shoes", "Watches")):
        document = {"data": {"id": number, "subCategory": {"id": 31, "typeName": kind}}}
        fill(folder, {f"images/{number}.jpg": PHOTO, f"styles/{number}.json": bom + json.dumps(document)})
    return folder


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_metadata_in_a_sibling_folder(tmp_path: Path, bom: str) -> None:
    catalogue(tmp_path, bom=bom)
    found = understand(tmp_path)
    assert found.layout == "Metadata in a JSON file a photo"
    assert found.meaning == {"Topwear": "Topwear", "Shoes": "Shoes", "Watches": "Watches"} and found.problems == ()
    assert found.notes == ("What a photo shows was read from data.subCategory.typeName of its JSON file.",)
    table = {"Topwear": "topwear", "Shoes": "shoes"}
    assert understand(tmp_path, table=table).meaning == {**table, "Watches": None}
    assert understand(tmp_path, field="data.id").meaning == {name: name for name in "0123"}


def test_metadata_beside_the_photo_and_what_cannot_enter(tmp_path: Path) -> None:
    for number in range(8):
        fill(
            tmp_path,
            {f"{number}.JPG": PHOTO, f"{number}.Json": json.dumps({"category": "ok" if number % 2 else "nok"})},
        )
    fill(tmp_path, {"broken.jpg": PHOTO, "broken.json": '{"category": '})
    fill(tmp_path, {"deep.jpg": PHOTO, "deep.json": "[" * 100_000})
    fill(tmp_path, {"huge.jpg": PHOTO, "huge.json": " " * 1_000_001})
    fill(tmp_path, {"latin.jpg": PHOTO, "latin.json": '{"category": "ü"}'.encode("latin-1")})
    fill(tmp_path, {"digits.jpg": PHOTO, "digits.json": '{"category": ' + "9" * 5_000 + "}"})
    fill(tmp_path, {"other.jpg": PHOTO, "other.json": '{"category": ["ok"]}', "lone.jpg": PHOTO, "spare.json": "{}"})
    found = understand(tmp_path)
    assert counts(found) == {("", "nok", "defective"): 4, ("", "ok", "non_defective"): 4}
    assert [problem.name for problem in found.problems] == [
        *("broken.jpg", "deep.jpg", "digits.jpg", "huge.jpg", "latin.jpg", "lone.jpg", "other.jpg")
    ]
    for sentence in (
        "broken.jpg cannot be sorted. broken.json is no JSON that can be read (Expecting value",
        "deep.json is nested too deeply",
        "huge.json is larger than 1 MB",
        "latin.json is no text in UTF-8",
        "digits.json is no JSON that can be read (Exceeds the limit",
        "lone.jpg has no JSON file lone.json beside it",
        "other.jpg cannot be sorted: other.json has no text in category.",
    ):
        assert sentence in reasons(found)
    assert "Left out: 1 other file (spare.json)." in found.notes


def test_class_folders_with_annotations_beside_stay_class_folders(tmp_path: Path) -> None:
    for name in ("ok/1", "nok/2"):
        fill(tmp_path, {f"{name}.jpg": PHOTO, f"{name}.json": '{"shapes": [], "imagePath": "1.jpg"}'})
    found = understand(tmp_path)
    assert found.layout == "Class folders" and len(found.entries) == len(found.problems) == 2


WRONG: Files = {"a/b/x.txt": "x", "y.txt": "y"}
UNREADABLE: dict[str, tuple[str | None, Files, str]] = {
    "visa": ("visa", WRONG, "expected split_csv/NAME.csv with the columns .* Found neither split_csv"),
    "visa_header": (
        "visa",
        {"split_csv/1cls.csv": "a,b\n1,2\n"},
        "lacks object, split, label, image, mask. .* found a,b",
    ),
    "visa_kinds_header": ("visa", {"candle/image_anno.csv": "image;mask\n"}, "lacks label. VisA expects .* image,mask"),
    "visa_gone": ("visa", {"candle/image_anno.csv": "image,label,mask\nx.JPG,normal,\n"}, "row 2: x.JPG is not there"),
    "visa_empty": ("visa", {"split_csv/1cls.csv": ""}, "is empty. Expected a header row"),
    "tile": ("magnetic_tile", WRONG, "expected MT_KIND/Imgs/NAME.jpg .* Found no folders MT_Free"),
    "tile_no_photos": ("magnetic_tile", {"MT_Free/Imgs/a.png": PHOTO}, "no photo in it can come in. .* is a mask and"),
    "csv": ("labels_csv", WRONG, "expected one CSV file at the top .* Found no CSV file at the top"),
    "csv_columns": (
        "labels_csv",
        {"l.csv": "x,y\n1,2\n"},
        "l.csv has no column for the file and the label, but .* x, y",
    ),
    "csv_label": ("labels_csv", {"l.csv": "file,y\n1,2\n"}, "has no column for the label, but the columns file, y"),
    "csv_gone": ("labels_csv", {"l.csv": "file,label\na.jpg,ok\n"}, "l.csv, row 2: a.jpg is not there"),
    "csv_empty": ("labels_csv", {"l.csv": ""}, "l.csv is empty"),
    "csv_blank": ("labels_csv", {"l.csv": "\n\n  \n"}, "l.csv is empty"),
    "csv_header_only": ("labels_csv", {"l.csv": "file,label\n"}, "no photo in it can come in. It holds 1 file"),
    "csv_nul": ("labels_csv", {"l.csv": b"file,label\na\0.jpg,ok\n"}, "l.csv holds NUL bytes"),
    "csv_columns_5000": (
        "labels_csv",
        {"l.csv": ",".join(f"c{n}" for n in range(5_000))},
        "has 5,000 columns, such as c0",
    ),
    "csv_two": ("labels_csv", {"a.csv": "file,label\n", "b.csv": "file,label\n"}, "a.csv, b.csv, and each may be"),
    "csv_long_cell": ("labels_csv", {"l.csv": "file,label\n" + "x" * 140_000}, "no CSV file that can be read"),
    "csv_photo": ("labels_csv", {"l.csv": b"\x89PNG\r\n\x1a\n\0\0"}, "l.csv holds NUL bytes"),
    "json": ("metadata_json", WRONG, "expected NAME.json beside NAME.jpg .* Found no photo with a JSON file"),
    "json_broken": ("metadata_json", {"a.jpg": PHOTO, "a.json": "{"}, "Found a.json is no JSON that can be read"),
    "json_field": ("metadata_json", {"a.jpg": PHOTO, "a.json": '{"b": {"c": 1}}'}, "mostly have no .*, but b.c"),
    "json_list": ("metadata_json", {"a.jpg": PHOTO, "a.json": "[1]"}, "mostly have no field of these, but no text"),
    "json_few": ("metadata_json", {"a.jpg": PHOTO, "b.jpg": PHOTO, "c.jpg": PHOTO, "a.json": "{}"}, "1 of 3 photos"),
    "folders": ("class_folders", WRONG, "expected one folder a class .* Found no folder that holds photos"),
    "folders_flat": ("class_folders", {"1.jpg": PHOTO, "2.jpg": PHOTO}, "Found 2 photos that lie in no folder"),
    "folders_flat_parts": (
        "class_folders",
        {"Train/1.jpg": PHOTO, "Test/1.jpg": PHOTO},
        "Found photos in no class folder, in Test, Train",
    ),
    "folders_of_no_class": (
        "class_folders",
        {"images/1.jpg": PHOTO, "labels/x.png": PHOTO},
        "the folders images, labels, which say what they hold and not what it shows",
    ),
    "folders_products": (
        "class_folders",
        {"a/train/ok/1.jpg": PHOTO, "a/train/nok/1.jpg": PHOTO, "b/test/ok/1.jpg": PHOTO},
        "does not hold good parts alone",
    ),
    "folders_empty_photos": (
        "class_folders",
        {"ok/1.jpg": b"", "nok/2.jpg": b""},
        "no photo in it can come in. The first of 2",
    ),
    "any": (None, WRONG, "not laid out in any way .* VisA: .* Magnetic tile: .* Labels .* Metadata .* Class folders: "),
    "any_empty": (None, {}, "It holds no files. Rearrange it"),
    "any_csv": (None, {"l.csv": b"\0", "1.jpg": PHOTO}, "Found l.csv holds NUL bytes.* It holds 2 files"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_one_message_of_what_was_expected_and_found(tmp_path: Path, case: str) -> None:
    layout, files, sentence = UNREADABLE[case]
    with pytest.raises(DataError, match=f"(?s){sentence}") as refused:
        understand(fill(tmp_path, files), layout=layout)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("layout", [None, *IMPORTERS])
def test_every_importer_refuses_what_is_no_folder(tmp_path: Path, layout: str | None) -> None:
    with pytest.raises(DataError, match="is a file and not a folder"):
        understand(lay(tmp_path, "1.jpg") / "1.jpg", layout=layout)
    with pytest.raises(DataError, match="does not exist"):
        understand(tmp_path / "gone", layout=layout)
    with pytest.raises(DataError, match="It holds no files"):
        (tmp_path / "empty").mkdir()
        understand(tmp_path / "empty", layout=layout)


def test_folders_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, "ok/1.jpg", "nok/2.jpg", "ok/closed/3.jpg")
    scandir = os.scandir

    def closed(name: str) -> None:
        def scan(path: str) -> object:
            if Path(path).name == name:
                raise PermissionError(13, "Permission denied", path)
            return scandir(path)

        monkeypatch.setattr(os, "scandir", scan)

    closed("closed")
    found = understand(tmp_path)
    assert len(found.entries) == 2
    assert found.problems[0].reason == "ok/closed cannot be read (Permission denied). Check its permissions."
    closed(tmp_path.name)
    with pytest.raises(DataError, match="Permission denied"):
        understand(tmp_path)


def test_a_folder_of_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "MOST_LISTED", 2)
    with pytest.raises(DataError, match="holds more than 2 files"):
        understand(lay(tmp_path, "ok/1.jpg", "ok/2.jpg", "nok/3.jpg"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"layout": "imagenet"}, "No layout is called 'imagenet'. There are visa, magnetic_tile, real_iad"),
        ({"layout": "class_folders", "field": "x"}, "Class folders has no fields. Leave the field 'x' out."),
        ({"field": "x"}, "is not laid out in any way"),
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, options: dict[str, str], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        understand(lay(tmp_path, "ok/1.jpg", "nok/2.jpg"), **options)


def test_no_kind_is_taken_for_the_verdict_review(tmp_path: Path) -> None:
    found = understand(lay(tmp_path, "ok/1.jpg", "nok/2.jpg", "review/3.jpg"))
    assert found.meaning["review"] is None and "Left out: review (1)." in found.notes


@given(
    st.dictionaries(
        st.sampled_from(["l.csv", "a/1.jpg", "b/1.jpg", "b/1.json", "MT_Free/1.jpg"]), st.binary(max_size=60)
    )
)
def test_any_bytes_are_understood_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = fill(tmp_path_factory.mktemp("any"), dict(files))
    for layout in (None, *IMPORTERS):
        try:
            found = understand(folder, layout=layout)
        except DataError as error:
            assert str(folder) in str(error) or ".csv" in str(error)
        else:
            assert found.entries and set(found.meaning) >= {entry.kind for entry in found.entries}
            assert all(entry.path.is_relative_to(folder) for entry in found.entries)


def test_a_collection_inside_is_none_of_the_photos(tmp_path: Path) -> None:
    folder = lay(tmp_path, "ok/1.jpg", "nok/2.jpg", "collections/disc/photos/3/3.jpg", "collections/disc/collection.db")
    found = understand(folder)
    assert {entry.name for entry in found.entries} == {"ok/1.jpg", "nok/2.jpg"}
    assert not found.problems
