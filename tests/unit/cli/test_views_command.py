"""Parts of several views on the command line and through the API: one verdict each, what is missing named."""

import json
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ensemble.api import build
from ensemble.inspection import kept_parts
from ensemble.policies import SHIPPED_POLICIES
from ensemble.records.recording import recorder
from ensemble.records.values import Occasion
from ensemble.store import ModelStore
from ensemble.store.expected_views import ExpectedViews, write_expected_views
from ensemble.values.trace import Trace
from tests.conftest import Run
from tests.support.kept import inspected

pytestmark = pytest.mark.slow(10)


@pytest.fixture
def product(tiny_product: Path, tmp_path: Path) -> Path:
    """A product that expects a top and a side of each part."""
    return Path(shutil.copytree(tiny_product, tmp_path / "disc"))


def photos_of(tiny_data: Path, folder: Path, *names: str) -> list[Path]:
    folder.mkdir()
    drawn = sorted((tiny_data / "test" / "non_defective").iterdir())
    return [Path(shutil.copy(photo, folder / name)) for photo, name in zip(drawn, names, strict=False)]


def test_views_are_named_asked_for_and_forgotten(run: Run, product: Path) -> None:
    assert run("views", "--models", product) == (0, "", "No views are expected: each photo is a part of its own.")
    named = run("views", "--models", product, "--view", "top", "--view", "side", "--pattern", "{part}_{view}")
    assert named == (0, "top\nside\n", "File names follow {part}_{view}.")
    assert run("views", "--models", product)[1] == "top\nside\n"
    assert run("views", "--models", product, "--pattern", "{view}")[0] == 2
    assert run("views", "--models", product, "--none")[2].startswith("No views are expected")


def test_each_part_gets_a_verdict_beside_its_photos(run: Run, product: Path, tiny_data: Path, tmp_path: Path) -> None:
    run("views", "--models", product, "--view", "top", "--view", "side", "--pattern", "{part}_{view}")
    photos = photos_of(tiny_data, tmp_path / "shots", "A_top.png", "A_side.png", "B_top.png", "other.png")
    code, out, _ = run("inspect", *photos, "--models", product, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and len(lines) == len(photos) + 2
    by_photo = {Path(line["photo"]).name: line["verdict"] for line in lines[: len(photos)]}
    first, second = lines[len(photos) :]
    assert first["views"] == {"top": by_photo["A_top.png"], "side": by_photo["A_side.png"]}
    assert (second["part"], second["missing"]) == ("B", ["side"])
    assert second["verdict"] == ("defective" if by_photo["B_top.png"] == "defective" else "review")
    assert "Missing view: side." in second["reason"]


def test_the_api_tells_of_a_part_by_its_photos(
    product: Path, tiny_data: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    run("views", "--models", product, "--view", "top", "--view", "side", "--pattern", "{part}_{view}")
    photos = photos_of(tiny_data, tmp_path / "shots", "A_top.png", "x.png")
    client = TestClient(build(product))
    assert client.get("/part", params={"part": "A"}).json() == {"part": "A", "error": "No photo of part A is kept."}
    labels = {}
    for photo, asked in zip(photos, ({}, {"part": "A", "view": "side"}), strict=True):
        answer = client.post("/predict/", files={"file": (photo.name, photo.read_bytes())}, params=asked).json()
        labels[asked.get("view", "top")] = answer["verdict"]
        if not asked:
            alone = client.get("/part", params={"part": "A"}).json()
            assert alone["missing"] == ["side"] and alone["verdict"] != "non_defective"
    told = client.get("/part", params={"part": "A"}).json()
    assert (told["views"], told["missing"]) == (labels, [])
    assert client.get("/part").status_code == 422 and client.get("/part", params={"prt": "A"}).status_code == 422


def test_a_part_with_more_photos_than_are_looked_at_has_no_verdict(
    product: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    monkeypatch.setattr(kept_parts, "MOST_VIEWS", 3)
    policy, name = SHIPPED_POLICIES[0], ModelStore(product).product_name()
    kept = [inspected(number, policy, product=name, trace=Trace(part="A", view="top")) for number in range(4)]
    recorder().keep(kept[:3], policy, Occasion("API"))
    client = TestClient(build(product))
    assert client.get("/part", params={"part": "A"}).json()["views"].keys() == {"top"}
    recorder().keep(kept[3:], policy, Occasion("API"))
    answer = client.get("/part", params={"part": "A"})
    assert (answer.status_code, answer.json()["error"]) == (
        503,
        "Part A has more than 3 photos. Name its lot, or give each part an id of its own.",
    )


def test_a_view_of_one_lot_does_not_stand_for_that_of_another(
    product: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    write_expected_views(product, ExpectedViews(("top", "side"), ""))
    policy, name = SHIPPED_POLICIES[0], ModelStore(product).product_name()
    for number, (lot, view) in enumerate((("L1", "top"), ("L2", "side"))):
        trace = Trace(part="A", lot=lot, view=view)
        recorder().keep([inspected(number, policy, product=name, trace=trace)], policy, Occasion("API"))
    client = TestClient(build(product))
    assert client.get("/part", params={"part": "A"}).json() == {
        "part": "A",
        "error": "Part A is in several lots: L1, L2. Name its lot.",
    }
    assert client.get("/part", params={"part": "A", "lot": "L2"}).json()["missing"] == ["top"]


def test_a_broken_file_of_views_refuses_to_judge(run: Run, product: Path, tiny_data: Path) -> None:
    (product / "views.json").write_text('{"names": "top"}')
    photo = next((tiny_data / "test" / "non_defective").iterdir())
    code, out, said = run("inspect", photo, "--models", product)
    assert (code, out) == (2, "") and "views.json cannot be read" in said
