"""Replay: another policy decides again on kept votes; the screen says what would change, and whether all is whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.disk.files import now
from ensemble.policies import SHIPPED_POLICIES, choose
from ensemble.records.history import record_review
from ensemble.records.recording import Recorder, recorder
from ensemble.records.values import Occasion
from ensemble.store import ModelStore
from ensemble.values.titles import policy_title
from tests.support import app_tests
from tests.support.app_tests import click, done, healthy, texts
from tests.support.kept import inspected
from tests.support.stub_product import write_product

SCREEN = "pages/screens/replay.py"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """A product in whose history the majority has decided on twenty parts."""
    folder = write_product(tmp_path / "models", ("svm_a", "rf_a"))
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    majority = choose(SHIPPED_POLICIES, "MAJORITY")
    name = ModelStore(folder).product_name()
    parts = [inspected(number, majority, product=name, time=now()) for number in range(20)]
    verdicts = recorder().keep(parts, majority, Occasion("command line"))
    record_review(recorder().database, verdicts[0].id, "defective", "Ann")
    yield recorder()
    recorder().database.close()


def replayed(policy: str) -> AppTest:
    app = healthy(app_tests.opened(SCREEN))
    app.selectbox(key="replay_policy").select(policy_title(policy)).run()
    app = click(app, "start_replay")
    return done(app, f"replay {app.session_state['_replay']}")


@pytest.mark.usefixtures("kept")
def test_the_policy_that_decided_changes_nothing_and_all_comes_out_as_it_was() -> None:
    said = texts(replayed("MAJORITY"))
    assert "0 of 20 verdicts would change" in said
    assert "All 20 kept verdicts come out exactly as they were, each by its own policy." in said


@pytest.mark.usefixtures("kept")
@pytest.mark.both_databases
def test_another_policy_says_which_verdicts_would_change() -> None:
    app = replayed("ALL")
    said = texts(app)
    count = int(said.partition(" of 20 verdicts would change")[0].rpartition(">")[2])
    assert 0 < count < 20 and said.count("<figure") == count
    assert "of 1 defective" in said and "as decided then: " in said


def test_a_verdict_that_was_tampered_with_is_named(kept: Recorder) -> None:
    with kept.database.writing() as connection:
        changed = 'replace(body, \'"confidence":\', \'"confidence":0.5, "before":\')'
        connection.exec_driver_sql(f"UPDATE entries SET body = {changed} WHERE number = 4")
    said = texts(replayed("MAJORITY"))
    assert "1 of 20 kept verdicts does not come out as it was:" in said
    assert "part_0003.png: It comes out otherwise: " in said


def test_where_nothing_is_kept_the_screen_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_product(tmp_path / "models", ("svm_a", "rf_a"))
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    app = healthy(app_tests.opened(SCREEN))
    assert "No inspections are kept of this time. Inspect photos, or choose a longer time." in texts(app)
    assert not [button for button in app.button if button.key == "start_replay"]
    assert "A demo keeps nothing." in texts(healthy(app_tests.opened(SCREEN, demo="true")))
