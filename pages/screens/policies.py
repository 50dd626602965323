"""Policies: what do we risk?"""

import streamlit as st

from pages.components.common.obstacle import show_obstacle
from pages.components.policies.activation import show_policy_activation
from pages.components.policies.comparison import show_policy_choice, show_policy_comparison, show_policy_line
from pages.components.policies.draft import show_policy_draft
from pages.components.policies.evidence import show_policy_cheaper, show_policy_evidence
from pages.components.policies.history import show_policy_history, show_policy_saving
from pages.session import products

show_obstacle()
evidence = show_policy_evidence()
active = products.policies()[0]

cheaper, draft, costs, saving, force = (st.container() for _ in range(5))
with costs:  # before the draft, which is shown above it and needs the prices
    st.header("Costs" if evidence.classes.defect else "Comparison", anchor=False)
    line = show_policy_line(evidence.classes)
    show_policy_choice(evidence, line)
    show_policy_comparison(evidence, line)
with cheaper:
    show_policy_cheaper(active.name, evidence, line)
with draft:
    st.header("Adjust thresholds", anchor=False)
    show_policy_draft(evidence, line)
with saving:
    st.header("Save draft", anchor=False)
    show_policy_saving()
with force:
    st.header("Activate", anchor=False)
    show_policy_activation(active, evidence)
    st.subheader("History", anchor=False)
    show_policy_history()
