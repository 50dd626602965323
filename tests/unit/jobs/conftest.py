"""What tests of jobs share: a history of their own, and workers that can be killed."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ensemble.jobs.job_folder import JobFolder
from tests.support.forked_dashboard import ended, forked

Order = Callable[[JobFolder, tuple[int, float] | None], bool]


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    return tmp_path / "records"


@pytest.fixture
def forks(records: Path, tmp_path: Path) -> Order:
    """Workers of jobs, forked by a process that has imported everything."""

    def order(folder: JobFolder, kill: tuple[int, float] | None) -> bool:
        answer = tmp_path / "answer"
        pid = forked("tests.support.forked_job", [str(folder.folder), json.dumps(kill)], str(answer), os.environ)
        ended(pid)
        return bool(json.loads(answer.read_text().splitlines()[-1]))

    return order
