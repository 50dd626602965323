"""Searches anew for random examples that break a rule: `python -m tests.fuzz --seconds 600`, or `make fuzz`.

`make test` draws the same examples in every run, and those that ever failed are pinned with `@example`. Here each
round draws others, in another order of the tests, until the time is over; what has failed is kept below build/ and
tried first the next time. The exit code is 0 where nothing was found, 3 where something was, 1 where the search has
failed.
"""

import argparse
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOUND, BROKEN = 3, 1
WORTH_IT = 15.0  # seconds; the first of a round go into imports
MARK = "found by search"


class Search:
    """A pytest plugin: rules in another order while there is time, and each failure by the name that it deserves."""

    def __init__(self, seconds: float, seed: int) -> None:
        self.seconds, self.seed = seconds, seed
        self.end = 0.0
        self.tried = 0
        self.found: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        random.Random(self.seed).shuffle(items)

    def pytest_collection_finish(self) -> None:
        self.end = time.monotonic() + self.seconds  # what a busy machine takes to come so far is no searching

    def pytest_runtest_setup(self) -> None:
        if time.monotonic() > self.end:
            pytest.skip("the time is over")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.tried += report.when == "call"
        if report.failed and report.when == "call":
            self.found.append(f"{MARK}: {report.nodeid}; pin it with @example.\n{example_in(report.longreprtext)}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.found:
            terminalreporter.write_line(line, red=True, bold=True)
        terminalreporter.write_line(f"{self.tried} rules were searched, {len(self.found)} broke.")


def example_in(report: str) -> str:
    """The example of a failure report, and how to see it again; the last lines where it names none."""
    lines = [line.removeprefix("E").rstrip() for line in report.splitlines()]
    starts = [number for number, line in enumerate(lines) if re.search(r"(Failing test case|Falsifying example)", line)]
    if not starts:
        return "\n".join(lines[-8:])
    again = [line for line in lines if "@reproduce_failure" in line]
    end = next((n for n in range(starts[0], len(lines)) if lines[n].strip() == ")"), starts[0] + 20)
    return "\n".join([*lines[starts[0] : end + 1], *again])


def files() -> list[str]:
    """The test files that hold rules, relative to the project."""
    return [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "from hypothesis import" in path.read_text(encoding="utf-8")
    ]


def search(seconds: float, seed: int) -> int:
    """One round, and its exit code."""
    options = ["-q", "-n", "0", "-m", "hypothesis", "-p", "no:cacheprovider", "--tb=short"]
    plan = [*options, "--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}", *files()]
    plugin = Search(seconds, seed)
    ended = pytest.main(plan, plugins=[plugin])
    if plugin.found:
        return FOUND
    return 0 if ended == pytest.ExitCode.OK else BROKEN


def main() -> int:
    """Rounds until the time is over, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="how long to search, in all")
    parser.add_argument("--round", type=int, help="make one round of this seed, in this process")
    asked = parser.parse_args()
    if asked.round is not None:
        return search(asked.seconds, asked.round)
    end, codes = time.monotonic() + asked.seconds, set()
    while not codes or end - time.monotonic() > WORTH_IT:
        seed = random.SystemRandom().randrange(2**32)
        left = end - time.monotonic()
        command = [sys.executable, "-m", "tests.fuzz", "--seconds", f"{left:.1f}", "--round", str(seed)]
        codes.add(subprocess.run(command, cwd=ROOT, check=False).returncode)
    if codes - {0, FOUND}:
        print("The search itself has failed, see above.", file=sys.stderr)
        return BROKEN
    return FOUND if FOUND in codes else 0


if __name__ == "__main__":
    sys.exit(main())
