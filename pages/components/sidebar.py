"""What holds on every screen: the product, the policy, demo mode. Each is part of the page's address."""

import streamlit as st

from ensemble.errors import QuorumError
from pages.components import session
from pages.components.sheet import as_markdown


def show_sidebar() -> None:
    """Show the pickers of product and policy and the switch for demo mode."""
    with st.sidebar:
        _show_product()
        policy = st.container()  # filled last: which policies there are depends on the switch below it
        st.toggle(
            "Demo mode",
            key=session.DEMO,
            bind="query-params",
            on_change=session.forget_results,
        )
        st.caption("Dummy members make votes up; everything is marked DEMO.")
        with policy:
            _show_policy()


def _show_product() -> None:
    names = list(session.products())
    if len(names) > 1:
        st.selectbox("Product", names, key=session.PRODUCT, bind="query-params", on_change=session.forget_results)
    elif names:
        st.caption(f"Product: {as_markdown(names[0])}")


def _show_policy() -> None:
    try:
        found = session.policies()
    except QuorumError:
        return  # the screens that need a policy say what is wrong with it
    active = found[0].name
    st.selectbox(
        "Policy",
        [policy.name for policy in found],
        format_func=lambda name: f"{name} (active)" if name == active else name,
        key=session.POLICY,
        bind="query-params",
        filter_mode=None,
    )
    st.caption(session.policy().description)
