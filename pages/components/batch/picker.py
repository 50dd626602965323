"""Where a batch comes from: many files, zips of them, or a folder."""

import streamlit as st

from ensemble.imaging.photos import MAX_PHOTO_BYTES
from ensemble.values.digits import many
from pages.components.common.choices import PHOTO_TYPES, show_uploader, show_ways
from pages.session import batches

FILES, FOLDER = "Files or zip", "Folder"
ICONS = {FILES: ":material/upload_file:", FOLDER: ":material/folder_open:"}


def show_batch_picker() -> None:
    """Show both ways to many photos and the button that begins with them."""
    label = f"Photos of up to {MAX_PHOTO_BYTES // 1_000_000} MB each"
    if show_ways("Photos from", ICONS, "batch_source") == FOLDER:
        files = show_uploader(f"A folder: {label}", PHOTO_TYPES, "batch_folder", folder=True)
    else:
        files = show_uploader(f"{label}, or zip files of them", [*PHOTO_TYPES, "zip"], "batch_files", folder=False)
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
