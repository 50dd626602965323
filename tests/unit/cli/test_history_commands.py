"""The commands for the history: looking verdicts up, checking the chain, choosing what is kept."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ensemble.policies import SHIPPED_POLICIES
from ensemble.records.database import Database
from ensemble.records.history import record_review
from ensemble.records.recording import Recorder
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.values import Occasion
from ensemble.values.trace import Trace
from tests.conftest import Run
from tests.support.kept import inspected


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A history of four inspections of 2026-11-20, one of them of lot L2."""
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    made = Database()
    change_settings(made.folder, "disc", Keeping(sample_rate=0.0))
    parts = [inspected(number, trace=Trace(lot="L2" if number == 2 else "")) for number in range(4)]
    Recorder(made).keep(parts, SHIPPED_POLICIES[0], Occasion("screen", "Ann"))
    yield made
    made.close()


@pytest.mark.both_databases
def test_verify_and_head(run: Run, database: Database, tmp_path: Path) -> None:
    assert run("history", "verify") == (0, "", "Whole: 4 entries.")
    code, _, said = run("history", "head", tmp_path / "head.json")
    assert code == 0 and said.startswith("Entry 4, SHA-256 ")
    assert run("history", "verify", "--head", tmp_path / "head.json")[0] == 0
    with database.writing() as connection:
        connection.execute(text("UPDATE entries SET body = '{}' WHERE number = 2"))
    assert run("history", "verify") == (1, "", "Entry 2: What it says was changed.")
    (tmp_path / "head.json").write_text("{}")
    code, _, said = run("history", "verify", "--head", tmp_path / "head.json")
    assert code == 2 and "is no exported head" in said


@pytest.mark.both_databases
def test_list_and_show(run: Run, database: Database, tmp_path: Path) -> None:
    code, out, _ = run("history", "list", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [row["photo"] for row in rows] == [f"part_{n:04}.png" for n in (3, 2, 1, 0)]
    record_review(database, rows[0]["id"], "defective", "Bo", reason="seen by hand")
    assert len(run("history", "list", "--json", "--most", 3)[1].splitlines()) == 3
    (row,) = run("history", "list", "--json", "--reviewed")[1].splitlines()
    assert json.loads(row)["reviews"][0]["reason"] == "seen by hand" and json.loads(row)["number"] == 4
    (row,) = run("history", "list", "--json", "--lot", "L2", "--since", "2026-11-20T09:00+01:00")[1].splitlines()
    assert json.loads(row)["photo"] == "part_0002.png"
    for nothing in (("--since", "2026-11-21"), ("--until", "2026-11-20"), ("--product", "plate"), ("--lot", "'; --")):
        assert run("history", "list", "--json", *nothing)[:2] == (0, "")
    several = sum(len(run("history", "list", "--json", "--verdict", word)[1].splitlines()) for word in ("ok", "NOK"))
    assert several == sum(row["verdict"] != "review" for row in rows)
    assert rows[0]["id"] in run("history", "list", "--not-reviewed")[2] + run("history", "list", "--reviewed")[2]
    code, _, said = run("history", "list", "--since", "yesterday")
    assert code == 2 and said.startswith("'yesterday' is no time. Expected one such as 2026-11-20")

    code, out, _ = run("history", "show", rows[1]["id"], "--photo", tmp_path / "part.png")
    assert code == 0 and json.loads(out) == rows[1] and (tmp_path / "part.png").read_bytes() == inspected(2).data
    code, _, said = run("history", "show", "none")
    assert code == 2 and "holds no inspection none" in said


@pytest.mark.both_databases
def test_keep_and_prune(run: Run, database: Database) -> None:
    everything = {"product": "disc", "keep": "everything", "required": False, "sample_rate": 0.0}
    assert json.loads(run("history", "keep", "disc")[1]) == everything | {"days": None, "megabytes": None}
    code, _, said = run("history", "prune", "disc")
    assert code == 2 and said.startswith("disc has no limit. Give one with `python -m ensemble history keep disc")
    options = ("--keep", "votes", "--required", "--sample-rate", "0.05", "--days", "1", "--megabytes", "9")
    changed = {"product": "disc", "keep": "votes", "required": True, "sample_rate": 0.05, "days": 1, "megabytes": 9}
    assert json.loads(run("history", "keep", "disc", *options)[1]) == changed
    assert json.loads(run("history", "keep", "disc", "--megabytes", "0")[1]) == changed | {"megabytes": None}
    code, _, said = run("history", "keep", "disc", "--keep", "some")
    assert code == 2 and "What is kept is one of everything, votes, nothing. Got 'some'." in said
    gone = sum(inspected(number).verdict.label != "review" for number in range(4))
    code, _, said = run("history", "prune", "disc")
    assert code == 0 and said.startswith(f"{gone} inspections removed")
    assert run("history", "verify") == (0, "", "Whole: 7 entries.")  # both choices and the removal stand in the chain


@pytest.mark.both_databases
def test_backup_and_restore(
    run: Run, database: Database, tmp_path: Path, history_kept_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, said = run("history", "backup", tmp_path / "saved.zip")
    assert (code, said) == (0, f"{tmp_path}/saved.zip holds 4 entries and 8 files.")
    code, _, said = run("history", "restore", tmp_path / "saved.zip")
    assert code == 2 and "holds a history of 4 entries already. Back it up, then restore with --replace." in said
    assert run("history", "restore", tmp_path / "saved.zip", "--replace")[0] == 0
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "elsewhere"))
    over = ["--replace"] if history_kept_in == "PostgreSQL" else []  # another folder is no other database there
    code, _, said = run("history", "restore", tmp_path / "saved.zip", *over)
    assert code == 0 and said.startswith("Restored 4 entries and 8 files, as they were at 20")
    assert run("history", "verify") == (0, "", "Whole: 4 entries.")
    shutil.rmtree(tmp_path / "elsewhere" / "objects")
    assert run("history", "backup", tmp_path / "saved.zip")[0] == 1
