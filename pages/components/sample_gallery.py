"""Sample photos to try the product on, without a file of one's own."""

from pathlib import Path

import streamlit as st

from pages.components import session

PAGE = 8


def show_sample_gallery() -> Path | None:
    """Show small copies of the test photos, a page at a time; the one that was chosen, or None."""
    paths = session.samples()
    picked = session.picked_sample()
    if not paths:
        st.info("No sample photos lie beside this product. Upload a photo instead.")
        return None
    pages = -(-len(paths) // PAGE)
    page = st.session_state.get("sample_page", 1) if pages > 1 else 1
    with st.container(horizontal=True, gap="small", key="gallery"):
        for path in paths[(page - 1) * PAGE : page * PAGE]:
            with st.container(width=104, gap=None):
                st.image(session.sample_thumbnail(path), width=104, alt=f"Sample photo {path.stem}")
                st.button(
                    path.stem.replace("_", " "),
                    key=f"sample {path}",
                    on_click=session.pick_sample,
                    args=(path,),
                    type="primary" if path == picked else "secondary",
                    width="stretch",
                )
    if pages > 1:
        st.pagination(pages, key="sample_page")
    return picked
