"""Staging: uploads become plain files for as long as they are looked at, and nothing stays behind."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ensemble.importers import staging, understand
from ensemble.importers.staging import PREFIX, staged
from ensemble.values.errors import DataError
from ensemble.values.language import Message, speaking, worded
from tests.support.bad_photos import jpeg
from tests.support.bad_zips import BAD_ENTRIES, BAD_ZIPS, zipped

Upload = tuple[str, bytes]


def reading(*uploads: Upload) -> list[staging.Upload]:
    return [(name, lambda data=data: data) for name, data in uploads]


def laid_out(below: Path, *uploads: Upload) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    with staged(reading(*uploads), below) as found:
        files = {
            path.relative_to(found.folder).as_posix(): path.read_bytes()
            for path in sorted(found.folder.rglob("*"))
            if path.is_file()
        }
        assert all(path.resolve().is_relative_to(below.resolve()) for path in found.folder.rglob("*"))
        problems = [(problem.name, problem.reason) for problem in found.problems]
    assert not list(below.iterdir())
    return files, problems


CASES: list[tuple[str, tuple[Upload, ...], dict[str, bytes]]] = [
    ("nothing", (), {}),
    ("plain", (("a.jpg", b"1"), ("labels.csv", b"2")), {"a.jpg": b"1", "labels.csv": b"2"}),
    ("folders", (("ok/a.jpg", b"1"), ("nok\\a.jpg", b"2")), {"ok/a.jpg": b"1", "nok/a.jpg": b"2"}),
    (
        "climbing",
        (("../../etc/a.jpg", b"1"), ("/b.jpg", b"2"), ("..", b"3")),
        {"etc/a.jpg": b"1", "b.jpg": b"2", "file": b"3"},
    ),
    (
        "same_name",
        (("a.jpg", b"1"), ("a.jpg", b"2"), ("a.jpg", b"2")),
        {"a.jpg": b"1", "a (2).jpg": b"2", "a (3).jpg": b"2"},
    ),
    ("same_when_clean", (("x/a.jpg", b"1"), ("x/a\u202e.jpg", b"2")), {"x/a.jpg": b"1", "x/a (2).jpg": b"2"}),
    ("file_then_folder", (("a", b"1"), ("a/b", b"2"), ("a/c", b"3")), {"a": b"1", "a (2)/b": b"2", "a (2)/c": b"3"}),
    ("folder_then_file", (("a/b", b"1"), ("a", b"2")), {"a/b": b"1", "a (2)": b"2"}),
    (
        "zip_of_classes",
        (("x.zip", zipped(("ok/1.jpg", b"1"), ("nok/1.jpg", b"2"), ("labels.csv", b"3"))),),
        {"ok/1.jpg": b"1", "nok/1.jpg": b"2", "labels.csv": b"3"},
    ),
    (
        "a_zip_a_class",
        (("ok.zip", zipped(("1.jpg", b"1"))), ("nok.ZIP", zipped(("1.jpg", b"2"), ("1.json", b"{}")))),
        {"ok/1.jpg": b"1", "nok/1.jpg": b"2", "nok/1.json": b"{}"},
    ),
    (
        "two_zips_of_one_set",
        (("a.zip", zipped(("train/ok/1.jpg", b"1"))), ("b.zip", zipped(("test/ok/1.jpg", b"2")))),
        {"train/ok/1.jpg": b"1", "test/ok/1.jpg": b"2"},
    ),
    (
        "long_folders_stay",
        (("x.zip", zipped(("a" * 100 + "/" + "b" * 100 + "/1.jpg", b"1"))),),
        {"a" * 100 + "/" + "b" * 100 + "/1.jpg": b"1"},
    ),
    (
        "zips_alike_when_clean",
        tuple(
            (f"{'k' * n}_{word}.zip", zipped(("1.jpg", word.encode()))) for n in (130, 250) for word in ("good", "bad")
        ),
        {
            "k" * 130 + "_good/1.jpg": b"good",
            "k" * 130 + "_bad/1.jpg": b"bad",
            "k" * 196 + "/1.jpg": b"good",
            "k" * 196 + " (2)/1.jpg": b"bad",
        },
    ),
    (
        "zips_of_one_class",
        tuple((name, zipped(("1.jpg", name.encode()))) for name in ("a/ok.zip", "b/ok.ZIP", "n:k.zip", "n?k.zip")),
        {"ok/1.jpg": b"a/ok.zip", "ok/1 (2).jpg": b"b/ok.ZIP", "n_k/1.jpg": b"n:k.zip", "n_k (2)/1.jpg": b"n?k.zip"},
    ),
    ("umlauts", (("x.zip", zipped(("Tür/Größe 1.jpg", b"1"))),), {"Tür/Größe 1.jpg": b"1"}),
    ("many_bytes", (("🔩" * 100 + ".jpg", b"1"),), {"🔩" * 49 + ".jpg": b"1"}),
]


@pytest.mark.parametrize(("uploads", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_uploads_become_plain_files(tmp_path: Path, uploads: tuple[Upload, ...], expected: dict[str, bytes]) -> None:
    files, problems = laid_out(tmp_path, *uploads)
    assert (files, problems) == (dict(sorted(expected.items())), [])


@pytest.mark.parametrize("case", BAD_ENTRIES)
def test_a_refused_entry_is_named_and_the_others_are_there(tmp_path: Path, case: str) -> None:
    bad = BAD_ENTRIES[case]()
    files, problems = laid_out(tmp_path, ("my photos.zip", bad.data))
    assert files == {"my photos/good.jpg": jpeg()}
    ((name, reason),) = problems
    assert name.startswith("my photos.zip/") and name.endswith(bad.label.rpartition("/")[2][-4:])
    assert reason.startswith(f"{name} ") and bad.says in reason.lower() and reason.endswith(".")


def test_a_traversal_name_is_shown_as_the_zip_has_it(tmp_path: Path) -> None:
    _, problems = laid_out(tmp_path, ("x.zip", BAD_ENTRIES["climbing"]().data))
    assert problems[0][0] == "x.zip/../../etc/part.jpg"


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_a_refused_zip_is_a_problem(tmp_path: Path, case: str) -> None:
    bad = BAD_ZIPS[case]()
    files, problems = laid_out(tmp_path, ("set/bad.zip", bad.data), ("a.jpg", b"1"))
    assert files == {"a.jpg": b"1"}
    ((name, reason),) = problems
    assert name == "bad.zip" and reason.startswith("bad.zip: ") and bad.says in reason.lower()


def test_folders_too_deep_are_a_problem(tmp_path: Path) -> None:
    files, problems = laid_out(tmp_path, ("a/" * 15 + "1.jpg", b"1"), ("a/" * 16 + "1.jpg", b"1"))
    assert list(files) == ["a/" * 15 + "1.jpg"] and "lies 16 folders deep, the limit is 15" in problems[0][1]


@pytest.mark.parametrize(("limit", "value"), [("MOST_STAGED", 2), ("MAX_TOTAL", 25)])
def test_too_much_is_refused_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(staging, limit, value)
    with pytest.raises(DataError, match="These uploads hold more than"):
        laid_out(tmp_path, *((f"{number}.jpg", b"0123456789") for number in range(3)))
    assert not list(tmp_path.iterdir())


def test_whatever_is_raised_nothing_stays(tmp_path: Path) -> None:
    def breaking() -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), staged([("a.jpg", lambda: b"1"), ("b.jpg", breaking)], tmp_path):
        pass
    with pytest.raises(ZeroDivisionError), staged(reading(("a.jpg", b"1")), tmp_path):
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot take uploads"), staged((), tmp_path / "file" / "below"):
        pass


@pytest.mark.parametrize("winerror", [3, 206])
def test_a_path_too_long_for_windows_is_one_files_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, winerror: int
) -> None:
    too_long = FileNotFoundError(2, "The system cannot find the path specified")
    too_long.winerror = winerror  # type: ignore[attr-defined, unused-ignore]
    original = Path.open

    def opened(path: Path, mode: str) -> object:
        if path.name == "long.jpg":
            raise too_long
        return original(path, mode)

    monkeypatch.setattr(Path, "open", opened)
    files, problems = laid_out(tmp_path, ("long.jpg", b"1"), ("a.jpg", b"2"))
    assert list(files) == ["a.jpg"]
    assert problems == [
        ("long.jpg", "long.jpg has a longer path than this machine's disk takes. Shorten the folders' names.")
    ]


def test_a_full_disk_is_said_and_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "open", lambda _path, mode: open("/dev/full", mode.replace("x", "w")))  # noqa: PTH123, SIM115
    said = rf"^a cannot be laid out: the disk that holds {tmp_path}\S+ is full\. Make room on it, then do this again\.$"
    with pytest.raises(DataError, match=said), staged(reading(("a", b"1")), tmp_path):
        pass
    assert not list(tmp_path.iterdir())


KILLED = """
import sys, time
from pathlib import Path
from ensemble.importers.staging import staged
with staged([("a.jpg", lambda: b"1")], Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


def folders(below: Path) -> set[Path]:
    return {path for path in below.iterdir() if path.is_dir()}


def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "mine")
    started = [
        subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        for process in started:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert len(folders(tmp_path)) == 4
        started[0].send_signal(signal.SIGKILL)
        started[0].wait()
        with staged((), tmp_path), staged((), tmp_path):
            assert len(folders(tmp_path)) == 5
    finally:
        for process in started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    with staged((), tmp_path) as last:
        assert folders(tmp_path) == {tmp_path / "mine", tmp_path / f"{PREFIX}link", last.folder.parent}
    assert set(tmp_path.iterdir()) == {tmp_path / "mine", tmp_path / f"{PREFIX}link"}


def test_an_importer_sees_what_was_uploaded(tmp_path: Path) -> None:
    data = zipped(("Set 1/train/ok/1.jpg", jpeg()), ("Set 1/train/nok/2.jpg", jpeg()), ("Set 1/test/ok/3.jpg", jpeg()))
    with staged(reading(("Set 1.zip", data)), tmp_path) as found:
        understood = understand(found.folder)
        assert [(entry.split, entry.kind) for entry in understood.entries] == [
            ("train", "nok"),
            ("train", "ok"),
            ("test", "ok"),
        ]
        assert understood.entries[0].name == "Set 1/train/nok/2.jpg"
        assert found.said(f"{found.folder}/Set 1 holds 2 folders.") == "the upload/Set 1 holds 2 folders."
        told = found.said(Message("{folder} is empty, as {other} is.", folder=found.folder, other=found.folder))
        assert told == "The upload is empty, as the upload is."
        with speaking("qps"):
            assert worded(told).startswith("⟦⟦Thé ûplöåd ẋẋẋẋ⟧ îs émptý, ås ⟦thé ûplöåd ẋẋẋẋ⟧ îs.")


NAMES = st.lists(st.text(alphabet="aB./\\ \u202e\0é", max_size=8), max_size=8)


@given(NAMES)
@example([". .\u202e/a.jpg"])  # two dots once what is invisible has gone
@example(["\u202e. .", "\u202e"])
def test_every_file_survives_under_some_name_below_the_folder(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    uploads = [(name, str(number).encode()) for number, name in enumerate(names)]
    files, problems = laid_out(tmp_path_factory.mktemp("staged"), *uploads)
    assert sorted(files.values()) == sorted(data for _, data in uploads) and not problems
