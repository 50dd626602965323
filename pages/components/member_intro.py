"""What a person can do about members: add one, or look around in demo mode."""

import streamlit as st

from ensemble.members.demo import names
from pages.components import session
from pages.components.sheet import as_code


def show_demo_members() -> None:
    """Say who votes while demo mode is on."""
    if session.is_demo():
        dummies = ", ".join(names(session.classes()))
        st.info(f"Demo mode is on. These dummies vote in the place of trained members: {dummies}.")


def show_how_to_add() -> None:
    """Say in two lines how a model made elsewhere becomes a member."""
    st.subheader("Add a model", anchor=False)
    folder = session.shown_path(session.store().folder)
    st.markdown(
        "1. Put `svm_resnet50.pkl` and `svm_resnet50_scaler.pkl`, named by kind and backbone, into "
        f"{as_code(f'{folder}/')}.\n"
        f"2. Run {as_code(f'python -m ensemble trust --models {folder}')} once: until then the files stay in "
        "quarantine, unopened."
    )
