"""One of several, and a page of many."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ensemble.imaging.photos import PHOTO_ENDINGS
from ensemble.values.language import worded

Option = TypeVar("Option")
PHOTO_TYPES = [ending.removeprefix(".") for ending in PHOTO_ENDINGS]  # as an uploader wants them


def show_choice(
    label: str,
    options: Iterable[Option],
    key: str,
    words: Callable[[Option], str] = worded,
    *,
    start: Option | None = None,
    **look: Any,
) -> Option:
    """Show all options side by side and give the chosen one, at first `start` or the first.

    The label is for screen readers.
    """
    given = list(options)
    found: Option = st.segmented_control(
        label,
        given,
        default=start if start in given else given[0],
        required=True,
        format_func=words,
        key=key,
        **{"label_visibility": "collapsed", **look},
    )
    return found


def show_ways(label: str, icons: Mapping[str, str], key: str, **look: Any) -> str:
    """Show the ways to photos, each with its icon, and give the chosen one."""
    return show_choice(label, icons, key, lambda name: f"{icons[name]} {worded(name)}", **look)


def show_uploader(label: str, types: Sequence[str], key: str, *, folder: bool) -> list[UploadedFile]:
    """Show where many files, or a whole folder, are dropped; gives them."""
    many: Literal["directory", True] = "directory" if folder else True
    return st.file_uploader(label, type=types, accept_multiple_files=many, key=key)


def show_page(items: Sequence[Option], size: int, key: str) -> Sequence[Option]:
    """Show which page is shown, where one does not hold all; gives what is on it."""
    pages = -(-len(items) // size)
    page = st.pagination(pages, key=key) if pages > 1 else 1
    return items[(page - 1) * size : page * size]
