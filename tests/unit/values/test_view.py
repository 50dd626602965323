"""How a product's photos are looked at: kept in its manifest, and absent where they are taken as they are."""

import json

import pytest

from ensemble.store import Manifest
from ensemble.values.errors import StoreError
from ensemble.values.results import OK_NOK
from ensemble.values.view import AS_IT_IS, DEPTHS, View

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
