"""What is the same around every screen."""

from itertools import islice

import streamlit as st

from ensemble.values.errors import QuorumError
from ensemble.values.language import _
from ensemble.values.titles import policy_title
from pages.components.common.person import show_name_kept
from pages.components.common.sheet import as_html, as_markdown
from pages.components.common.sidebar import show_sidebar
from pages.components.common.style import show_style
from pages.session import products, tables, wishes


def show_frame(title: str, *, inspects: bool) -> None:
    """Show what stands around the screen of this title: style, mark, sidebar, the title as the menu has it, and where
    they are due the DEMO band and what is wrong with policies. Whether it `inspects` photos tells what is offered.

    Where the product or the policy that was picked is gone, the screen ends here.
    """
    tables.show_table_in_address()  # another screen has another address
    show_style()
    show_name_kept()
    lost = show_sidebar()
    show_demo_band()
    show_policy_problem()
    st.title(title, anchor=False)
    if lost:
        show_lost(lost, inspects=inspects)


def show_demo_band() -> None:
    """Show the striped band at the top of the page while dummy members vote."""
    if products.is_demo():
        said = _("<b>DEMO</b> · random results")
        st.html(f'<div class="demo-band" role="alert"><span>{said}</span></div>')


def show_trial_band() -> None:
    """Show the band at the top of the page while not the active policy gives the verdicts."""
    policy = products.trial_policy()
    if policy is not None:
        title = as_html(policy_title(policy.name))
        said = _("Trial policy <b>{policy}</b>: its verdicts do not count.", policy=title)
        st.html(f'<div class="trial-band" role="status"><span>{said}</span></div>')


OFFERED = 6


def show_lost(key: str, *, inspects: bool) -> None:
    """Say what is gone and offer what is there, on a screen that inspects to go on with; then end the screen."""
    if key == wishes.PRODUCT:
        question = _("Which product?")
        titles = {name: name for name in products.products() if name not in products.broken_products()}
    else:
        question = _("Which policy?")
        titles = {policy.name: policy_title(policy.name) for policy in products.policies()}
    with st.container(border=True, key="lost"):
        st.header(question, anchor=False)
        st.error(as_markdown(products.lost_sentence(key)), icon=":material/report:")
        with st.container(horizontal=True, gap="small"):
            for name, title in islice(titles.items(), OFFERED):
                label = as_markdown(_("Analyze with {name}", name=title) if inspects else title)
                st.button(label, on_click=products.work_with, args=(key, name), key=f"choose {key} {name}")
    st.stop()


def show_policy_problem() -> None:
    """Show what is wrong with the product's policies, where the last good ones are in force."""
    try:
        problem = products.in_force().problem
    except QuorumError:
        return  # there are none at all, and the screens that need one say why
    if problem:
        st.warning(as_markdown(problem), icon=":material/rule:")
