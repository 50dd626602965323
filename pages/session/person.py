"""The name of whoever works here: asked once, and kept in the browser."""

import json
from urllib.parse import quote, unquote

import streamlit as st

COOKIE = "quorum_name"
NAME, KEPT = "_person", "_person_kept"  # the name of this visit, and the one that the browser has been given
MOST_LETTERS = 60


def name() -> str:
    """The name that was given last, in this visit or in an earlier one of this browser; empty where none was."""
    kept = st.context.cookies.get(COOKIE)
    known = st.session_state.get(NAME, unquote(kept) if isinstance(kept, str) else "")
    return str(known)[:MOST_LETTERS]


def remember(given: str) -> None:
    """Take a name as that of whoever works here; an empty one changes nothing."""
    if given.strip():
        st.session_state[NAME] = given.strip()


def name_to_keep() -> str:
    """A script that has the browser keep a new name for a year, once; empty where there is none."""
    given = st.session_state.get(NAME)
    if not given or given == st.session_state.get(KEPT):
        return ""
    st.session_state[KEPT] = given
    cookie = f"{COOKIE}={quote(given, safe='')}; max-age=31536000; path=/; SameSite=Strict"
    return f"<script>document.cookie = {json.dumps(cookie)}</script>"
