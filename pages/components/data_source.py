"""Where photos come from: files and zips, a folder of the visitor's, a folder of the machine that Quorum runs on."""

import streamlit as st

from ensemble.errors import QuorumError
from ensemble.photos import PHOTO_ENDINGS
from pages.components import session
from pages.components.sheet import as_markdown

FILES, FOLDER, HERE = "Zip or files", "Folder", "Path"
ICONS = {FILES: ":material/folder_zip:", FOLDER: ":material/folder_open:", HERE: ":material/dns:"}
TYPES = [*(ending.removeprefix(".") for ending in PHOTO_ENDINGS), "zip", "csv", "json"]


def show_source() -> session.Source | None:
    """Show the ways in; gives the chosen source, None while there is none."""
    way = st.segmented_control(
        "Photos from",
        list(ICONS),
        default=FILES,
        required=True,
        format_func=lambda name: f"{ICONS[name]} {name}",
        label_visibility="collapsed",
        key="data_way",
    )
    if way == HERE:
        return _show_path()
    if way == FOLDER:
        files = st.file_uploader(
            "A folder with one folder a class, as a camera or a download left it",
            type=TYPES,
            accept_multiple_files="directory",
            key="data_folder",
        )
    else:
        files = st.file_uploader(
            "A zip of folders, one a class; or photos with a CSV or JSON files that say what they are",
            type=TYPES,
            accept_multiple_files=True,
            key="data_files",
        )
    return session.upload_source(files) if files else None


def _show_path() -> session.Source | None:
    text = st.text_input("Folder or zip on the machine that Quorum runs on", placeholder="data", key="data_path")
    if not text.strip():
        return None
    try:
        return session.folder_source(text)
    except QuorumError as error:
        st.error(as_markdown(str(error)), icon=":material/report:")
        return None
