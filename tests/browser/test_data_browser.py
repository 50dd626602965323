"""From a zip to a published model, as a person goes there: a real server, a real Chromium, a real training."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ensemble.datasets.collection import Collection
from ensemble.store import ModelStore
from tests.conftest import TINY_BACKBONE
from tests.support.dashboard import served, settle

pytestmark = [pytest.mark.slow(60), pytest.mark.browser]
TRAINING = 600_000  # milliseconds that a small training may take on a busy machine


def zip_of(data: Path) -> bytes:
    """The photos as a camera left them, with a broken one, a name that leads out of the zip, and a duplicate."""
    buffer = io.BytesIO()
    photos = sorted(path for path in data.rglob("*") if path.parent.name in {"non_defective", "defective"})
    photos = [path for path in photos if "ground_truth" not in path.parts and path.is_file()]
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in photos:
            archive.write(path, f"discs/{path.parent.name}/{path.name}")
        archive.write(photos[0], f"discs/{photos[0].parent.name}/once_more{photos[0].suffix}")
        archive.writestr("discs/defective/broken.jpg", b"\xff\xd8\xff" + bytes(500))
        archive.writestr("../../outside.jpg", photos[1].read_bytes())
    return buffer.getvalue()


def test_from_a_zip_to_a_published_model(
    open_page: Callable[..., Page],
    tmp_path: Path,
    tiny_data: Path,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("QUORUM_WEIGHTS", str(tiny_weights))
    models = tmp_path / "models"
    page = open_page()
    with served(models) as address:
        page.goto(f"{address}/data")
        page.locator("input[type=file]").set_input_files(
            {"name": "discs.zip", "mimeType": "application/zip", "buffer": zip_of(tiny_data)}
        )
        expect(page.get_by_text("Preview only.")).to_be_visible()
        expect(page.get_by_text("outside.jpg has a path that leads out of the zip file")).to_be_visible()
        page.get_by_role("button", name="Import 4").click()
        expect(page.get_by_text("40 imported")).to_be_visible()
        expect(page.get_by_text("broken.jpg is damaged or cut short")).to_be_visible()
        expect(page.get_by_text("is the same file as")).to_be_visible()
        expect(page.get_by_text("outside.jpg has a path that leads out of the zip file")).to_be_visible()

        page.get_by_role("button", name="Check data quality").click()
        page.get_by_text("Check labels").click()
        page.get_by_role("button", name="Check all photos").click()
        expect(page.get_by_text(re.compile(r"issues? found\."))).to_be_visible(timeout=TRAINING)
        page.get_by_role("radio", name="Split").click()
        page.get_by_role("button", name="Split 40 photos").click()
        expect(page.get_by_text("Split again: 40 photos.")).to_be_visible()
        kept = Collection(tmp_path / "data" / "collections" / "discs").photos()
        assert {photo.split for photo in kept} == {"train", "calibration", "test"}

        page.get_by_role("link", name="Training").click()
        page.get_by_text("Models, backbones, seed").click()
        choose(page, "Models", ("SVM", "Baseline CNN"))  # the latter learns until the badge was seen
        choose(page, "Backbones", (TINY_BACKBONE,))
        page.get_by_role("button", name="Start training").click()
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        page.get_by_role("link", name="Help").click()
        badge = page.locator("[class*=st-key-training_badge] a")
        expect(badge).to_contain_text("Training ")
        badge.click()
        expect(page.get_by_role("heading", name="Training", level=1)).to_be_visible()
        page.reload()  # and nothing is lost
        expect(page.get_by_role("button", name="Publish")).to_be_visible(timeout=TRAINING)
        page.locator("[class*=st-key-publisher] input").fill("Ada")
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_text(re.compile(r"Version 1 of .* is active\."))).to_be_visible()
        assert set(ModelStore(models).load().members) == {f"svm_{TINY_BACKBONE}", "baseline_cnn"}

        page.get_by_role("link", name="Performance").click()
        expect(page.get_by_role("heading", name="Performance", level=1)).to_be_visible()
        expect(page.locator(".tiles").first).to_be_visible()
        page.close()  # before its server goes


def choose(page: Page, label: str, wanted: tuple[str, ...]) -> None:
    """Choose these and no others in a list of several, by the names that it shows."""
    box = page.locator("[data-testid=stMultiSelect]", has=page.get_by_text(label, exact=True))
    settle(page)
    box.get_by_role("button", name="Clear all").click()
    expect(box.get_by_role("button", name="Clear all")).to_have_count(0)
    for name in wanted:
        box.get_by_role("combobox").fill(name)
        page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Escape")
