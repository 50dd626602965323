"""README, CONTRIBUTING and docs speak of commands, options, files and names that are there."""

import json
import re
import shlex
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer.main

from benchmarks import run
from ensemble.cli.main import commands as command_line

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
    if path.exists()
}
README = PAGES["README.md"]


def inline(text: str) -> list[str]:
    """What stands between single backticks, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", text)


def lines(text: str) -> list[str]:
    """The lines of the shell blocks, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def commands(text: str) -> list[str]:
    """The whole commands of Quorum that a page names."""
    whole = {line for line in (*lines(text), *inline(text)) if "COMMAND" not in line}
    return sorted(line for line in whole if line.startswith(("python -m ensemble ", "quorum ")))


def targets(text: str) -> list[str]:
    """The make targets that a page names."""
    return sorted({line.split()[1] for line in (*lines(text), *inline(text)) if line.startswith("make ")})


def benchmarks(text: str) -> list[str]:
    """The modules of `benchmarks/` that a page runs."""
    return sorted(set(re.findall(r"python -m (benchmarks\.\w+)", text)))


COMMANDS = [(page, command) for page, text in PAGES.items() for command in commands(text)]
TARGETS = [(page, target) for page, text in PAGES.items() for target in targets(text)]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_has_its_options(page: str, command: str) -> None:
    words = shlex.split(command.removeprefix("python -m ensemble").removeprefix("quorum"))
    known = typer.main.get_command(command_line)
    while hasattr(known, "commands") and not words[0].startswith("--"):  # a group, such as mvtec
        known = known.commands[words.pop(0)]
    options = {option for parameter in known.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options, page


@pytest.mark.parametrize(("page", "target"), TARGETS)
def test_every_make_target_is_there(page: str, target: str) -> None:
    dry = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert dry.returncode == 0, f"{page}: {dry.stderr}"


ABSENT = {"utils.py"}  # named to say that there is none


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    text = PAGES[page]
    named = {
        name for name in inline(text) if re.fullmatch(r"[\w./-]+\.(py|json|md|ipynb|txt|toml)", name) and "/" in name
    }
    linked = set(re.findall(r"\]\(([\w./-]+)\)", text))  # a link counts from the page, a name from the project's folder
    modules = {
        path.name for folder in ("ensemble", "pages", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")
    }
    alone = {name for name in inline(text) if re.fullmatch(r"\w+\.py", name)} - ABSENT
    assert page != "README.md" or len(named | linked) > 8
    assert not alone - modules - {"streamlit_app.py"}
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]
    assert not [name for name in sorted(linked) if not (ROOT / page).parent.joinpath(name).exists()]
    assert not [name for name in benchmarks(text) if find_spec(name) is None]


def test_the_readme_begins_with_what_it_is_and_says_how_to_test() -> None:
    assert README.startswith("# Quorum\n") and "make run" in README and "make test" in README
    assert len(commands(README)) >= 5 and {"run", "test", "setup", "api"} <= set(targets(README))


def test_the_readme_shows_the_last_run_of_the_benchmarks() -> None:
    latest = json.loads(run.LATEST.read_text(encoding="utf-8"))
    assert README.split(run.BEGIN)[1].split(run.END)[0].strip() == run.shown(latest)
    assert set(latest["one_photo"]) == set(latest["batch_16"]) == set(latest["label_agreement"])
    assert latest["machine"]["cores"] and latest["cold_start"]["ratio"] > 0


def test_every_page_of_the_docs_is_named_in_the_readme() -> None:
    assert len(PAGES) >= 6
    assert not [page for page in PAGES if page != "README.md" and f"({page})" not in README]


def test_three_commands_open_it_on_windows() -> None:
    (block,) = re.findall(r"```powershell\n(.*?)```", README, flags=re.DOTALL)
    assert block.splitlines() == [
        "py -3.11 -m venv .venv",
        r".venv\Scripts\pip install -r requirements.txt",
        r".venv\Scripts\streamlit run streamlit_app.py",
    ]
