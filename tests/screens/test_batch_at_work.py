"""A batch is judged in the background: whatever is touched meanwhile, every file gets its verdict."""

import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ensemble.imaging.photos import Photo
from ensemble.inspection.batches import Judged
from ensemble.inspection.inspector import Inspector
from ensemble.jobs import job_running
from ensemble.jobs.batch_results import BatchResults
from ensemble.jobs.batch_running import batch_folder, batch_job, batch_jobs
from ensemble.policies import Policy
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_count
from ensemble.store import versions
from ensemble.values.results import Verdict
from tests.screens.test_screens import BATCH, HELP, MEMBERS, MOSTLY_BAD, opened, texts
from tests.support.app_tests import PATIENCE, judged
from tests.support.bad_photos import encoded, quarters
from tests.support.postgres import Server
from tests.support.stub_product import load_as, write_product

pytestmark = pytest.mark.slow(15)

FILES = [(f"{number}.png", encoded(quarters((40 + number, 40)), "PNG")) for number in range(20)]
BUSY = "Continues in the background, also when you close this page."


class Gate:
    """Lets photos pass to the members a chunk at a time, as the test says."""

    def __init__(self) -> None:
        self.arrived, self._open = threading.Semaphore(0), threading.Semaphore(0)

    def wait(self) -> None:
        self.arrived.release()
        assert self._open.acquire(timeout=60)

    def pass_on(self, chunks: int = 1) -> None:
        for _ in range(chunks):
            self._open.release()

    def hold(self) -> None:
        """Wait until the next chunk stands before the gate; the one before it may still be on its way to be kept."""
        assert self.arrived.acquire(timeout=60)


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    st.cache_resource.clear()
    monkeypatch.setenv("QUORUM_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    load_as(monkeypatch, MOSTLY_BAD)
    write_product(tmp_path / "models", tuple(MOSTLY_BAD))
    found, inspect = Gate(), Inspector.inspect

    def held(self: Inspector, photos: Sequence[Photo], policy: Policy) -> list[Verdict]:
        found.wait()
        return inspect(self, photos, policy)

    monkeypatch.setattr(Inspector, "inspect", held)
    yield found
    found.pass_on(10)
    st.cache_resource.clear()


def begun(app: AppTest, uploader: str = "batch_files") -> AppTest:
    for name, data in FILES:
        app.file_uploader(key=uploader).upload(name, data, "image/png")
    app.run()
    return app.button(key="analyze").click().run()


def put_down(app: AppTest, count: int) -> None:
    """Wait until so many files are put down."""
    last = time.monotonic() + PATIENCE
    while batch_job(app.session_state["_batch"]).done != count:
        assert time.monotonic() < last
        time.sleep(0.01)


def rows(app: AppTest) -> list[Judged]:
    folder = batch_folder(app.session_state["_batch"])
    return list(BatchResults(folder).judged(sorted(folder.files())))


def test_touches_and_visits_elsewhere_cost_no_verdict(gate: Gate) -> None:
    app = begun(opened(BATCH))
    gate.hold()
    assert BUSY in texts(app) and app.button(key="analyze").disabled
    for screen, name in ((MEMBERS, "ALL"), (HELP, "ANY"), (MEMBERS, "MAJORITY")):
        app.selectbox(key="policy").select(name).run()
        app.switch_page(screen).run()
        app.switch_page(BATCH).run()
        assert not app.exception and not app.error and BUSY in texts(app)
    gate.pass_on()
    gate.hold()
    put_down(app, 8)
    app.selectbox(key="policy").select("ALL").run()
    assert list(app.dataframe[0].value["Verdict"]) == ["✓ OK"] * 8
    assert "8 of 20 files" in texts(app)
    gate.pass_on(2)
    judged(app)
    assert list(app.dataframe[0].value["Name"]) == [name for name, _ in FILES]
    assert list(app.dataframe[0].value["Verdict"]) == ["✓ OK"] * 20
    app.selectbox(key="policy").select("ANY").run()
    assert list(app.dataframe[0].value["Verdict"]) == ["✕ NOK"] * 20
    assert BUSY not in texts(app) and "20 of 20 files" in texts(app)


def test_stopping_keeps_what_has_been_judged(gate: Gate) -> None:
    app = begun(opened(BATCH))
    gate.hold()
    gate.pass_on()
    gate.hold()
    app.button(key="stop").click().run()
    assert app.button(key="stop").label == "Stopping …"
    gate.pass_on(2)  # the next chunk is before the models already when the wish is heard
    judged(app)
    assert "stopped by user" in texts(app) and len(app.dataframe[0].value) < 20 and not app.error


def test_it_belongs_to_the_product_it_was_begun_with(gate: Gate, tmp_path: Path) -> None:
    write_product(tmp_path / "models" / "other", ("svm_a",), product="other")
    app = begun(opened(BATCH, product="disc"))
    gate.hold()
    app.selectbox(key="product").select("other").run()
    assert "A batch is running for disc." in app.info[0].value
    assert not app.dataframe and BUSY in texts(app)
    gate.pass_on(3)
    judged(app)
    assert "The last batch ran for disc." in app.info[0].value and not app.dataframe
    app.button(key="whose_batch").click().run()
    assert app.selectbox(key="product").value == "disc" and len(app.dataframe[0].value) == 20
    app.toggle(key="demo").set_value(True).run()
    assert "The last batch ran for disc." in app.info[0].value and not app.dataframe
    app.button(key="whose_batch").click().run()
    assert not app.toggle(key="demo").value and len(app.dataframe[0].value) == 20


def test_a_demo_batch_stays_a_demo(gate: Gate) -> None:
    gate.pass_on(3)
    app = judged(begun(opened(BATCH, demo="true")))
    app.toggle(key="demo").set_value(False).run()
    assert "in demo mode" in app.info[0].value and not app.dataframe and not app.get("download_button")


def test_a_product_that_has_changed_since_is_said(gate: Gate, tmp_path: Path) -> None:
    gate.pass_on(3)
    app = judged(begun(opened(BATCH)))
    write_product(tmp_path / "models", ("svm_b",))
    app.run()
    assert "The product has changed since." in app.warning[0].value
    assert list(app.dataframe[0].value["Verdict"]) == ["✕ NOK"] * 20


def test_what_breaks_it_off_is_said(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inspect = Inspector.inspect

    def broken(self: Inspector, photos: Sequence[Photo], policy: Policy) -> list[Verdict]:
        if photos[0].name == FILES[8][0]:
            raise RuntimeError("a word of some library")
        return inspect(self, photos, policy)

    monkeypatch.setattr(Inspector, "inspect", broken)
    gate.pass_on()
    app = judged(begun(opened(BATCH)))
    said = app.error[0].value.replace("\\", "")
    found = re.fullmatch(
        r"It broke off after 8 of 20 files; what was judged stays. "
        r"The log has the details \(reference ([0-9a-f]{4})\).",
        said,
    )
    assert found and len(app.dataframe[0].value) == 8 and not app.exception
    (record,) = [each for each in caplog.records if each.name == job_running.__name__]
    assert record.getMessage() == f"Reference {found[1]}" and record.exc_info
    monkeypatch.setattr(Inspector, "inspect", inspect)
    gate.pass_on(2)
    judged(app.button(key="resume").click().run())
    assert len(app.dataframe[0].value) == 20 and not app.error and "resume" not in [each.key for each in app.button]


def test_a_stopped_batch_goes_on_from_another_page(gate: Gate) -> None:
    app = begun(opened(BATCH))
    gate.hold()
    again = opened(BATCH, batch=app.session_state["_batch"])
    again.button(key="stop").click().run()
    gate.pass_on(2)
    judged(again)
    assert "stopped by user" in texts(again) and "8 of 20 files" in texts(again)
    gate.pass_on(2)
    judged(again.button(key="resume").click().run())
    ids = [row.verdict.id for row in rows(again) if row.verdict]
    assert len(ids) == len(set(ids)) == history_count(Database(), Filters(batch=app.session_state["_batch"])) == 20


def test_a_batch_whose_process_was_ended_says_so_and_goes_on(gate: Gate) -> None:
    app = begun(opened(BATCH))
    gate.hold()
    app.button(key="stop").click().run()
    gate.pass_on(2)
    judged(app)
    folder = batch_folder(app.session_state["_batch"])
    folder.write(state="running", stop_asked=None, pid=2**22 + 1, born=0.0)  # as a process leaves it that is killed
    app.run()
    assert "Its process was ended after 8 of 20 files. Resume it: nothing is judged twice." in app.error[
        0
    ].value.replace("\\", "")
    gate.pass_on(2)
    judged(app.button(key="resume").click().run())
    assert len(app.dataframe[0].value) == 20 and not app.error


def test_one_batch_waits_for_another(gate: Gate) -> None:
    first = begun(opened(BATCH))
    gate.hold()
    second = begun(opened(BATCH))
    assert "waiting for another batch …" in second.get("progress")[0].proto.text
    gate.pass_on(6)
    judged(first)
    judged(second)
    assert len(first.dataframe[0].value) == len(second.dataframe[0].value) == 20


def test_past_batches_are_listed_opened_and_put_away(gate: Gate) -> None:
    gate.pass_on(6)
    app = judged(begun(opened(BATCH)))
    first = app.session_state["_batch"]
    judged(begun(app, "batch_files1"))
    assert "0.png and 19 more" in texts(app) and "20 of 20 files, finished" in texts(app)
    app.button(key=f"open_{first}").click().run()
    assert app.query_params["batch"] in (first, [first]) and len(app.dataframe[0].value) == 20
    app.button(key="close_batch").click().run()
    assert first not in str([each.key for each in app.button]) and not app.dataframe and "batch" not in app.query_params
    assert history_count(Database(), Filters(batch=first)) == 20


def test_verdicts_name_the_version_that_their_files_have_become(gate: Gate, tmp_path: Path) -> None:
    gate.pass_on(6)
    app = judged(begun(opened(BATCH)))
    assert {row.verdict.origin.version for row in rows(app) if row.verdict} == {None}
    with versions.changing(tmp_path / "models"):
        pass
    judged(begun(app, "batch_files1"))
    assert {row.verdict.origin.version for row in rows(app) if row.verdict} == {1}


def test_a_reload_finds_it_again(gate: Gate) -> None:
    app = begun(opened(BATCH))
    gate.hold()
    key = app.query_params["batch"]
    again = opened(BATCH, batch=key[0] if isinstance(key, list) else key)
    assert BUSY in texts(again)
    gate.pass_on(3)
    judged(again)
    assert len(again.dataframe[0].value) == 20
    assert not opened(BATCH, batch="another").dataframe


def test_what_the_history_does_not_keep_is_said(gate: Gate) -> None:
    gate.pass_on(3)
    app = judged(begun(opened(BATCH, demo="true")))
    assert "These results are not in the history: they are kept until you close the batch." in texts(app)
    app.button(key="close_batch").click().run()
    assert not app.dataframe and batch_jobs() == []


@pytest.mark.parametrize("history_kept_in", ["PostgreSQL"], indirect=True)
def test_a_database_that_is_gone_for_a_while_costs_a_batch_no_verdict(gate: Gate, postgres: Server) -> None:
    app = begun(opened(BATCH))
    gate.hold()
    gate.pass_on()
    gate.hold()
    put_down(app, 8)
    with postgres.gone(os.environ["QUORUM_DATABASE"]):
        gate.pass_on()
        gate.hold()
        put_down(app, 16)
        assert not app.run().exception
    gate.pass_on()
    app = judged(app)
    found = rows(app)
    assert [row.name for row in found] == [name for name, _ in FILES] and not any(row.error for row in found)
    assert [bool(row.verdict and row.verdict.id) for row in found] == [True] * 8 + [False] * 8 + [True] * 4
    assert "Check that it runs, and QUORUM_DATABASE." in str(found[8].verdict and found[8].verdict.not_kept)
    assert {row.verdict.label for row in found if row.verdict} == {"defective"}
    assert history_count(Database(), Filters()) == 12
