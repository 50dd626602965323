"""A batch is a job: whatever ends its process, each file is judged once, and going on ends with the same verdicts."""

import io
import os
import random
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ensemble.inspection.batches import Judged, batch_csv, batch_parquet
from ensemble.jobs import batch_running, batch_worker, job_running
from ensemble.jobs.batch_folder import BatchFolder, BatchRequest
from ensemble.jobs.batch_results import BatchResults
from ensemble.jobs.batch_running import batch_job, batch_jobs, remove_batch, resume_batch, stage_batch, stop_batch
from ensemble.policies import SHIPPED_POLICIES
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_count, history_page
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.verifying import verify_history
from ensemble.store.expected_views import ExpectedViews, write_expected_views
from ensemble.values.errors import JobError
from tests.support.bad_photos import encoded, quarters
from tests.support.stub_product import load_as, write_product
from tests.unit.jobs.conftest import Order

pytestmark = pytest.mark.slow(15)

PHOTOS, KILLS = int(os.environ.get("BATCH_PHOTOS", "60")), 5
SAID = {"svm_a": (0.1, 0.9), "rf_a": (0.4, 0.6), "xgb_a": (0.8, 0.2)}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BatchRequest:
    load_as(monkeypatch, SAID)
    models = write_product(tmp_path / "models", tuple(SAID))
    decides = BatchRequest.told(SHIPPED_POLICIES[0])
    known: dict[str, Any] = {"demo": False, "classes": ("non_defective", "defective"), "defect": "defective"}
    return BatchRequest(str(models), "disc", **decides, **known, who="Ada", zone="Europe/Paris")


def bright(number: int) -> bytes:
    """A photo that no other number gives; the brightness of eight in a row differs."""
    picture = quarters((40 + number % 16, 40 + number // 16))
    return encoded(picture.point(lambda value: int(value * (0.6 + number % 8 / 20))), "PNG")


def brought(files: list[tuple[str, bytes]]) -> list[batch_running.Brought]:
    return [(name, lambda data=data: io.BytesIO(data)) for name, data in files]  # type: ignore[misc]


def finished(files: list[tuple[str, bytes]], request: BatchRequest) -> BatchFolder:
    folder = stage_batch(brought(files), request)
    batch_worker.run_batch(folder)
    return folder


def rows_of(folder: BatchFolder, **how: bool) -> list[Judged]:
    return list(BatchResults(folder).judged(range(folder.job().total), **how))


def again(folder: BatchFolder) -> None:
    with folder.alone():
        assert job_running.is_waiting(folder)


def told(folder: BatchFolder) -> list[tuple[Any, ...]]:
    """What a batch says of its files, but for when and under which id."""
    found = []
    for row in rows_of(folder):
        verdict = row.verdict
        votes = tuple((vote.member, vote.score, vote.label) for vote in verdict.votes) if verdict else ()
        found.append((row.name, row.repeats, row.error, verdict and verdict.label, verdict and verdict.reason, votes))
    return found


@pytest.mark.both_databases
def test_killed_five_times_it_ends_as_if_nothing_had_been(asked: BatchRequest, forks: Order) -> None:
    files = [(f"part {number // 2}.png", bright(number)) for number in range(PHOTOS)]
    files[7:7] = [("again.png", bright(3)), ("bad.png", b"no photo")]
    whole, broken = (stage_batch(brought(files), asked) for _ in range(2))
    assert not forks(whole, None)
    draw = random.Random(9)
    for number in range(KILLS):
        at = draw.randrange(number * PHOTOS // (KILLS + 1), (number + 1) * PHOTOS // (KILLS + 1))
        assert forks(broken, (at, draw.uniform(0, 0.05)))
        assert batch_job(broken.id).state == "broken"
        assert "Resume it: nothing is judged twice." in batch_job(broken.id).error
        again(broken)
    assert not forks(broken, None)
    assert batch_job(broken.id).state == batch_job(whole.id).state == "done"
    assert told(broken) == told(whole) and len(told(broken)) == PHOTOS + 2
    assert len({label for _, _, _, label, _, _ in told(broken)}) == 3  # OK, NOK, and one that could not be read
    database = Database()
    for folder in (whole, broken):
        kept = history_page(database, Filters(batch=folder.id), most=1000).inspections
        places = sorted(each.stored["place"] for each in kept)
        assert places == [place for place in range(PHOTOS + 2) if place not in (7, 8)]
        assert {each.stored["source"] for each in kept} == {"batch"} and {each.stored["who"] for each in kept} == {
            "Ada"
        }
        assert folder.inspected() == {each.id for each in kept}
        assert not (folder.folder / "files").exists() and not (folder.folder / "objects").exists()
    assert verify_history(database).problem == ""


def test_the_names_of_files_tell_part_and_view_where_the_product_expects_views(asked: BatchRequest) -> None:
    write_expected_views(Path(asked.models), ExpectedViews(("top", "side"), "{part}_{view}"))
    names = ("A_top.png", "A_side.png", "other.png")
    folder = finished(
        [(name, bright(number)) for number, name in enumerate(names)], replace(asked, trace={"lot": "L7"})
    )
    kept = history_page(Database(), Filters(batch=folder.id)).inspections
    told = {
        each.stored["photo"]: tuple(each.stored["trace"][name] for name in ("part", "view", "lot")) for each in kept
    }
    assert told == {
        "A_top.png": ("A", "top", "L7"),
        "A_side.png": ("A", "side", "L7"),
        "other.png": ("", "", "L7"),
    }


def test_a_verdict_that_was_kept_and_not_put_down_is_found_again(
    asked: BatchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stage_batch(brought([(f"{number}.png", bright(number)) for number in range(20)]), asked)
    add, calls = BatchFolder.add, []

    def failing(self: BatchFolder, files: Any, **values: Any) -> None:
        calls.append(1)
        if len(calls) == 3:  # after what was lost, and the first chunk
            raise KeyboardInterrupt
        add(self, files, **values)

    monkeypatch.setattr(BatchFolder, "add", failing)
    batch_worker.run_batch(folder)
    monkeypatch.setattr(BatchFolder, "add", add)
    assert batch_job(folder.id).state == "stopped" and batch_job(folder.id).done == 8
    assert history_count(Database(), Filters(batch=folder.id)) == 16
    again(folder)
    batch_worker.run_batch(folder)
    assert history_count(Database(), Filters(batch=folder.id)) == 20
    assert [row.name for row in rows_of(folder) if row.verdict] == [f"{number}.png" for number in range(20)]


def test_files_zips_repeats_and_bad_ones_are_all_answered(asked: BatchRequest) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("in/a.png", bright(2))
        zipped.writestr("../evil.png", bright(3))
    files = [("a.png", bright(1)), ("a.png", bright(1)), ("bad.png", b""), ("line.zip", archive.getvalue())]
    folder = finished([*files, ("broken.zip", b"PK\x03\x04 and no more")], asked)
    rows = rows_of(folder, whole=True)
    assert [(row.name, row.verdict is None, row.repeats, row.data) for row in rows] == [
        ("a.png", False, "", bright(1)),
        ("a.png", False, "a.png", bright(1)),
        ("bad.png", True, "", b""),
        ("line.zip/in/a.png", False, "", bright(2)),
        ("line.zip/evil.png", True, "", b""),
        ("broken.zip", True, "", b""),
    ]
    assert rows[2].error.startswith("bad.png is empty") and "leads out" in rows[4].error
    assert rows[0].thumbnail[:2] == b"\xff\xd8" and rows[0].verdict is not None and rows[0].verdict.id
    assert folder.counts() == {"defective": 3, "": 3}
    assert history_count(Database(), Filters(batch=folder.id)) == 2
    lines = batch_csv(rows, demo=False).decode("utf-8-sig").splitlines()
    assert len(lines) == 7 and '"a.png"' in lines[2] and '"defective 0.9000"' in lines[1]
    table = pd.read_parquet(io.BytesIO(batch_parquet(rows, demo=False)))
    assert list(table["photo"]) == [row.name for row in rows] and table["verdict"][0] == "defective"


def test_another_policy_decides_on_the_kept_votes(asked: BatchRequest) -> None:
    folder = finished([("a.png", bright(1)), ("bad.png", b"")], asked)
    by_name = {policy.name: policy for policy in SHIPPED_POLICIES}
    for policy, label in (("MAJORITY", "defective"), ("ALL", "non_defective")):
        (line, refused) = BatchResults(folder, by_name[policy]).decided([0, 1])
        assert (line.label, refused.label) == (label, "")
        (row,) = BatchResults(folder, by_name[policy]).judged([0])
        assert row.verdict is not None and (row.verdict.label, row.disputed) == (line.label, line.disputed)
        assert row.verdict is not None and row.verdict.policy == policy and row.verdict.decision is not None
    (row,) = BatchResults(folder).judged([0])
    (kept,) = history_page(Database(), Filters(batch=folder.id)).inspections
    assert row.verdict is not None and row.verdict.as_json().items() <= kept.stored.items()


@pytest.mark.parametrize(("keep", "in_history"), [("nothing", 0), ("votes", 1)])
def test_what_the_history_does_not_take_lies_with_the_batch_until_it_is_closed(
    asked: BatchRequest, records: Path, keep: Any, in_history: int
) -> None:
    change_settings(records, "disc", Keeping(keep=keep))
    folder = finished([("a.png", bright(1))], asked)
    (row,) = rows_of(folder, whole=True)
    assert row.verdict is not None and row.data == bright(1) and row.thumbnail
    assert history_count(Database(), Filters(batch=folder.id)) == in_history
    assert folder.job().own is (keep == "nothing") and not (records / "objects").exists()
    remove_batch(folder.id)
    assert not folder.folder.exists() and batch_jobs() == []


def test_a_demo_never_enters_the_history(asked: BatchRequest) -> None:
    folder = finished([("a.png", bright(1))], replace(asked, demo=True))
    (row,) = rows_of(folder, whole=True)
    assert row.verdict is not None and row.verdict.demo and row.data == bright(1)
    assert folder.job().own and history_count(Database(), Filters()) == 0


def test_stopped_and_resumed_in_a_process_of_its_own(tiny_product: Path, asked: BatchRequest) -> None:
    files = [(f"{number}.png", bright(number)) for number in range(3)]
    folder = stage_batch(brought(files), replace(asked, models=str(tiny_product)))
    stop_batch(folder.id)
    batch_worker.run_batch(folder)
    assert batch_job(folder.id).state == "stopped" and batch_job(folder.id).done == 0
    assert resume_batch(folder.id).state in ("queued", "running")
    last = time.monotonic() + 300
    while batch_job(folder.id).is_open:
        assert time.monotonic() < last, folder.log_path.read_text()
        time.sleep(0.1)
    assert (batch_job(folder.id).state, batch_job(folder.id).done) == ("done", 3), folder.log_path.read_text()
    assert batch_jobs()[0].id == folder.id and batch_jobs()[0].seconds_left is None


def test_a_wish_to_stop_after_the_last_file_is_its_end(asked: BatchRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stage_batch(brought([("a.png", bright(1))]), asked)
    add = BatchFolder.add

    def stopping(self: BatchFolder, files: Any, **values: Any) -> None:
        add(self, files, **values)
        self.write(stop_asked="2026-11-29T05:00:00+00:00")

    monkeypatch.setattr(batch_worker.BatchKeeper, "find_lost", lambda _: None)
    monkeypatch.setattr(BatchFolder, "add", stopping)
    batch_worker.run_batch(folder)
    assert batch_job(folder.id).state == "done"
    folder.write(state="running", pid=2**22 + 1, born=0.0)  # as a process leaves it that is killed just before its end
    assert batch_job(folder.id).state == "done"


def test_what_is_no_batch_is_one_sentence(asked: BatchRequest) -> None:
    for name in ("../../etc", "20261129-000000-abcdef", ""):
        with pytest.raises(JobError, match="There is no batch"):
            batch_job(name)
    folder = stage_batch(brought([("a.png", bright(1))]), asked)
    with pytest.raises(JobError, match="still at work"):
        remove_batch(folder.id)
