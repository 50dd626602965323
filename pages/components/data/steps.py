"""Which collection, which step of the work, and what was done last."""

import streamlit as st

from ensemble.values.language import _, worded
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_markdown
from pages.session import collections
from pages.session.told import DATA


def show_steps() -> str:
    """Show the pickers of collection and step; gives the step, which is the first one while there is no collection."""
    collections.arrive()
    names = collections.collection_names()
    if not names:
        show_told(DATA, collections.take_back)
        return collections.BRING_IN
    gone = collections.missing_collection()
    if gone:
        st.warning(
            as_markdown(_("Collection {name} not found. Select another one.", name=gone)),
            icon=":material/search_off:",
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if len(names) > 1 or gone:
            shown = collections.collection()
            st.selectbox(
                _("Collection"),
                names,
                index=names.index(shown.name) if shown else None,
                key=collections.COLLECTION,
                on_change=collections.pick_collection,
                filter_mode=None,
                width=300,
                placeholder=_("Select a collection"),
            )
            if gone:
                st.stop()
        else:
            st.markdown(_("Collection **{name}**", name=as_markdown(names[0])), width="content")
        step: str | None = st.segmented_control(
            _("Step"),
            collections.STEPS,
            format_func=worded,
            required=True,
            label_visibility="collapsed",
            key=collections.STEP,
        )
    show_told(DATA, collections.take_back)
    collections.note_in_address(str(step))
    return str(step)


def show_import_button() -> None:
    """Offer to go to the step that brings photos in, where there are none."""
    st.button(
        _("Import photos"),
        type="primary",
        icon=":material/move_to_inbox:",
        on_click=collections.go_on,
        args=(collections.BRING_IN,),
        key="go_import",
    )
