"""Zip files that people and attackers send, shared by the tests of every edge that takes one.

`BAD_ZIPS["empty"]()` is a `BadZip(data, says)`: refused as a whole, `says` being part of the sentence in small letters.
`BAD_ENTRIES["climbing"]()` is a `BadEntry(data, label, says)`: the zip holds `good.jpg`, a photo, and one entry that is
refused under `label`.
"""

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from typing import NamedTuple

from tests.support.bad_photos import encoded, jpeg, quarters


class BadZip(NamedTuple):
    data: bytes
    says: str


class BadEntry(NamedTuple):
    data: bytes
    label: str
    says: str


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data, method)
    return stream.getvalue()


def directory_of(data: bytes) -> int:
    """Find where a zip's directory begins."""
    end = data.rindex(b"PK\x05\x06")
    return int(struct.unpack_from("<I", data, end + 16)[0])


def patched(data: bytes, at: int, layout: str, value: int, entry: int = -1) -> bytes:
    """Overwrite one field of an entry's record in the directory; the last entry's unless told otherwise."""
    changed, record = bytearray(data), directory_of(data)
    starts = []
    while changed[record : record + 4] == b"PK\x01\x02":
        starts.append(record)
        record += 46 + sum(struct.unpack_from("<HHH", changed, record + 28))
    struct.pack_into(layout, changed, starts[entry] + at, value)
    return bytes(changed)


FLAGS, METHOD, CHECKSUM, PACKED_SIZE, SIZE, OFFSET = 8, 10, 16, 20, 24, 42


def _named(name: str) -> bytes:
    return zipped(("good.jpg", jpeg()), (name, jpeg()))


def _raw_name(name: bytes) -> bytes:
    """Give an entry a name that Python's writer would clean."""
    return zipped(("good.jpg", jpeg()), ("X" * len(name), jpeg())).replace(b"X" * len(name), name)


def _special(kind: int) -> bytes:
    info = zipfile.ZipInfo("link.jpg")
    info.external_attr = (kind | 0o777) << 16
    info.create_system = 3
    return zipped(("good.jpg", jpeg()), (info, b"/etc/passwd"))


def _with(name: str, data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return zipped(("good.jpg", jpeg()), (name, data), method=method)


def _overlapping() -> bytes:
    return patched(zipped(("a.jpg", jpeg()), ("b.jpg", jpeg())), OFFSET, "<I", 0)


def _quoted() -> bytes:
    """Let one entry's packed bytes reach over the next entry, as in Fifield's bomb."""
    return patched(zipped(("a.jpg", jpeg()), ("b.jpg", jpeg())), PACKED_SIZE, "<I", 1_500, entry=0)


def _two_gigabytes() -> bytes:
    data = zipped(*[(f"{n}.jpg", b"x") for n in range(80)])
    for entry in range(80):
        data = patched(data, SIZE, "<I", 29_000_000, entry)
    return data


def _wide_directory() -> bytes:
    return zipped(*[(f"{n:04}" + "x" * 60_000, b"") for n in range(140)], method=zipfile.ZIP_STORED)


def _bad(says: str, build: Callable[[], bytes]) -> Callable[[], BadZip]:
    return lambda: BadZip(build(), says)


def _entry(label: str, says: str, build: Callable[[], bytes]) -> Callable[[], BadEntry]:
    return lambda: BadEntry(build(), label, says)


BAD_ZIPS: dict[str, Callable[[], BadZip]] = {
    "no_bytes": _bad("not a zip file", lambda: b""),
    "photo": _bad("not a zip file", jpeg),
    "photo_with_zip_behind": _bad("not a zip file", lambda: jpeg() + _named("a.jpg")),
    "cut": _bad("missing or damaged", lambda: _named("a.jpg")[:-30]),
    "cut_in_the_middle": _bad("missing or damaged", lambda: _named("a.jpg")[:700]),
    "head_only": _bad("missing or damaged", lambda: b"PK\x03\x04" + bytes(99)),
    "empty": _bad("holds no files", zipped),
    "folders_only": _bad("holds no files", lambda: zipped(("photos/", b""), ("__MACOSX/._a.jpg", b"x"))),
    "too_many_entries": _bad("5,001 entries", lambda: zipped(*[(f"{n}.jpg", b"") for n in range(5_001)])),
    "wide_directory": _bad("directory takes 8.4 mb", _wide_directory),
    "two_gigabytes": _bad("2.3 gb", _two_gigabytes),
    "overlapping": _bad("lie over one another", _overlapping),
    "quoted_overlap": _bad("lie over one another", _quoted),
    "last_entry_in_directory": _bad("lie over one another", lambda: patched(_named("a"), PACKED_SIZE, "<I", 9_000)),
}

OUT = "leads out of the zip file"
INSIDE = "is an archive inside"

BAD_ENTRIES: dict[str, Callable[[], BadEntry]] = {
    "climbing": _entry("etc/part.jpg", OUT, lambda: _named("../../etc/part.jpg")),
    "climbing_later": _entry("a/part.jpg", OUT, lambda: _named("a/../../part.jpg")),
    "absolute": _entry("etc/part.jpg", OUT, lambda: _named("/etc/part.jpg")),
    "drive": _entry("C:/part.jpg", OUT, lambda: _named("C:/part.jpg")),
    "backslash": _entry("part.jpg", OUT, lambda: _raw_name(b"..\\..\\part.jpg")),
    "nul": _entry("part.jpg.exe", OUT, lambda: _raw_name(b"part.jpg\0.exe")),
    "nul_first": _entry("part.jpg", OUT, lambda: _raw_name(b"\0part.jpg")),
    "symbolic_link": _entry("link.jpg", "is a link or a special file", lambda: _special(stat.S_IFLNK)),
    "pipe": _entry("link.jpg", "is a link or a special file", lambda: _special(stat.S_IFIFO)),
    "device": _entry("link.jpg", "is a link or a special file", lambda: _special(stat.S_IFCHR)),
    "zip_inside": _entry("in.zip", INSIDE, lambda: _with("in.zip", zipped(("a.jpg", jpeg())))),
    "zip_as_jpg": _entry("in.jpg", INSIDE, lambda: _with("in.jpg", zipped(("a.jpg", jpeg())))),
    "gzip_as_jpg": _entry("in.jpg", INSIDE, lambda: _with("in.jpg", b"\x1f\x8b\x08" + bytes(50))),
    "rar_as_jpg": _entry("in.jpg", INSIDE, lambda: _with("in.jpg", b"Rar!\x1a\x07\x01\0" + bytes(50))),
    "7z_as_jpg": _entry("in.jpg", INSIDE, lambda: _with("in.jpg", b"7z\xbc\xaf\x27\x1c" + bytes(50))),
    "tar_as_jpg": _entry("in.jpg", INSIDE, lambda: _with("in.jpg", b"a" * 257 + b"ustar\x0000" + bytes(250))),
    "tar_gz": _entry("IN.TAR.GZ", INSIDE, lambda: _with("IN.TAR.GZ", b"x")),
    "encrypted": _entry("part.jpg", "is encrypted", lambda: patched(_named("part.jpg"), FLAGS, "<H", 1)),
    "lzma": _entry("part.jpg", "packed by a method", lambda: patched(_named("part.jpg"), METHOD, "<H", 14)),
    "unknown_method": _entry("part.jpg", "packed by a method", lambda: patched(_named("part.jpg"), METHOD, "<H", 99)),
    "ratio_bomb": _entry("bomb.bmp", "times its size", lambda: _with("bomb.bmp", bytes(5_000_000))),
    "heavy": _entry("heavy.jpg", "30.0 mb", lambda: patched(_named("heavy.jpg"), SIZE, "<I", 30_000_000)),
    "wrong_checksum": _entry("part.jpg", "is damaged", lambda: patched(_named("part.jpg"), CHECKSUM, "<I", 7)),
    "declares_less": _entry("part.jpg", "is damaged", lambda: patched(_named("part.jpg"), SIZE, "<I", 9)),
    "declares_more": _entry("part.jpg", "and not 9000", lambda: patched(_named("part.jpg"), SIZE, "<I", 9_000)),
    "other_name_at_the_entry": _entry("b.jpg", "is damaged", lambda: _swapped(_named("a.jpg"))),
    "broken_packing": _entry("part.jpg", "is damaged", lambda: _broken(_named("part.jpg"))),
}


def _swapped(data: bytes) -> bytes:
    at = directory_of(data)
    return data[:at] + data[at:].replace(b"a.jpg", b"b.jpg")


def _broken(data: bytes) -> bytes:
    at = data.index(b"part.jpg") + len(b"part.jpg")
    return data[:at] + b"\xff" * 40 + data[at + 40 :]


def good_zip() -> bytes:
    """Zip two photos in folders, one text, and what file managers leave behind."""
    return zipped(
        ("front/", b""),
        ("front/7.jpg", jpeg()),
        ("back/7.png", encoded(quarters(), "PNG")),
        ("__MACOSX/front/._7.jpg", b"resource fork"),
        ("front/.DS_Store", b"layout"),
        ("Thumbs.db", b"previews"),
        ("notes.txt", b"seven is fine"),
    )
