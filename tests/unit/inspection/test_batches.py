"""A batch answers every file, judges each photo once, and leaves nothing behind that a spreadsheet would run."""

import csv
import io
import json
import re
import weakref
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ensemble.imaging.photos import Photo
from ensemble.importers.archives import ZipEntry
from ensemble.inspection.batches import (
    INSPECTED_AT_ONCE,
    Inspect,
    Judged,
    batch_csv,
    batch_entries,
    count,
    judge,
    shown,
)
from ensemble.inspection.exports import as_csv, file_name, guarded
from ensemble.inspection.inspector import Inspector
from ensemble.members.demo import DUMMIES
from ensemble.policies import SHIPPED_POLICIES
from ensemble.values.results import Verdict
from tests.support.bad_photos import encoded, jpeg, quarters
from tests.support.bad_zips import BAD_ZIPS, zipped

MAJORITY = SHIPPED_POLICIES[0]
DEMO = Inspector.for_demo()


def inspect(photos: Sequence[Photo]) -> list[Verdict]:
    return DEMO.inspect(photos, MAJORITY)


def photo(number: int) -> bytes:
    return encoded(quarters((40 + number, 40)), "PNG")


def judged(files: Iterable[tuple[str, bytes]]) -> list[Judged]:
    return rows_of([ZipEntry(name, data) for name, data in files], inspect)


def rows_of(entries: Iterable[ZipEntry], look: Inspect) -> list[Judged]:
    return list(chain.from_iterable(judge(enumerate(entries), look)))


def laid_out(folder: Path, files: Iterable[tuple[str, bytes]]) -> list[tuple[str, Path]]:
    """Files as a batch has them: a name each, and a path where the bytes lie."""
    found = [(name, folder / str(number)) for number, (name, _) in enumerate(files)]
    for (_, path), (_, data) in zip(found, files, strict=True):
        path.write_bytes(data)
    return found


def test_order_errors_and_repeats() -> None:
    rows = judged([("a.png", photo(1)), ("bad.png", b""), ("b.png", photo(2)), ("sub/a.png", photo(1))])
    assert [(row.place, row.name, row.verdict is None, row.repeats, row.first) for row in rows] == [
        (0, "a.png", False, "", None),
        (1, "bad.png", True, "", None),
        (2, "b.png", False, "", None),
        (3, "sub/a.png", True, "a.png", 0),
    ]
    assert rows[1].error.startswith("bad.png is empty") and not rows[3].error


def test_a_repeat_in_a_later_chunk_is_not_judged_again() -> None:
    seen: list[str] = []

    def noting(photos: Sequence[Photo]) -> list[Verdict]:
        seen.extend(each.sha256 for each in photos)
        return inspect(photos)

    files = [ZipEntry(f"{number}.png", photo(number % 5)) for number in range(2 * INSPECTED_AT_ONCE)]
    assert len(rows_of(files, noting)) == 2 * INSPECTED_AT_ONCE
    assert len(seen) == len(set(seen)) == 5


def test_full_pictures_are_let_go() -> None:
    alive: list[weakref.ref[object]] = []

    def watching(photos: Sequence[Photo]) -> list[Verdict]:
        alive.extend(weakref.ref(each.picture) for each in photos)
        return inspect(photos)

    rows = rows_of([ZipEntry(f"{number}.png", photo(number)) for number in range(2 * INSPECTED_AT_ONCE)], watching)
    assert len(alive) == 2 * INSPECTED_AT_ONCE
    assert not any(reference() for reference in alive)
    assert len(rows) == 2 * INSPECTED_AT_ONCE


def test_large_photos_come_in_smaller_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr("ensemble.inspection.batches.MAX_PIXELS", 43 * 40)
    entries = [ZipEntry(f"{n}.png", photo(n)) for n in range(4)]
    rows_of(entries, lambda photos: (sizes.append(len(photos)), inspect(photos))[1])
    assert sizes == [2, 2]  # two of them are more than the largest photo may have


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_a_bad_zip_is_one_bad_entry(case: str, tmp_path: Path) -> None:
    bad = BAD_ZIPS[case]()
    files = laid_out(tmp_path, [("one.jpg", jpeg()), ("broken.zip", bad.data)])
    found = list(batch_entries(files))
    assert [entry.name for entry in found] == ["one.jpg", "broken.zip"]
    assert bad.says in (found[1].problem or "").lower()
    assert count(files) == 2


def test_a_zip_gives_its_entries(tmp_path: Path) -> None:
    files = laid_out(tmp_path, [("line.zip", zipped(("in/a.jpg", jpeg()), ("b.jpg", jpeg())))])
    assert [entry.name for entry in batch_entries(files)] == ["line.zip/in/a.jpg", "line.zip/b.jpg"]
    assert count(files) == 2


def test_files_are_read_when_it_is_their_turn(tmp_path: Path) -> None:
    files = [*laid_out(tmp_path, [("a.jpg", jpeg())]), ("b.jpg", tmp_path / "gone")]
    assert count(files) == 2
    first, second = batch_entries(files)
    assert first.data == jpeg() and "is not there" in (second.problem or "")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("a.jpg", "a.jpg"),
        ("line 3/a.jpg", "line 3/a.jpg"),
        ("../../etc/passwd", "etc/passwd"),
        ("C:\\photos\\a.jpg", "C:/photos/a.jpg"),
        ("", "photo"),
    ],
)
def test_shown(name: str, label: str) -> None:
    assert shown(name) == label


def test_csv_has_one_line_a_file_and_marks_a_demo() -> None:
    rows = judged([("=a.png", photo(1)), ("bad.png", b"")])
    content = batch_csv(rows, demo=True)
    lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert list(lines[0]) == [
        *("photo", "sha256", "verdict", "confidence"),
        *("score", "score_kind", "score_label", "ok_below", "review_from", "reject_from", "reason"),
        *DUMMIES,
        *("regions", "same_as", "error", "policy", "demo"),
        *("word", "time", "product", "model_version", "policy_state", "trial"),
    ]
    assert [line["photo"] for line in lines] == ["'=a.png", "bad.png"]
    assert [line["demo"] for line in lines] == ["DEMO", "DEMO"]
    assert lines[1]["error"].startswith("bad.png is empty") and not lines[1]["verdict"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("\ta", "'\ta"),
        ("a=1", "a=1"),
        ("", ""),
        (-1.5, -1.5),
        (np.float32(-1.5), np.float32(-1.5)),
        (None, None),
        ("a;=1+1.png", "a;'=1+1.png"),
        ("a\t=1", "a\t'=1"),
        ("a|-1", "a|'-1"),
        ("a\n@b", "a\n'@b"),
        ("a\u2028=b", "a\u2028'=b"),
        ('a; "=1"', 'a;\' "=1"'),
        ('"=1"', '\'"=1"'),
        (";;=1", ";;'=1"),
        (" \t =1", " \t' =1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\xa0\u3000=1", "'\xa0\u3000=1"),
        ("\u200b\u2060=1", "'\u200b\u2060=1"),
        ("\U000e0020=1", "'\U000e0020=1"),
        ("\u3164=1", "'\u3164=1"),
        ("\x00\x1f=1", "'\x00\x1f=1"),
        ("＝1", "'＝1"),
        ("a;＋1", "a;'＋1"),
        ("－1", "'－1"),
        ("＠a", "'＠a"),
        ("\ufe661", "'\ufe661"),
        ("OK, -0.5 of 2; a-b", "OK, -0.5 of 2; a-b"),
        ("Stück #7 (neu).png", "Stück #7 (neu).png"),
        (Path("=a.png"), "'=a.png"),
    ],
)
def test_guarded(cell: object, expected: object) -> None:
    assert guarded(cell) == expected


def test_csv_quotes_what_would_break_a_line() -> None:
    assert as_csv(("a", "b"), [{"a": 'x,"y"\nz'}]).decode("utf-8-sig") == '"a","b"\r\n"x,""y""\nz",""\r\n'


@given(
    st.lists(
        st.text(st.sampled_from(" ab1=+-@;,|\t\n\r\"'\ufeff\xa0\u200b＝＋－＠"), max_size=12), min_size=1, max_size=4
    )
)
@example(['a,";=1"'])
@settings(deadline=None)
def test_no_spreadsheet_finds_a_formula_and_programs_find_the_text(cells: list[str]) -> None:
    columns = [f"c{place}" for place in range(len(cells))]
    text = as_csv(columns, [dict(zip(columns, cells, strict=True))]).decode("utf-8-sig")
    readers = [csv.reader(io.StringIO(text, newline=""), delimiter=separator) for separator in ",;\t|"]
    knowing_no_quotes = [re.split(r"[;\t|]", line) for line in text.splitlines()]
    for cell in (cell for reader in (*readers, knowing_no_quotes) for line in reader for cell in line):
        assert not cell.lstrip(' \ufeff\xa0\u200b"\t\r\n').startswith(tuple("=+-@＝＋－＠"))
    read = list(csv.reader(io.StringIO(text, newline="")))[1]
    assert [cell.replace("'", "") for cell in read] == [cell.replace("'", "") for cell in cells]


@pytest.mark.parametrize(
    ("kind", "about", "at", "demo", "expected"),
    [
        ("verdict", "burr_081_NOK", "2026-11-27T2105", False, "burr_081_NOK_2026-11-27T2105.json"),
        ("verdict", "burr 081_NOK", "2026-11-27T2105", True, "DEMO_burr_081_NOK_2026-11-27T2105.json"),
        ("policies", "Machined disc", "2026-11-27T2105", False, "Machined_disc_policies_2026-11-27T2105.json"),
        ("card", "a/b: <c>", "", False, "a_b___c__card.json"),
        ("batch", "", "", False, "batch.json"),
    ],
)
def test_a_file_says_by_its_name_what_it_is(kind: str, about: str, at: str, demo: bool, expected: str) -> None:
    assert file_name(kind, b"a", ".json", demo=demo, about=about, at=at) == expected


def test_regions_are_kept_and_maps_are_not() -> None:
    rows = judged([(f"{seed}.png", photo(seed)) for seed in range(8)])
    verdicts = [row.verdict for row in rows if row.verdict]
    assert any(verdict.regions for verdict in verdicts)
    assert not any(verdict.anomaly_map or any(vote.anomaly_map for vote in verdict.votes) for verdict in verdicts)
    lines = csv.DictReader(io.StringIO(batch_csv(rows, demo=True).decode("utf-8-sig")))
    for line, verdict in zip(lines, verdicts, strict=True):
        assert json.loads(line["regions"]) == [region.as_json(verdict.size) for region in verdict.regions]
