"""A zip of photos, read one photo at a time in memory; nothing is ever written to disk.

What may be read is decided from the zip's own directory, before any entry is opened. One bad entry is named and the
others go on; a zip that is bad as a whole raises ArchiveError. Folders, and what file managers leave behind, are left
out without a word. An entry that is no photo comes as data: `photos.open_photo` refuses it with its reason.
"""

import contextlib
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ensemble.imaging.photos import MAX_PHOTO_BYTES, too_heavy
from ensemble.values.errors import ArchiveError, RefusalError
from ensemble.values.safe_names import MAX_NAME, safe_name, shown
from ensemble.values.vocabulary import is_litter

MAX_ENTRIES = 5_000
MAX_TOTAL = 2_000_000_000  # bytes, as the directory declares them
MAX_DIRECTORY = 8_000_000  # bytes; a directory of 5,000 entries with long names is about 1 MB
MAX_RATIO = 200  # photos hardly shrink in a zip; only what is blank or hostile shrinks this far
RATIO_FROM = 1_000_000  # bytes; below this even the steepest ratio does no harm
LOCAL_HEADER = 30  # bytes, the least that lies before an entry's own

UNICODE_NAME = 0x7075  # an extra field with the name in UTF-8, where the entry has it in the code page of some Windows
ARCHIVE_ENDINGS = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".cab")
ARCHIVE_MAGIC = re.compile(
    rb"PK[\x01-\x08][\x02-\x08]|7z\xbc\xaf\x27\x1c|Rar!\x1a|\x1f\x8b|BZh[1-9]|\xfd7zXZ\0|\x28\xb5\x2f\xfd|MSCF\0"
    rb"|.{257}ustar",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One file of a zip under its cleaned inner path: its bytes, or the sentence that says why it is refused.

    `path` is the whole inner path as the zip has it, which may be anything: a text, never to be opened.
    """

    name: str
    data: bytes | None = field(default=None, repr=False)
    problem: str | None = None
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if (self.data is None) == (self.problem is None):
            raise ValueError(f"Entry {self.name!r} needs either data or a problem, never both or none.")


def is_archive(data: bytes) -> bool:
    """Say whether a file begins as a zip does, whole or not."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def read_archive(source: bytes | Path) -> Iterator[ZipEntry]:
    """Check a zip at once, then yield its files one by one; raises ArchiveError where the zip itself is refused."""
    stream = _stream(source)
    return _zip_entries(stream, _open_zip(stream))


def inner_paths(source: bytes | Path) -> tuple[str, ...]:
    """The paths of what `read_archive` will yield, as the zip has them; raises ArchiveError as it does."""
    with _stream(source) as stream:
        return tuple(map(path_of, _listed_entries(_open_zip(stream))))


def _zip_entries(stream: BinaryIO, archive: zipfile.ZipFile) -> Iterator[ZipEntry]:
    with stream, archive:
        for info in _listed_entries(archive):
            path = path_of(info)
            label = shown(path, MAX_NAME)
            refusal = _refused_by_kind(info) or _refused_by_size(info)
            data = b""
            if refusal is None:
                data, refusal = _read_entry(archive, info)
            if refusal is None:
                yield ZipEntry(label, data, path=path)
            else:
                yield ZipEntry(label, problem=refusal.of(label).message, path=path)


class _Sparing:
    """A file that refuses to hand out more at once than a limit, so that a declared size cannot fill the memory."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self.stream, self.limit = stream, limit
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        if size > self.limit:
            raise ArchiveError(
                "The zip file's directory takes {size:.1f} MB, the limit is {max_directory:.0f} MB: zip "
                "at most {max_entries:,} photos at once.",
                size=size / 1000000.0,
                max_directory=MAX_DIRECTORY / 1000000.0,
                max_entries=MAX_ENTRIES,
            )
        return self.stream.read(size if size >= 0 else self.limit)


def _open_zip(stream: BinaryIO) -> zipfile.ZipFile:
    try:
        sparing = _Sparing(stream, MAX_DIRECTORY)
        archive = zipfile.ZipFile(sparing)
        _refuse_damaged(archive)
    except ArchiveError:
        stream.close()
        raise
    except Exception as error:  # broad on purpose: a hostile directory makes zipfile raise whatever it stumbles over
        stream.close()
        raise ArchiveError(
            "The zip file's directory is missing or damaged, perhaps the file was cut short: make or copy it again."
        ) from error
    sparing.limit = MAX_PHOTO_BYTES
    return archive


def _stream(source: bytes | Path) -> BinaryIO:
    stream = io.BytesIO(source) if isinstance(source, bytes) else _file(source)
    if not is_archive(stream.read(4)):
        stream.close()
        raise ArchiveError("This is not a zip file: choose a .zip of photos, or the photos themselves.")
    return stream


def _file(path: Path) -> BinaryIO:
    label = safe_name(str(path))
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ArchiveError("{file} is not a plain file: choose a .zip of photos.", file=label)
        return path.open("rb")
    except FileNotFoundError:
        raise ArchiveError("{file} is not there: check the path.", file=label) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ArchiveError(
            "{file} cannot be read ({reason}): check the path and its permissions.", file=label, reason=reason
        ) from error


def _refuse_damaged(archive: zipfile.ZipFile) -> None:
    infos = archive.infolist()
    if not _listed_entries(archive):
        raise ArchiveError("The zip file holds no files: put photos into it and choose it again.")
    if len(infos) > MAX_ENTRIES:
        raise ArchiveError(
            "The zip file holds {count:,} entries, the limit is {max_entries:,}: split it into smaller ones.",
            count=len(infos),
            max_entries=MAX_ENTRIES,
        )
    total = sum(info.file_size for info in infos)
    if total > MAX_TOTAL:
        raise ArchiveError(
            "The zip file unpacks to {total:.1f} GB, the limit is {max_total:.0f} GB: split it into smaller ones.",
            total=total / 1000000000.0,
            max_total=MAX_TOTAL / 1000000000.0,
        )
    ends = sorted((info.header_offset, info.header_offset + LOCAL_HEADER + info.compress_size) for info in infos)
    starts = [start for start, _ in ends[1:]] + [archive.start_dir]
    if any(end > start for (_, end), start in zip(ends, starts, strict=True)):
        raise ArchiveError("The zip file's entries lie over one another, as in a zip bomb: make it anew.")


def _listed_entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [info for info in archive.infolist() if not _is_left_out(info)]


def path_of(info: zipfile.ZipInfo) -> str:
    """The inner path of an entry as its zip means it, with forward slashes; it may lead anywhere.

    Windows writes backslashes, Macs leave the flag out that says UTF-8, and other packers put the name in UTF-8 beside.
    """
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        raw = name.encode("cp437")  # as zipfile has decoded it
        with contextlib.suppress(UnicodeDecodeError):
            name = (_unicode_name(info.extra, raw) or raw).decode()
    return name.replace("\\", "/")


def _unicode_name(extra: bytes, raw: bytes) -> bytes:
    """The name that an extra field has for an entry, while it is the name of these bytes; else nothing."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        content, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_NAME and len(content) > 5 and struct.unpack_from("<I", content, 1)[0] == zlib.crc32(raw):
            return content[5:]
    return b""


def _is_left_out(info: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(path_of(info))
    folder = path_of(info).endswith("/") or stat.S_ISDIR(info.external_attr >> 16)
    return folder or is_litter(path.name) or any(is_litter(each, is_folder=True) for each in path.parts[:-1])


def _refused_by_kind(info: zipfile.ZipInfo) -> RefusalError | None:
    """What refuses an entry by the name and the kind its directory gives, or None."""
    name, kind = path_of(info), stat.S_IFMT(info.external_attr >> 16)
    if re.search(r"\0|^/|^[A-Za-z]:/|(^|/)\.\.(/|$)", name):
        return RefusalError("{photo} has a path that leads out of the zip file: zip the folder of photos itself.")
    if kind not in (0, stat.S_IFREG):
        return RefusalError("{photo} is a link or a special file: put the photo itself into the zip file.")
    if name.lower().endswith(ARCHIVE_ENDINGS):
        return RefusalError("{photo} is an archive inside the zip file: unpack it first.")
    if info.flag_bits & 0x41:  # encrypted, strongly encrypted
        return RefusalError("{photo} is encrypted: zip it without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return RefusalError("{photo} is packed by a method that is not read here: zip it with the usual one (Deflate).")
    return None


def _refused_by_size(info: zipfile.ZipInfo) -> RefusalError | None:
    if info.file_size >= MAX_PHOTO_BYTES:
        return too_heavy(info.file_size)
    if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * info.compress_size:
        return RefusalError(
            "{photo} unpacks to {ratio:.0f} times its size, as a zip bomb does: zip the photo anew.",
            ratio=info.file_size / max(info.compress_size, 1),
        )
    return None


def _read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[bytes, RefusalError | None]:
    try:
        with archive.open(info) as stream:
            data = stream.read(info.file_size + 1)  # a header that declares too little cannot expand
    except Exception:  # noqa: BLE001 - hostile entries make zipfile and zlib raise whatever they stumble over
        return b"", RefusalError(
            "{photo} is damaged inside the zip file (its checksum or its packing is wrong): zip it again."
        )
    if len(data) != info.file_size:
        return b"", RefusalError(
            "{photo} holds {size} bytes and not {declared} as declared: zip it again.",
            size=len(data),
            declared=info.file_size,
        )
    if ARCHIVE_MAGIC.match(data):
        return b"", RefusalError("{photo} is an archive inside the zip file: unpack it first.")
    return data, None
