"""A batch in a terminal: the same job as on the screen, with a file of verdicts at its end."""

import csv
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from ensemble.imaging.photos import Photo
from ensemble.inspection.inspector import Inspector
from ensemble.jobs.batch_running import batch_job
from ensemble.policies import Policy
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_page
from ensemble.store.expected_views import ExpectedViews, write_expected_views
from ensemble.values.results import Verdict
from tests.conftest import Run
from tests.support.bad_photos import encoded, quarters
from tests.support.stub_product import load_as, write_product

MOSTLY_BAD = {"svm_a": (0.1, 0.9), "rf_a": (0.4, 0.6), "xgb_a": (0.8, 0.2)}


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty photos, one of them in a folder, beside a product of stand-ins."""
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    load_as(monkeypatch, MOSTLY_BAD)
    write_product(tmp_path / "models", tuple(MOSTLY_BAD))
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for number in range(20):
        path = folder / ("inner/19.png" if number == 19 else f"{number:02}.png")
        path.write_bytes(encoded(quarters((40 + number, 40)), "PNG"))
    (folder / "notes.txt").write_text("no photo")
    return folder


def begun(said: str) -> str:
    found = re.search(r"Batch ([\w-]+)\.", said)
    assert found
    return found[1]


@pytest.mark.both_databases
def test_a_folder_becomes_a_file_and_a_batch_of_the_history(run: Run, photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "verdicts.csv"
    code, _, said = run("batch", photos, "--models", tmp_path / "models", "--output", output, "--policy", "ALL")
    assert code == 0 and "20 of 20 files: 20 OK." in said
    rows = list(csv.DictReader(output.read_text(encoding="utf-8-sig").splitlines()))
    assert [row["photo"] for row in rows] == [*(f"{number:02}.png" for number in range(19)), "inner/19.png"]
    assert {(row["verdict"], row["policy"], row["trial"]) for row in rows} == {("non_defective", "ALL", "TRIAL")}
    kept = history_page(Database(), Filters(batch=begun(said))).inspections
    assert len(kept) == 20 and {each.stored["source"] for each in kept} == {"command line"}


def test_a_refused_file_is_named_and_parquet_is_written(run: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "bad.png").write_bytes(b"")
    output = tmp_path / "verdicts.parquet"
    code, _, said = run("batch", photos, "--models", tmp_path / "models", "--output", output)
    assert code == 1 and "21 of 21 files: 1 not readable, 20 NOK." in said and "bad.png is empty" in said
    assert list(pd.read_parquet(output)["verdict"]) == ["defective"] * 19 + ["", "defective"]


def test_stopped_by_a_key_it_goes_on_without_its_folder(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspect, seen = Inspector.inspect, []

    def interrupted(self: Inspector, shown: Sequence[Photo], policy: Policy) -> list[Verdict]:
        seen.append(len(shown))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return inspect(self, shown, policy)

    monkeypatch.setattr(Inspector, "inspect", interrupted)
    code, _, said = run("batch", photos, "--models", tmp_path / "models")
    called = begun(said)
    assert code == 1 and "8 of 20 files: 8 NOK." in said and batch_job(called).state == "stopped"
    assert f"Go on with `python -m ensemble batch --resume {called}`." in said
    shutil.rmtree(photos)
    code, _, said = run("batch", "--resume", called)
    assert code == 0 and "20 of 20 files: 20 NOK." in said and sum(seen) == 8 + 8 + 12
    assert len(history_page(Database(), Filters(batch=called)).inspections) == 20


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Name a folder, a zip or a photo, or a batch with --resume; not both."),
        (("{photos}", "--resume", "20261129-000000-abcdef"), "not both."),
        (("--resume", "20261129-000000-abcdef"), "There is no batch 20261129-000000-abcdef"),
        (("{photos}", "--output", "verdicts.xlsx"), "ends neither in .csv nor in .parquet. Name it so."),
        (("{photos}/gone", "--models", "{models}"), "is not there. Check the path."),
        (("{photos}/inner/empty", "--models", "{models}"), "holds no photos."),
    ],
)
def test_what_cannot_be_is_one_sentence(
    run: Run, photos: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (photos / "inner" / "empty").mkdir()
    given = [each.format(photos=photos, models=tmp_path / "models") for each in arguments]
    code, _, said = run("batch", *given)
    assert code == 2 and sentence in said


def test_where_views_are_expected_each_row_says_its_parts_verdict(run: Run, photos: Path, tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    shots.mkdir()
    for number, name in enumerate(("A_top", "A_side", "B_top", "other")):
        (shots / f"{name}.png").write_bytes((photos / f"{number:02}.png").read_bytes())
    (shots / "C_top.png").write_bytes(b"")
    (shots / "C_side.png").write_bytes((photos / "04.png").read_bytes())
    (shots / "D_side.png").write_bytes((photos / "05.png").read_bytes())
    (shots / "D_top.png").write_bytes((photos / "05.png").read_bytes())
    write_expected_views(tmp_path / "models", ExpectedViews(("top", "side"), "{part}_{view}"))
    for output in (tmp_path / "verdicts.csv", tmp_path / "verdicts.parquet"):
        code, _, said = run("batch", shots, "--models", tmp_path / "models", "--output", output, "--policy", "ALL")
        assert code == 1 and "4 parts: 1 OK, 3 REVIEW." in said
        if output.suffix == ".csv":
            rows = list(csv.DictReader(output.read_text(encoding="utf-8-sig").splitlines()))
        else:
            rows = pd.read_parquet(output).to_dict("records")
        said_of = {
            row["photo"]: [row[name] for name in ("part", "view", "part_verdict", "part_reason")] for row in rows
        }
        assert said_of == {
            "A_side.png": ["A", "side", "non_defective", "2 of 2 views: OK."],
            "A_top.png": ["A", "top", "non_defective", "2 of 2 views: OK."],
            "B_top.png": ["B", "top", "review", "Missing view: side."],
            "C_side.png": ["C", "side", "review", "Missing view: top. Not readable: top."],
            "C_top.png": ["C", "top", "review", "Missing view: top. Not readable: top."],
            "D_side.png": [
                "D",
                "side",
                "review",
                "Missing view: top. The same photo as another one, not counted: top.",
            ],
            "D_top.png": ["D", "top", "review", "Missing view: top. The same photo as another one, not counted: top."],
            "other.png": ["", "", "", ""],
        }


def test_a_folder_of_results_goes_on_with_its_batch_and_refuses_another(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, models = tmp_path / "out", tmp_path / "models"

    def interrupted(*_arguments: object) -> list[Verdict]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Inspector, "inspect", interrupted)
        code, _, said = run("batch", photos, "--models", models, "--out", out)
    called = begun(said)
    assert code == 1 and "0 of 20 files." in said
    code, _, said = run("batch", photos, "--models", models, "--out", out)
    assert code == 0 and begun(said) == called and "20 of 20 files: 20 NOK." in said
    assert list(pd.read_parquet(out / "verdicts.parquet")["verdict"]) == ["defective"] * 20
    code, _, said = run("batch", photos, "--models", models, "--out", out)
    assert code == 0 and begun(said) == called and "has come to its end. For a new one, name another folder." in said
    code, _, said = run("batch", photos / "inner", "--models", models, "--out", out)
    assert code == 2 and "is for other photos or models. Name another folder." in said
    assert len(history_page(Database(), Filters(batch=called)).inspections) == 20


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--engine", "dask"), "There is no engine 'dask'. Name one of local, ray."),
        (("--address", "auto"), "--address and --cores are for --engine ray alone."),
        (("--cores", "2"), "--address and --cores are for --engine ray alone."),
    ],
)
def test_an_engine_that_cannot_be_is_one_sentence(
    run: Run, photos: Path, options: tuple[str, ...], sentence: str
) -> None:
    code, _, said = run("batch", photos, *options)
    assert code == 2 and sentence in said
