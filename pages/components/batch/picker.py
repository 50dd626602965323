"""Where a batch comes from: many files, zips of them, or a folder."""

from collections.abc import Mapping

import streamlit as st

from ensemble.imaging.photos import MAX_PHOTO_BYTES
from ensemble.values.language import Message, _
from pages.components.common.choices import PHOTO_OR_ZIP_FORMATS, PHOTO_TYPES, show_uploader, show_ways
from pages.session import batches

FILES, FOLDER = Message("Files or ZIP"), Message("Folder")
ICONS: Mapping[str, str] = {FILES: ":material/upload_file:", FOLDER: ":material/folder_open:"}


def show_batch_picker() -> None:
    """Show both ways to many photos and the button that begins with them."""
    most = MAX_PHOTO_BYTES // 1_000_000
    another = batches.begun() or ""
    if show_ways(_("Photos from"), ICONS, "batch_source") == FOLDER:
        label = _("Folder of photos (up to {most} MB each)", most=most)
        files = show_uploader(label, PHOTO_TYPES, f"batch_folder{another}", folder=True)
    else:
        zip_most = st.get_option("server.maxUploadSize")
        label = _("Photos (up to {most} MB each) or ZIP files (up to {zip_most} MB)", most=most, zip_most=zip_most)
        types = [*PHOTO_TYPES, "zip"]
        files = show_uploader(label, types, f"batch_files{another}", folder=False, formats=PHOTO_OR_ZIP_FORMATS)
    analyze = _("Analyze {count} file", "Analyze {count} files", count=len(files)) if files else _("Analyze files")
    st.button(
        analyze,
        type="primary",
        width="stretch",
        disabled=not files,
        key="analyze",
        icon=":material/search:",
        on_click=batches.begin_batch,
        args=(files,),
    )
