"""Photos that ship with the project, to try it on."""

from pathlib import Path

import streamlit as st

from ensemble.imaging.photos import PHOTO_ENDINGS
from pages.session.products import SAMPLE, data_root, models_root, store


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


def pick_sample(path: Path) -> None:
    """Choose a sample photo; for a button's callback."""
    st.session_state[SAMPLE] = str(path)


def picked_sample() -> Path | None:
    """The sample photo that was chosen, while it is one of the product's."""
    picked = st.session_state.get(SAMPLE)
    return next((path for path in samples() if str(path) == picked), None)
