"""The zip door: bad entries are named, good ones go on, bombs are refused before anything is unpacked."""

import os
import random
import re
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from ensemble.imaging.photos import open_photo
from ensemble.importers.archives import ZipEntry, inner_paths, is_archive, read_archive
from ensemble.values.errors import ArchiveError, PhotoError
from tests.support.bad_photos import jpeg
from tests.support.bad_zips import BAD_ENTRIES, BAD_ZIPS, good_zip, zipped


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_bad_zip_is_refused_as_a_whole(case: str) -> None:
    bad = BAD_ZIPS[case]()
    for ask in (read_archive, inner_paths):
        with pytest.raises(ArchiveError) as refused:
            ask(bad.data)
        assert bad.says in str(refused.value).lower()
        assert str(refused.value).endswith(".")


@pytest.mark.parametrize("case", BAD_ENTRIES)
def test_bad_entry_is_named_and_the_others_go_on(case: str) -> None:
    bad = BAD_ENTRIES[case]()
    good, refused = read_archive(bad.data)
    assert good == ZipEntry("good.jpg", jpeg())
    assert (refused.name, refused.data) == (bad.label, None)
    assert refused.problem is not None
    assert refused.problem.startswith(bad.label + " ")
    assert bad.says in refused.problem.lower()
    assert refused.problem.endswith(".")


def test_good_zip_gives_its_files_under_their_inner_paths() -> None:
    entries = list(read_archive(good_zip()))
    assert [entry.name for entry in entries] == ["front/7.jpg", "back/7.png", "notes.txt"]
    assert [entry.problem for entry in entries] == [None, None, None]
    assert len(inner_paths(good_zip())) == 3
    assert entries[0].data is not None
    assert open_photo(entries[0].data, entries[0].name).name == "7.jpg"
    with pytest.raises(PhotoError, match=r"notes\.txt is not an image"):
        open_photo(entries[2].data or b"", entries[2].name)


def test_zip_is_read_from_a_file_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photos.zip"
    path.write_bytes(good_zip())
    monkeypatch.chdir(tmp_path)
    assert list(read_archive(path)) == list(read_archive(good_zip()))
    assert [p.name for p in tmp_path.rglob("*")] == ["photos.zip"]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    for path, says in [
        (tmp_path / "none.zip", "none.zip is not there"),
        (tmp_path, "is not a plain file"),
        (tmp_path / "pipe.zip", "pipe.zip is not a plain file"),
        (tmp_path / "a\0b.zip", "ab.zip cannot be read"),
    ]:
        with pytest.raises(ArchiveError) as refused:
            read_archive(path)
        assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("7.jpg", "7.jpg"),
        ("./a/7.jpg", "a/7.jpg"),
        ("a//7.jpg", "a/7.jpg"),
        ("Werk 2/Türgriff.jpg", "Werk 2/Türgriff.jpg"),
        ("a\u202eb/7.jpg", "ab/7.jpg"),
        ("x" * 100 + "/" + "y" * 100 + "/7.jpg", "y" * 100 + "/7.jpg"),
        ("x" * 300 + ".jpg", "x" * 116 + ".jpg"),
    ],
)
def test_inner_path_becomes_a_clean_label(name: str, label: str) -> None:
    assert [entry.name for entry in read_archive(zipped((name, b"x")))] == [label]


def test_inner_paths_are_as_the_zip_has_them() -> None:
    names = ("x" * 100 + "/" + "y" * 100 + "/7.jpg", "../7.jpg", "a//7.jpg")
    data = zipped(*((name, b"x") for name in names), ("__MACOSX/._7.jpg", b"x"))
    assert inner_paths(data) == tuple(entry.path for entry in read_archive(data)) == names


def test_a_steep_ratio_is_harmless_where_little_comes_out() -> None:
    (entry,) = read_archive(zipped(("blank.bmp", bytes(900_000))))
    assert entry.data == bytes(900_000)


def test_one_photo_at_a_time_is_in_memory() -> None:
    photos = [(f"{n}.bin", random.Random(n).randbytes(1_000_000)) for n in range(12)]
    data = zipped(*photos, method=zipfile.ZIP_STORED)
    del photos
    tracemalloc.start()
    assert sum(entry.data is not None for entry in read_archive(data)) == 12
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_is_archive_looks_at_the_beginning_only() -> None:
    assert is_archive(good_zip())
    assert is_archive(zipped())
    assert is_archive(good_zip()[:10])
    assert not is_archive(b"")
    assert not is_archive(jpeg() + good_zip())


def test_entry_holds_either_data_or_a_problem() -> None:
    for data, problem in [(None, None), (b"x", "is bad.")]:
        with pytest.raises(ValueError, match="either data or a problem"):
            ZipEntry("7.jpg", data, problem)


def _walk(data: bytes) -> None:
    try:
        for entry in read_archive(data):
            assert entry.name
            assert entry.data is None or len(entry.data) < 30_000_000
    except ArchiveError:
        pass


def test_every_truncation_gives_entries_or_a_sentence() -> None:
    whole = good_zip()
    for length in range(len(whole)):
        _walk(whole[:length])


def test_flipped_bytes_give_entries_or_a_sentence() -> None:
    whole, chance = good_zip(), random.Random(7)
    directory = whole.rindex(b"PK\x01\x02") - 400
    for _ in range(1_500):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 2, 8])):
            data[chance.randrange(chance.choice([0, directory]), len(data))] = chance.choice([0, 1, 255, 128, 80])
        _walk(bytes(data))


# ------------------------------------------------------------------------------------------ zips as machines make them


def test_backslashes_of_windows_are_folders() -> None:
    data = zipped(*((name, b"x") for name in ("ok#1.png", "ok#", "nok#a#2.png", "__MACOSX#3.png"))).replace(b"#", b"\\")
    assert inner_paths(data) == ("ok/1.png", "nok/a/2.png")
    assert [entry.name for entry in read_archive(data)] == ["ok/1.png", "nok/a/2.png"]


def test_names_of_macs_are_utf8_without_a_flag_that_says_so() -> None:
    names = ("Gehäuse/1.png", "Tu\u0308r/写真.png", "._1.png", "ok/._1.png")
    unflagged = bytearray(zipped(*((name, b"x") for name in names)))
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(sign), bytes(unflagged)):
            unflagged[found.start() + at + 1] &= ~8
    entries = list(read_archive(bytes(unflagged)))
    assert [(entry.path, entry.data) for entry in entries] == [(name, b"x") for name in names[:2]]


def test_names_in_the_code_page_of_a_dos_stay_as_it_declares_them() -> None:
    data = zipped(("X" * 8, b"x"), ("good.png", b"x")).replace(b"X" * 8, "Tür1.png".encode("cp437"))
    assert [entry.name for entry in read_archive(data)] == ["Tür1.png", "good.png"]


def test_a_name_in_utf8_beside_the_one_in_a_code_page() -> None:
    raw, name = "T?r.png".encode("cp437"), "Tür.png".encode()
    info = zipfile.ZipInfo("T?r.png")
    for crc, expected in ((zlib.crc32(raw), "Tür.png"), (zlib.crc32(raw) ^ 1, "T?r.png")):
        info.extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, crc) + name
        assert [entry.path for entry in read_archive(zipped((info, b"x")))] == [expected]
    info.extra = struct.pack("<HHB", 0x7075, 1, 1)
    assert [entry.path for entry in read_archive(zipped((info, b"x")))] == ["T?r.png"]
