"""What a visitor has picked by name: it stays picked while it is there, and nothing takes its place once it is gone."""

from collections.abc import Sequence

import streamlit as st

from ensemble.values.language import Message
from ensemble.values.safe_names import shortened

PRODUCT, POLICY = "product", "policy"  # keys of the sidebar's widgets, and names in the page's address
ACTIVE = "_active"  # which policy was in force when the visitor looked last


def wish(key: str) -> str | None:
    """What is picked, else what the visitor was shown before, else what the page's address names; None at first."""
    found = st.session_state.get(key) or st.session_state.get(_shown(key)) or st.query_params.get(key)
    return None if found is None else str(found)


def settle(key: str, names: Sequence[str], where: str = "") -> str:
    """Before its widget is shown: stay with what was picked, the first where nothing was; gives the name that is gone.

    Where that is so the widget is left empty until the visitor picks something. `where` says who has these
    names, where not everybody has the same; it is noted with the pick.
    """
    wished = wish(key)
    gone = wished is not None and wished not in names
    value = None if gone else wished or names[0]
    if st.session_state.get(key) != value and (gone or key in st.session_state or value != names[0]):
        st.session_state[key] = value
    st.session_state[_shown(key)] = wished if gone else value
    if not gone:
        st.session_state[_picked_in(key)] = where
    return str(wished) if gone else ""


def restore(key: str, names: Sequence[str]) -> None:
    """Before its widget is shown: begin with what the page's address names."""
    named = st.query_params.get(key)
    if key not in st.session_state and named in names:
        st.session_state[key] = named


def show_in_address(key: str, name: str, usual: str) -> None:
    """Let the page's address name a pick by its identifier, whatever a person calls it; what is usual is left out."""
    if name != usual and st.query_params.get(key) != name:
        st.query_params[key] = name
    elif name == usual and key in st.query_params:
        del st.query_params[key]


def pick(key: str, name: str) -> None:
    """Pick a name; for a button's callback."""
    st.session_state[key] = name


def follow(active: str) -> str:
    """Whoever works by the policy in force goes on with the one that is in force now; gives the one of before."""
    before = str(st.session_state.get(ACTIVE) or "")
    if before != active and before and wish(POLICY) == before:
        st.session_state[POLICY] = active
    st.session_state[ACTIVE] = active
    return before


def follows() -> bool:
    """Whether the visitor works by the policy in force, and has picked no other."""
    wished = wish(POLICY)
    return wished is None or wished == st.session_state.get(ACTIVE)


def gone_sentence(key: str, name: str, where: str = "") -> Message:
    """The sentence about a pick that is gone, or that was made elsewhere and is not to be had here."""
    short = shortened(name)
    if key == PRODUCT:
        return Message(
            "There is no product called {name} any more: it was deleted or renamed. Nothing is judged until you choose "
            "another product.",
            name=short,
        )
    if st.session_state.get(_picked_in(key), where) != where:
        said = where if isinstance(where, Message) else shortened(where)
        return Message(
            "{where} has no policy called {name}. Nothing is judged until you choose one.", where=said, name=short
        )
    return Message(
        "There is no policy called {name} any more: it was deleted or renamed. Nothing is judged until you choose "
        "another policy.",
        name=short,
    )


def _shown(key: str) -> str:
    return f"_{key}"


def _picked_in(key: str) -> str:
    return f"_{key}_picked_in"
