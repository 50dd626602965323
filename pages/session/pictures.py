"""Small copies of photos on disk, made once for all visitors."""

from pathlib import Path

import streamlit as st

from ensemble.imaging.overlays import THUMBNAIL_SIDE, thumbnail
from ensemble.imaging.photos import read_photo
from ensemble.values.errors import PhotoError
from ensemble.values.view import AS_IT_IS, View


def thumbnail_of(path: Path, digest: str = "", side: int = THUMBNAIL_SIDE, view: View = AS_IT_IS) -> bytes:
    """A small copy of a photo; an OSError or a QuorumError where it is gone, unreadable or not that of the digest."""
    return _thumbnail(str(path), digest, side, path.stat().st_mtime_ns, view)


@st.cache_data(max_entries=1024, show_spinner=False)
def _thumbnail(path: str, digest: str, side: int, changed: int, view: View) -> bytes:
    photo = read_photo(Path(path), view)
    if digest and photo.sha256 != digest:
        raise PhotoError("{path} is another photo than the one that was judged.", path=path)
    return thumbnail(photo.picture, side)
