"""What holds on every screen: the product, the policy, demo mode. Each is part of the page's address."""

import streamlit as st

from ensemble.values.errors import QuorumError
from ensemble.values.language import LANGUAGES, Message, _, as_message, paragraph, worded
from ensemble.values.titles import policy_title
from pages.components.common.sheet import as_markdown
from pages.components.training.badge import show_training_badge
from pages.session import language, policy_news, products, wishes

EVERY = 3.0  # seconds between two looks at whether other policies are in force


def show_sidebar() -> str:
    """Show the pickers of product and policy and the switch for demo mode.

    Gives the key of the one whose pick is gone, empty where none is.
    """
    with st.sidebar:
        show_training_badge()
        lost = wishes.PRODUCT if _show_product() else ""
        policy = st.container()  # filled last: which policies there are depends on the switch below it
        st.toggle(
            _("Demo mode"),
            key=products.DEMO,
            bind="query-params",
            on_change=products.forget_results,
        )
        st.caption(_("Random results for demonstration."))
        _show_language()
        with policy:
            return lost or (wishes.POLICY if _show_policy() else "")


def _show_language() -> None:
    """Show the languages, and tell the browser which one the page is in."""
    language.settle_language()
    spoken = st.selectbox(
        "Language · Langue",
        language.languages(),
        format_func=lambda name: LANGUAGES.get(name, name),
        key=language.LANGUAGE,
        filter_mode=None,
    )
    language.show_language_in_address()
    st.html(f"<script>document.documentElement.lang = '{spoken}'</script>", unsafe_allow_javascript=True)


def _show_product() -> str:
    """Show the products; gives the name of the one that was picked and is gone."""
    names = list(products.products())
    if not names:
        return ""
    gone = wishes.settle(wishes.PRODUCT, names)
    if len(names) > 1 or gone:
        st.selectbox(
            _("Product"),
            names,
            index=None if gone else 0,
            key=wishes.PRODUCT,
            bind="query-params",
            on_change=products.forget_results,
            placeholder=_("Choose a product"),
        )
    else:
        st.caption(_("Product: {name}", name=as_markdown(names[0])))
    for name, problem in products.broken_products().items():
        with st.expander(as_markdown(_("{name} cannot be read", name=name)), icon=":material/report:"):
            st.caption(as_markdown(problem))
    return gone


def _show_policy() -> str:
    """Show the policies; gives the name of the one that was picked and is gone."""
    try:
        policy_news.note_stamp()
        found = products.policies()
    except QuorumError:
        return ""  # the screens that need a policy say what is wrong with it
    active = found[0].name
    policy_news.note_active(active)
    names = [policy.name for policy in found]
    titles = {name: _title(name, active) for name in names}
    gone = wishes.settle(wishes.POLICY, names, products.whose_policies())
    st.selectbox(
        _("Policy"),
        names,
        index=None if gone else 0,
        format_func=titles.__getitem__,
        key=wishes.POLICY,
        filter_mode=None,
        placeholder=_("Choose a policy"),
    )
    if not gone:
        wishes.show_in_address(wishes.POLICY, products.policy().name, active)
        st.caption(as_markdown(as_message(products.policy().description)))
    if not products.is_demo():
        _watch_policies("" if gone or wishes.follows() else products.policy().name)
    return gone


def _title(name: str, active: str) -> str:
    title = policy_title(name)
    return _("{policy} (active)", policy=title) if name == active else worded(title)


@st.fragment(run_every=EVERY)
def _watch_policies(picked: str) -> None:
    """Make the page anew when other policies are in force, and say for a while who has put them there.

    `picked` is the policy that the visitor has picked in the place of the one in force, empty where there is none.
    """
    try:
        changed = policy_news.have_policies_changed()
    except QuorumError:  # the product is gone
        changed = True
    if changed:
        st.rerun()
    if news := policy_news.policy_news():
        still = Message("You still use {policy}.", policy=policy_title(picked)) if picked else ""
        st.info(as_markdown(paragraph(news, still)), icon=":material/rule:")
