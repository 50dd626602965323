"""Model files built to exhaust a machine, told by what they declare before anything of them is unpacked.

| file | what is looked at |
|---|---|
| `.npz` | sizes in the zip's directory, types and shapes in the head of every array |
| `.pth`, `.pt` | the zip's directory, in which nothing is compressed, and the list of tensors |
| `.safetensors` | the length of the list of tensors |
| `.pkl` | what comes out of the compression, see `store.unpickling` |
| `.onnx` | every message of it, see `members.onnx_graph` |

Honest files grow little when they are unpacked: features and weights are noise to a compressor, forests shrink to a
fifth. What is 20 times as large as its file, beyond 64 MB, is a bomb.
"""

import io
import math
import pickletools
import re
import struct
import zipfile
from collections.abc import Iterator
from typing import IO

import numpy as np

from ensemble.values.bombs import BombError

SPARED_BYTES = 64_000_000  # bytes that a file of any size may become
RATIO = 20
MOST_MODEL_BYTES = 4_000_000_000  # bytes; the largest network of torchvision has 2.6 GB
MOST_ENTRIES = 20_000  # of a zip; the deepest networks have about 2,000 tensors
MOST_DIRECTORY = 1_000_000  # bytes of a list of tensors, which takes up to 200 times as much once it is read
_LEGACY_PICKLES = 5  # magic number, protocol, facts of the system, the tensors, their places
_STATE_GLOBALS = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_(tensor|tensor_v2|parameter)|torch(\.storage)? \w*Storage"
)


class StateError(Exception):
    """A pickle that holds something else than names and tensors."""


def allowance(size: int) -> int:
    """How many bytes a file of `size` bytes may become in memory."""
    return min(MOST_MODEL_BYTES, max(SPARED_BYTES, RATIO * size))


def refuse_growth(size: int, declared: int) -> None:
    """A BombError where a file of `size` bytes is to become more than its allowance."""
    if declared > allowance(size):
        raise BombError(f"{declared / 1e6:,.0f} MB out of {size / 1e6:,.1f} MB")


def refuse_arrays(data: bytes) -> None:
    """A BombError where the arrays of an `.npz` would grow too much, or are not as large as they declare."""
    with _directory(data) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as stream:
                _check_array(stream, entry.file_size)


def refuse_state(data: bytes, ending: str) -> None:
    """A BombError, or a StateError, where a file of weights holds more than a list of tensors and their numbers."""
    if ending == ".safetensors":
        (length,) = struct.unpack_from("<Q", data)
        if length > MOST_DIRECTORY:
            raise BombError(f"a list of tensors of {length:,} bytes")
        return
    if not data.startswith(b"PK"):
        _check_pickles(data, _LEGACY_PICKLES)
        return
    with _directory(data) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise BombError("compressed tensors, which torch never writes")
        lists = [entry for entry in archive.infolist() if entry.filename.rpartition("/")[2] == "data.pkl"]
        if len(lists) != 1 or lists[0].file_size > MOST_DIRECTORY:
            raise BombError(f"a list of tensors of {sum(entry.file_size for entry in lists):,} bytes")
        _check_pickles(archive.read(lists[0]), 1)


def _directory(data: bytes) -> zipfile.ZipFile:
    """The zip, after a look at its directory: how many files, how large, and nothing before or behind it."""
    if data.count(b"PK\x01\x02") > MOST_ENTRIES:  # before the directory is read, whose entries take memory too
        raise BombError(f"more than {MOST_ENTRIES:,} files in one")
    if data[-22:-18] != b"PK\x05\x06" or not data.startswith(b"PK\x03\x04"):  # readers would disagree about what counts
        raise zipfile.BadZipFile("it is no plain zip")
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = [entry.filename for entry in archive.infolist()]
    if len(set(names)) < len(names):
        raise zipfile.BadZipFile("two files of one name")
    for entry in archive.infolist():
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
            raise zipfile.BadZipFile("an unknown compression")
        if entry.compress_type == zipfile.ZIP_STORED and entry.compress_size != entry.file_size:
            raise zipfile.BadZipFile("sizes that contradict each other")
    refuse_growth(len(data), sum(entry.file_size for entry in archive.infolist()))
    return archive


def _check_array(stream: IO[bytes], size: int) -> None:
    """The head of a `.npy` of `size` bytes against what follows it."""
    version = np.lib.format.read_magic(stream)
    heads = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in heads:
        raise BombError("an array of an unknown version")
    shape, _, dtype = heads[version](stream)
    declared = math.prod(shape) * dtype.itemsize
    if dtype.kind not in "biuf" or declared != size - stream.tell():
        raise BombError(f"an array of {declared:,} bytes as {dtype} where {size - stream.tell():,} are there")


def _check_pickles(data: bytes, count: int) -> None:
    """The first pickles of `data` may name the parts of a state dict and nothing else."""
    stream = io.BytesIO(data[:MOST_DIRECTORY])
    for _ in range(count):
        for name in _pickle_imports(stream):
            if not _STATE_GLOBALS.fullmatch(name):
                raise StateError(f"it asks for {name.replace(' ', '.')}")


def _pickle_imports(stream: IO[bytes]) -> Iterator[str]:
    """What a pickle would import."""
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("GLOBAL", "INST"):
            yield str(argument)
        elif opcode.name in ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4"):
            yield opcode.name
