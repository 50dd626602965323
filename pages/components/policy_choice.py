"""Having the cheapest policy chosen, under a limit on escapes."""

import streamlit as st

from ensemble.cases import Evidence
from ensemble.costs import Line
from ensemble.errors import PolicyError
from ensemble.risk import percent
from pages.components import session
from pages.components.policy_words import money
from pages.components.sheet import as_markdown

LIMIT = 10.0  # percent


def show_policy_choice(evidence: Evidence, line: Line) -> None:
    """Show the limit and the button; what is chosen on held-out photos becomes what the draft starts from."""
    if evidence.classes.defect is None:
        return
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        limit = st.number_input(
            "Escape limit, %",
            min_value=0.1,
            max_value=100.0,
            value=LIMIT,
            step=1.0,
            key="limit",
            bind="query-params",
            width=160,
        )
        pressed = st.button("Choose for me", icon=":material/savings:", key="choose")
    limit = LIMIT if limit is None else limit  # an emptied field
    if pressed:
        try:
            with st.spinner("Trying every rule at every cut …"):
                session.choose_by_cost(evidence.held_out, line, limit / 100)
        except PolicyError as error:
            st.warning(as_markdown(str(error)), icon=":material/money_off:")
    chosen = session.chosen_by_cost()
    if chosen is None:
        st.caption(
            f"The cheapest policy whose escape rate is surely at most {percent(limit / 100)}, by these prices. It is "
            "chosen on the held-out photos and becomes the draft above."
        )
    else:
        st.caption(
            f"Chosen: {as_markdown(chosen.policy.name)}, {money(chosen.money)} per 1000 parts on the held-out photos. "
            "It is the start of the draft above."
        )
