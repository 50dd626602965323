"""Replay with another version of the models: it inspects kept photos again, and the screen says what would change."""

import errno
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.imaging.photos import open_photo
from ensemble.inspection import candidate
from ensemble.inspection.inspector import Inspector
from ensemble.jobs.reinspection_folder import ReinspectionFolder
from ensemble.jobs.reinspection_running import (
    lay_out_reinspection,
    reinspection_job,
    reinspection_jobs,
    reinspection_of,
)
from ensemble.policies import SHIPPED_POLICIES, choose
from ensemble.records.history import Filters, history_count, record_review
from ensemble.records.recording import Inspected, Recorder, recorder
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.values import Occasion
from ensemble.store import ModelStore, versions
from ensemble.values.language import PSEUDO
from tests.screens.test_worded import leaks
from tests.support import app_tests
from tests.support.app_tests import PATIENCE, click, healthy, texts
from tests.support.bad_photos import encoded, quarters
from tests.support.stub_product import add_candidate, load_as, write_product

pytestmark = pytest.mark.slow(8)

SCREEN, TRAINING = "pages/screens/replay.py", "pages/screens/training.py"
THEN = {"svm_a": (0.1, 0.9), "rf_a": (0.4, 0.6), "xgb_a": (0.8, 0.2)}
NOW = {"svm_a": (0.3, 0.7), "rf_a": (0.9, 0.1), "svm_b": (0.6, 0.4)}
MAJORITY = choose(SHIPPED_POLICIES, "MAJORITY")


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """A product that is in force, without an inspection."""
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    load_as(monkeypatch, THEN)
    write_product(tmp_path / "models", tuple(THEN))
    yield recorder()
    recorder().database.close()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def kept(models: Path, count: int = 12) -> list[str]:
    """Inspections of drawn photos by the product in force; gives their ids."""
    photos = [encoded(quarters((40 + number, 40)), "PNG") for number in range(count)]
    opened = [open_photo(data, f"part_{number:03}.png") for number, data in enumerate(photos)]
    verdicts = Inspector.open(ModelStore(models)).inspect(opened, MAJORITY)
    found = [Inspected(*each) for each in zip(opened, photos, verdicts, strict=True)]
    return [each.id for each in recorder().keep(found, MAJORITY, Occasion("command line"))]


def shown(**query: str) -> AppTest:
    return healthy(app_tests.opened(SCREEN, **{"with": "version", **query}))


def address(app: AppTest, name: str) -> str:
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def ended(app: AppTest) -> AppTest:
    last = time.monotonic() + PATIENCE
    while reinspection_job(address(app, "comparison")).is_open:
        assert time.monotonic() < last, "the comparison does not end"
        time.sleep(0.02)
    return healthy(app.run())


@pytest.mark.usefixtures("history")
def test_a_version_says_what_would_change(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = kept(models)
    record_review(recorder().database, ids[0], "defective", "Ann")
    add_candidate(models, tuple(NOW))
    load_as(monkeypatch, NOW)
    app = ended(click(shown(), "start_trying"))
    said = texts(app)
    assert "12 of 12 verdicts would change" in said and "with version 2, Majority" in said
    assert "of 1 defective" in said and said.count("<figure") == 12 and "a person says NOK" in said
    assert "Random forest · a: 0.60 → 0.10" in said and "SVM · a: " not in said
    assert "SVM · b: only now, 0.40" in said and "only now: 12" in said and "only then: 12" in said and "-0.500" in said
    assert history_count(recorder().database, Filters()) == 12
    other = shown(comparison=address(app, "comparison"), lang=PSEUDO)
    assert not leaks(other), "\n".join(leaks(other))
    fresh = shown(comparison=address(app, "comparison"))  # as after a reload
    assert "12 of 12 verdicts would change" in texts(fresh)
    (job,) = reinspection_jobs(models)
    app = click(fresh, "remove_comparison")
    assert reinspection_jobs(models) == [] and "verdicts would change" not in texts(app) and job.state == "done"


@pytest.mark.usefixtures("history")
def test_one_that_goes_on_is_stopped_found_again_and_resumed(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(models)
    add_candidate(models, tuple(THEN))
    gate, arrived, compare = threading.Semaphore(1), threading.Semaphore(0), candidate.judge

    def held(*given: Any) -> Any:
        arrived.release()
        assert gate.acquire(timeout=60)
        return compare(*given)

    monkeypatch.setattr(candidate, "judge", held)
    app = click(shown(), "start_trying")
    for _ in range(2):
        assert arrived.acquire(timeout=60)
    fresh = shown()  # another visit: it is found though the address does not name it
    assert "Continues in the background, also when you close this page." in texts(fresh)
    assert fresh.get("progress")[0].proto.text.startswith("Inspecting again: 8 of 12 inspections, about ")
    click(fresh, "stop_trying")
    gate.release()
    app = ended(app)
    assert [button.label for button in app.button if button.key == "resume_trying"] == []  # its last photos were done
    assert "0 of 12 verdicts would change" in texts(app)


@pytest.mark.usefixtures("history")
def test_a_broken_one_says_why_and_shows_what_it_has(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(models)
    number = add_candidate(models, tuple(THEN))
    compare, calls = candidate.judge, []

    def discarding(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            versions.discard_version(models, number)
        return compare(*given)

    monkeypatch.setattr(candidate, "judge", discarding)
    app = ended(click(shown(), "start_trying"))
    said = texts(app)
    assert "It broke off after 8 of 12 inspections; what was compared stays." in said
    assert "Version 2 of disc was discarded. Try another one." in said and "0 of 8 verdicts would change" in said
    assert "There is no version to try yet." in said
    assert [button.label for button in app.button if button.key == "resume_trying"] == ["Resume: 4 inspections left"]


@pytest.mark.usefixtures("history")
def test_a_killed_one_on_a_full_disk_is_one_sentence(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(models)
    request = reinspection_of(ModelStore(models), add_candidate(models, tuple(THEN)), recorder().database, Filters())
    folder = lay_out_reinspection(request, recorder().database)
    folder.write(state="running", pid=2**22 + 1, born=0.0)  # as a killed process leaves it

    def full(*_: Any, **__: Any) -> None:
        raise folder._unwritten(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    with monkeypatch.context() as patch:
        patch.setattr(ReinspectionFolder, "write", full)
        assert "is full. Make room on it, then do this again." in texts(shown())
    app = ended(click(shown(comparison=folder.id), "resume_trying"))
    assert "0 of 12 verdicts would change" in texts(app)


def test_empty_states_say_what_to_do(models: Path, history: Recorder) -> None:
    assert "There is no version to try yet. Each training adds one;" in texts(shown())
    add_candidate(models, tuple(THEN))
    assert "No inspections are kept of this time. Inspect photos, or choose a longer time." in texts(shown())
    change_settings(history.database.folder, "disc", Keeping(keep="votes"))
    kept(models, 2)
    app = shown()
    assert "No photos are kept of these inspections. Choose *Everything: verdict, votes and photo* on History" in texts(
        app
    )
    assert not [button for button in app.button if button.key == "start_trying"]
    change_settings(history.database.folder, "disc", Keeping())
    kept(models, 1)
    app = ended(click(shown(), "start_trying"))
    assert "2 inspections are left out: their photos were not kept." in texts(app)
    shutil.rmtree(history.objects.folder)
    app = ended(click(shown(), "start_trying"))
    assert "part_000.png: Its photo is missing in the history. Restore it from a backup." in texts(app)
    assert "Version 2, Majority" in texts(app)  # the one before, among the earlier ones


@pytest.mark.usefixtures("history")
def test_the_address_keeps_what_is_chosen_and_training_leads_here(models: Path) -> None:
    kept(models, 1)
    for _ in range(2):
        add_candidate(models, tuple(THEN))
    app = shown(version="2", span="all")
    assert app.selectbox(key="try_version").value == 2
    assert (address(app, "with"), address(app, "span")) == ("version", "all")
    app.selectbox(key="try_version").select(3).run()
    assert app.selectbox(key="try_version").value == 3 and address(app, "version") == "3"
    assert shown(version="77").selectbox(key="try_version").value == 3
    training = healthy(app_tests.opened(TRAINING))
    labels = [link.proto.label for link in training.get("page_link")]
    assert "Try version 3 on kept photos" in labels
