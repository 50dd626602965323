"""Where a photo comes from: a file, the camera, or a sample."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from ensemble.imaging.photos import MAX_PHOTO_BYTES
from ensemble.values.errors import PhotoError
from ensemble.values.language import Message, _, worded
from pages.components.common.choices import PHOTO_TYPES, show_ways
from pages.components.common.sheet import as_markdown
from pages.session import photo, samples
from pages.session.pictures import thumbnail_of

FILE, CAMERA, SAMPLE = Message("File"), Message("Camera"), Message("Sample")
ICONS: Mapping[str, str] = {
    FILE: ":material/upload_file:",
    CAMERA: ":material/photo_camera:",
    SAMPLE: ":material/grid_view:",
}


def show_photo_picker() -> photo.Chosen | None:
    """Show the three ways to a photo; the one that was chosen, or None, with the sentence that refuses it on screen."""
    source = show_ways(_("Photo from"), ICONS, "source", width="stretch", persist_state="session")
    try:
        found = _photo_from(source)
        if found:
            return photo.choose_photo(*found)
    except PhotoError as error:
        st.error(as_markdown(worded(error)), icon=":material/broken_image:")
        return None
    return _photo_of_before()


def _photo_from(source: str) -> tuple[bytes, str] | None:
    if source == SAMPLE:
        path = show_sample_gallery()
        return (path.read_bytes(), path.name) if path else None
    if source == CAMERA:
        file = st.camera_input(
            _("Take a photo of the part"),
            resolution="1080p",
            key="camera",
            on_change=photo.upload_changed,
            args=("camera",),
        )
    else:
        file = st.file_uploader(
            _("Photo of the part"),
            type=PHOTO_TYPES,
            max_upload_size=MAX_PHOTO_BYTES // 1_000_000,
            key="upload",
            label_visibility="collapsed",
            on_change=photo.upload_changed,
            args=("upload",),
        )
    return (file.getvalue(), file.name) if file else None


def _photo_of_before() -> photo.Chosen | None:
    """The photo that lies there from before another screen, another way to a photo, or a reload."""
    lying = photo.chosen_photo()
    if lying is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="of_before"):
            st.text(lying.photo.name, width="stretch")
            st.button(_("Remove"), icon=":material/close:", on_click=photo.remove_photo, key="remove_photo")
    return lying


MOST = 40  # enough to try things on; each is a small picture to send


def show_sample_gallery() -> Path | None:
    """Show a strip of small copies of test photos to push along; the one that was chosen, or None."""
    paths = samples.samples()
    picked = samples.picked_sample()
    if not paths:
        st.info(_("No sample photos for this product. Upload a photo instead."))
        return None
    with st.container(horizontal=True, gap="small", key="gallery"):
        for path in paths[:MOST]:
            with st.container(width=112, gap=None):
                st.image(thumbnail_of(path), width=112, alt=_("Sample photo {photo}", photo=path.stem))
                st.button(
                    as_markdown(path.stem.replace("_", " ")),
                    key=f"sample {path}",
                    on_click=samples.pick_sample,
                    args=(path,),
                    type="primary" if path == picked else "secondary",
                    width="stretch",
                )
    return picked


def show_analyze_button(chosen: photo.Chosen | None) -> None:
    """Show the button that has the chosen photo judged, and the switch that has every new one judged at once."""
    pressed = st.button(
        _("Analyze"),
        type="primary",
        width="stretch",
        disabled=chosen is None,
        key="analyze",
        icon=":material/search:",
        shortcut="Ctrl+Enter",
    )
    at_once = st.toggle(_("Analyze automatically"), key="at_once", persist_state="session")
    if chosen is not None and (pressed or (at_once and photo.verdict_of(chosen) is None)):
        with st.spinner(_("Analyzing …")):
            photo.analyze(chosen)
