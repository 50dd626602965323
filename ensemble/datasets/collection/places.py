"""Where collections lie: each in a folder right below that of all, and what its folder is called."""

from pathlib import Path

from ensemble.datasets.collection.database import FILE
from ensemble.values.safe_names import clean_parts


def is_collection(folder: Path) -> bool:
    """Whether a folder holds a collection."""
    return (folder / FILE).is_file()


def collections(root: Path) -> dict[str, Path]:
    """The collections right below a folder, by name."""
    if not root.is_dir():
        return {}
    return {path.name: path for path in sorted(root.iterdir()) if path.is_dir() and is_collection(path)}


def folder_name(name: str) -> str:
    """What the folder of a collection is called that goes by a name; empty where nothing of the name can be kept."""
    return (clean_parts(name) or [""])[-1]


def find_collection(root: Path, name: str) -> Path | None:
    """The collection right below a folder that goes by a name; None where there is none."""
    known = collections(root)
    return known.get(name) or known.get(folder_name(name))
