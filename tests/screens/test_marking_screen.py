"""Where the defect is, drawn on the screen Data; the browser's part is stood in for."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.datasets.collection import Collection
from ensemble.importers import FoundPhoto
from ensemble.values.view import rectangle
from pages.components.data import marking as screen
from pages.session.drawings import Drawn
from tests.support.app_tests import click, healthy, opened, texts

BOX = Drawn("defect", "rectangle", rectangle(0.25, 0.5, 0.25, 0.25))
POLYGON = Drawn("defect", "polygon", ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)))


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    """A good part and two defective ones."""
    made = Collection.create(tmp_path / "data" / "collections", "disc")
    entries = []
    for number, kind in enumerate(("ok", "nok", "nok")):
        path = tmp_path / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 256, (40, 80, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        path.write_bytes(buffer.getvalue())
        entries.append(FoundPhoto(path, path.name, kind))
    made.add(entries, {"ok": "non_defective", "nok": "defective"}, origin="photos")
    return made


def masks(collection: Collection) -> dict[str, np.ndarray]:
    return {
        photo.name: np.asarray(Image.open(photo.mask)) > 0 for photo in collection.photos() if photo.mask is not None
    }


def test_a_defect_is_marked_photo_by_photo_and_it_can_be_undone(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[Drawn, ...]] = []
    drawn: list[Drawn] = []

    def draw(*arguments: object) -> tuple[Drawn, ...]:
        started.append(arguments[4])  # type: ignore[arg-type]
        return tuple(drawn)

    monkeypatch.setattr(screen, "show_drawing", draw)
    app = healthy(opened("pages/screens/data.py", step="Mark"))
    assert "**0 of 2 defective photos marked**" in texts(app)
    drawn[:] = [BOX, POLYGON]
    app = click(healthy(app.run()), "keep_mark")
    assert "Defect marked: 1 photo." in texts(app) and "**1 of 2 defective photos marked**" in texts(app)
    expected = np.zeros((40, 80), dtype=bool)
    expected[20:30, 20:40] = True
    assert list(masks(collection)) == ["1.png"] and (masks(collection)["1.png"][20:] == expected[20:]).all()
    assert masks(collection)["1.png"][:20, :40].sum() == 400  # half of it
    assert app.selectbox[0].value.name == "2.png"  # the next one without a mark
    shown = healthy(app.selectbox[0].select_index(1).run())
    assert "Its mark is bright here. What you draw takes its place." in texts(shown) and started[-1] == ()
    app = click(healthy(opened("pages/screens/data.py", step="Overview")), "take_back")
    app = healthy(opened("pages/screens/data.py", step="Mark"))
    assert not masks(collection) and "**0 of 2 defective photos marked**" in texts(app)

    drawn[:] = [BOX]
    app = click(healthy(app.run()), "keep_mark")
    app = healthy(app.selectbox[0].select_index(1).run())
    assert started[-1] == (BOX,)  # to be drawn further
    assert next(button.disabled for button in app.button if button.key == "keep_mark")
    app = click(app, "remove_mark")
    assert not masks(collection)


def test_without_defective_photos_nothing_can_be_marked(collection: Collection) -> None:
    collection.decide("drop", [photo.sha256 for photo in collection.photos() if photo.label == "defective"])
    app = healthy(opened("pages/screens/data.py", step="Mark"))
    assert "No defective photos to mark." in texts(app)
