"""What the benchmarks of the photo guard and of the view count, on a few drawn photos."""

import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from benchmarks import guard_products, guard_settling, photo_guard, view
from benchmarks.guard_products import RIGHT, Shot
from ensemble.inspection.inspector import Inspector
from ensemble.members import Loaded
from ensemble.store import ModelStore
from ensemble.values.results import OK_NOK
from tests.support.stub_product import StubMember

ROOT = Path(__file__).resolve().parents[2]


def lines_of(benchmark: ModuleType, *arguments: object) -> list[str]:
    app = typer.Typer()
    app.command()(benchmark.main)
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output.splitlines()


def test_photo_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good and a defective part that ship, judged by a model that calls everything NOK."""
    for place in ("train/non_defective", "train/defective", "test/non_defective", "test/defective"):
        photo = sorted((ROOT / "data" / place).iterdir())[0]
        (tmp_path / "data" / place).mkdir(parents=True)
        (tmp_path / "data" / place / photo.name).write_bytes(photo.read_bytes())
    (tmp_path / "others").mkdir()
    grey = np.random.default_rng(4).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "others" / "noise.png")
    usual = ModelStore(ROOT / "models").manifest().photo_range
    loaded = Loaded({"svm": StubMember((0.1, 0.9))}, (), OK_NOK, photo_range=usual)  # type: ignore[dict-item]
    monkeypatch.setattr(Inspector, "open", lambda _store: Inspector(loaded))
    given = ("--photos", tmp_path / "data", "--models", ROOT / "models", "--strangers", tmp_path / "others")
    said = lines_of(photo_guard, *given)
    assert said[3] == "| clean | 2 | 0.0% | 1.000 | 1.000 | no |  |"
    assert said[8] == "| blurred a little (0.7 %) | 2 | 100.0% | 1.000 | 1.000 | no | it is blurred (2) |"
    assert said[13] == "| lens cap | 2 | 100.0% | 1.000 | 1.000 | no | it is almost black (2) |"
    assert re.match(r"\| of .*others \| 1 \| 100\.0% \| 1\.000 \| 0\.000 \| no \| .+ \(1\) \|$", said[15])
    assert said[-1] == "Of all 2 clean test photos 0 are refused, 0.0%."


def test_what_a_way_costs_says_whether_it_must_be_caught() -> None:
    found = photo_guard.Caught(photos=100, refused=97, defective=50, passed=3, rejected=5)
    assert found.cells(clean=0.97) == ["100", "97.0%", "0.940", "0.100", "yes", ""]
    assert found.cells(clean=0.95)[4] == "no"


def test_guard_settling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stripes(number: int) -> Image.Image:
        draw = np.random.default_rng(number)
        grey = 120 + draw.uniform(20, 60) * np.sin(np.arange(48) / draw.uniform(1, 4))
        return Image.fromarray(np.tile(grey, (48, 1)).astype(np.uint8)).convert("RGB")

    shots = [Shot(lambda number=number: stripes(number), number, number % 4 > 0) for number in range(140)]
    monkeypatch.setattr(guard_settling, "drawn_products", lambda _seed, **_fresh: [("a", shots), ("b", shots)])
    monkeypatch.setattr(guard_settling, "GROUPS", {name: guard_settling.GROUPS[name] for name in ("greys", "ways")})
    monkeypatch.setattr(guard_settling, "CHOICES", {"explains": (1.0, 1.2)})
    monkeypatch.setattr(guard_products, "SPOILT", 3)
    said = lines_of(guard_settling, tmp_path, "--splits", 1)
    assert said[0] == "a: 140 photos, 105 of good parts, 140 parts"
    assert any(line.startswith("| greys, ways | ") for line in said)
    assert sum(re.match(r"\| 1\.4 \| \d+\.\d\d% \| ", line) is not None for line in said) == 2
    assert sum(line.startswith("explains: 1 ") for line in said) == guard_settling.ROUNDS
    assert [line.split(" | ")[0] for line in said[-len(RIGHT) :]] == [f"| {way}" for way in RIGHT]
    assert len(list(tmp_path.iterdir())) == 2 and lines_of(guard_settling, tmp_path, "--splits", 1) == said
    assert re.match(r"\| a \| both \| 56 \| ", lines_of(guard_settling, tmp_path, "--splits", 1, "--fresh")[4])


@pytest.mark.parametrize(("width", "told"), [(1.0, 1.0), (1.01, 1.1), (1.4, 1.4), (1.41, 1.5)])
def test_widths_are_rounded_up(width: float, told: float) -> None:
    assert guard_settling.up(width) == told


def test_views_are_compared_photo_by_photo() -> None:
    here = [view.Reached(0.9, (True, True, False, False), 0), view.Reached(0.8, (True, False, False, False), 0)]
    there = [view.Reached(0.9, (True, False, False, False), 0), view.Reached(0.9, (False, False, False, False), 0)]
    found = {"numbered ignored": {"svm": here}, "as drawn ignored": {"svm": there}}
    assert list(view.compared(found)) == [
        "| numbered ignored | as drawn ignored | svm | -0.050 (-0.100 to +0.000) | 8 | 1 | 2 | 0 | 0.50 |"
    ]
    assert view.spread([0.1, 0.2], ".1%") == "15.0% (10.0% to 20.0%)"
