"""Threads of background work that wait for each other leave their cores to others."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ensemble.jobs.processes import start_apart

SHOW = "import os; print(os.environ['OMP_WAIT_POLICY'])"
pytestmark = pytest.mark.slow(8)


@pytest.mark.parametrize(("environment", "said"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_threads_of_a_job_sleep_unless_somebody_wants_otherwise(
    environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    start_apart([sys.executable, "-c", SHOW], log, environment)
    ends = time.monotonic() + 60
    while not log.read_text().endswith("\n") and time.monotonic() < ends:
        time.sleep(0.02)
    assert log.read_text() == f"{said}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="The threads of other systems do not show how they wait.")
@pytest.mark.parametrize("command", [("train", "--data", "nowhere"), ("mvtec", "train", "nowhere")])
def test_threads_of_a_training_by_command_sleep(command: tuple[str, ...], tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    ended = subprocess.run(
        [sys.executable, "-m", "ensemble", *command, "--models", str(tmp_path / "models")],
        check=False,
        env={**environment, "OMP_DISPLAY_ENV": "TRUE"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in ended.stderr and "OMP_WAIT_POLICY = 'ACTIVE'" not in ended.stderr
