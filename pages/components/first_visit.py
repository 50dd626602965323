"""The first visit of a fresh process, should it be a deep link.

Until `st.navigation` has run once, Streamlit takes the folder `pages/` for pages of its older kind, finds none of that
name and opens a "Page not found" dialog over the right screen. Loading the page once more is all it needs.
"""

from urllib.parse import urlsplit

import streamlit as st
from streamlit.navigation.page import Page
from streamlit.runtime.pages_manager import PagesManager


def is_first_visit() -> bool:
    """Whether `st.navigation` has not run yet in this process; to be asked before it does."""
    return bool(PagesManager.uses_pages_directory)


def load_again_if_lost(screen: Page) -> None:
    """Load a deep link once more, and end this run; do nothing on the default screen or outside a browser."""
    address = urlsplit(st.context.url or "").path.rstrip("/")
    if screen.url_path and address.endswith(f"/{screen.url_path}"):
        st.html("<script>window.location.reload()</script>", unsafe_allow_javascript=True)
        st.stop()
