"""Good photos join a patch memory on the screen Models: asked about where they look otherwise, and taken back."""

import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ensemble.jobs.processes import only_training
from ensemble.store import ModelStore, versions
from ensemble.training import train
from ensemble.training.extending import extended_by
from ensemble.values.titles import model_title
from tests.conftest import TINY_BACKBONE
from tests.support import app_tests
from tests.support.app_tests import click, done, healthy, texts
from tests.support.stub_product import GARMENTS, load_as, write_product
from tests.unit.training.test_few_good import lay_good, part

pytestmark = pytest.mark.slow(10)

SCREEN, MEMORY = "pages/screens/members.py", f"patch_memory_{TINY_BACKBONE}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    """A product trained on five good photos; read only."""
    folder = tmp_path_factory.mktemp("extending_screen")
    data = lay_good(folder / "data", 5)
    train(data, folder / "models", kinds=("patch_memory",), backbones=(TINY_BACKBONE,), side=64, weights=tiny_weights)
    return folder / "models"


@pytest.fixture
def product(trained: Path, tmp_path: Path) -> ModelStore:
    shutil.copytree(trained, tmp_path / "models")
    return ModelStore(tmp_path / "models")


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def harmed(seed: int = 60) -> bytes:
    picture = part(seed)
    picture.paste((255, 255, 255), (20, 20, 52, 52))
    return png(picture)


def added(photos: Mapping[str, bytes], product: ModelStore) -> AppTest:
    """The screen once these photos were looked at."""
    app = healthy(app_tests.opened(SCREEN))
    for name, data in photos.items():
        app.file_uploader(key="extend_files").upload(name, data, "image/png")
    healthy(app.run()).text_input(key="extend_author").input("Ada")
    return done(click(app, "extend"), f"extend {product.folder}")


def offers(app: AppTest) -> bool:
    return "Add good photos" in [each.label for each in app.expander]


def test_good_photos_join_and_a_doubtful_one_waits_for_a_person(product: ModelStore, tmp_path: Path) -> None:
    before, files = product.fingerprint(), {"a.png": png(part(50)), "odd.png": harmed(), "broken.png": b"\x89PNG\r\n"}
    app = added(files | {"known.png": png(part(0))}, product)
    said = texts(app)
    assert "Not added yet. Possible defects: 1 photo." in said and "odd.png<small>" in said
    assert "known.png: already in this product." in said and "broken.png" in said
    assert product.fingerprint() == before and app.button(key="extend_confirmed").label == "Add 1 photo"
    assert app.checkbox[0].check().run().button(key="extend_confirmed").label == "Add 2 photos"
    app = done(click(app.checkbox[0].uncheck().run(), "extend_confirmed"), f"extend {product.folder}")
    said = texts(app)
    assert "Version 2 is active." in said and f"{model_title(MEMORY)}: " in said and "of 1 photo." in said
    assert "1 photo not confirmed as good." in said and "train again to update" in said
    newest = versions.version_history(product.folder)[0]
    assert newest.current and (newest.author, newest.reason) == ("Ada", "Extended by 1 photo.")
    assert len(extended_by(product.manifest().members[MEMORY])) == 1
    assert not list((tmp_path / "data" / "collections").iterdir())  # nothing of the upload stays
    assert offers(click(app, "extend_more"))
    versions.publish_version(product.folder, 1)
    assert not extended_by(product.manifest().members[MEMORY])


def test_confirmed_photos_join_though_they_look_otherwise(product: ModelStore) -> None:
    app = added({"odd.png": harmed(), "other.png": harmed(61)}, product)
    assert app.button(key="extend_confirmed").disabled
    app.checkbox[1].check().run()
    assert app.button(key="extend_confirmed").label == "Add 1 photo"
    app = done(click(app.checkbox(key="good all").check().run(), "extend_confirmed"), f"extend {product.folder}")
    assert "Version 2 is active." in texts(app) and "of 2 photos." in texts(app)


def test_what_cannot_be_added_is_said_and_nothing_changes(product: ModelStore) -> None:
    before = product.fingerprint()
    for photos, sentence in [
        ({"known.png": png(part(1))}, "None of these photos is new to the product"),
        ({"broken.png": b"\x89PNG\r\n"}, "Of 1 photo none could be opened. broken.png"),
    ]:
        app = added(photos, product)
        assert sentence in texts(app) and product.fingerprint() == before
        assert offers(click(app, "forget extend"))
    with only_training(product.folder):
        assert "is already running. Wait for it." in texts(added({"a.png": png(part(50))}, product))
    assert product.fingerprint() == before


def test_it_is_offered_only_where_a_patch_memory_can_take_them(
    product: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offers(healthy(app_tests.opened(SCREEN)))
    assert not offers(healthy(app_tests.opened(SCREEN, demo="true")))
    path = product.path_of(next(iter(product.manifest().members[MEMORY].files)))
    path.write_bytes(path.read_bytes() + b" ")  # not the bytes that are vouched for: it is absent
    assert not offers(healthy(app_tests.opened(SCREEN)))
    for number, votes in enumerate([(0.1, 0.9), (0.1, 0.8, 0.1)]):
        folder = tmp_path / f"models{number}"
        write_product(folder, ("svm_a",), *([GARMENTS] if len(votes) == 3 else []))
        load_as(monkeypatch, {"svm_a": votes})
        monkeypatch.setenv("QUORUM_MODELS", str(folder))
        assert not offers(healthy(app_tests.opened(SCREEN)))
