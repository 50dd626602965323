"""A candidate is tried on kept photos: whatever ends its process, it ends with the same comparison."""

import errno
import os
import random
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ensemble.disk.files import digest_of
from ensemble.imaging.photos import open_photo
from ensemble.inspection.inspector import Inspector
from ensemble.jobs import job_running, reinspection_worker
from ensemble.jobs.job_folder import JobFolder
from ensemble.jobs.reinspection_folder import ReinspectionFolder
from ensemble.jobs.reinspection_running import (
    candidates_of,
    lay_out_reinspection,
    reinspection_job,
    reinspection_jobs,
    reinspection_of,
    remove_reinspection,
)
from ensemble.policies import SHIPPED_POLICIES, choose
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_count, record_review
from ensemble.records.recording import Inspected, Recorder
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.values import Occasion
from ensemble.store import ModelStore, versions
from ensemble.values.errors import JobError, RecordsError, StoreError
from ensemble.values.results import OK_NOK, Classes
from tests.support.bad_photos import encoded, quarters
from tests.support.stub_product import add_candidate, load_as, write_product
from tests.unit.jobs.conftest import Order

pytestmark = pytest.mark.slow(10)

THEN = {"svm_a": (0.1, 0.9), "rf_a": (0.4, 0.6), "xgb_a": (0.8, 0.2)}
NOW = {"svm_a": (0.3, 0.7), "rf_a": (0.9, 0.1), "svm_b": (0.6, 0.4)}
MAJORITY = choose(SHIPPED_POLICIES, "MAJORITY")
COMMAND = Occasion("command line")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    load_as(monkeypatch, THEN)
    return write_product(tmp_path / "models", tuple(THEN))


@pytest.fixture
def database(records: Path) -> Database:
    return Database(records)


def kept(models: Path, numbers: range, database: Database, **changes: Any) -> list[str]:
    """Inspections of drawn photos by the product that is active; gives their ids."""
    photos = [encoded(quarters((40 + number % 16, 40 + number // 16)), "PNG") for number in numbers]
    opened = [open_photo(data, f"part_{number:03}.png") for data, number in zip(photos, numbers, strict=True)]
    verdicts = Inspector.open(ModelStore(models)).inspect(opened, MAJORITY)
    found = [
        Inspected(photo, data, replace(verdict, **changes))
        for photo, data, verdict in zip(opened, photos, verdicts, strict=True)
    ]
    return [each.id for each in Recorder(database).keep(found, MAJORITY, COMMAND)]


def waiting(models: Path, database: Database, **filters: Any) -> ReinspectionFolder:
    number = candidates_of(ModelStore(models))[0].number
    request = reinspection_of(ModelStore(models), number, database, Filters(**filters), "MAJORITY", "Ada")
    return lay_out_reinspection(request, database)


def tried(models: Path, database: Database, **filters: Any) -> ReinspectionFolder:
    folder = waiting(models, database, **filters)
    reinspection_worker.run_reinspection(folder)
    return folder


def again(folder: JobFolder) -> None:
    with folder.alone():
        assert job_running.is_waiting(folder)


def without_seconds(folder: ReinspectionFolder) -> list[Any]:
    return [replace(each, seconds=0.0) for each in folder.photos()]


def test_killed_five_times_it_ends_as_if_nothing_had_been(models: Path, database: Database, forks: Order) -> None:
    kept(models, range(60), database)
    add_candidate(models, tuple(NOW))
    whole, broken = waiting(models, database), waiting(models, database)
    assert not forks(whole, None)
    draw = random.Random(9)
    for _ in range(5):
        assert forks(broken, (broken.job().done + 1, draw.uniform(0, 0.01)))
        assert reinspection_job(broken.id).state == "broken"
        assert "Resume it: nothing is inspected twice." in reinspection_job(broken.id).error
        again(broken)
    assert not forks(broken, None)
    assert reinspection_job(broken.id).state == reinspection_job(whole.id).state == "done"
    assert without_seconds(broken) == without_seconds(whole) and len(without_seconds(broken)) == 60
    assert {each.decided.after for each in broken.photos()} == {"non_defective", "defective"}
    (first, second) = (replace(each.comparison(), seconds=None) for each in (whole, broken))
    assert first == second and history_count(database, Filters()) == 60


def test_votes_and_verdicts_are_compared_with_what_was_kept(
    models: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = kept(models, range(3), database)
    record_review(database, ids[0], "defective", "Ann")
    record_review(database, ids[1], "non_defective", "Ann")
    number = add_candidate(models, tuple(NOW))
    assert [each.number for each in candidates_of(ModelStore(models))] == [number] == [2]
    load_as(monkeypatch, NOW)
    folder = tried(models, database)
    assert reinspection_job(folder.id).state == "done" and reinspection_job(folder.id).request.who == "Ada"
    found = folder.comparison()
    assert found.what_if.moves == {("defective", "non_defective"): 3} and found.what_if.changed == 3
    rows = [
        (each.member, each.both, each.flipped, each.only_before, each.only_after, each.mean and round(each.mean, 6))
        for each in found.members
    ]
    assert rows == [
        ("rf_a", 3, 3, 0, 0, -0.5),
        ("svm_a", 3, 0, 0, 0, -0.2),
        ("svm_b", 0, 0, 0, 3, None),
        ("xgb_a", 0, 0, 3, 0, None),
    ]
    assert [each.biggest and round(each.biggest, 6) for each in found.members] == [-0.5, -0.2, None, None]
    before, after = found.what_if.known_before, found.what_if.known_after
    assert before is not None and after is not None
    assert (before.escapes, before.overkills, after.escapes, after.overkills) == (0, 1, 1, 0)
    assert found.seconds is not None and found.seconds >= 0
    assert [vote.member for vote in found.votes[ids[0]] if vote.flipped] == ["rf_a"]
    assert found.as_json()["moves"] == [{"before": "defective", "after": "non_defective", "count": 3}]
    assert history_count(database, Filters()) == 3  # a candidate's verdicts are no inspections


def test_photos_that_are_not_kept_are_counted_and_damaged_ones_are_named(
    models: Path, database: Database, records: Path
) -> None:
    kept(models, range(3), database)
    change_settings(records, "disc", Keeping(keep="votes"))
    kept(models, range(3, 5), database)
    change_settings(records, "disc", Keeping())
    kept(models, range(5, 6), database, classes=Classes(("non_defective", "defective", "other")))
    objects = Recorder(database).objects
    first, second = (digest_of(encoded(quarters((40 + number, 40)), "PNG")) for number in (0, 1))
    objects.path(first).write_bytes(b"other bytes")
    objects.path(second).unlink()
    add_candidate(models, tuple(THEN))
    folder = tried(models, database)
    found = folder.comparison()
    assert reinspection_job(folder.id).state == "done"
    assert (found.without_photo, found.what_if.inspections, found.what_if.changed) == (2, 4, 0)
    told = {each.photo: each.why for each in found.what_if.deviations}
    assert "holds other bytes than were kept. Restore it from a backup." in told["part_000.png"]
    assert told["part_001.png"] == "Its photo is missing in the history. Restore it from a backup."
    assert told["part_005.png"] == "It was decided among other classes: non_defective, defective, other."


def test_only_what_is_meant_and_what_was_there_is_inspected(models: Path, database: Database) -> None:
    kept(models, range(2), database, origin=replace(origin_of(models), time="2026-11-20T08:00:00+00:00"))
    kept(models, range(2, 4), database, origin=replace(origin_of(models), time="2026-11-21T08:00:00+00:00"))
    add_candidate(models, tuple(THEN))
    folder = waiting(models, database, since="2026-11-21T00:00:00+00:00")
    kept(models, range(4, 6), database)  # after it was asked
    reinspection_worker.run_reinspection(folder)
    assert [each.decided.photo for each in folder.photos()] == ["part_003.png", "part_002.png"]
    assert (folder.job().done, folder.job().total) == (2, 2)


def origin_of(models: Path) -> Any:
    return ModelStore(models).origin()


def test_the_same_photo_twice_is_compared_twice(models: Path, database: Database) -> None:
    for _ in range(2):
        kept(models, range(1), database)
    add_candidate(models, tuple(THEN))
    found = tried(models, database).comparison()
    assert found.what_if.moves == {("defective", "defective"): 2} and found.members[0].both == 2


def test_a_candidate_that_goes_meanwhile_is_one_sentence(
    models: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(models, range(20), database)
    number = add_candidate(models, tuple(THEN))
    folder, add = waiting(models, database), ReinspectionFolder.add

    def discarding(self: ReinspectionFolder, photos: Any, **values: Any) -> None:
        add(self, photos, **values)
        if self.job().done == 8:
            versions.discard_version(models, number)

    monkeypatch.setattr(ReinspectionFolder, "add", discarding)
    reinspection_worker.run_reinspection(folder)
    job = reinspection_job(folder.id)
    assert (job.state, job.done) == ("broken", 8)
    assert job.error == (
        "It broke off after 8 of 20 inspections; what was compared stays. Version 2 of disc was discarded. Try another "
        "one."
    )
    again(folder)
    reinspection_worker.run_reinspection(folder)
    assert "Version 2 of disc was discarded." in reinspection_job(folder.id).error
    shutil.rmtree(models)
    again(folder)
    reinspection_worker.run_reinspection(folder)
    assert "keeps no version 2" in reinspection_job(folder.id).error


def test_a_full_disk_and_a_lost_database_are_one_sentence(
    models: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(models, range(9), database)
    add_candidate(models, tuple(THEN))
    folder, full = waiting(models, database), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def refuse(*_: Any, **__: Any) -> None:
        raise ReinspectionFolder(folder.folder)._unwritten(full)

    with monkeypatch.context() as patch:
        patch.setattr(ReinspectionFolder, "add", refuse)
        reinspection_worker.run_reinspection(folder)
    assert "is full. Make room on it" in reinspection_job(folder.id).error

    def gone(*_: Any, **__: Any) -> None:
        raise RecordsError("The database is away.")

    again(folder)
    with monkeypatch.context() as patch:
        patch.setattr(reinspection_worker, "all_inspections", gone)
        reinspection_worker.run_reinspection(folder)
    assert reinspection_job(folder.id).error.endswith("The database is away.")
    again(folder)
    reinspection_worker.run_reinspection(folder)
    assert (folder.job().state, folder.job().done) == ("done", 9)


def test_what_cannot_be_tried_is_one_sentence(models: Path, database: Database) -> None:
    store = ModelStore(models)
    with pytest.raises(StoreError, match="keeps no version 7"):
        reinspection_of(store, 7, database, Filters())
    number = add_candidate(models, tuple(THEN))
    with pytest.raises(JobError, match="The history holds no such inspections"):
        lay_out_reinspection(reinspection_of(store, number, database, Filters()), database)
    with pytest.raises(JobError, match="Version 1 of disc is active or discarded"):
        reinspection_of(store, 1, database, Filters())
    for called in ("../../etc", "20261129-000000-abcdef", ""):
        with pytest.raises(JobError, match="There is no comparison"):
            reinspection_job(called)


def test_a_stopped_one_goes_on_and_is_removed(
    models: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(models, range(9), database)
    add_candidate(models, tuple(THEN))
    folder = waiting(models, database)
    folder.write(stop_asked="2026-11-29T05:00:00+00:00")
    reinspection_worker.run_reinspection(folder)
    assert (folder.job().state, folder.job().done) == ("stopped", 0)
    again(folder)
    with pytest.raises(JobError, match="still at work"):
        remove_reinspection(folder.id)
    reinspection_worker.run_reinspection(folder)
    assert [job.id for job in reinspection_jobs(models)] == [folder.id] and folder.job().state == "done"
    remove_reinspection(folder.id)
    assert reinspection_jobs(models) == [] and not folder.folder.exists()


def test_models_that_cannot_vote_are_one_sentence(
    models: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(models, range(1), database)
    add_candidate(models, tuple(THEN))
    none: Mapping[str, tuple[float, ...]] = {}
    load_as(monkeypatch, none)
    folder = tried(models, database)
    assert "No model of version 2 can vote." in folder.job().error and folder.request.classes == OK_NOK
