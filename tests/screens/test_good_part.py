"""A good part beside the photo on Inspect, where the product keeps photos of good parts."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.store import ModelStore
from ensemble.store.places import REFERENCES
from tests.conftest import Run
from tests.support.app_tests import click, healthy, texts

pytestmark = pytest.mark.slow(8)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def product(tmp_path: Path, tiny_product: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """A copy of the small product and of its photos, as far from each other as they were."""
    for folder in (tiny_product, tiny_data):
        shutil.copytree(folder, tmp_path / folder.parent.name / folder.name)
    models = tmp_path / tiny_product.parent.name / tiny_product.name
    monkeypatch.setenv("QUORUM_MODELS", str(models))
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / tiny_data.parent.name / tiny_data.name))
    return ModelStore(models)


def analyzed(photo: Path) -> AppTest:
    app = healthy(AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run())
    app.file_uploader[0].upload(photo.name, photo.read_bytes(), "image/jpeg")
    healthy(app.run())
    assert keys(app) == []  # nothing is known of the photo yet
    return click(app, "analyze")


def keys(app: AppTest) -> list[str]:
    return [each.label for each in app.button if each.key == "good_part"]


def test_a_key_puts_the_good_part_beside_the_photo_and_takes_it_away(product: ModelStore, tiny_data: Path) -> None:
    app = analyzed(next((tiny_data / "test" / "defective").glob("*.jpg")))
    assert keys(app) == ["Show good part"] and 'class="good-part"' not in texts(app)
    app = click(app, "good_part")
    assert keys(app) == ["Hide good part"] and '<figure class="good-part"><img src="data:image/png;' in texts(app)
    app = click(app, "good_part")
    assert keys(app) == ["Show good part"] and 'class="good-part"' not in texts(app)


def test_a_product_of_before_shows_none_until_a_command_has_it_keep_some(
    product: ModelStore, tiny_data: Path, run: Run
) -> None:
    photo, trained = next((tiny_data / "test" / "defective").glob("*.jpg")), product.manifest()
    product.write({}, replace(trained, references=""), "As it was before.")
    assert not (product.folder / REFERENCES).exists()
    assert '"references"' not in (product.folder / "manifest.json").read_text(encoding="utf-8")
    assert keys(analyzed(photo)) == []
    code, _, said = run("versions", "keep-references", "--models", product.folder)
    assert code == 0 and said.endswith("photos of good parts.")
    found = product.manifest()
    assert len(found.references) == 64 and replace(found, references="") == replace(trained, references="")
    assert keys(analyzed(photo)) == ["Show good part"]
    shutil.rmtree(product.folder / product.evidence().folder / "train")
    code, _, said = run("versions", "keep-references", "--models", product.folder)
    assert code == 2 and "Put them back, or train it again." in said
