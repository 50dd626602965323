"""The screen Data in every state that a person can meet, without a browser."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ensemble.datasets import workbench
from ensemble.datasets.collection import Collection, Finding
from ensemble.importers import FoundPhoto
from ensemble.values.training import Progress
from tests.support.app_tests import click, done, healthy, texts

ROOT = Path(__file__).resolve().parents[2]
SCREEN = "pages/screens/data.py"


@pytest.fixture(autouse=True)
def _readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_FOLDERS", str(tmp_path / "photos"))


def jpeg(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    """Ten photos of both classes without splits."""
    made = Collection.create(tmp_path / "data" / "collections", "disc")
    source = tmp_path / "photos"
    source.mkdir()
    entries = []
    for number in range(10):
        path = source / f"{number}.jpg"
        path.write_bytes(jpeg(number))
        entries.append(FoundPhoto(path, path.name, "ok" if number % 2 else "nok"))
    made.add(entries, {"ok": "non_defective", "nok": "defective"}, origin="photos")
    return made


def screen(step: str = "") -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=180)
    if step:
        app.query_params["step"] = step
    return healthy(app.run().switch_page(SCREEN).run())


def zip_of(tmp_path: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(6):
            archive.writestr(f"parts/{'ok' if number % 2 else 'nok'}/{number}.jpg", jpeg(number))
        archive.writestr("parts/ok/again.jpg", jpeg(1))
        archive.writestr("parts/ok/broken.jpg", b"\xff\xd8\xff" + bytes(300))
        archive.writestr("../../evil.jpg", jpeg(9))
    return buffer.getvalue()


def test_without_a_collection_photos_can_be_brought_in(tmp_path: Path) -> None:
    app = screen()
    assert "Supported layouts" in [expander.label for expander in app.expander]
    app.file_uploader[0].upload("parts.zip", zip_of(tmp_path), "application/zip")
    healthy(app.run())
    assert "8 photos" in texts(app) and "Preview only." in texts(app)
    assert "evil.jpg" in texts(app)
    assert not (tmp_path / "data" / "collections" / "parts").exists()
    app = click(app, "bring_in")
    app = done(app, f"import {tmp_path / 'data' / 'collections' / 'parts'}")
    shown = texts(app)
    assert "6 imported" in shown
    for name in ("evil", "broken", "again"):
        assert name in shown
    kept = Collection(tmp_path / "data" / "collections" / "parts").photos()
    assert sorted(photo.label for photo in kept) == ["defective"] * 3 + ["non_defective"] * 3
    assert not list((tmp_path / "data" / "collections").glob(".incoming-*"))
    app = click(app, "go_clean")
    assert "Check all photos" in [button.label for button in app.button]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/etc", "outside the folders that may be read"),
        ("{photos}/nowhere", "does not exist"),
        ("{photos}/empty", "holds no files"),
        ("{photos}/one.txt", "The upload is not laid out"),
    ],
)
def test_a_path_that_cannot_be_read_says_why(tmp_path: Path, path: str, says: str) -> None:
    photos = tmp_path / "photos"
    (photos / "empty").mkdir(parents=True)
    (photos / "one.txt").write_text("none")
    app = screen()
    app = healthy(app.segmented_control(key="data_way").set_value("Path").run())
    app = healthy(app.text_input(key="data_path").input(path.format(photos=photos)).run())
    assert says in texts(app) and not any(button.key == "bring_in" for button in app.button)


def test_a_path_is_previewed_and_kinds_can_be_given_another_meaning(tmp_path: Path) -> None:
    for number in range(6):
        folder = tmp_path / "photos" / "set" / ("red", "green", "blue")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(jpeg(number))
    app = screen()
    app = healthy(app.segmented_control(key="data_way").set_value("Path").run())
    app = healthy(app.text_input(key="data_path").input(str(tmp_path / "photos" / "set")).run())
    blue = next(box for box in app.selectbox if str(box.key).startswith("means blue"))
    app = healthy(blue.select("Exclude").run())
    assert next(button for button in app.button if button.key == "bring_in").label == "Import 4 photos"
    app = healthy(app.selectbox(key="data_place").select("train").run())
    app = click(app, "bring_in")
    done(app, f"import {tmp_path / 'data' / 'collections' / 'set'}")
    kept = Collection(tmp_path / "data" / "collections" / "set").photos()
    assert {photo.label for photo in kept} == {"red", "green"} and {photo.split for photo in kept} == {"train"}


def test_the_overview_counts_and_says_what_is_missing(collection: Collection) -> None:
    app = screen()
    assert "10" in texts(app) and "Some photos have no split." in texts(app)
    assert "Imported: 10 photos." in texts(app)


def test_the_address_names_the_collection_and_never_another_one(collection: Collection) -> None:
    app = screen()
    assert app.query_params["collection"] == collection.name
    gone = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    gone.query_params["collection"] = "sold"
    app = healthy(gone.run().switch_page(SCREEN).run())
    assert "Collection sold not found." in texts(app)
    assert app.selectbox(key="collection").value is None and not app.get("pagination")
    app = healthy(app.selectbox(key="collection").select(collection.name).run())
    assert "sold" not in texts(app) and "10" in texts(app)
    assert app.query_params["collection"] == collection.name


def test_photos_are_dealt_out_and_it_can_be_undone(collection: Collection) -> None:
    app = screen("Split")
    app = healthy(app.slider(key="split_shares").set_value((60, 80)).run())
    app = click(app, "split")
    assert "Split again: 10 photos." in texts(app) and "duplicates not checked" in collection.decisions()[0].reason
    assert {photo.split for photo in collection.photos()} == {"train", "calibration", "test"}
    app = click(app, "undo_told_of_data")
    assert {photo.split for photo in collection.photos()} == {""}
    assert "Undone: “Split again: 10 photos”." in texts(app)


def test_a_split_says_what_it_has_done_about_copies(collection: Collection) -> None:
    said = []
    for together in (True, False):
        for looked in (False, True):
            if looked:
                collection.keep_findings([])
            workbench.split_anew(collection, seed=len(said), copies_together=together)
            said.append(collection.decisions()[0].reason.rpartition(", ")[2])
    one, two = (photo.sha256 for photo in collection.photos()[:2])
    collection.keep_findings([Finding("near_duplicate", one, (two,), 0.9, "A copy.")])
    workbench.split_anew(collection, seed=9)
    said.append(collection.decisions()[0].reason.rpartition(", ")[2])
    kept = "duplicates not kept together"
    assert said == ["duplicates not checked", "no duplicates", kept, kept, "duplicates together"]


def test_shares_that_leave_nothing_to_measure_on_cannot_be_chosen(collection: Collection) -> None:
    app = screen("Split")
    app = healthy(app.slider(key="split_shares").set_value((80, 100)).run())
    assert next(button for button in app.button if button.key == "split").disabled


@pytest.mark.parametrize(
    ("button", "after"),
    [
        ("keep", ("defective", "train", False)),
        ("drop", ("defective", "train", True)),
        ("move", ("defective", "test", False)),
        ("relabel", ("non_defective", "train", False)),
    ],
)
def test_what_is_odd_is_decided_by_one_click(collection: Collection, button: str, after: tuple[str, str, bool]) -> None:
    one, two = (photo.sha256 for photo in collection.photos()[:2])
    collection.split({one: "train", two: "test"}, reason="by hand")
    suggestion = "non_defective" if button == "relabel" else ""
    kind = "label" if suggestion else "leak"
    others = () if suggestion else (two,)
    collection.keep_findings([Finding(kind, one, others, 0.9, "It is odd.", suggestion)])
    app = screen("Check")
    assert "It is odd." in texts(app)
    key = next(str(each.key) for each in app.button if str(each.key).startswith(f"{button} {kind}"))
    app = click(app, key)
    photo = collection.photos()[0]
    assert (photo.label, photo.split, photo.dropped) == after
    if button in {"keep", "drop"}:
        assert "No open issues." in texts(app)
    app = click(app, "undo_told_of_data")
    photo = collection.photos()[0]
    assert (photo.label, photo.split, photo.dropped) == ("defective", "train", False)
    assert "It is odd." in texts(app)


@pytest.mark.parametrize(
    ("button", "after"),
    [("first", ("defective", False)), ("relabel", ("non_defective", False)), ("drop", ("defective", True))],
)
def test_a_photo_under_two_labels_is_first_in_clean_with_both_buttons(
    collection: Collection, tmp_path: Path, button: str, after: tuple[str, bool]
) -> None:
    path = tmp_path / "photos/0.jpg"
    collection.add([FoundPhoto(path, "ok/0.jpg", "ok")], {"ok": "non_defective"}, origin="photos")
    app = screen("Check")
    assert "Same photo, two labels (1)" in [each.value for each in app.header]
    assert {"Part is NOK", "Part is OK", "Exclude"} <= {each.label for each in app.button}
    key = next(str(each.key) for each in app.button if str(each.key).startswith(f"{button} contradiction"))
    app = click(app, key)
    photo = collection.photos()[0]
    assert (photo.label, photo.dropped) == after and not app.header


def test_all_of_a_kind_are_decided_as_one(collection: Collection) -> None:
    photos = collection.photos()
    collection.keep_findings([Finding("dark", photo.sha256, (), 0.9, "It is dark.") for photo in photos[:3]])
    app = screen("Check")
    app = click(app, "all drop dark")
    assert [photo.dropped for photo in collection.photos()] == [True] * 3 + [False] * 7
    app = click(app, "undo_told_of_data")
    assert not any(photo.dropped for photo in collection.photos())


def test_looking_goes_on_in_the_background_and_its_failure_is_said(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Finding("dark", collection.photos()[0].sha256, (), 0.9, "It is dark.")]

    def look(kept: Collection, *, progress: Progress, **_: object) -> tuple[Finding, ...]:
        progress("Looking", 0.5)
        kept.keep_findings(found)
        return kept.findings()

    monkeypatch.setattr(workbench, "look_through", look)
    app = done(click(screen("Check"), "look_through"), f"clean {collection.folder}")
    assert "It is dark." in texts(app)

    def fail(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(workbench, "look_through", fail)
    app = done(click(app, "look_through"), f"clean {collection.folder}")
    assert "no room" in texts(app)


def test_confirmed_mistakes_are_pulled_into_training_by_one_click(collection: Collection) -> None:
    collection.confirm(jpeg(77), "missed.jpg", "defective", "non_defective", author="A")
    app = screen()
    assert "1 checked photo" in texts(app) and "1 escape" in texts(app)
    app = click(app, "pull")
    assert [photo.split for photo in collection.photos() if photo.name == "missed.jpg"] == ["train"]
    assert "checked photo" not in texts(app)


def test_an_earlier_decision_can_be_taken_back(collection: Collection) -> None:
    digests = [photo.sha256 for photo in collection.photos()]
    collection.decide("drop", digests[:1])
    collection.decide("move", digests[1:2], "test")
    app = screen()
    app = healthy(next(box for box in app.selectbox if str(box.key).startswith("take back")).select_index(1).run())
    click(app, "take_back")
    assert not any(photo.dropped for photo in collection.photos())


def test_a_damaged_collection_is_one_sentence(collection: Collection) -> None:
    (collection.folder / "collection.db").write_bytes(b"nothing that could be read" * 200)
    app = screen()
    assert "cannot be used" in texts(app)
