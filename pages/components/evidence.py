"""The photo itself, without compression marks that could pass for a defect."""

import streamlit as st

from pages.components import session


def show_evidence(chosen: session.Chosen | None) -> None:
    """Show the chosen photo upright, as the members see it, with its name and size."""
    if chosen is None:
        return
    width, height = chosen.photo.picture.size
    st.image(chosen.evidence, output_format="PNG", width="stretch", alt=f"The photo {chosen.photo.name}")
    st.text(f"{chosen.photo.name} · {width} × {height} pixels")
