"""What a person reads when something fails that no screen has foreseen: one sentence, and a reference in the log."""

import logging
import secrets
from urllib.parse import urlsplit

import streamlit as st
from streamlit import error_util
from streamlit.navigation.page import Page
from streamlit.runtime.pages_manager import PagesManager

from ensemble.values.errors import QuorumError
from ensemble.values.language import _


def calm_faults() -> None:
    """Let every fault of this process be told so: in a screen, a callback, a fragment or a dialog.

    Streamlit has no public hook for a script that it runs itself, so its own way of showing a fault is replaced.
    """
    error_util.show_uncaught_app_exception = _show_fault


def _show_fault(ex: BaseException) -> None:
    try:
        from pages.components.common.sheet import as_markdown  # brings torch, which must not hold up the first page

        if isinstance(ex, QuorumError):
            sentence: str = ex.message
        else:
            reference = secrets.token_hex(2)
            logging.getLogger(__name__).error("Reference %s", reference, exc_info=ex)
            sentence = _(
                "Something went wrong here (reference {reference}). The log has the details. Reload the page; if it "
                "stays, report the reference.",
                reference=reference,
            )
        st.error(as_markdown(sentence), icon=":material/report:")
    except Exception:  # what fails while a fault is told must not hide the fault itself
        logging.getLogger(__name__).exception("A fault could not be shown")


def is_first_visit() -> bool:
    """Whether `st.navigation` has not run yet in this process; to be asked before it does."""
    return bool(PagesManager.uses_pages_directory)


def load_again_if_lost(screen: Page) -> None:
    """Load a deep link once more, and end this run; do nothing on the default screen or outside a browser."""
    address = urlsplit(st.context.url or "").path.rstrip("/")
    if screen.url_path and address.endswith(f"/{screen.url_path}"):
        st.html("<script>window.location.reload()</script>", unsafe_allow_javascript=True)
        st.stop()
