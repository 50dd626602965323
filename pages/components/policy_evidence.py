"""The empty state of the policy desk: no photos with a known truth."""

import streamlit as st

from ensemble.cases import Evidence
from ensemble.errors import StoreError
from pages.components import session
from pages.components.policy_headline import show_policy_headline
from pages.components.sheet import as_code, as_markdown


def show_policy_evidence() -> Evidence:
    """Show what is in force and give the photos with a known truth; without these say what to do and end the screen."""
    active = session.policies()[0]
    try:
        evidence = session.evidence()
    except StoreError as error:
        show_policy_headline(active, None)
        with st.container(border=True, key="no_evidence"):
            st.subheader("Nothing to weigh risks by yet", anchor=False)
            st.error(as_markdown(str(error)), icon=":material/report:")
            data, models = session.shown_path(session.data_root()), session.shown_path(session.store().folder)
            st.markdown(f"Training keeps them: {as_code(f'python -m ensemble train --data {data} --models {models}')}")
            if not session.is_demo():
                st.markdown("Or look around first, on made-up parts that are marked DEMO.")
                st.button("Switch demo mode on", on_click=session.switch_demo, args=(True,), key="demo_on")
        st.stop()
    show_policy_headline(active, evidence)
    return evidence
