"""Who reaches the dashboard can train and publish: only this machine does, unless somebody opens it."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import ensemble

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"


def test_streamlit_listens_on_this_machine_alone_and_reports_nothing() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["server"]["address"] == LOOPBACK
    assert settings["browser"]["gatherUsageStats"] is False


@pytest.mark.skipif(shutil.which("make") is None, reason="what make would run is asked of make")
@pytest.mark.parametrize(
    ("target", "host", "says"),
    [
        ("run", LOOPBACK, ("--server.address 127.0.0.1", "Only this machine can open it. HOST=0.0.0.0 opens it")),
        ("run", "0.0.0.0", ("--server.address 0.0.0.0", "whoever reaches it can inspect, train and publish")),
        ("api", LOOPBACK, ("--host 127.0.0.1 --port 8000",)),
        ("api", "0.0.0.0", ("--host 0.0.0.0 --port 8000", "whoever reaches it can inspect")),
    ],
)
def test_make_opens_nothing_unless_it_is_asked_to(target: str, host: str, says: tuple[str, ...]) -> None:
    asked = ["make", "-n", target] if host == LOOPBACK else ["make", "-n", target, f"HOST={host}"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(each in told for each in says), told


def test_libraries_are_told_to_keep_still_before_any_is_imported() -> None:
    source = (ROOT / "ensemble" / "__init__.py").read_text(encoding="utf-8")
    assert ensemble.SILENT["ORT_DISABLE_TELEMETRY"] == "1" and "os.environ.update(SILENT)" in source
