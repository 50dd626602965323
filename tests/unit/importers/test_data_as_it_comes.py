"""Folders as machines, tools and people leave them: importing, training and measuring read the same photos in them."""

import json
import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from ensemble.datasets.loading import check_training_data, evaluation_part, find_dataset
from ensemble.evaluation.mvtec import check_tree
from ensemble.importers import understand
from ensemble.importers.listing import Tree
from ensemble.values.errors import DataError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK
from ensemble.values.vocabulary import classes_by_name, is_bad, is_good, is_litter, part_called

GOOD, BAD = NON_DEFECTIVE, DEFECTIVE
Counts = dict[tuple[str, str, bool], int]


def lay(folder: Path, names: dict[str, str | bytes] | list[str]) -> Path:
    """Write photos of these names, each with bytes of its own, masks as pictures, and files with the given content."""
    for name, content in dict.fromkeys(names, "").items() if isinstance(names, list) else names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes) or content:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        elif (
            any(word in path.stem.lower() for word in ("mask", "_gt", "_label", "_seg")) or "masks" in str(path).lower()
        ):
            Image.new("L", (8, 8), 255).save(path)
        elif path.suffix == ".txt":
            path.write_text("")
        else:
            path.write_bytes(b"\xff\xd8\xff" + name.encode())
    return folder


def some(*patterns: str, count: int = 4) -> list[str]:
    return [pattern.format(number) for pattern in patterns for number in range(count)]


def imported(folder: Path) -> Counts:
    found = understand(folder)
    return dict(
        Counter(
            (entry.split, label, entry.mask is not None)
            for entry in found.entries
            if (label := found.meaning[entry.kind]) is not None
        )
    )


def trained(folder: Path) -> Counts:
    dataset = find_dataset(folder)
    parts = {"train": dataset.train, "calibration": dataset.calibration, "test": dataset.test}
    if any("No test part" in note for note in dataset.notes):
        parts = {"": (*dataset.train, *dataset.test), "calibration": dataset.calibration}
    return dict(
        Counter((part, each.label, each.mask is not None) for part, samples in parts.items() for each in samples)
    )


WHOLE = {("", GOOD, False): 4, ("", BAD, False): 4}
MASKED = {("", GOOD, False): 4, ("", BAD, True): 4}
BOTH = {("train", GOOD, False): 4, ("train", BAD, False): 4, ("test", GOOD, False): 4, ("test", BAD, False): 4}
THREE = BOTH | {("calibration", GOOD, False): 4, ("calibration", BAD, False): 4}

TREES: dict[str, tuple[list[str], Counts, str]] = {
    "capitals": (some("Train/OK/{}.png", "Train/NG/{}.png", "TEST/OK/t{}.png", "TEST/NG/t{}.png"), BOTH, ""),
    "words": (
        some("Training/i.O/{}.png", "Training/n.i.O/{}.png", "Testing/IO/t{}.png", "Testing/NIO/t{}.png"),
        BOTH,
        "",
    ),
    "valid": (
        some("train/ok/{}.png", "train/nok/{}.png", "valid/ok/v{}.png", "valid/nok/v{}.png")
        + some("test/ok/t{}.png", "test/nok/t{}.png"),
        THREE,
        "",
    ),
    "two folders of one part": (
        some("train/ok/{}.png", "train/nok/{}.png", "test/ok/t{}.png", "test/nok/t{}.png")
        + some("val/ok/a{}.png", "Validation/nok/v{}.png"),
        THREE,
        "",
    ),
    "classes beside test": (some("ok/{}.png", "nok/{}.png", "test/ok/t{}.png", "test/nok/t{}.png"), BOTH, ""),
    "mvtec ad 2": (
        some("train/good/{}.png", "validation/good/v{}.png", "test_public/good/g{}.png", "test_public/bad/{}.png")
        + some("test_public/ground_truth/bad/{}_mask.png", "test_private/{}.png"),
        {
            ("train", GOOD, False): 4,
            ("calibration", GOOD, False): 4,
            ("test", GOOD, False): 4,
            ("test", BAD, True): 4,
        },
        "test_private/ holds 4 photos and takes no part.",
    ),
    "extra folder": (
        some("train/ok/{}.png", "train/nok/{}.png", "test/ok/t{}.png", "test/nok/t{}.png", "later/{}.png"),
        BOTH,
        "later/ holds 4 photos and takes no part.",
    ),
    "loose photos": (
        some("train/ok/{}.png", "train/nok/{}.png", "test/ok/t{}.png", "test/nok/t{}.png", "train/l{}.png"),
        BOTH,
        "4 photos in train/ lie in no class folder.",
    ),
    "litter": (
        some("ok/{}.png", "nok/{}.png", "ok/@eaDir/{}.png/SYNOPHOTO_THUMB_M.jpg", "nok/.thumbnails/{}.png")
        + some("ok/.ipynb_checkpoints/{}-checkpoint.png", "__MACOSX/ok/._{}.png", "#recycle/ok/{}.png")
        + some("$RECYCLE.BIN/{}.png", "@Recycle/{}.png", "nok/._{}.png", "lost+found/{}.png", ".Trash-1000/{}.png")
        + ["ok/Thumbs.db", "nok/desktop.ini", "ok/.DS_Store", "System Volume Information/x.png", ".git/x.png"],
        WHOLE,
        "",
    ),
    "real-iad": (
        some(
            "OK/S1/a_OK_C{}_20231028.jpg", "NG/AK/S2/a_NG_AK_C{}_20231028.jpg", "NG/AK/S2/a_NG_AK_C{}_20231028_mask.png"
        ),
        MASKED,
        "4 files are taken as masks of the photos beside, such as NG/AK/S2/a_NG_AK_C0_20231028_mask.png.",
    ),
    "kolektor": (
        some("ok/{}.png", "defective/{}.png", "defective/{}_GT.png", "ok/{}_GT.png"),
        MASKED,
        "masks of the photos",
    ),
    "dagm": (
        some("ok/{:04}.PNG", "defective/{:04}.PNG", "defective/Label/{:04}_label.PNG"),
        MASKED,
        "such as defective/Label/0000_label.PNG",
    ),
    "images and masks": (some("ok/images/{}.jpg", "nok/images/{}.jpg", "nok/masks/{}.png"), MASKED, "nok/masks/0.png"),
    "masks at the top": (some("ok/{}.jpg", "nok/{}.jpg", "Masks/nok/{}.png"), MASKED, "such as Masks/nok/0.png"),
    "other marks": (some("ok/{}.jpg", "nok/x {}.jpg", "nok/x {}.mask.png"), MASKED, "such as nok/x 0.mask.png"),
    "called like masks": (
        some("ok/{}.jpg", "nok/{}_mask.jpg"),
        WHOLE,
        "4 files are called like masks, such as nok/0_mask.jpg, and have no photo beside: they are taken as photos.",
    ),
    "a class called label": (some("ok/{}.jpg", "label/x{}.jpg"), WHOLE, "Taken as label = defective"),
    "types beside good": (
        some("good/{}.jpg") + some("scratch/a{}.jpg", "dent/b{}.jpg", count=2),
        WHOLE,
        "Taken as dent",
    ),
    "cases": (some("ok/{}.jpg", "OK/x{}.jpg", "nok/{}.jpg", "NOK/x{}.jpg", count=2), WHOLE, "NOK = defective, OK = "),
    "two words for one": (
        some("ok/{}.jpg", "good/x{}.jpg", "ng/{}.jpg", "bad/x{}.jpg", count=2),
        WHOLE,
        "ng = defective",
    ),
    "review": (some("ok/{}.jpg", "nok/{}.jpg", "REVIEW/x{}.jpg"), WHOLE, "REVIEW (4)"),
}


@pytest.mark.parametrize("case", TREES)
def test_importing_and_training_read_the_same_photos(tmp_path: Path, case: str) -> None:
    names, expected, said = TREES[case]
    lay(tmp_path / "set", names)
    assert imported(tmp_path / "set") == expected
    assert trained(tmp_path / "set") == expected
    found, dataset = understand(tmp_path / "set"), find_dataset(tmp_path / "set")
    assert said in " ".join((*found.notes, *(problem.reason for problem in found.problems)))
    assert said in " ".join(dataset.notes)
    measured, _ = evaluation_part(tmp_path / "set", dataset.folders, dataset.classes, (0,))
    assert measured == dataset.test


def test_folders_of_people_are_no_litter_and_litter_with_photos_is_named(tmp_path: Path) -> None:
    lay(tmp_path, some("recycled/{}.png", "shaft.part/{}.png", "draft.tmp/{}.png", "#recycle/ok/{}.png", ".x/{}.png"))
    lay(tmp_path, ["lost+found/notes.txt", "__MACOSX/._0.png", "shaft.part/4.png.part"])
    names = ("draft.tmp", "recycled", "shaft.part")
    assert trained(tmp_path) == imported(tmp_path) == {("", name, False): 4 for name in names}
    said = "Left out as folders that machines leave behind, though photos lie in them: #recycle/."
    assert said in understand(tmp_path).notes and said in find_dataset(tmp_path).notes


def test_folders_that_are_junctions_of_windows_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path, some("ok/{}.png", "nok/{}.png", "elsewhere/{}.png", "elsewhere/deep/{}.png"))
    original = Path.lstat

    def lstat(path: Path) -> object:
        found = original(path)
        is_junction = path.name == "elsewhere"
        return SimpleNamespace(st_mode=found.st_mode, st_reparse_tag=0xA0000003) if is_junction else found

    monkeypatch.setattr(Path, "lstat", lstat)
    tree = Tree.below(tmp_path)
    assert tree.folders() == ["nok", "ok"]
    assert [problem.reason for problem in tree.problems] == [
        "elsewhere is a link that leads elsewhere and is not followed: put the files themselves there."
    ]


def test_a_kind_that_is_called_like_a_part_is_no_part(tmp_path: Path) -> None:
    lay(tmp_path, some("shoes/training/{}.jpg", "hats/{}.jpg"))
    assert trained(tmp_path) == imported(tmp_path) == {("", "shoes", False): 4, ("", "hats", False): 4}


def test_spellings_of_one_class_are_one_class(tmp_path: Path) -> None:
    lay(tmp_path, some("Shoes/{}.jpg", "shoes/x{}.jpg", "hats/{}.jpg"))
    assert find_dataset(tmp_path).classes.names == ("Shoes", "hats")
    assert trained(tmp_path) == imported(tmp_path) == {("", "Shoes", False): 8, ("", "hats", False): 4}


YOLO_BOX = "0 0.5 0.5 0.2 0.2\n"
BOXED = {("train", GOOD, False): 4, ("train", BAD, False): 4, ("test", GOOD, False): 4, ("test", BAD, False): 4}


def yolo(pattern: str, box: str = YOLO_BOX, yaml: str = "names: ['scratch']\n") -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {"data.yaml": yaml}
    for part in ("train", "test"):
        for number in range(8):
            place = f"{pattern.format(kind='images', part=part)}/{number}"
            files[f"{place}.jpg"] = ""
            files[f"{place.replace('images', 'labels')}.txt"] = box if number % 2 else ""
    return files


def coco() -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {}
    for part in ("train", "test"):
        pictures = [{"id": number, "file_name": f"{number}.jpg"} for number in range(8)]
        boxes = [{"image_id": number, "category_id": 3} for number in range(4)]
        document = {"images": pictures, "categories": [{"id": 3, "name": "dent"}], "annotations": boxes}
        files |= {f"{part}/{number}.jpg": "" for number in range(8)}
        files[f"{part}/_annotations.coco.json"] = json.dumps(document)
    return files


def voc() -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {}
    for part in ("train", "test"):
        for number in range(8):
            inner = "<object><name>rust</name></object>" if number < 4 else ""
            files |= {f"{part}/{number}.jpg": "", f"{part}/{number}.xml": f"<annotation>{inner}</annotation>"}
    return files


@pytest.mark.parametrize(
    ("files", "defect"),
    [
        (yolo("{part}/{kind}"), "scratch"),
        (yolo("{kind}/{part}"), "scratch"),
        (yolo("{part}/{kind}", "1 .1 .1 .2 .1 .2 .2\n", "names:\n  0: good\n  1: 'deep dent'\n"), "deep dent"),
        (yolo("{part}/{kind}", yaml="nc: 1\nnames:\n- rust\n"), "rust"),
        (yolo("{part}/{kind}", "0\t0.5\t0.5\t0.1\t0.1\n"), "scratch"),
        (yolo("{part}/{kind}", "0.0 +0.5 5e-1 .1 1.0e-1\r\n"), "scratch"),
        (yolo("{part}/{kind}", "-1 0.5 0.5 0.1 0.1\n"), "class -1"),
        (coco(), "dent"),
        (voc(), "rust"),
    ],
    ids=["roboflow", "ultralytics", "polygons", "list", "tabs", "0.0", "-1", "coco", "voc"],
)
def test_exports_for_detectors_give_photos_with_and_without_a_box(
    tmp_path: Path, files: dict[str, str | bytes], defect: str
) -> None:
    lay(tmp_path, files)
    assert understand(tmp_path).layout == "Boxes for a detector"
    assert imported(tmp_path) == trained(tmp_path) == BOXED
    assert {entry.defect for entry in understand(tmp_path).entries} == {"", defect}


def test_a_label_file_of_endless_digits_is_named(tmp_path: Path) -> None:
    lay(tmp_path, yolo("{part}/{kind}") | {"train/labels/1.txt": "9" * 5000 + " 0.5 0.5 0.1 0.1\n"})
    (problem,) = understand(tmp_path).problems
    assert problem.reason.startswith("train/images/1.jpg has no label file that can be read")


def test_an_export_without_a_good_photo_cannot_be_learnt_from(tmp_path: Path) -> None:
    lay(tmp_path, {name: YOLO_BOX if name.endswith(".txt") else text for name, text in yolo("{part}/{kind}").items()})
    with pytest.raises(DataError, match=r"read as Boxes for a detector, holds defective parts only \(defective\)"):
        find_dataset(tmp_path)


def test_boxes_of_good_parts_are_no_defects_and_class_folders_stay_class_folders(tmp_path: Path) -> None:
    lay(tmp_path / "boxes", yolo("{part}/{kind}", yaml="names: [OK]\n"))
    assert set(imported(tmp_path / "boxes")) == {("train", GOOD, False), ("test", GOOD, False)}
    lay(
        tmp_path / "folders",
        {
            f"{kind}/{n}.{end}": YOLO_BOX if end == "txt" else ""
            for kind in ("ok", "nok")
            for n in range(4)
            for end in ("jpg", "txt")
        },
    )
    assert understand(tmp_path / "folders").layout == "Class folders"
    assert trained(tmp_path / "folders") == WHOLE


TABLES: dict[str, tuple[str | bytes, dict[str, str | None]]] = {
    "separator line": ("sep=;\nDatei;Klasse\n0.jpg;ok\n1.jpg;ok\n2.jpg;nok\n3.jpg;nok\n", {"ok": GOOD, "nok": BAD}),
    "comma": (
        '"sep=,"\r\nfichier,classe\r\n0.jpg,bon\r\n1.jpg,ok\r\n2.jpg,"mauvais"\r\n',
        {"bon": GOOD, "ok": GOOD, "mauvais": BAD},
    ),
    "tab": ("sep=\t\r\nDatei\tKlasse\r\n0.jpg\tok\r\n2.jpg\tnok\r\n", {"ok": GOOD, "nok": BAD}),
    "quoted tab": ('\n"sep=\t"\nDatei\tKlasse\n0.jpg\tok\n2.jpg\tnok\n', {"ok": GOOD, "nok": BAD}),
    "another mark than it tells": ("sep=,\nDatei;Klasse\n0.jpg;ok\n2.jpg;nok\n", {"ok": GOOD, "nok": BAD}),
    "german": (
        "\ufeffDateiname;Bewertung\n0.jpg;i.O.\n1.jpg;I. O.\n2.jpg;n.i.O.\n3.jpg;N. i. O.\n\n;\n;;\n",
        {"i.O.": GOOD, "I. O.": GOOD, "n.i.O.": BAD, "N. i. O.": BAD},
    ),
    "unicode text": (
        "Nom de fichier\tÉtiquette\r\nimages\\0.jpg\tok\r\n2.jpg\tnok\r\n".encode("utf-16"),
        {"ok": GOOD, "nok": BAD},
    ),
    "without its mark": (
        "Nom de fichier\tÉtiquette\r\n.\\images\\0.jpg\tok\r\n2.jpg\tnok\r\n".encode("utf-16-le"),
        {"ok": GOOD, "nok": BAD},
    ),
    "windows": (
        "Bild;Klasse;Größe\n0.jpg;gut;1\n1.jpg;Ausschuß;2\n2.jpg;Fläche;3\n".encode("cp1252"),
        {"gut": GOOD, "Ausschuß": BAD, "Fläche": BAD},
    ),
    "review": (
        "file,label\n0.jpg,ok\n1.jpg,REVIEW\n2.jpg,nok\n3.jpg,review\n",
        {"ok": GOOD, "REVIEW": None, "nok": BAD, "review": None},
    ),
    "types": ("file,label\n0.jpg,good\n1.jpg,scratch\n2.jpg,dent\n", {"good": GOOD, "scratch": BAD, "dent": BAD}),
}


@pytest.mark.parametrize("case", TABLES)
def test_labels_as_spreadsheets_write_them(tmp_path: Path, case: str) -> None:
    text, meaning = TABLES[case]
    lay(tmp_path, some("images/{}.jpg"))
    (tmp_path / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    found = understand(tmp_path)
    assert (found.layout, found.problems, dict(found.meaning)) == ("Labels in a CSV file", (), meaning)
    if None in meaning.values():
        assert "Left out: REVIEW (1), review (1)." in found.notes


def odd_name(folder: Path, name: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"\xff\xd8\xff" + name)


def test_a_name_that_is_not_utf_8_is_named_at_every_door_and_the_photos_beside_take_part(tmp_path: Path) -> None:
    folder = lay(tmp_path / "nut", some("train/good/{}.png", "test/good/t{}.png", "test/bent/b{}.png"))
    odd_name(folder / "test/bent", b"T\xfcr.png")
    expected = {("train", GOOD, False): 4, ("test", GOOD, False): 4, ("test", BAD, False): 4}
    assert imported(folder) == trained(folder) == expected
    sentence = "test/bent/T\\udcfcr.png has control characters in its name, or one that is not UTF-8: rename it."
    assert sentence in {problem.reason for problem in understand(folder).problems}
    assert sentence in find_dataset(folder).notes
    assert sentence in evaluation_part(folder, {}, OK_NOK)[1]
    assert "test/bent/T\\udcfcr.png" in {oddity.path for oddity in check_tree(folder)["nut"].oddities}


def test_a_class_of_which_nothing_can_be_used_is_refused_before_anything_is_learnt(tmp_path: Path) -> None:
    lay(tmp_path, some("train/ok/{}.png", "test/ok/t{}.png", "test/nok/t{}.png"))
    for number in range(3):
        odd_name(tmp_path / "train/nok", b"\xe9%d.png" % number)
    with pytest.raises(DataError, match="Not one of the 3 photos in train/nok can be used"):
        find_dataset(tmp_path)
    odd_name(tmp_path / "alone/ok", b"\xe9.png")
    for attempt in (find_dataset, understand, lambda folder: evaluation_part(folder, {}, OK_NOK)):
        with pytest.raises(DataError, match=r"no photo that can be used\. The first of 1 problems: ok/\\udce9"):
            attempt(tmp_path / "alone")
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9"))
    odd.mkdir()
    with pytest.raises(DataError, match=r"not UTF-8\. Rename it"):
        find_dataset(odd)


def test_misshapen_files_cost_nobody_else_anything(tmp_path: Path) -> None:
    lay(tmp_path, some("ok/{}.png", "nok/{}.png"))
    (tmp_path / "ok/empty.png").write_bytes(b"")
    (tmp_path / "nok/folder.png").mkdir()
    assert imported(tmp_path) == trained(tmp_path) == WHOLE
    assert "ok/empty.png is empty (0 bytes). Copy it again." in find_dataset(tmp_path).notes


def test_the_same_bytes_under_two_labels_teach_nothing(tmp_path: Path) -> None:
    lay(tmp_path, some("ok/{}.png", "nok/{}.png"))
    for name in ("ok/same.png", "nok/twin.png", "ok/again.png"):
        (tmp_path / name).write_bytes(b"\xff\xd8\xff the same")
    dataset = find_dataset(tmp_path)
    assert trained(tmp_path) == WHOLE
    (note,) = [note for note in dataset.notes if "same bytes" in note]
    assert note.startswith("3 photos teach and measure nothing, because the same bytes stand under two labels")
    assert not any("twin" in str(sample.path) for sample in (*dataset.train, *dataset.test))
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(b"one and the same")
    with pytest.raises(DataError, match="Nothing is left of defective, non_defective"):
        find_dataset(tmp_path)


def test_validation_photos_choose_thresholds_and_teach_nobody(tmp_path: Path) -> None:
    lay(tmp_path, TREES["valid"][0])
    dataset = find_dataset(tmp_path)
    assert {sample.path.parent.parent.name for sample in dataset.calibration} == {"valid"}
    assert check_training_data(dataset, tmp_path) == ()


def test_words() -> None:
    assert [part_called(name) for name in ("TRAIN", "Val", "dev", "test_public", "Testing", "ok")] == [
        *("train", "calibration", "calibration", "test", "test", ""),
    ]
    assert all(map(is_good, ("i.O.", "IO", "Non-Defective", "OK", "no defect", "GUT", "MT_Free")))
    assert all(map(is_bad, ("n.i.O.", "NG", "not ok", "Ausschuß", "def_front", "NOK")))
    assert not any(is_good(name) or is_bad(name) for name in ("scratch", "shoes", "", "Test", "okra"))
    assert all(map(is_litter, ("@eaDir", ".git", "._1.png", "Thumbs.DB", "1.png~", "~$labels.csv", "#Recycle")))
    assert not any(map(is_litter, ("photos", "..", ".", "part", "a.png", "@home", "#1.png")))
    assert classes_by_name(["a", "A", "b"]) == {"a": "a", "A": "a", "b": "b"}
    assert classes_by_name(["fine_ones", "nok"]) == {"fine_ones": GOOD, "nok": BAD}
