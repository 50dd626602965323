"""The files of a collection: each photo and each mask once, in a folder named by the SHA-256 of its bytes."""

import hashlib
import io
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from ensemble.errors import DataError
from ensemble.importers import Entry
from ensemble.masks import read_mask
from ensemble.photos import MAX_BYTES, Photo, open_photo, safe_name

PHOTOS, MASKS = "photos", "masks"


def keep_photo(folder: Path, data: bytes, name: str) -> tuple[Photo, str]:
    """Put a photo's bytes in their place, unless they lie there; a PhotoError where they are no photo.

    Gives the decoded photo and its file below the folder.
    """
    photo = open_photo(data, name)
    return photo, _place(folder, PHOTOS, photo.sha256, data, name)


def keep_mask(folder: Path, entry: Entry, size: tuple[int, int]) -> str:
    """Put the mask of an entry in its place, as grey values; empty without one, a DataError where it does not fit."""
    if entry.mask is None:
        return ""
    data = entry.mask.read_bytes()
    mask = read_mask(entry.mask, size)
    if entry.mask_scale == "index":  # 0 is the part, every other number a kind of damage
        buffer = io.BytesIO()
        Image.fromarray(np.where(np.asarray(mask) > 0, 255, 0).astype(np.uint8)).save(buffer, "PNG")
        data = buffer.getvalue()
    return _place(folder, MASKS, hashlib.sha256(data).hexdigest(), data, Path(entry.mask.name).stem + ".png")


def sweep(folder: Path, known: set[str]) -> None:
    """Remove the files that no row knows: what an import has left that was cut off."""
    for place in (PHOTOS, MASKS):
        for found in (folder / place).iterdir() if (folder / place).is_dir() else ():
            if f"{place}/{found.name}" not in known:
                shutil.rmtree(found, ignore_errors=True)


def _place(folder: Path, kind: str, digest: str, data: bytes, name: str) -> str:
    home = folder / kind / digest
    if home.is_dir() and (there := next(home.iterdir(), None)) is not None:
        return there.relative_to(folder).as_posix()
    home.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=home.parent, prefix=".new-"))
    try:
        file = fresh / safe_name(Path(name).name)
        with file.open("wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        fresh.chmod(0o755)
        if home.is_dir():  # empty, by a hand from outside
            home.rmdir()
        fresh.rename(home)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return (home / file.name).relative_to(folder).as_posix()


def read_bytes(path: Path) -> bytes:
    """A source file's bytes; a DataError where it cannot be read or is too large to be a photo."""
    try:
        if path.stat().st_size >= MAX_BYTES:
            raise DataError(f"{path.name} has {MAX_BYTES // 1_000_000} MB or more. Save it smaller.")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}). Check its permissions.") from error
