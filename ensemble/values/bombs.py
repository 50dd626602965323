"""Photos built to exhaust a machine, told by their structure before a decoder works through it.

A header that declares too many pixels is caught by `photos`; these are the bombs of honest size. Measured on two cores:
a 240 kB progressive JPEG of 49 megapixels with 500 empty scans takes 26 s, a 15 MB TIFF of 1.9 million strips 24 s
and 1 GB, a 30 MB GIF of one-byte comments 7 s and 1.3 GB.
"""

import io
import re
import struct

MAX_READS = 1_000_000  # a 30 MB GIF in pieces of 255 bytes needs about 250,000
MAX_MARKERS = 10_000  # a 30 MB JPEG of full segments has about 500
MAX_SCANS = 100  # encoders write at most a few dozen
MAX_NUMBERS = 250_000  # the longest list of good photos is a transfer curve's, 196,608

_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_MARKER_IN_SCAN = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")  # 0 is a stuffed byte, D0 to D7 restart the same scan
_ALONE = frozenset(b"\x01\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8")  # markers without a length behind them
_SCAN, _END = 0xDA, 0xD9
_ONE_BYTE_KINDS = (1, 2, 6, 7)  # BYTE, ASCII, SBYTE, UNDEFINED: never unpacked number by number


class BombError(Exception):
    """A file whose structure costs far more work than its picture is worth."""


class MeteredBytes(io.BytesIO):
    """A file in memory that ends the reading of a photo in endless small pieces with BombError."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MAX_READS:
            raise BombError(f"more than {MAX_READS:,} pieces")
        return super().read(size)


def refuse_bomb(data: bytes) -> None:
    """Raise BombError for a JPEG of too many scans or a TIFF of too many strips; struct.error where it is cut short."""
    if data.startswith(b"\xff\xd8"):
        if data.count(b"\xff\xda") > MAX_SCANS:  # rarely so; what is not a scan, as in a thumbnail, is told by a walk
            _count_scans(data)
    elif data.startswith((b"II", b"MM")):
        _count_numbers(data)


def _count_scans(data: bytes) -> None:
    position, markers, scans, marker = 2, 0, 0, 0
    while found := (_MARKER_IN_SCAN if marker == _SCAN else _MARKER).search(data, position):
        marker, position = found.group(1)[0], found.end()
        markers += 1
        scans += marker == _SCAN
        if markers > MAX_MARKERS:
            raise BombError(f"more than {MAX_MARKERS:,} segments")
        if scans > MAX_SCANS:
            raise BombError(f"more than {MAX_SCANS} scans")
        if marker == _END:
            return
        if marker not in _ALONE and position + 2 <= len(data):
            position += struct.unpack_from(">H", data, position)[0]


def _count_numbers(data: bytes) -> None:
    order = "<" if data.startswith(b"II") else ">"
    if b"+" in data[2:4]:  # BigTIFF
        start, first, count, entry, size = 8, "Q", "Q", "HHQ", 20
    else:
        start, first, count, entry, size = 4, "I", "H", "HHI", 12
    (directory,) = struct.unpack_from(order + first, data, start)
    (entries,) = struct.unpack_from(order + count, data, directory)
    position = directory + struct.calcsize(order + count)
    for at in range(position, min(position + entries * size, len(data) - size), size):
        _, kind, numbers = struct.unpack_from(order + entry, data, at)
        if kind not in _ONE_BYTE_KINDS and numbers > MAX_NUMBERS:
            raise BombError(f"a list of {numbers:,} numbers")
