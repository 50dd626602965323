"""How a product's photos are looked at: kept in its manifest, and absent where they are taken as they are."""

import json

import pytest

from ensemble.store import Manifest
from ensemble.values.errors import StoreError
from ensemble.values.results import OK_NOK
from ensemble.values.view import AS_IT_IS, DEPTHS, Alignment, Tiles, View, rectangle

PLAIN = Manifest("plates", OK_NOK)


def test_a_manifest_of_before_has_no_view_and_stays_as_it_is() -> None:
    text = PLAIN.to_json()
    assert "view" not in json.loads(text)
    assert Manifest.from_json(text, "manifest.json").view == AS_IT_IS
    assert Manifest.from_json(text, "manifest.json").to_json() == text


@pytest.mark.parametrize("bits", DEPTHS)
def test_a_manifest_keeps_the_view(bits: int) -> None:
    text = Manifest("plates", OK_NOK, view=View(bits)).to_json()
    assert json.loads(text)["view"] == {"white_level": bits}
    assert Manifest.from_json(text, "manifest.json").view == View(bits)


@pytest.mark.parametrize("bits", [0, 9, 17, True, 12.0, "12"])
def test_no_other_depth_is_taken(bits: object) -> None:
    with pytest.raises(ValueError, match="one of 8, 10, 12, 14, 16 bits"):
        View(bits)  # type: ignore[arg-type]
    broken = json.dumps(json.loads(PLAIN.to_json()) | {"view": {"white_level": bits}})
    with pytest.raises(StoreError, match=r"manifest\.json"):
        Manifest.from_json(broken, "manifest.json")


@pytest.mark.parametrize("view", ["12", [], 12, None, {"white_level": 12, "lens": "wide"}])
def test_a_view_of_another_make_is_refused(view: object) -> None:
    with pytest.raises(StoreError, match=r"manifest\.json"):
        Manifest.from_json(json.dumps(json.loads(PLAIN.to_json()) | {"view": view}), "manifest.json")


def test_members_stay_beside_others_of_the_same_view_alone() -> None:
    assert PLAIN.joins(OK_NOK, AS_IT_IS)
    assert not PLAIN.joins(OK_NOK, View(12))


DIGEST = "a" * 64
SQUARE = rectangle(0.25, 0.25, 0.5, 0.5)


def test_all_of_a_view_comes_back_from_the_manifest() -> None:
    view = View(
        *(12, DIGEST, (640, 480), SQUARE, (((0.5, 0.5), (0.75, 0.5), (0.5, 0.75)),), Alignment(0.1, 90.0, 1.1)),
        *(0.04, 0.02, Tiles(256, 0.25)),
    )
    text = Manifest("plates", OK_NOK, view=view).to_json()
    assert Manifest.from_json(text, "manifest.json").view == view
    assert json.loads(text)["view"]["region"] == [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]
    assert Manifest.from_json(text, "manifest.json").model_files() == {"view.photo": DIGEST}
    assert view.box == (160, 120, 480, 360)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"region": SQUARE[:2]}, "from 3 to 200 corners"),
        ({"region": ((0.1, 0.1), (1.2, 0.1), (0.5, 0.9))}, "lies on the photo"),
        ({"region": ((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9))}, "may not cross"),
        ({"region": ((0.1, 0.1), (0.5, 0.5), (0.9, 0.9))}, "on one line"),
        ({"region": (*SQUARE, SQUARE[0])}, "each corner once"),
        ({"region": rectangle(0.1, 0.1, 0.04, 0.5)}, "at least 32 pixels a side"),
        ({"region": SQUARE, "ignore": (rectangle(0.2, 0.2, 0.6, 0.6),)}, "Nothing is left"),
        ({"size": None}, "a width and a height"),
        ({"reference": "photo.png"}, "named by its SHA-256"),
        ({"reference": ""}, "need a reference photo"),
        ({"residual_limit": 0.1}, "limited from 0 to 2"),
        ({"mm_per_pixel": 0.0}, "above 0 wide"),
    ],
)
def test_a_view_checks_itself(settings: dict[str, object], sentence: str) -> None:
    known = {"reference": DIGEST, "size": (640, 480), "region": SQUARE} | settings
    with pytest.raises(ValueError, match=sentence):
        View(**known)  # type: ignore[arg-type]


@pytest.mark.parametrize(("settings", "name"), [((0.6,), "shift"), ((0.2, 181), "turn"), ((0.2, 10, 0.9), "scale")])
def test_an_alignment_states_bounds_that_can_be_held(settings: tuple[float, ...], name: str) -> None:
    with pytest.raises(ValueError, match=f"The most {name}"):
        Alignment(*settings)


def test_limit_and_millimetres_change_nothing_that_members_see() -> None:
    view = View(reference=DIGEST, size=(640, 480), alignment=Alignment())
    assert view.shows_the_same(View(None, DIGEST, (640, 480), (), (), Alignment(), 0.1, 0.02))
    assert not view.shows_the_same(View(reference=DIGEST, size=(640, 480)))
    assert not View(tiles=Tiles()).shows_the_same(View(tiles=Tiles(256)))


@pytest.mark.parametrize(
    ("settings", "sentence"), [((63,), "64 to 1024 pixels a side"), ((64.0,), "64 to"), ((64, 0.6), "from 0 to 0.5")]
)
def test_tiles_state_sides_that_can_be_read(settings: tuple[float, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Tiles(*settings)  # type: ignore[arg-type]
