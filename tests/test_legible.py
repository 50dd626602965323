"""No name from elsewhere steers a terminal or breaks the line of a log."""

import io
import logging
from pathlib import Path

import pytest
from conftest import Run
from hypothesis import given
from hypothesis import strategies as st
from stub_product import load_as, write_product

from ensemble.jobs import worker
from ensemble.legible import LegibleRecord, legible, legible_lines, make_logs_legible, shortened

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
    worker.say(EVIL)
    assert capsys.readouterr().out.split(" ", 1)[1] == f"{SHOWN}\n"
