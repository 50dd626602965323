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
        persist_state="session",
    )
    try:
        found = _photo_from(source)
        if found:
            return session.choose_photo(*found)
    except PhotoError as error:
        st.error(as_markdown(str(error)), icon=":material/broken_image:")
        return None
    return _photo_of_before()


def _photo_from(source: str) -> tuple[bytes, str] | None:
    if source == SAMPLE:
        path = show_sample_gallery()
        return (path.read_bytes(), path.name) if path else None
    if source == CAMERA:
        file = st.camera_input(
            "Take a photo of the part",
            resolution="1080p",
            key="camera",
            on_change=session.upload_changed,
            args=("camera",),
        )
    else:
        file = st.file_uploader(
            "Photo of the part",
            type=TYPES,
            max_upload_size=MAX_BYTES // 1_000_000,
            key="upload",
            label_visibility="collapsed",
            on_change=session.upload_changed,
            args=("upload",),
        )
    return (file.getvalue(), file.name) if file else None


def _photo_of_before() -> session.Chosen | None:
    """The photo that lies there from before another screen, another way to a photo, or a reload."""
    lying = session.chosen_photo()
    if lying is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="of_before"):
            st.text(lying.photo.name, width="stretch")
            st.button("Remove", icon=":material/close:", on_click=session.remove_photo, key="remove_photo")
    return lying
