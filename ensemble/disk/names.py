"""Where a name from outside lies below a folder: it is checked after it was cleaned, links followed."""

import stat
from pathlib import Path, PurePosixPath

from ensemble.values.errors import QuorumError
from ensemble.values.language import Message
from ensemble.values.safe_names import clean_name, shortened

NO_NAME = Message("{name} cannot be the name of a file in {folder}. Do not use what names it.")
LEADS_OUT = Message("{name} leads out of {folder} and is not used. Do not use what names it.")


def path_below(folder: Path, name: object, error: type[QuorumError]) -> Path:
    """Where a name of ours lies below a folder; an error where it is none that we write, or leads out by a link.

    Its parts are clean and stand apart by `/`.
    """
    if not isinstance(name, str) or not all(clean_name(part) == part for part in name.split("/")) or not name:
        raise error(NO_NAME, name=_quoted(name), folder=folder)
    return any_path_below(folder, name, error)


def any_path_below(folder: Path, name: str, error: type[QuorumError]) -> Path:
    """Where a name from a file lies below a folder, odd names too; an error where it leads out, by a link or else."""
    if _is_plain_file_in(folder, folder / name):
        return folder / name
    path, inside = PurePosixPath(name), False
    if path.parts and not path.is_absolute() and ".." not in path.parts:
        try:
            inside = (folder / name).resolve().is_relative_to(folder.resolve())
        except (OSError, RuntimeError, ValueError):  # links in a circle; a NUL, or text that no disk takes
            inside = False
    if not inside:
        raise error(LEADS_OUT, name=_quoted(name), folder=folder)
    return folder / name


def _is_plain_file_in(folder: Path, path: Path) -> bool:
    """Whether a path is a file right in the folder and no link, so that it leads nowhere else; one look at the disk."""
    try:
        return path.parent == folder and path.name != ".." and stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _quoted(name: object) -> str:
    return f"'{shortened(name)}'" if isinstance(name, str) else type(name).__name__
