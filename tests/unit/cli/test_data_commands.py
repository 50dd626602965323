"""`python -m ensemble data …`: what a folder or a zip holds, before anything is copied."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Run
from tests.support.bad_photos import jpeg
from tests.support.bad_zips import BAD_ENTRIES, BAD_ZIPS, zipped


@pytest.fixture
def incoming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("ensemble.cli.data.INCOMING", tmp_path / "incoming")
    return tmp_path / "incoming"


def test_preview_of_a_folder(run: Run, tmp_path: Path) -> None:
    for name in ("train/ok/1.jpg", "train/nok/2.jpg", "test/ok/3.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(jpeg())
    code, out, said = run("data", "preview", tmp_path)
    assert (code, out) == (0, "") and "Layout: Class folders." in said
    assert "nok defective 1 1 0 0" in said and "ok non_defective 2 1 1 0" in said
    assert said.endswith("3 photos, 0 masks, 0 parts named, 0 problems.")
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["1.jpg", "2.jpg", "3.jpg"]


def test_preview_of_a_zip_with_bad_entries(run: Run, tmp_path: Path, incoming: Path) -> None:
    (tmp_path / "good.zip").write_bytes(BAD_ENTRIES["climbing"]().data)
    code, _, said = run("data", "preview", tmp_path / "good.zip", "--json", tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    assert code == 1 and "good.zip/../../etc/part.jpg has a path that leads out of the zip file" in said
    assert found["kinds"] == [
        {"kind": "good", "class": "non_defective", "photos": 1, "splits": {"": 1}, "masks": 0},
    ]
    assert [problem["name"] for problem in found["problems"]] == ["good.zip/../../etc/part.jpg"]
    assert not list(incoming.iterdir())


def test_preview_of_a_catalogue_with_a_table(run: Run, tmp_path: Path, incoming: Path) -> None:
    entries = [(f"images/{kind}.jpg", jpeg()) for kind in ("Topwear", "Shoes", "Watches")]
    entries += [
        (f"styles/{kind}.json", json.dumps({"kind": kind}).encode()) for kind in ("Topwear", "Shoes", "Watches")
    ]
    (tmp_path / "c.zip").write_bytes(zipped(*entries))
    options = ("--field", "kind", "--classes", "Topwear=topwear,Shoes=shoes")
    code, _, said = run("data", "preview", tmp_path / "c.zip", *options)
    assert (
        code == 0 and "Watches left out 1" in said and "Left out: Watches (1)." in said and not list(incoming.iterdir())
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("{folder}",), "is not laid out in any way that is known here. VisA: expected"),
        (("{folder}/gone",), "does not exist"),
        (("{folder}/flat.zip", "--layout", "visa"), "The upload/flat is not laid out in that way. VisA: expected"),
        (("{folder}/empty.zip",), "empty.zip: The zip file holds no files"),
        (("{folder}", "--layout", "coco"), "No layout is called 'coco'"),
    ],
)
def test_nothing_understood_is_exit_code_2(
    run: Run, tmp_path: Path, incoming: Path, options: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "flat.zip").write_bytes(zipped(("1.jpg", jpeg())))
    (tmp_path / "empty.zip").write_bytes(BAD_ZIPS["empty"]().data)
    code, _, said = run("data", "preview", *(option.format(folder=tmp_path) for option in options))
    assert code == 2 and sentence in said and "Traceback" not in said
    assert not incoming.exists() or not list(incoming.iterdir())


def test_a_photo_under_two_labels_is_settled_on_the_command_line(run: Run, tmp_path: Path) -> None:
    for kind, numbers in (("ok", (1, 2, 3)), ("nok", (1, 4, 5))):
        (tmp_path / "parts" / kind).mkdir(parents=True)
        for number in numbers:
            (tmp_path / "parts" / kind / f"{kind}{number}.jpg").write_bytes(
                jpeg(Image.new("RGB", (48, 40), (40 * number, 90, 9)))
            )
    code, _, said = run("data", "import", tmp_path / "parts", "--collection", "disc", "--collections", tmp_path / "all")
    assert code == 0 and "4 photos came into" in said and "has two labels" in said
    folder = tmp_path / "all/disc"
    _, _, said = run("data", "clean", folder, "--no-labels")
    assert "Same photo, two labels 1 Select its class, or exclude it." in said and "`data label " in said
    assert run("data", "label", folder, "nok/nok1.jpg", "fine")[0] == 2
    assert run("data", "label", folder, "nowhere.jpg", "OK")[0] == 2
    code, _, said = run("data", "label", folder, "nok/nok1.jpg", "OK")
    assert (code, said) == (0, "Class changed (OK): 1 photo.")
    assert "Same photo, two labels" not in run("data", "clean", folder, "--no-labels")[2]
