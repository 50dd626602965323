"""What all tests of screens share: folders of their own, nothing cached, downloads that are noted."""

import functools
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner

from ensemble.inspection import exports
from ensemble.inspection.exports import file_name
from ensemble.jobs import batch_worker, job_running, reinspection_worker
from ensemble.jobs.job_folder import JobFolder
from ensemble.jobs.reinspection_folder import ReinspectionFolder


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once() -> Iterator[None]:
    """Keep what AppTest finds among installed packages: it would read them all for each test, a quarter of a second."""
    with pytest.MonkeyPatch.context() as patch:
        found = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(scope="module", autouse=True)
def _history_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each file of tests has a history of its own: what others have inspected is on none of its screens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUORUM_RECORDS", str(tmp_path_factory.mktemp("records")))
        yield


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Products and photos lie in a folder of this test, and nothing is cached before or after it."""
    st.cache_resource.clear()
    st.cache_data.clear()
    monkeypatch.setenv("QUORUM_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(autouse=True)
def _jobs_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are done in a thread of this process: one of its own would take seconds, and know no stand-ins."""

    def spawn(folder: JobFolder) -> int:
        work: Any = batch_worker.run_batch
        if isinstance(folder, ReinspectionFolder):
            work = reinspection_worker.run_reinspection
        threading.Thread(target=work, args=(folder,), daemon=True).start()
        return os.getpid()

    monkeypatch.setattr(job_running, "spawn_worker", spawn)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, bytes]]:
    """The names and contents of the downloads on screen, by kind; AppTest has no door to them."""
    found: dict[str, tuple[str, bytes]] = {}

    def noted(kind: str, content: bytes, ending: str, **named: Any) -> str:
        found[kind] = (file_name(kind, content, ending, **named), content)
        return found[kind][0]

    download = st.download_button

    def button(label: str, data: Any, **options: Any) -> bool:
        if options.get("key") == "file batch.csv":  # it is made only once somebody asks for it
            found["batch"] = (options["file_name"], data())
        return download(label, data, **options)

    monkeypatch.setattr(exports, "file_name", noted)
    monkeypatch.setattr(st, "download_button", button)
    return found
