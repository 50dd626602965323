"""One of several, and a page of many."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ensemble.imaging.photos import PHOTO_ENDINGS
from ensemble.values.language import Message, worded

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


# What an uploader takes, in a line of our own: Streamlit's ends in an ellipsis on a phone, and speaks English alone.
PHOTO_FORMATS = Message("JPEG, PNG, TIFF, WebP, BMP, GIF or PGM")
PHOTO_OR_ZIP_FORMATS = Message("JPEG, PNG, TIFF, WebP, BMP, GIF, PGM or ZIP")


def show_uploader(
    label: str, types: Sequence[str], key: str, *, folder: bool, formats: Message = PHOTO_FORMATS
) -> list[UploadedFile]:
    """Show where many files, or a whole folder, are dropped, and of which formats; gives them."""
    many: Literal["directory", True] = "directory" if folder else True
    files = st.file_uploader(label, type=types, accept_multiple_files=many, key=key)
    st.caption(worded(formats))
    return files


def show_page(items: Sequence[Option], size: int, key: str) -> Sequence[Option]:
    """Show which page is shown, where one does not hold all; gives what is on it."""
    pages = -(-len(items) // size)
    page = st.pagination(pages, key=key) if pages > 1 else 1
    return items[(page - 1) * size : page * size]
