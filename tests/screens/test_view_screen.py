"""The view of a product on the screen Data: drawn, seen on one photo, kept; the browser's part is stood in for."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ensemble.datasets.collection import Collection
from ensemble.importers import FoundPhoto
from ensemble.store.seeing import keep_view, read_view, view_for_training
from ensemble.values.view import Alignment, Tiles, View, rectangle
from pages.components.data import view as screen
from pages.session import trainings
from pages.session.drawings import Drawn, as_drawn, polygon_drawn
from tests.support.app_tests import click, healthy, opened, texts

REGION = rectangle(0.1, 0.1, 0.8, 0.8)
NUMBER = ((0.2, 0.2), (0.4, 0.2), (0.3, 0.4))


def drawn_disc(side: int, angle: float = 0.0) -> bytes:
    """A disc with a notch, of a size."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    pixels = np.where(np.hypot(x, y) < 0.4, 200, 40)
    pixels[(np.abs(np.arctan2(y, x) - angle) < 0.3) & (np.hypot(x, y) > 0.2)] = 40
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    """A good part, a defective one, and one of another camera."""
    made = Collection.create(tmp_path / "data" / "collections", "Disc A")
    entries = []
    for name, kind, photo in (
        ("good.png", "ok", drawn_disc(96)),
        ("bad.png", "nok", drawn_disc(96, 0.5)),
        ("small.png", "ok", drawn_disc(64)),
    ):
        path = tmp_path / name
        path.write_bytes(photo)
        entries.append(FoundPhoto(path, name, kind))
    made.add(entries, {"ok": "non_defective", "nok": "defective"}, origin="photos")
    return made


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have these shapes drawn in the place of a browser."""

    def drawn(*shapes: Drawn) -> None:
        monkeypatch.setattr(screen, "show_drawing", lambda *_: shapes)

    return drawn


def view_step() -> AppTest:
    return healthy(opened("pages/screens/data.py", step="View"))


def is_disabled(app: AppTest, key: str) -> bool:
    return next(button.disabled for button in app.button if button.key == key)


def test_a_view_is_drawn_seen_and_kept(collection: Collection, draw: Callable[..., None], tmp_path: Path) -> None:
    app = view_step()
    assert "Disc A looks at whole photos, as they are." in texts(app) and "Effect on a photo" not in texts(app)
    assert is_disabled(app, "keep_view")
    draw(Drawn("region", "rectangle", REGION), Drawn("ignored", "polygon", NUMBER))
    app = healthy(app.run())
    assert "Not kept yet." in texts(app)
    assert "REVIEW: it has 64 × 64 pixels, and the view was drawn on 96 × 96" in texts(app)
    app = healthy(app.selectbox(key=key_of(app, "view_try")).select_index(1).run())
    assert "This photo fits the view." in texts(app) and "REVIEW: it has" not in texts(app)
    app = click(app, "keep_view")
    kept = read_view(tmp_path / "models" / "disc_a" / "next_view.json")
    assert (kept.region, kept.ignore, kept.size, kept.alignment) == (REGION, (NUMBER,), (96, 96), None)
    assert "The next training of Disc A uses this view." in texts(app)
    assert "Kept for the next training of Disc A." in texts(app) and is_disabled(app, "keep_view")
    assert trainings.product_folder("Disc A") == tmp_path / "models" / "disc_a" and trainings.is_viewed("Disc A")
    assert trainings.product_folder("Disc B") == tmp_path / "models" and not trainings.is_viewed("Disc B")
    app = click(app, "remove_view")
    assert not view_for_training(tmp_path / "models" / "disc_a").reference


def key_of(app: AppTest, begins: str) -> str:
    return next(
        str(each.key) for kind in ("selectbox", "toggle") for each in app.get(kind) if str(each.key).startswith(begins)
    )


def test_large_photos_are_looked_at_in_tiles(collection: Collection, tmp_path: Path) -> None:
    app = view_step()
    app = healthy(app.toggle(key=key_of(app, "view_tiles")).set_value(True).run())
    app = healthy(app.number_input[0].set_value(64).run())
    assert "Looked at in 4 tiles." in texts(app)
    click(app, "keep_view")
    kept = read_view(tmp_path / "models" / "disc_a" / "next_view.json")
    assert kept == View(tiles=Tiles(64)) and trainings.is_viewed("Disc A")


def test_a_view_is_taken_up_where_it_was_left(collection: Collection, tmp_path: Path) -> None:
    photo = drawn_disc(96)
    reference = next(each.sha256 for each in collection.photos() if each.name == "good.png")
    bounds = Alignment(0.153, 20.0, 1.05)
    kept = View(None, reference, (96, 96), REGION, (NUMBER,), bounds, mm_per_pixel=0.05, photo=photo)
    keep_view(tmp_path / "models" / "disc_a", kept)
    app = view_step()
    assert "Kept for the next training of Disc A." in texts(app) and "Residual" not in texts(app)
    assert is_disabled(app, "keep_view")  # nothing is rounded on the way
    app = healthy(app.toggle(key=key_of(app, "view_align")).set_value(False).run())
    assert "Not kept yet." in texts(app)
    app = click(app, "discard_view")
    assert "Kept for the next training of Disc A." in texts(app)


@pytest.mark.parametrize(
    ("points", "says"),
    [
        (rectangle(0.1, 0.1, 0.1, 0.5), "A region of interest has at least 32 pixels a side. Got 11 × 49"),
        (((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)), "The sides of a region may not cross each other"),
    ],
)
def test_what_is_no_region_says_why(
    collection: Collection, draw: Callable[..., None], points: tuple[tuple[float, float], ...], says: str
) -> None:
    draw(Drawn("region", "polygon", points))
    app = view_step()
    assert says in texts(app) and not any(button.key == "keep_view" for button in app.button)


def test_without_photos_there_is_nothing_to_draw_on(collection: Collection) -> None:
    collection.decide("drop", [photo.sha256 for photo in collection.photos()])
    assert "No photos to draw on. Import photos first." in texts(view_step())


SQUARE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "shapes",
        [None],
        [{"kind": "other", "form": "rectangle", "points": SQUARE}],
        [{"kind": "region", "form": "star", "points": SQUARE}],
        [{"kind": "region", "form": "rectangle", "points": SQUARE[:2]}],
        [{"kind": "region", "form": "rectangle", "points": [*SQUARE[:3], [float("nan"), 0]]}],
        [{"kind": "region", "form": "rectangle", "points": [*SQUARE[:3], ["0", 0]]}],
    ],
)
def test_what_a_browser_sends_is_numbers_or_nothing(sent: object) -> None:
    assert as_drawn(sent, ("region",)) == ()


def test_shapes_stay_on_their_photo_and_rectangles_stay_rectangles() -> None:
    sent = [{"kind": "region", "form": "rectangle", "points": [[-1, 0], [2, 0], [2, 1], [-1, 1]]}]
    assert as_drawn(sent, ("region",)) == (Drawn("region", "rectangle", rectangle(0, 0, 1, 1)),)
    assert polygon_drawn("region", REGION).form == "rectangle" and polygon_drawn("region", NUMBER).form == "polygon"
