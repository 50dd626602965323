"""Where the files of the project lie, and where products and photos are kept: beside them, unless Quorum is installed.

An installed Quorum lies where people write nothing, and an update takes away what lies there. It keeps products and
photos in QUORUM_HOME, else in the current folder where that holds a product, else in `quorum` of the user's folder.
"""

import os
import shutil
import tempfile
from pathlib import Path

FILES = Path(__file__).resolve().parents[2]
INSTALLED = (FILES / "__init__.py").is_file()  # the wheel puts one there
HOME_SETTING = "QUORUM_HOME"
SHIPPED_FOLDERS = ("models", "data")


def home() -> Path:
    """The folder that holds `models` and `data`."""
    if not INSTALLED:
        return FILES
    if chosen := os.environ.get(HOME_SETTING):
        return Path(chosen).resolve()
    here = Path.cwd()
    return here if (here / "models" / "manifest.json").is_file() else Path.home() / "quorum"


HOME = home()
BY_DEFAULT = HOME if INSTALLED and Path.cwd() != HOME else Path()  # what the command line's own folders begin with


def fill(folder: Path) -> list[Path]:
    """Put what ships into the folder, where it is missing; each whole or not at all. Gives what was put there."""
    missing = [folder / name for name in SHIPPED_FOLDERS if not (folder / name).exists()]
    for path in missing:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
            ready = Path(scratch) / path.name
            shutil.copytree(FILES / path.name, ready)
            ready.rename(path)
    return missing
