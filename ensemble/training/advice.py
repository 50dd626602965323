"""What a training advises: whether another policy than the active one is clearly cheaper on validation photos."""

from collections.abc import Sequence

from ensemble.evaluation.performance import Decided, clear_saving
from ensemble.metrics.costs import PARTS_TOLD, Line
from ensemble.policies import Policy
from ensemble.policies.cases import Case, labels_by_policy
from ensemble.values.language import Message
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
    now, before = (Decided.of(held_out, verdicts[name], classes) for name in (found.policy, active))
    return [
        Message(
            "Policy {policy} costs clearly less than {active} on {photos} validation photos: {money:.0f} instead of "
            "{active_money:.0f} per {parts} parts (an escape costs ten overkills; p = {p:.2g}). Escapes {escapes}, "
            "overkills {overkills}, reviews {reviews}; before: Escapes {escapes_before}, overkills "
            "{overkills_before}, reviews {reviews_before}. Activate it under Policies.",
            policy=policy_title(found.policy),
            active=policy_title(active),
            photos=len(held_out),
            money=float(found.money),
            active_money=float(found.active),
            parts=PARTS_TOLD,
            p=float(found.p),
            escapes=now.escapes,
            overkills=now.overkills,
            reviews=now.reviews,
            escapes_before=before.escapes,
            overkills_before=before.overkills,
            reviews_before=before.reviews,
        )
    ]
