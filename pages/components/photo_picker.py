"""Where a photo comes from: a file, the camera, or a sample."""

import streamlit as st

from ensemble.errors import PhotoError
from ensemble.photos import MAX_BYTES, PHOTO_ENDINGS
from pages.components import session
from pages.components.sample_gallery import show_sample_gallery
from pages.components.sheet import as_markdown

FILE, CAMERA, SAMPLE = "File", "Camera", "Sample"
ICONS = {FILE: ":material/upload_file:", CAMERA: ":material/photo_camera:", SAMPLE: ":material/grid_view:"}
TYPES = [ending.removeprefix(".") for ending in PHOTO_ENDINGS]


def show_photo_picker() -> session.Chosen | None:
    """Show the three ways to a photo; the one that was chosen, or None, with the sentence that refuses it on screen."""
    source = st.segmented_control(
        "Photo from",
        list(ICONS),
        default=FILE,
        required=True,
        format_func=lambda name: f"{ICONS[name]} {name}",
        label_visibility="collapsed",
        key="source",
        width="stretch",
    )
    try:
        found = _photo_from(source)
        return session.choose_photo(*found) if found else None
    except PhotoError as error:
        st.error(as_markdown(str(error)), icon=":material/broken_image:")
        return None


def _photo_from(source: str) -> tuple[bytes, str] | None:
    if source == SAMPLE:
        path = show_sample_gallery()
        return (path.read_bytes(), path.name) if path else None
    if source == CAMERA:
        file = st.camera_input("Take a photo of the part", key="camera")
    else:
        file = st.file_uploader(
            "Photo of the part",
            type=TYPES,
            max_upload_size=MAX_BYTES // 1_000_000,
            key="upload",
            label_visibility="collapsed",
        )
    return (file.getvalue(), file.name) if file else None
