"""Where photos come from: files, the camera, or samples; and whose turn it is."""

from collections.abc import Mapping

import streamlit as st

from ensemble.imaging.photos import MAX_PHOTO_BYTES
from ensemble.values.errors import PhotoError
from ensemble.values.language import Message, _, worded
from pages.components.common.choices import PHOTO_FORMATS, PHOTO_TYPES, show_ways
from pages.components.common.sheet import as_markdown
from pages.components.inspect.left_out import show_left_out
from pages.session import photo, queue, samples, wishes
from pages.session.pictures import thumbnail_of

FILE, CAMERA, SAMPLE = Message("File"), Message("Camera"), Message("Sample")
SOURCE = "source"  # key of the ways to a photo, and name in the page's address
ICONS: Mapping[str, str] = {
    FILE: ":material/upload_file:",
    CAMERA: ":material/photo_camera:",
    SAMPLE: ":material/grid_view:",
}


def show_photo_picker() -> photo.Chosen | None:
    """Show the three ways to photos; the one whose turn it is, or None, with the sentence that refuses it on screen."""
    start = st.query_params.get(SOURCE)
    source = show_ways(_("Photo from"), ICONS, SOURCE, start=start, width="stretch", persist_state="session")
    wishes.show_in_address(SOURCE, source, FILE)
    if source == SAMPLE:
        show_sample_gallery()
    elif source == CAMERA:
        st.camera_input(
            _("Take a photo of the part"),
            resolution="1080p",
            key="camera",
            on_change=queue.take_shot,
            args=("camera",),
        )
    else:
        st.file_uploader(
            _("Photos of the part"),
            type=PHOTO_TYPES,
            max_upload_size=MAX_PHOTO_BYTES // 1_000_000,
            accept_multiple_files=True,
            key=queue.uploader_key(),
            label_visibility="collapsed",
            on_change=queue.take_uploads,
        )
        st.caption(_("{formats}, up to {most} MB", formats=PHOTO_FORMATS, most=MAX_PHOTO_BYTES // 1_000_000))
        show_left_out()
    _show_turn()
    try:
        return queue.photo_in_turn()
    except PhotoError as error:
        st.error(as_markdown(worded(error)), icon=":material/broken_image:")
        return None


def _show_turn() -> None:
    """Show the name of the photo whose turn it is, which of how many it is, and the keys to those beside it."""
    found = queue.queue()
    if found is None:
        return
    many = len(found.photos) > 1
    with st.container(horizontal=True, vertical_alignment="center", key="in_turn"):
        st.text(found.name, width="stretch")
        removed = _("Remove all") if many else _("Remove")
        st.button(removed, icon=":material/close:", on_click=queue.remove_photos, key="remove_photo")
    if not many:
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="turn"):
        _show_neighbour(found, -1, _("Previous"), "chevron_left", "Left")
        st.text(_("{number} of {total}", number=found.place + 1, total=len(found.photos)), width="content")
        _show_neighbour(found, 1, _("Next"), "chevron_right", "Right")


def _show_neighbour(found: queue.Queue, step: int, label: str, icon: str, key: str) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        disabled=not found.has(step),
        on_click=queue.go,
        args=(step,),
        key="photo_next" if step > 0 else "photo_previous",
        shortcut=key,
    )


MOST = 40  # enough to try things on; each is a small picture to send


def show_sample_gallery() -> None:
    """Show a strip of small copies of test photos to push along; one that is pressed has its turn."""
    paths = samples.samples()[:MOST]
    picked = queue.picked_sample()
    if not paths:
        st.info(_("No sample photos for this product. Upload a photo instead."))
        return
    with st.container(horizontal=True, gap="small", key="gallery"):
        for place, path in enumerate(paths):
            with st.container(width=112, gap=None):
                st.image(thumbnail_of(path), width=112, alt=_("Sample photo {photo}", photo=path.stem))
                st.button(
                    as_markdown(path.stem.replace("_", " ")),
                    key=f"sample {path}",
                    on_click=queue.pick_sample,
                    args=(paths, place),
                    type="primary" if path == picked else "secondary",
                    width="stretch",
                )


def show_analyze_button(chosen: photo.Chosen | None) -> bool:
    """Show the button that has the chosen photo judged, and the switch that has every new one judged at once.

    Gives whether the photo is to be judged now.
    """
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
    return chosen is not None and (pressed or (at_once and photo.verdict_of(chosen) is None))
