"""Photos that ship with the project, to try it on."""

from pathlib import Path

from ensemble.imaging.photos import PHOTO_ENDINGS
from pages.session.products import data_root, models_root, store


def samples() -> list[Path]:
    """Photos of the chosen product's test part that ship with the project, its classes in turn."""
    folder = store().folder
    root = data_root() if folder == models_root() else data_root() / folder.name
    by_class: dict[str, list[Path]] = {}
    for path in sorted((root / "test").glob("*/*")):
        if path.suffix.lower() in PHOTO_ENDINGS:
            by_class.setdefault(path.parent.name, []).append(path)
    longest = max(map(len, by_class.values()), default=0)
    return [paths[place] for place in range(longest) for paths in by_class.values() if place < len(paths)]
