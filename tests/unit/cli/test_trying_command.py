"""A candidate on kept photos in a terminal: the same job as on the screen."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ensemble.inspection import candidate
from ensemble.jobs.reinspection_running import reinspection_job, stop_reinspection
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_count
from tests.conftest import Run
from tests.support.bad_photos import encoded, quarters
from tests.support.stub_product import add_candidate, load_as, write_product

THEN = {"svm_a": (0.1, 0.9), "rf_a": (0.4, 0.6), "xgb_a": (0.8, 0.2)}
NOW = {"svm_a": (0.3, 0.7), "rf_a": (0.9, 0.1), "xgb_a": (0.8, 0.2)}


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[Path]:
    """A product with twelve inspected photos and a candidate that says something else."""
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    load_as(monkeypatch, THEN)
    folder = write_product(tmp_path / "models", tuple(THEN))
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(12):
        (photos / f"{number:02}.png").write_bytes(encoded(quarters((40 + number, 40)), "PNG"))
    assert run("batch", photos, "--models", folder)[0] == 0
    assert add_candidate(folder, tuple(NOW)) == 2
    load_as(monkeypatch, NOW)
    yield folder


def called(said: str) -> str:
    found = re.search(r"Comparison ([\w-]+)\.", said)
    assert found
    return found[1]


def test_a_version_is_tried_and_the_differences_are_told(run: Run, models: Path) -> None:
    code, out, said = run("history", "try", 2, "--models", models, "--json", "--policy", "MAJORITY")
    assert code == 0 and "12 of 12 verdicts would change with version 2" in said
    assert re.search(r"NOK +OK +12", said) and re.search(r"rf_a +12 +12 +-0\.500 +-0\.500 +0 +0", said)
    found = json.loads(out)
    assert (found["version"], found["changed"], found["without_photo"]) == (2, 12, 0)
    assert found["changes"][0]["votes"][0].keys() == {"member", "label_before", "before", "label_after", "after"}
    assert history_count(Database(), Filters()) == 12
    assert "0 of 12 verdicts would change" in run("history", "try", 2, "--models", models, "--policy", "ANY")[2]


def test_a_stopped_one_goes_on(run: Run, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge, calls = candidate.judge, []

    def stopping(*given: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return judge(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(candidate, "judge", stopping)
    code, _, said = run("history", "try", 2, "--models", models)
    name = called(said)
    assert code == 1 and f"Go on with `python -m ensemble history try --resume {name}`." in said
    assert (reinspection_job(name).state, reinspection_job(name).done) == ("stopped", 8)
    assert run("history", "try", "--resume", name)[0] == 0 and reinspection_job(name).done == 12
    stop_reinspection(name)
    assert reinspection_job(name).state == "done"


def test_what_cannot_be_tried_is_one_sentence(run: Run, models: Path) -> None:
    for arguments, sentence in (
        (("try",), "Name a version of the product, or an earlier comparison with --resume; not both."),
        (("try", 1, "--models", models), "Version 1 of disc is active or discarded. Try another one."),
        (("try", 9, "--models", models), "keeps no version 9. Kept are 1, 2."),
        (("try", 2, "--models", models, "--since", "2031-01-01"), "The history holds no such inspections."),
        (("try", "--resume", "nothing"), "There is no comparison nothing"),
    ):
        code, _, said = run("history", *arguments)
        assert code == 2 and sentence in said
