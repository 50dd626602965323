"""What is kept of a product's inspections, and the fields that change it."""

import contextlib

import streamlit as st

from ensemble.records.settings import KEEPS, Keeping
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, _, worded
from pages.components.common.kept import show_share_field
from pages.components.common.person import show_name_field
from pages.components.common.sheet import as_markdown
from pages.session import keeping, products
from pages.session.clock import local_time

CHOICES = {
    "everything": Message("Everything: verdict, votes and photo"),
    "votes": Message("Verdict and votes, no photo"),
    "nothing": Message("Nothing"),
}


def show_keeping() -> None:
    """Show what is kept of the chosen product, and let a person change it under a name."""
    if products.is_demo():
        st.caption(_("Demo verdicts are not kept in the history."))
        return
    _show_retention_problem()
    with st.expander(_("What is kept"), icon=":material/inventory_2:", key="history_keeping"):
        try:
            now, chosen = keeping.keeping(), keeping.chosen_by()
            product = as_markdown(keeping.kept_product())
        except QuorumError as error:
            st.error(as_markdown(error.message), icon=":material/report:")
            return
        if product:
            st.markdown(_("Product: {name}", name=product))
        if chosen is not None:
            st.caption(_("Last changed by {name} on {time}.", name=as_markdown(chosen.who), time=local_time(chosen.at)))
        _show_fields(now)


def _show_retention_problem() -> None:
    with contextlib.suppress(QuorumError):  # where there is no product to ask for, that is said below
        if problem := keeping.retention_problem():
            told = _(
                "What is beyond the limits of {product} was not removed. {problem}",
                product=keeping.kept_product(),
                problem=worded(problem),
            )
            st.warning(as_markdown(told), icon=":material/auto_delete:")


def _show_fields(now: Keeping) -> None:
    field = keeping.FIELD
    st.radio(
        _("Of every inspection"),
        KEEPS,
        index=KEEPS.index(now.keep),
        format_func=lambda name: worded(CHOICES[name]),
        key=f"{field}keep",
    )
    st.toggle(_("Refuse an inspection that cannot be kept"), value=now.required, key=f"{field}required")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        show_share_field(now, f"{field}share")
        st.number_input(
            _("For how many days"), 1, value=now.days, placeholder=_("no limit"), key=f"{field}days", width=220
        )
        st.number_input(
            _("Up to how many MB"),
            1,
            value=now.megabytes,
            placeholder=_("no limit"),
            key=f"{field}megabytes",
            width=220,
        )
    st.caption(
        _(
            "What is beyond a limit is removed, the oldest first. What a person reviewed or what waits for a review "
            "stays."
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        show_name_field(f"{field}who", width=260)
        st.button(_("Change what is kept"), type="primary", on_click=keeping.change_keeping, key="keeping_save")
