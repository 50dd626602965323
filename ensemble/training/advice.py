"""What a training advises: whether another policy than the active one is clearly cheaper on validation photos."""

from collections.abc import Sequence

from ensemble.evaluation.performance import Decided, clear_saving
from ensemble.metrics.costs import PARTS_TOLD, Line
from ensemble.policies import Policy
from ensemble.policies.cases import Case, labels_by_policy
from ensemble.values.results import Classes


def cheaper_policy(active: str, policies: Sequence[Policy], held_out: Sequence[Case], classes: Classes) -> list[str]:
    """A sentence with the figures where one of these policies is clearly cheaper than the active one; else nothing."""
    if classes.defect is None or not held_out or active not in {policy.name for policy in policies}:
        return []
    verdicts = {policy.name: labels_by_policy(policy, held_out, classes) for policy in policies}
    found = clear_saving(active, verdicts, held_out, classes, Line())
    if found is None:
        return []
    return [
        f"{found.policy} is clearly cheaper than {active} on {len(held_out)} validation photos: {found.money:.0f} "
        f"instead of {found.active:.0f} per {PARTS_TOLD} parts at ten overkills for an escape (p = {found.p:.2g}), "
        f"with {_counted(verdicts[found.policy], held_out, classes)} instead of "
        f"{_counted(verdicts[active], held_out, classes)}. The Policies screen puts it in force."
    ]


def _counted(labels: Sequence[str], held_out: Sequence[Case], classes: Classes) -> str:
    found = Decided.of(held_out, labels, classes)
    reviews = f" and {found.reviews} reviews" if found.reviews else ""
    return f"{found.escapes} escapes, {found.overkills} overkills{reviews}"
