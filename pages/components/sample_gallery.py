"""Sample photos to try the product on, without a file of one's own."""

from pathlib import Path

import streamlit as st

from pages.components import session
from pages.components.sheet import as_markdown

MOST = 40  # enough to try things on; each is a small picture to send


def show_sample_gallery() -> Path | None:
    """Show a strip of small copies of test photos to push along; the one that was chosen, or None."""
    paths = session.samples()
    picked = session.picked_sample()
    if not paths:
        st.info("No sample photos lie beside this product. Upload a photo instead.")
        return None
    with st.container(horizontal=True, gap="small", key="gallery"):
        for path in paths[:MOST]:
            with st.container(width=112, gap=None):
                st.image(session.sample_thumbnail(path), width=112, alt=f"Sample photo {path.stem}")
                st.button(
                    as_markdown(path.stem.replace("_", " ")),
                    key=f"sample {path}",
                    on_click=session.pick_sample,
                    args=(path,),
                    type="primary" if path == picked else "secondary",
                    width="stretch",
                )
    return picked
