"""From a verdict that a person puts right to a training that is ready to learn from it, screen by screen."""

import io
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from ensemble.datasets.collection import Collection, collections
from ensemble.datasets.loading import find_dataset
from ensemble.importers import FoundPhoto
from ensemble.inspection.inspector import Inspector
from ensemble.store import ModelStore, manifest
from ensemble.training.own_photos import bring_along, own_photos
from ensemble.values.results import OK_NOK
from pages.session.background import Work, _works
from tests.conftest import Run
from tests.support.app_tests import click, healthy, texts
from tests.support.stub_product import write_product

pytestmark = pytest.mark.slow(15)

ROOT = Path(__file__).resolve().parents[2]
TRAINING, DATA = "pages/screens/training.py", "pages/screens/data.py"


@pytest.fixture(autouse=True)
def _places(
    tmp_path: Path, tiny_product: Path, tiny_data: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the small product and of its photos, as far from each other as they were."""
    for folder in (tiny_product, tiny_data):
        shutil.copytree(folder, tmp_path / folder.parent.name / folder.name)
    monkeypatch.setenv("QUORUM_MODELS", str(models_of(tmp_path, tiny_product)))
    monkeypatch.setenv("QUORUM_DATA", str(data_of(tmp_path, tiny_data)))
    monkeypatch.setenv("QUORUM_WEIGHTS", str(tiny_weights))


def models_of(tmp_path: Path, tiny_product: Path) -> Path:
    return tmp_path / tiny_product.parent.name / tiny_product.name


def data_of(tmp_path: Path, tiny_data: Path) -> Path:
    return tmp_path / tiny_data.parent.name / tiny_data.name


@pytest.fixture
def models(tmp_path: Path, tiny_product: Path) -> Path:
    return models_of(tmp_path, tiny_product)


@pytest.fixture
def data(tmp_path: Path, tiny_data: Path) -> Path:
    return data_of(tmp_path, tiny_data)


def png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def new_part(data: Path) -> bytes:
    """A photo of a part that nobody has seen."""
    return png(ImageOps.mirror(Image.open(next((data / "test" / "non_defective").iterdir()))))


def analyzed(photo: bytes, name: str = "part.png") -> AppTest:
    app = healthy(AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run())
    app.file_uploader[0].upload(name, photo, "image/png")
    healthy(app.run())
    return click(app, "analyze")


def labels(app: AppTest) -> list[str]:
    return [each.label for each in app.button]


def kept(data: Path) -> dict[str, Collection]:
    return {name: Collection(folder) for name, folder in collections(data / "collections").items()}


def settled(app: AppTest, folder: Path) -> AppTest:
    """The screen once photos have come into a collection."""
    for _ in range(400):
        healthy(app.run())
        if not any(button.key == f"stop import {folder}" for button in app.button):
            return healthy(app.run())  # they may have come in after this run had looked which are ready
        time.sleep(0.05)
    raise AssertionError("the photos do not come in")


class TestTheLoop:
    def test_a_wrong_verdict_is_corrected_and_training_is_ready_with_all_photos(self, data: Path, models: Path) -> None:
        app = analyzed(new_part(data))
        app = click(app, "confirm")
        assert "Saved to disc. Add it to the training set under Data." in texts(
            app
        ) and "The photos of disc are imported too." in texts(app)
        (collection,) = kept(data).values()

        app = settled(healthy(app.switch_page(TRAINING).run()), collection.folder)
        assert app.selectbox(key="training_data").value == "disc"
        assert app.selectbox(key="training_product").value == "disc"
        assert "1 checked photo" in texts(app)
        own = find_dataset(data)
        before = find_dataset(collection.folder)
        assert [len(part) for part in (before.train, before.test)] == [len(own.train), len(own.test)]

        app = click(app, "training_pull")
        assert "1 checked photo" not in texts(app) and not app.button(key="start_training").disabled
        after = find_dataset(collection.folder)
        assert [len(part) for part in (after.train, after.test)] == [len(own.train) + 1, len(own.test)]

        again = healthy(AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run())
        again = healthy(again.switch_page(TRAINING).run())  # as after a reload
        assert again.selectbox(key="training_data").value == "disc" and not again.button(key="start_training").disabled

    def test_a_correction_is_undone(self, data: Path, models: Path) -> None:
        app = click(analyzed(new_part(data)), "confirm")
        (collection,) = kept(data).values()
        assert len(collection.mistakes()) == 1
        app = click(app, "undo_confirmed")
        assert "Undone: the photo is not saved." in texts(app) and not collection.mistakes()
        app = settled(app, collection.folder)
        app = click(app, "confirm")
        assert len(collection.mistakes()) == 1

    def test_a_correction_is_undone_on_the_next_photo_and_no_later(self, data: Path) -> None:
        photos = sorted((data / "test" / "non_defective").iterdir())[:3]
        app = healthy(AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run())
        app.toggle(key="at_once").set_value(True)
        app.file_uploader[0].set_value([(each.name, png(Image.open(each)), "image/png") for each in photos])
        app = click(healthy(app.run()), "confirm")
        assert "Photo before" not in texts(app)
        app = click(app, "photo_next")
        assert "2 of 3" in texts(app) and "Photo before: Saved to disc." in texts(app)
        (collection,) = kept(data).values()
        assert len(collection.mistakes()) == 1
        undone = click(app, "undo_confirmed")
        assert "Undone: the photo is not saved." in texts(undone) and not collection.mistakes()
        app = click(click(undone, "confirm"), "photo_next")
        assert "Photo before: Saved to disc." in texts(app)
        app = click(app, "photo_previous")
        assert "2 of 3" in texts(app) and "Photo before" not in texts(app) and len(collection.mistakes()) == 1

    def test_photos_that_are_gone_are_counted(self, data: Path, models: Path) -> None:
        gone, changed = sorted((data / "train" / "non_defective").iterdir())[:2]
        gone.unlink()
        changed.write_bytes(changed.read_bytes() + b"\0")  # the same picture, and other bytes
        store = ModelStore(models)
        found = own_photos(store)
        assert (found.count, found.missing) == (38, 2)
        collection = Collection.create(data / "collections", "disc")
        added = bring_along(store, collection)
        assert added.added == 38
        assert added.notes == (
            "20 masks are black and white: white marks damage.",
            "Missing: 2 of the 40 photos of disc (moved or changed since its training).",
        )
        app = healthy(AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run())
        assert "2 of the 40 photos" in texts(healthy(app.switch_page(TRAINING).run()))

    def test_without_its_photos_a_product_brings_none(self, data: Path, models: Path) -> None:
        shutil.rmtree(data / "train")
        shutil.rmtree(data / "test")
        assert (own_photos(ModelStore(models)).count, own_photos(ModelStore(models)).missing) == (0, 40)


class TestADoubtfulPhoto:
    def test_it_is_review_and_is_kept_only_after_a_question(self, data: Path) -> None:
        black = png(Image.new("RGB", (256, 256)))
        app = analyzed(black, "cap.png")
        assert "This photo may not show this part: it is almost black." in texts(app)
        keys = {button.label: button.proto.shortcut for button in app.button}
        assert (keys["Part is OK"], keys["Part is NOK"]) == ("o", "n")

        app = click(app, "confirm non_defective")
        assert "may not show this part" in texts(app) and "cap.png, as OK: it is almost black" in texts(app)
        assert not kept(data)
        app = click(app, "keep_none")
        assert "Keep it all the same?" not in texts(app) and not kept(data)

        app = click(app, "confirm non_defective")
        app = click(app, "keep_all_the_same")
        assert "Saved to disc. Add it to the training set under Data." in texts(app)
        (mistake,) = kept(data)["disc"].mistakes()
        assert (mistake.kind, mistake.label, mistake.verdict) == ("decided", "non_defective", "review")


def page_of_garments() -> None:
    """A verdict of three classes that leaves the photo to a person."""
    from PIL import Image

    from ensemble.imaging.photos import Photo
    from ensemble.values.language import Message
    from ensemble.values.results import Classes, Verdict
    from pages.components.common.wrong_verdict import show_correction
    from pages.session.photo import Chosen

    classes = Classes(("bottomwear", "shoes", "topwear"))
    verdict = Verdict("review", None, Message("A person must look."), "MAJORITY", (), (), classes)
    show_correction(Chosen(Photo("a.png", "0" * 64, Image.new("RGB", (64, 64))), b"", b""), verdict)


def test_a_review_among_many_classes_is_decided_by_its_class() -> None:
    app = healthy(AppTest.from_function(page_of_garments, default_timeout=60).run())
    assert app.radio(key="true_class").options == ["bottomwear", "shoes", "topwear"]
    healthy(app.radio(key="true_class").set_value("shoes").run())
    assert "Part is shoes" in labels(app)


def page_of_cases() -> None:
    """Three cases are confirmed: one as it was judged, one under whose name another photo lies, one that is gone."""
    import shutil

    import streamlit as st

    from pages.session import corrections, policy_evidence, products
    from pages.session.told import CONFIRMED, told

    cases = [case for case in policy_evidence.evidence().test if case.label == "defective"][:3]
    folder = products.store().folder / policy_evidence.evidence().folder
    good = next(case for case in policy_evidence.evidence().test if case.label == "non_defective")
    shutil.copyfile(folder / good.photo, folder / cases[1].photo)
    (folder / cases[2].photo).unlink()
    corrections.confirm_cases([(case, "non_defective") for case in cases])
    st.text(told(CONFIRMED).sentence)
    corrections.confirm_cases([(cases[1], "non_defective")])
    st.text(told(CONFIRMED).sentence)


def test_another_photo_under_the_same_name_is_not_kept_and_the_others_are(data: Path, models: Path) -> None:
    evidence = ModelStore(models).evidence()
    judged = [case for case in evidence.test if case.label == "defective"][:3]
    app = healthy(AppTest.from_function(page_of_cases, default_timeout=60).run())
    first, second = (each.value for each in app.text)
    assert f"{judged[1].photo} is another photo than the one that was judged: it is not kept." in first
    assert f"{judged[2].photo} no longer lies where it was: it is not kept." in first
    assert "Saved to disc. Add it to the training set under Data." in first
    assert second == f"{judged[1].photo} is another photo than the one that was judged: it is not kept."
    assert [each.sha256 for each in kept(data)["disc"].mistakes()] == [judged[0].sha256]


def page_of_one_case() -> None:
    """A case is confirmed, and what was said of it is shown."""
    import streamlit as st

    from pages.session import corrections, policy_evidence
    from pages.session.told import CONFIRMED, told

    corrections.confirm_cases(
        [(next(case for case in policy_evidence.evidence().test if case.label == "defective"), "review")]
    )
    st.text(told(CONFIRMED).sentence)


@pytest.mark.parametrize(
    ("going_on", "along"),
    [
        ("Import into disc", "are imported with the next correction: another import is running."),
        ("Import of the photos of disc into disc", "are imported too."),
    ],
)
def test_what_cannot_come_along_now_is_said(data: Path, going_on: str, along: str) -> None:
    collection = Collection.create(data / "collections", "disc")
    _works()[f"import {collection.folder}"] = Work(going_on)
    app = healthy(AppTest.from_function(page_of_one_case, default_timeout=60).run())
    assert app.text[0].value == (f"Saved to disc. Add it to the training set under Data. The photos of disc {along}")


class TestNoProductsAreMixed:
    @pytest.fixture
    def aliens(self, data: Path, tmp_path: Path) -> Collection:
        """A collection of something else that could be trained on."""
        made = Collection.create(data / "collections", "aliens")
        return self.filled(made, tmp_path, OK_NOK.names)

    @staticmethod
    def filled(collection: Collection, tmp_path: Path, kinds: tuple[str, ...]) -> Collection:
        entries = []
        for number in range(24):
            path = tmp_path / f"{collection.name} {number}.png"
            Image.new("RGB", (40, 40), (number, len(collection.name), 9)).save(path)
            entries.append(FoundPhoto(path, path.name, kinds[number % len(kinds)], "train" if number < 16 else "test"))
        collection.add(entries, {kind: kind for kind in kinds}, origin="elsewhere")
        return collection

    def screen(self, page: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        return healthy(healthy(app.run()).switch_page(page).run())

    def test_training_proposes_a_products_own_photos_and_for_others_a_new_product(self, aliens: Collection) -> None:
        app = self.screen(TRAINING)
        assert app.selectbox(key="training_data").value == "Sample photos"
        assert app.selectbox(key="training_product").value == "disc"
        app = healthy(app.selectbox(key="training_data").select("aliens").run())
        assert app.selectbox(key="training_product").value == "New product"
        app = healthy(app.selectbox(key="training_product").select("disc").run())
        assert "aliens belongs to no known product." in texts(app)
        app = healthy(app.selectbox(key="training_data").select("Sample photos").run())
        assert app.selectbox(key="training_product").value == "disc" and "aliens holds" not in texts(app)

    def test_what_cannot_be_trained_on_is_listed_and_the_form_stays(self, data: Path) -> None:
        mistake = Collection.create(data / "collections", "disc")
        mistake.confirm(new_part(data), "a.png", "defective", "non_defective")
        Collection.create(data / "collections", "empty")
        app = self.screen(TRAINING)
        assert app.selectbox(key="training_data").options == ["Sample photos"]
        assert all(f"Not ready for training: {name}." in texts(app) for name in ("disc", "empty"))
        assert not app.button(key="start_training").disabled

    def test_an_import_aims_at_the_products_own_collection_or_at_a_new_one(
        self, aliens: Collection, data: Path, models: Path
    ) -> None:
        photos = data / "incoming" / "ok"
        photos.mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (40, 40), (number, 200, 9)).save(photos / f"{number}.png")
        shutil.copytree(photos, photos.parent / "nok")

        def target(app: AppTest) -> Selectbox:
            return next(each for each in app.selectbox if each.label == "Target collection")

        def targets(app: AppTest) -> AppTest:
            app.segmented_control(key="data_way").set_value("Path")
            healthy(app.run())
            app.text_input(key="data_path").set_value(str(photos.parent))
            return healthy(app.run())

        app = targets(self.screen(DATA, step="Import"))
        assert target(app).value == "New collection"
        app = healthy(next(each for each in app.text_input if each.label == "Collection name").set_value("disc").run())
        assert "disc belongs to the product disc." in texts(app)
        app = healthy(
            next(each for each in app.text_input if each.label == "Collection name").set_value("aliens").run()
        )
        assert "aliens belongs to no known product" in texts(app)
        own = Collection.create(data / "collections", "disc")
        own.note("product", "disc")
        app = targets(self.screen(DATA, step="Import"))
        assert target(app).value == "disc"
        assert "disc belongs to the product disc." in texts(app)
        app = healthy(target(app).select("aliens").run())
        assert "aliens belongs to no known product" in texts(app)

        write_product(models / "other", ("svm_a",), product="other")
        Collection.create(data / "collections", "other").note("product", "other")
        app = targets(self.screen(DATA, step="Import", product="disc"))
        assert (target(app).value, app.selectbox(key="collection").value) == ("disc", "disc")
        app = healthy(app.selectbox(key="product").select("other").run())
        assert (target(app).value, app.selectbox(key="collection").value) == ("other", "other")
        app = healthy(app.selectbox(key="collection").select("aliens").run())
        app = healthy(app.selectbox(key="product").select("disc").run())
        assert (target(app).value, app.selectbox(key="collection").value) == ("aliens", "aliens")


def test_a_correction_of_a_review_is_counted_as_a_decision(data: Path) -> None:
    collection = Collection.create(data / "collections", "disc")
    made, _ = collection.confirm(new_part(data), "a.png", "defective", "review")
    assert made.kind == "decided"
    assert [each.kind for each in collection.mistakes()] == ["decided"]
    app = healthy(AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run())
    assert "1 decided review" in texts(healthy(app.switch_page(DATA).run()))


def test_a_product_of_before_learns_what_its_photos_look_like_by_a_command(models: Path, data: Path, run: Run) -> None:
    store = ModelStore(models)
    trained = store.manifest()
    assert trained.photo_range is not None and trained.photo_range.photos == 28
    store.write({}, replace(trained, photo_range=None), "As it was before.")
    assert store.manifest().photo_range is None and Inspector.open(store).photo_range is None
    code, _, said = run("versions", "measure-photos", "--models", models)
    assert code == 0 and "knows what its training photos look like, by 28 of them" in said
    assert store.manifest() == trained
    next((data / "train" / "defective").iterdir()).unlink()
    code, _, said = run("versions", "measure-photos", "--models", models)
    assert code == 2 and "1 photos of this product no longer lie in" in said


def test_the_manifest_is_read_once_for_as_long_as_it_stays_as_it_is(
    models: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = analyzed(new_part(data))
    reads: list[Path] = []
    read_text = manifest.read_text
    monkeypatch.setattr(manifest, "read_text", lambda path, limit: reads.append(path) or read_text(path, limit))
    for _ in range(3):
        healthy(app.run())
    assert reads == []  # the first run has read it
    written = models / "manifest.json"
    written.write_text(written.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    os.utime(written, ns=(1, 1))  # the change of the file itself is what counts
    time.sleep(2 * manifest.SETTLED / 1e9)
    healthy(app.run())
    assert reads.count(written) == 1 == len(reads)
