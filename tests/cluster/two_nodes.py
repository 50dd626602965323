"""A batch on two nodes of a Ray cluster on this machine, of which one is killed: every photo once, as from here.

Not part of the suite, which needs no Ray: `make test-ray` installs it and runs this.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from ray.cluster_utils import Cluster

from ensemble.jobs.batch_folder import BatchFolder
from ensemble.jobs.batch_running import batch_folders
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_page

HOME = Path(__file__).resolve().parents[2]
PHOTOS = int(os.environ.get("RAY_PHOTOS", "96"))
PATIENCE = 1200.0  # seconds, on a machine that does other things too
MEMORY = 200_000_000  # bytes that a node keeps chunks in


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A head with one core; it goes with the test."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": MEMORY}
    started = Cluster(initialize_head=True, head_node_args=head)
    yield started
    started.shutdown()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos that ship, one of them twice, and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    found = sorted((HOME / "data").glob("*/*defective/*.jpg"))[:PHOTOS]
    for number, path in enumerate([*found, found[3]]):
        (folder / f"{number:03}.jpg").write_bytes(path.read_bytes())
    (folder / "010 bad.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture(scope="module")
def here(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """What this process says of them."""
    folder = tmp_path_factory.mktemp("here")
    with begun(photos, folder) as process:
        assert process.wait(PATIENCE) == 1  # one file is no photo
    return verdicts(folder)


def begun(photos: Path, folder: Path, *options: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "ensemble", "batch", str(photos), "--out", str(folder / "out"), *options]
    environment = {**os.environ, "QUORUM_RECORDS": str(folder / "records"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=HOME, env=environment)


def verdicts(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "out" / "verdicts.parquet").drop(columns="time")


def the_batch(monkeypatch: pytest.MonkeyPatch, folder: Path, process: "subprocess.Popen[bytes]") -> BatchFolder:
    monkeypatch.setenv("QUORUM_RECORDS", str(folder / "records"))
    return wait_until(lambda: next(iter(batch_folders()), None), process)


def wait_until(look: Any, process: "subprocess.Popen[bytes]") -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come to this")


def workers(node: Any) -> list[psutil.Process]:
    """The processes of a node that judge."""
    below = psutil.Process(node.all_processes["raylet"][0].process.pid).children(recursive=True)
    return [each for each in below if "RayWorker" in " ".join(each.cmdline())]


def check_each_once(folder: BatchFolder, rows: pd.DataFrame, here: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(rows, here)
    kept = history_page(Database(), Filters(batch=folder.id), most=1000).inspections
    assert sorted(each.stored["place"] for each in kept) == [
        place for place in range(PHOTOS + 2) if place not in (10, PHOTOS + 1)
    ]
    assert folder.inspected() == {each.id for each in kept}


def test_one_of_two_nodes_is_killed(
    cluster: Cluster, photos: Path, here: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    cluster.wait_for_nodes()
    with begun(photos, tmp_path, "--engine", "ray", "--address", cluster.address) as process:
        folder = the_batch(monkeypatch, tmp_path, process)
        wait_until(lambda: folder.job().done > PHOTOS // 3, process)
        (doomed,) = workers(second)
        assert doomed.cpu_times().user > 1 and folder.job().done < PHOTOS * 2 // 3
        cluster.remove_node(second, allow_graceful=False)
        assert process.wait(PATIENCE) == 1
    assert not doomed.is_running()
    check_each_once(folder, verdicts(tmp_path), here)


def test_a_worker_is_killed_then_whoever_keeps_the_verdicts_and_the_same_command_goes_on(
    cluster: Cluster, photos: Path, here: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--engine", "ray", "--address", cluster.address)
    with begun(photos, tmp_path, *options) as process:
        folder = the_batch(monkeypatch, tmp_path, process)
        wait_until(lambda: folder.job().done > PHOTOS // 4, process)
        (worker,) = workers(cluster.head_node)
        worker.kill()
        wait_until(lambda: folder.job().done > PHOTOS // 2, process)
        process.kill()
    standing = folder.inspected()
    assert PHOTOS // 2 <= len(standing) < PHOTOS
    with begun(photos, tmp_path, *options) as process:
        assert process.wait(PATIENCE) == 1
    assert standing < folder.inspected()
    check_each_once(folder, verdicts(tmp_path), here)
