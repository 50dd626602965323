"""A batch that is judged elsewhere: whatever comes back, and however often, each file stands once, and as from here."""

import io
import zipfile
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ensemble.inspection.batches import KeepVerdicts, batch_parquet
from ensemble.jobs import ray_engine
from ensemble.jobs.batch_folder import BatchFolder, BatchRequest
from ensemble.jobs.batch_out import begun_in, remember_batch
from ensemble.jobs.batch_results import BatchResults
from ensemble.jobs.batch_running import batch_job, stage_batch
from ensemble.jobs.batch_worker import Engine, Rows, judge_here, run_batch
from ensemble.jobs.job_running import StoppedJobError, is_waiting
from ensemble.jobs.judging_worker import JudgingWorker, WorkerOrder
from ensemble.jobs.ray_engine import RayEngine
from ensemble.jobs.spread_batch import SpreadBatch
from ensemble.policies import SHIPPED_POLICIES
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_page
from ensemble.values.errors import JobError
from tests.support.bad_photos import encoded, quarters
from tests.support.stub_product import load_as, write_product

SAID = {"svm_a": (0.1, 0.9), "rf_a": (0.4, 0.6), "xgb_a": (0.8, 0.2)}
HERE: dict[str, str] = {}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BatchRequest:
    load_as(monkeypatch, SAID)
    models = write_product(tmp_path / "models", tuple(SAID))
    decides = BatchRequest.told(SHIPPED_POLICIES[0])
    known: dict[str, Any] = {"demo": False, "classes": ("non_defective", "defective"), "defect": "defective"}
    return BatchRequest(str(models), "disc", **decides, **known, who="Ada")


def photo(number: int) -> bytes:
    return encoded(quarters((40 + number, 40)), "PNG")


def files() -> list[tuple[str, bytes]]:
    """Twenty photos, some in a zip, with repetitions of a photo and of a file that is none."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for name, number in (("a", 20), ("b", 3), ("c", 21), ("d", 20)):
            archive.writestr(f"{name}.png", photo(number))
    found = [(f"{number:02}.png", photo(number)) for number in range(18)]
    found[5:5] = [("bad.png", b"no photo"), ("again.png", photo(3)), ("lot.zip", inner.getvalue())]
    return [*found, ("bad again.png", b"no photo"), ("last again.png", photo(17))]


def staged(request: BatchRequest) -> BatchFolder:
    return stage_batch([(name, lambda data=data: io.BytesIO(data)) for name, data in files()], request)  # type: ignore[misc]


def elsewhere(*order: int, stop: bool = False) -> Engine:
    """An engine whose chunks come back in this order, by a worker of this process."""

    def engine(folder: BatchFolder, done: Container[int], keep: KeepVerdicts) -> Rows:
        spread = SpreadBatch(folder, done)
        if spread.told:
            yield spread.told
        worker = JudgingWorker(WorkerOrder.of(folder.request, 1, HERE))
        for number in order or range(len(spread.chunks)):
            chunk = [(each.place, each.name, each.path.read_bytes()) for each in spread.chunks[number]]
            if found := spread.rows(worker.answers(chunk), keep):
                yield found
        if stop:
            raise StoppedJobError
        spread.check_whole()

    return engine


def rows(folder: BatchFolder) -> pd.DataFrame:
    found = BatchResults(folder).judged(range(folder.job().total))
    return pd.read_parquet(io.BytesIO(batch_parquet(found, demo=False))).drop(columns="time")


def kept(folder: BatchFolder) -> Sequence[Any]:
    return history_page(Database(), Filters(batch=folder.id), most=100).inspections


@pytest.mark.both_databases
def test_rows_are_those_of_this_process_whatever_comes_twice_and_in_which_order(asked: BatchRequest) -> None:
    here, spread = staged(asked), staged(asked)
    run_batch(here, engine=judge_here)
    run_batch(spread, engine=elsewhere(2, 0, 2, 1, 0))
    assert batch_job(spread.id).state == "done" and len(rows(here)) == 26
    pd.testing.assert_frame_equal(rows(spread), rows(here))
    assert list(rows(here)["same_as"]).count("") == 22 and len(kept(spread)) == len(kept(here)) == 20
    evidence = [
        {each.stored["photo"]: [each.stored[name] for name in ("kept_photo", "thumbnail", "place")] for each in found}
        for found in (kept(here), kept(spread))
    ]
    assert evidence[0] == evidence[1] and all(photo and small for photo, small, _ in evidence[0].values())
    assert not (spread.folder / "files").exists()


def test_what_stands_is_not_sent_again_and_either_engine_goes_on_with_it(asked: BatchRequest) -> None:
    here, spread = staged(asked), staged(asked)
    run_batch(here)
    run_batch(spread, engine=elsewhere(1, stop=True))
    done = set(spread.files())
    assert batch_job(spread.id).state == "stopped" and 0 < len(done) < 26
    left = SpreadBatch(spread, done)
    assert not done & {each.place for chunk in left.chunks for each in chunk}
    with spread.alone():
        assert is_waiting(spread)
    run_batch(spread, engine=judge_here)
    pd.testing.assert_frame_equal(rows(spread), rows(here))
    assert len(kept(spread)) == 20


def test_an_answer_that_never_comes_is_said_and_can_be_resumed(asked: BatchRequest) -> None:
    folder = staged(asked)
    run_batch(folder, engine=elsewhere(0, 1))
    assert batch_job(folder.id).state == "broken"
    assert "Not every photo came back with an answer." in batch_job(folder.id).error
    with folder.alone():
        assert is_waiting(folder)
    run_batch(folder, engine=elsewhere())
    assert batch_job(folder.id).state == "done" and len(kept(folder)) == 20


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"manifest": "0" * 64}, "Other models lie in {models} than where the batch was begun."),
        ({"version": "0.0.9"}, "the batch was begun by 0.0.9. Install the same on every machine."),
        ({"runtime": "openvino"}, "Photos are carried by torch here, and by openvino where the batch was begun."),
    ],
)
def test_a_machine_that_judges_otherwise_judges_nothing(
    asked: BatchRequest, other: dict[str, str], sentence: str
) -> None:
    order = WorkerOrder.of(asked, 1, HERE)
    assert not JudgingWorker(order).problem
    assert sentence.format(models=asked.models) in JudgingWorker(replace(order, **other)).problem


def test_without_ray_one_sentence_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(JobError, match=r"needs the package ray\. Install it with pip install -r requirements-ray\.txt"):
        RayEngine()


def test_a_folder_of_results_is_for_one_batch_of_the_same_photos_and_models(tmp_path: Path) -> None:
    out, photos, models = tmp_path / "out", tmp_path / "photos", tmp_path / "models"
    assert begun_in(out, photos, models) == ""
    remember_batch(out, "20261129-000000-abcdef", photos, models)
    assert begun_in(out, photos, models) == "20261129-000000-abcdef"
    for other in ((photos / "others", models), (photos, models / "other")):
        with pytest.raises(JobError, match="is for other photos or models"):
            begun_in(out, *other)
    (out / "batch.json").write_text("[]")
    with pytest.raises(JobError, match="cannot be read"):
        begun_in(out, photos, models)
