"""No name from elsewhere steers a terminal or breaks the line of a log."""

import io
import logging
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.jobs import worker
from ensemble.values.safe_names import LegibleRecord, legible, legible_lines, make_logs_legible, shortened
from tests.conftest import Run
from tests.support.stub_product import load_as, write_product

EVIL = "\x1b]0;title\x07\x1b[2J\x1b[31mALL PARTS OK\nSecond\u202eline\x9b0m.txt"
SHOWN = r"\x1b]0;title\x07\x1b[2J\x1b[31mALL PARTS OK\nSecond\u202eline\x9b0m.txt"
FORBIDDEN = ("\x1b", "\x07", "\x9b", "\u202e", "\r")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (EVIL, SHOWN),
        ("plain name.jpg", "plain name.jpg"),
        ("Prüfling 検査 👩\u200d🔧.jpg", "Prüfling 検査 👩\u200d🔧.jpg"),
        ("a\r\nb\tc\0", r"a\r\nb\tc\x00"),
        ("\u2028\u2066\ufeff\udcff", r"\u2028\u2066\ufeff\udcff"),
    ],
)
def test_what_steers_is_written_out(text: str, shown: str) -> None:
    assert legible(text) == shown


@given(st.text())
def test_one_line_of_visible_characters(text: str) -> None:
    shown = legible(text)
    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 or each in "\u2028\u2029\u202e\u2066" for each in shown)
    assert legible(shown) == shown and len(shortened(text)) <= 120 and "\n" not in shown
    shown.encode()  # whatever it was, it can be written


def test_lines_of_our_own_stay_lines() -> None:
    assert legible_lines("one\ntwo\x1b[2J") == "one\ntwo\\x1b[2J"


def fail() -> None:
    raise ValueError(EVIL)


def test_logs_and_tracebacks_are_legible(monkeypatch: pytest.MonkeyPatch) -> None:
    factory, form = logging.getLogRecordFactory(), logging.Formatter.formatException
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log = logging.getLogger("test of legible logs")
    log.propagate = False
    log.addHandler(handler)
    try:
        make_logs_legible()
        assert logging.getLogRecordFactory() is LegibleRecord
        log.error("%s is odd", EVIL)
        log.error(f"{EVIL} is odd")
        try:
            fail()
        except ValueError:
            log.exception("failed")
    finally:
        logging.setLogRecordFactory(factory)
        monkeypatch.setattr(logging.Formatter, "formatException", form)
    assert f"ERROR {SHOWN} is odd\n" in said.getvalue()
    assert not any(sign in said.getvalue() for sign in FORBIDDEN)


def message(template: object, *values: object) -> str:
    return LegibleRecord("x", logging.INFO, "x.py", 1, template, values, None).getMessage()  # type: ignore[arg-type]


class Strange:
    def __str__(self) -> str:
        return EVIL

    __repr__ = __str__


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (message("Started [\x1b[36m%d\x1b[0m]", 7), "Started [\x1b[36m7\x1b[0m]"),  # a server's line on a terminal
        (message("\x1b[1m%s\x1b[0m\x1b[2J\n\x07", EVIL), f"\x1b[1m{SHOWN}\x1b[0m\\x1b[2J\n\\x07"),
        (message("\x1b[36mno value"), "\\x1b[36mno value"),
        (message("%s", Path(EVIL)), SHOWN),
        (message("%r and %s", Strange(), ValueError(EVIL)), f"{SHOWN} and {SHOWN}"),
        (message("%(name)s, %(count)03d", {"name": EVIL, "count": 7}), f"{SHOWN}, 007"),
        (message("%s %.1f %5d|%r", None, 0.25, 7, "a"), "None 0.2     7|'a'"),
        (message("100%"), "100%"),
    ],
)
def test_values_are_legible_and_a_template_keeps_its_colours(said: str, shown: str) -> None:
    assert said == shown


@pytest.mark.parametrize("broken", ["main", "thread", "unraisable"])
def test_an_error_that_nobody_catches_is_legible(
    broken: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    factory, form = logging.getLogRecordFactory(), logging.Formatter.formatException
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(logging.Formatter, "formatException", form)
    try:
        make_logs_legible()
    finally:
        logging.setLogRecordFactory(factory)
    if broken == "main":
        sys.excepthook(ValueError, ValueError(EVIL), None)
    elif broken == "thread":
        thread = threading.Thread(target=fail, name=EVIL)
        thread.start()
        thread.join()
    else:
        sys.unraisablehook(
            SimpleNamespace(
                exc_type=ValueError, exc_value=ValueError(EVIL), exc_traceback=None, err_msg=None, object=Strange()
            )
        )
    said = capsys.readouterr().err
    assert "ValueError: \\x1b]0;title" in said and not any(sign in said for sign in FORBIDDEN)


def test_the_command_line_prints_names_legibly(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load_as(monkeypatch, {"svm": (0.1, 0.9)})
    models = write_product(tmp_path / "disc", ("svm",))
    parts = tmp_path / "parts"
    for name in ("ok", "nok"):
        (parts / name).mkdir(parents=True)
    (parts / "ok" / EVIL).write_text("x")
    seen = []
    for command in (
        ("inspect", parts / "ok" / EVIL, "--models", models),
        ("inspect", parts / "ok" / EVIL, "--models", models, "--policy", EVIL),
        ("data", "preview", parts),
        ("train", "--data", parts, "--models", tmp_path / EVIL),
        ("mvtec", "check", parts),
        ("policies", "--models", parts / "ok" / EVIL),
        ("versions", "--models", parts / EVIL),
        ("data", "show", parts / EVIL),
    ):
        _, out, said = run(*command)
        seen.append(out + said)
    assert any("ALL PARTS OK" in each for each in seen)
    assert not [each for each in seen if any(sign in each for sign in FORBIDDEN)]


def test_the_log_of_a_training_is_legible(capsys: pytest.CaptureFixture[str]) -> None:
    worker.write_log(EVIL)
    assert capsys.readouterr().out.split(" ", 1)[1] == f"{SHOWN}\n"
