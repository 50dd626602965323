"""Policies: what turns votes into a verdict.

A new policy is one entry in a product's `policies.json`; a new rule is one line in `counting.VOTING_RULES`.
"""

from ensemble.policies.counting import VOTING_RULES
from ensemble.policies.files import PolicyBook, from_json
from ensemble.policies.policy import DERIVED, PLURAL_SHIPPED, SHIPPED_POLICIES, Policy, choose, shipped
from ensemble.policies.value import Clause, Stage

__all__ = [
    "DERIVED",
    "PLURAL_SHIPPED",
    "SHIPPED_POLICIES",
    "VOTING_RULES",
    "Clause",
    "Policy",
    "PolicyBook",
    "Stage",
    "choose",
    "from_json",
    "shipped",
]
