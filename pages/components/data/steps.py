"""Which collection, which step of the work, and what was done last."""

import streamlit as st

from pages.components.common.sheet import as_markdown
from pages.session import collections
from pages.session.told import DATA, told


def show_steps() -> str:
    """Show the pickers of collection and step; gives the step, which is the first one while there is no collection."""
    collections.arrive()
    names = collections.collection_names()
    if not names:
        _show_last()
        return collections.BRING_IN
    gone = collections.missing_collection()
    if gone:
        st.warning(
            f"Collection {as_markdown(gone)} not found. Select another one.",
            icon=":material/search_off:",
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if len(names) > 1 or gone:
            shown = collections.collection()
            st.selectbox(
                "Collection",
                names,
                index=names.index(shown.name) if shown else None,
                key=collections.COLLECTION,
                on_change=collections.pick_collection,
                filter_mode=None,
                width=300,
                placeholder="Select a collection",
            )
            if gone:
                st.stop()
        else:
            st.markdown(f"Collection **{as_markdown(names[0])}**", width="content")
        step = st.segmented_control(
            "Step",
            collections.STEPS,
            required=True,
            label_visibility="collapsed",
            key=collections.STEP,
            bind="query-params",
        )
    _show_last()
    collections.note_in_address()
    return str(step)


def _show_last() -> None:
    last = told(DATA)
    if last.wrong:
        st.error(as_markdown(last.sentence), icon=":material/report:")
    elif last.sentence:
        with st.container(horizontal=True, vertical_alignment="center", key="told"):
            st.success(as_markdown(last.sentence), icon=":material/check:")
            if last.decision is not None:
                back = collections.take_back
                st.button("Undo", icon=":material/undo:", on_click=back, args=(last.decision,), key="undo_last")
