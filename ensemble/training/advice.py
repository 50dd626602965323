"""What a training advises: whether another policy than the active one is clearly cheaper on validation photos."""

from collections.abc import Sequence

from ensemble.evaluation.performance import Decided, clear_saving
from ensemble.metrics.costs import PARTS_TOLD, Line
from ensemble.policies import Policy
from ensemble.policies.cases import Case, labels_by_policy
from ensemble.values.results import Classes
from ensemble.values.titles import policy_title


def cheaper_policy(active: str, policies: Sequence[Policy], held_out: Sequence[Case], classes: Classes) -> list[str]:
    """A sentence with the figures where one of these policies is clearly cheaper than the active one; else nothing."""
    if classes.defect is None or not held_out or active not in {policy.name for policy in policies}:
        return []
    verdicts = {policy.name: labels_by_policy(policy, held_out, classes) for policy in policies}
    found = clear_saving(active, verdicts, held_out, classes, Line())
    if found is None:
        return []
    return [
        f"Policy {policy_title(found.policy)} costs clearly less than {policy_title(active)} on {len(held_out)} "
        f"validation photos: {found.money:.0f} instead of {found.active:.0f} per {PARTS_TOLD} parts (an escape costs "
        f"ten overkills; p = {found.p:.2g}). {_counted(verdicts[found.policy], held_out, classes)}; before: "
        f"{_counted(verdicts[active], held_out, classes)}. Activate it under Policies."
    ]


def _counted(labels: Sequence[str], held_out: Sequence[Case], classes: Classes) -> str:
    found = Decided.of(held_out, labels, classes)
    return f"Escapes {found.escapes}, overkills {found.overkills}, reviews {found.reviews}"
