"""The README speaks of commands, options, files and names that are there."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer.main

from ensemble.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
INLINE = re.findall(r"`([^`\n]+)`", README)
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
LINES = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
COMMANDS = sorted(
    {text for text in (*LINES, *INLINE) if text.startswith("python -m ensemble ") and "COMMAND" not in text}
)
TARGETS = sorted({text.split()[1] for text in (*LINES, *INLINE) if text.startswith("make ")})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_options(command: str) -> None:
    words = shlex.split(command)[3:]
    known = typer.main.get_command(app)
    while hasattr(known, "commands") and not words[0].startswith("--"):  # a group, such as mvtec
        known = known.commands[words.pop(0)]
    options = {option for parameter in known.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_is_there(target: str) -> None:
    dry = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert dry.returncode == 0, dry.stderr


def test_every_file_that_is_named_is_there() -> None:
    named = {text for text in INLINE if re.fullmatch(r"[\w./-]+\.(py|json|md|ipynb|txt|toml)", text) and "/" in text}
    named |= set(re.findall(r"\]\(([\w./-]+)\)", README))
    assert len(named) > 8
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_the_readme_begins_with_what_it_is_and_says_how_to_test() -> None:
    assert README.startswith("# Quorum\n") and "make run" in README and "make test" in README
    assert len(COMMANDS) >= 5 and {"run", "test", "setup", "api"} <= set(TARGETS)


def test_three_commands_open_it_on_windows() -> None:
    (block,) = re.findall(r"```powershell\n(.*?)```", README, flags=re.DOTALL)
    assert block.splitlines() == [
        "py -3.11 -m venv .venv",
        r".venv\Scripts\pip install -r requirements.txt",
        r".venv\Scripts\streamlit run streamlit_app.py",
    ]
