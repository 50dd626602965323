"""`pip install .` gives the command `quorum`, which works from any folder and writes nothing where it is installed."""

import json
import os
import shutil
import site
import socket
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow(60)

ROOT = Path(__file__).resolve().parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the working tree without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder))
    subprocess.run((*PIP, "wheel", *options, str(ROOT)), check=True)
    (built,) = folder.glob("quorum-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in an environment of its own that borrows the libraries of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / SCRIPTS / "python"
    options = ("--quiet", "--no-deps", "--no-index", str(wheel))
    subprocess.run((*PIP, "--python", str(python), "install", *options), check=True)
    (own,) = folder.rglob("site-packages")
    (own / "borrowed.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    return folder / SCRIPTS / "quorum"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """That of a user whose folder is empty."""
    person = str(tmp_path_factory.mktemp("person"))
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "HOME": person,
        "USERPROFILE": person,
    }


def tree(command: Path) -> set[tuple[Path, int]]:
    """What lies where Quorum is installed, beside what Python compiles."""
    (own,) = command.parent.parent.rglob("site-packages/quorum")
    return {
        (path, path.stat().st_mtime_ns) for path in own.rglob("*") if "__pycache__" not in str(path) and path.is_file()
    }


def run(command: Path, *words: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        (command, *words), cwd=folder, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_is_one_package_with_all_it_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0].split("-")[0] for name in names} == {"quorum"}
    tracked = subprocess.run(
        ("git", "ls-files", "ensemble", "pages", "models", "data", "streamlit_app.py", ".streamlit"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    assert not {f"quorum/{name}" for name in tracked} - {"quorum/pages/screenshot.png"} - names
    kept = ("__pycache__", "/collections/", "quorum/data/records/")  # what Quorum itself writes while it runs
    assert not [name for name in names if any(part in name for part in kept)]
    assert not [name for name in names if name.startswith("quorum/models/") and "/versions/" in name]


def test_the_command_has_every_command(installed: Path, elsewhere: Path, environment: dict[str, str]) -> None:
    told = run(installed, "--help", folder=elsewhere, environment=environment)
    here = subprocess.run(
        (sys.executable, "-m", "ensemble", "--help"),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in ("run", "train", "evaluate", "inspect", "policies", "trust", "card", "data", "mvtec", "versions"):
        assert f" {name} " in told and f" {name} " in here
    assert not list(Path(environment["HOME"]).glob("quorum*"))  # asking for help puts nothing anywhere


def test_it_trains_and_inspects_from_another_folder(
    installed: Path, elsewhere: Path, environment: dict[str, str], tiny_data: Path
) -> None:
    before = tree(installed)
    shutil.copytree(tiny_data, elsewhere / "photos")
    words = ("train", "--data", "photos", "--models", "models/part", "--members", "svm", "--pooling", "average")
    run(installed, *words, "--backbone", "quorum_small", folder=elsewhere, environment=environment)
    assert (elsewhere / "models" / "part" / "manifest.json").is_file()
    photo = str(next((elsewhere / "photos" / "test").rglob("*.*")).relative_to(elsewhere))
    told = run(
        installed, "inspect", photo, "--models", "models/part", "--json", folder=elsewhere, environment=environment
    )
    assert [vote["member"] for vote in json.loads(told)["votes"]] == ["svm_quorum_small"]
    shipped = json.loads(run(installed, "inspect", photo, "--json", folder=elsewhere, environment=environment))
    assert len(shipped["votes"]) == 3 and shipped["verdict"] in {"defective", "non_defective", "review"}
    assert (Path(environment["HOME"]) / "quorum" / "models" / "manifest.json").is_file()
    assert tree(installed) == before


def test_it_opens_the_dashboard_from_another_folder(
    installed: Path, elsewhere: Path, environment: dict[str, str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (installed, "run", "--no-browser", "--port", str(port))
    with subprocess.Popen(command, cwd=elsewhere, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            assert answer(f"http://127.0.0.1:{port}/_stcore/health", server) == b"ok"
        finally:
            server.terminate()
    assert (Path(environment["HOME"]) / "quorum" / "data" / "train").is_dir()


def answer(address: str, server: "subprocess.Popen[bytes]") -> bytes:
    """What it answers as soon as it is up; while it lives it is waited for."""
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as reply:
                return reply.read()
        except OSError:
            assert server.poll() is None, "the dashboard has ended"
            time.sleep(0.1)
