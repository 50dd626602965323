"""Where a batch comes from: many files, zips of them, or a folder."""

import streamlit as st

from ensemble.imaging.photos import MAX_PHOTO_BYTES, PHOTO_ENDINGS
from ensemble.values.digits import many
from pages.session import batches

FILES, FOLDER = "Files or zip", "Folder"
ICONS = {FILES: ":material/upload_file:", FOLDER: ":material/folder_open:"}
TYPES = [ending.removeprefix(".") for ending in PHOTO_ENDINGS]


def show_batch_picker() -> None:
    """Show both ways to many photos and the button that begins with them."""
    source = st.segmented_control(
        "Photos from",
        list(ICONS),
        default=FILES,
        required=True,
        format_func=lambda name: f"{ICONS[name]} {name}",
        label_visibility="collapsed",
        key="batch_source",
    )
    label = f"Photos of up to {MAX_PHOTO_BYTES // 1_000_000} MB each"
    if source == FOLDER:
        files = st.file_uploader(
            f"A folder: {label}", type=TYPES, accept_multiple_files="directory", key="batch_folder"
        )
    else:
        files = st.file_uploader(
            f"{label}, or zip files of them", type=[*TYPES, "zip"], accept_multiple_files=True, key="batch_files"
        )
    last = batches.batch()
    busy = last is not None and last.running and batches.may_stop_batch()
    st.button(
        f"Analyze {many(len(files), 'file')}" if files else "Analyze files",
        type="primary",
        width="stretch",
        disabled=not files or busy,
        key="analyze",
        icon=":material/search:",
        on_click=batches.start_batch,
        args=([(file.name, file.getvalue) for file in files],),
    )
