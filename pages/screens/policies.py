"""Policies: what do we risk?"""

from pages.components.common.obstacle import show_obstacle
from pages.components.policies.activation import show_policy_activation
from pages.components.policies.comparison import show_policy_comparison, show_policy_line
from pages.components.policies.draft import show_policy_draft
from pages.components.policies.evidence import show_policy_cheaper, show_policy_evidence
from pages.components.policies.history import show_policy_history
from pages.components.policies.saving import show_saved_policy
from pages.components.policies.tabs import show_policy_tabs
from pages.session import products

show_obstacle()
evidence = show_policy_evidence()
active = products.policies()[0]
line = show_policy_line(evidence)
show_policy_cheaper(active.name, evidence, line)
compare, adjust, activate, history = show_policy_tabs()
with compare:
    show_policy_comparison(evidence, line)
with adjust:
    show_saved_policy()
    show_policy_draft(evidence, line)
with activate:
    show_policy_activation(active, evidence)
with history:
    show_policy_history()
