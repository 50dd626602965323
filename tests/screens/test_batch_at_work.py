"""A batch is judged in the background: whatever is touched meanwhile, every file gets its verdict."""

import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ensemble.imaging.photos import Photo
from ensemble.inspection.batches import Judged
from ensemble.inspection.inspector import Inspector
from ensemble.policies import Policy
from ensemble.store import versions
from ensemble.values.results import OK_NOK, Verdict
from pages.session import batches
from pages.session.batches import Batch
from tests.screens.test_screens import BATCH, HELP, MEMBERS, MOSTLY_BAD, opened, texts
from tests.support.bad_photos import encoded, quarters
from tests.support.stub_product import load_as, write_product

pytestmark = pytest.mark.slow(15)

FILES = [(f"{number}.png", encoded(quarters((40 + number, 40)), "PNG")) for number in range(20)]
BUSY = "Continues in the background."


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
        """Wait until the next chunk stands before the gate: all before it have their verdicts."""
        assert self.arrived.acquire(timeout=60)


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    st.cache_resource.clear()
    monkeypatch.setenv("QUORUM_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
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


def begun(app: AppTest) -> AppTest:
    for name, data in FILES:
        app.file_uploader(key="batch_files").upload(name, data, "image/png")
    app.run()
    return app.button(key="analyze").click().run()


def batch(app: AppTest) -> Batch:
    found: Batch = app.session_state["_table"].things["_batch"]
    return found


def finished(app: AppTest) -> AppTest:
    work = batch(app).work
    assert work is not None and work.ended.wait(60)
    return app.run()


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
    app.selectbox(key="policy").select("ALL").run()
    assert list(app.dataframe[0].value["Verdict"]) == ["✓ OK"] * 8
    assert "8 of 20 files" in texts(app)
    gate.pass_on(2)
    finished(app)
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
    gate.pass_on()
    finished(app)
    assert "stopped by user" in texts(app) and len(app.dataframe[0].value) < 20 and not app.error


def test_it_belongs_to_the_product_it_was_begun_with(gate: Gate, tmp_path: Path) -> None:
    write_product(tmp_path / "models" / "other", ("svm_a",), product="other")
    app = begun(opened(BATCH, product="disc"))
    gate.hold()
    app.selectbox(key="product").select("other").run()
    assert "A batch is running for disc." in app.info[0].value
    assert not app.dataframe and BUSY in texts(app)
    gate.pass_on(3)
    finished(app)
    assert "The last batch ran for disc." in app.info[0].value and not app.dataframe
    app.button(key="whose_batch").click().run()
    assert app.selectbox(key="product").value == "disc" and len(app.dataframe[0].value) == 20
    app.toggle(key="demo").set_value(True).run()
    assert "The last batch ran for disc." in app.info[0].value and not app.dataframe
    app.button(key="whose_batch").click().run()
    assert not app.toggle(key="demo").value and len(app.dataframe[0].value) == 20


def test_a_demo_batch_stays_a_demo(gate: Gate) -> None:
    gate.pass_on(3)
    app = finished(begun(opened(BATCH, demo="true")))
    app.toggle(key="demo").set_value(False).run()
    assert "in demo mode" in app.info[0].value and not app.dataframe and not app.get("download_button")


def test_a_product_that_has_changed_since_is_said(gate: Gate, tmp_path: Path) -> None:
    gate.pass_on(3)
    app = finished(begun(opened(BATCH)))
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
    app = finished(begun(opened(BATCH)))
    said = app.error[0].value.replace("\\", "")
    found = re.fullmatch(
        r"It broke off after 8 of 20 files; what was judged stays. "
        r"The log has the details \(reference ([0-9a-f]{4})\). Analyze the files again.",
        said,
    )
    assert found and len(app.dataframe[0].value) == 8 and not app.exception
    (record,) = [each for each in caplog.records if each.name == batches.__name__]
    assert record.getMessage() == f"Reference {found[1]}" and record.exc_info


def test_only_the_page_that_has_begun_it_stops_it(gate: Gate) -> None:
    app = begun(opened(BATCH))
    gate.hold()
    app.session_state["_table"].session = "a page of its own"  # this test's pages would be one and the same otherwise
    key = app.query_params["table"]
    again = opened(BATCH, table=key[0] if isinstance(key, list) else key)
    assert "only that page can stop it" in texts(again) and "stop" not in [each.key for each in again.button]
    begun(again)
    assert batch(again) is not batch(app) and batch(app).running and not batch(app).work.stop
    app.run()
    assert "only that page can stop it" not in texts(app) and not app.button(key="stop").disabled
    gate.pass_on(6)
    finished(app)
    finished(again)
    assert len(batch(app).rows) == len(batch(again).rows) == 20


def test_verdicts_name_the_version_that_their_files_have_become(gate: Gate, tmp_path: Path) -> None:
    gate.pass_on(6)
    app = finished(begun(opened(BATCH)))
    assert {row.verdict.origin.version for row in batch(app).rows if row.verdict} == {None}
    with versions.changing(tmp_path / "models"):
        pass
    app.button(key="analyze").click().run()
    finished(app)
    assert {row.verdict.origin.version for row in batch(app).rows if row.verdict} == {1}


def test_a_reload_finds_it_again(gate: Gate) -> None:
    app = begun(opened(BATCH))
    gate.hold()
    key = app.query_params["table"]
    again = opened(BATCH, table=key[0] if isinstance(key, list) else key)
    assert BUSY in texts(again)
    gate.pass_on(3)
    finished(again)
    assert len(again.dataframe[0].value) == 20
    assert not opened(BATCH, table="another").dataframe


def test_photos_are_kept_while_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_KEPT_BYTES", 10)
    found = Batch("", "disc", False, OK_NOK, 3)
    for size in (6, 6, 4):
        found.add(Judged("a.png", data=b"x" * size))
    assert [len(row.data) for row in found.rows] == [6, 0, 4]
    assert found.kept_bytes == 10 and found.nbytes == 10 + 3 * 4096
