"""Files from the screens have their columns in the reader's language; what a command writes stays English."""

import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from ensemble.importers.sources import read_source
from ensemble.inspection.batches import batch_csv
from ensemble.inspection.exports import as_csv, heading
from ensemble.store import ModelStore
from ensemble.values.language import FRENCH, PSEUDO, speaking
from ensemble.values.results import OK_NOK, REVIEW
from tests.support import app_tests
from tests.support.app_tests import healthy

MODELS = Path(__file__).resolve().parents[2] / "models"
Downloads = dict[str, tuple[str, bytes]]
# What is called by a name of its own: digests, measures, classes, models.
OWN = {"sha256", "f1", "f2", "f_beta", *OK_NOK.names, REVIEW, *ModelStore(MODELS).manifest().members}


def columns(content: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.parametrize(("screen", "view"), [("policies", ""), ("performance", "Models"), ("performance", "Curves")])
def test_every_file_of_a_screen_is_in_the_readers_language(
    screen: str, view: str, offered: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORUM_MODELS", str(MODELS))
    app = app_tests.opened(lang=PSEUDO)
    app.session_state["performance_view"] = view
    healthy(app.switch_page(f"pages/screens/{screen}.py").run())
    found = [columns(content) for name, content in offered.values() if name.endswith(".csv")]
    assert len(found) >= 2
    assert [name for each in found for name in each if not name.startswith("⟦") and name not in OWN] == []


def test_a_batch_is_told_in_french_and_a_command_speaks_english() -> None:
    with speaking(FRENCH):
        assert columns(batch_csv([], demo=False))[:6] == [
            *("photo", "sha256", "verdict", "confiance", "score", "type de score"),
        ]
        assert columns(as_csv(("escape_rate", "svm_a"), [])) == ["escape_rate", "svm_a"]
        assert columns(as_csv(("escape_rate", "svm_a"), [], heading)) == ["taux de défauts non détectés", "svm_a"]
    assert columns(batch_csv([], demo=False))[:4] == ["photo", "sha256", "verdict", "confidence"]


def test_a_list_of_photos_in_french_can_be_imported_again(tmp_path: Path) -> None:
    given = ("name", "class", "split", "defect", "product", "part")
    rows = [
        dict(zip(given, ("a.png", "non_defective", "train", "", "disc", "7"), strict=True)),
        dict(zip(given, ("b.png", "defective", "test", "scratch", "disc", "8"), strict=True)),
    ]
    for row in rows:
        Image.new("RGB", (64, 64), "red" if row["part"] == "7" else "blue").save(tmp_path / row["name"])
    with speaking(FRENCH):
        (tmp_path / "photos.csv").write_bytes(as_csv(given, rows, heading))
    found = {entry.name: entry for entry in read_source(tmp_path, None).entries}
    assert {name: (each.kind, each.split, each.defect, each.category, each.part) for name, each in found.items()} == {
        "a.png": ("non_defective", "train", "", "disc", "7"),
        "b.png": ("defective", "test", "scratch", "disc", "8"),
    }
