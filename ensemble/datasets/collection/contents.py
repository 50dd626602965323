"""The files of a collection: each photo and each mask once, in a folder named by the SHA-256 of its bytes."""

import contextlib
import hashlib
import io
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from ensemble.disk.files import write_durably
from ensemble.disk.names import any_path_below
from ensemble.imaging.masks import look_at
from ensemble.imaging.photos import MAX_PHOTO_BYTES, Photo, file_digest, open_photo
from ensemble.importers import FoundPhoto
from ensemble.values.errors import DataError
from ensemble.values.safe_names import clean_parts, free_path

PHOTOS, MASKS = "photos", "masks"
NOTES, NEW = ".importing", ".new-"  # what is brought in and no row knows yet; a file before it is whole
_ROW = re.compile(r"(photos|masks)/([0-9a-f]{64})/([^/\\\0]+)")
_HOME = re.compile(r"(photos|masks)/([0-9a-f]{64})")


def keep_photo(folder: Path, data: bytes, name: str) -> tuple[Photo, str]:
    """Put a photo's bytes in their place, unless they lie there; a PhotoError where they are no photo.

    Gives the decoded photo and its file below the folder.
    """
    photo = open_photo(data, name)
    return photo, _place_bytes(folder, PHOTOS, photo.sha256, data, name)


def keep_mask(folder: Path, entry: FoundPhoto, size: tuple[int, int]) -> tuple[str, str]:
    """Put the mask of an entry in its place, and say by what it marks damage; a DataError where it does not fit.

    Both are empty without one; outlines, which are drawn here, say the latter themselves.
    """
    if entry.mask is None and entry.outlines is not None:
        try:
            data = entry.outlines.png(size)
        except DataError as error:
            raise DataError("{file}: {problem}", file=entry.name, problem=error) from error
        name = f"{entry.path.stem}.png"
        return _place_bytes(folder, MASKS, hashlib.sha256(data).hexdigest(), data, name), ""
    if entry.mask is None:
        return "", ""
    data = read_source_bytes(entry.mask)
    mask = look_at(entry.mask, size)
    if entry.mask_scale == "index":  # 0 is the part, every other number a kind of damage
        buffer = io.BytesIO()
        Image.fromarray(np.where(mask.damage, 255, 0).astype(np.uint8)).save(buffer, "PNG")
        data = buffer.getvalue()
    file = _place_bytes(folder, MASKS, hashlib.sha256(data).hexdigest(), data, Path(entry.mask.name).stem + ".png")
    return file, mask.marks_by


def file_of(folder: Path, name: object) -> Path:
    """Where the file of a row lies; a DataError where no collection names its files so, or a link leads out."""
    parts = _ROW.fullmatch(name) if isinstance(name, str) else None
    if parts is None or not parts[3].strip("."):
        shown = repr(name) if isinstance(name, str) else type(name).__name__
        raise DataError(
            "{folder} names the file {shown}, as no collection does, so it is not read. Restore "
            "collection.db from a copy.",
            folder=folder,
            shown=shown[:200],
        )
    path = folder / parts[0]
    if path.is_symlink() or path.parent.is_symlink():  # photos/ itself may lie on another disk
        return any_path_below(folder / parts[1], f"{parts[2]}/{parts[3]}", DataError)
    return path


def sweep_cut_off(folder: Path, known: set[str]) -> None:
    """Remove the files of an import that was cut off: those that it has noted and that no row knows.

    Each goes only while its bytes are those that were noted; whatever else lies there is a person's.
    """
    notes = folder / NOTES
    if not notes.is_file() or notes.is_symlink():
        return
    for line in dict.fromkeys(notes.read_text(encoding="ascii", errors="replace").splitlines()):
        if (noted := _HOME.fullmatch(line)) is None or line in known:
            continue
        home = folder / line
        for unfinished in home.parent.glob(f"{NEW}{noted[2]}-*"):
            _remove(unfinished, "")
        _remove(home, noted[2])
    notes.unlink()


def _remove(home: Path, digest: str) -> None:
    """Remove plain files of a folder that have this digest, or all of an unfinished one; then the empty folder."""
    if home.is_symlink() or not home.is_dir():
        return
    for file in home.iterdir():
        if not file.is_symlink() and file.is_file() and (not digest or file_digest(file) == digest):
            file.unlink()
    with contextlib.suppress(OSError):  # something of a person's lies in it
        home.rmdir()


def _place_bytes(folder: Path, kind: str, digest: str, data: bytes, name: str) -> str:
    """Put bytes into the folder of their digest, unless they lie there; give the file's place below the collection."""
    home = folder / kind / digest
    for there in sorted(home.iterdir()) if home.is_dir() else ():
        if there.is_file() and there.stat().st_size == len(data) and file_digest(there) == digest:
            return file_of(folder, there.relative_to(folder).as_posix()).relative_to(folder).as_posix()
    with (folder / NOTES).open("a", encoding="ascii") as notes:
        notes.write(f"{kind}/{digest}\n")
    home.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=home.parent, prefix=f"{NEW}{digest}-"))
    try:
        file = fresh / ((clean_parts(name) or ["file"])[-1])
        write_durably(file, data)
        fresh.chmod(0o755)
        return _bring_home(fresh, file, home).relative_to(folder).as_posix()
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _bring_home(fresh: Path, file: Path, home: Path) -> Path:
    """Bring a whole file home: with its folder, or into the one that is there, beside what lies in it."""
    if not home.exists() and not home.is_symlink():
        fresh.rename(home)
        return home / file.name
    wanted = any_path_below(home.parent, f"{home.name}/{file.name}", DataError)
    place = free_path(wanted, lambda path: path.exists() or path.is_symlink())
    file.rename(place)
    fresh.rmdir()
    return place


def read_source_bytes(path: Path) -> bytes:
    """A source file's bytes; a DataError where it cannot be read or is too large to be a photo."""
    try:
        if path.stat().st_size >= MAX_PHOTO_BYTES:
            raise DataError(
                "{path} has {megabytes} MB or more. Save it smaller.",
                path=path.name,
                megabytes=MAX_PHOTO_BYTES // 1000000,
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            "{path} cannot be read ({problem}). Check its permissions.", path=path.name, problem=error.strerror
        ) from error
