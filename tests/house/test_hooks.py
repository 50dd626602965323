"""The hooks before a commit need no network, and what they start is there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
ENTRIES = [shlex.split(entry) for entry in re.findall(r"entry: ([^,\n}]+)", HOOKS)]


def test_every_hook_is_local() -> None:
    assert re.findall(r"repo: (\S+)", HOOKS) == ["local"]
    assert set(re.findall(r"language: (\w+)", HOOKS)) == {"system"}


@pytest.mark.parametrize("entry", ENTRIES, ids=" ".join)
def test_what_a_hook_starts_is_there(entry: list[str]) -> None:
    assert (Path(sys.executable).parent / Path(entry[0]).name).exists()
    assert all((ROOT / word).exists() for word in entry if word.endswith(".py"))


def test_no_word_is_misspelt() -> None:
    pages = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "ensemble", "pages", "deploy", "streamlit_app.py")
    command = (sys.executable, "-m", "codespell_lib", *pages)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
