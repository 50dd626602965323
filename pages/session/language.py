"""The language of a visitor: what the sidebar, else the address of the page, else the browser says."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ensemble.values.language import ENGLISH, LANGUAGES, PSEUDO
from pages.session import wishes

LANGUAGE = "lang"  # key of the sidebar's widget, and name in the page's address


def reading() -> str | None:
    """The language of the visitor whose page is being made; None where no page is."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    named = st.session_state.get(LANGUAGE) or st.query_params.get(LANGUAGE)
    return named if named in LANGUAGES or named == PSEUDO else asked_by_browser()


def asked_by_browser() -> str:
    """The language that the browser asks for where it is spoken here, else English."""
    wanted = (st.context.locale or ENGLISH).split("-")[0].lower()
    return wanted if wanted in LANGUAGES else ENGLISH


def languages() -> list[str]:
    """The languages to choose from; the one for tests is among them only while it is spoken."""
    return [*LANGUAGES, *([PSEUDO] if reading() == PSEUDO else [])]


def settle_language() -> None:
    """Before its widget is shown: begin with the language of the page's address or of the browser."""
    if LANGUAGE not in st.session_state:
        st.session_state[LANGUAGE] = reading()


def show_language_in_address() -> None:
    """Let the page's address name the language, where the browser would not ask for it."""
    wishes.show_in_address(LANGUAGE, st.session_state[LANGUAGE], asked_by_browser())
