"""The policies that every product starts with; training puts cuts from held-out photos into those that have any."""

from collections.abc import Sequence

from ensemble.policies.policy import Policy
from ensemble.values.errors import PolicyError
from ensemble.values.results import Classes

SHIPPED = (
    Policy("MAJORITY", "majority", "NOK when at least half of the votes say so; a tie counts as NOK."),
    Policy("ANY", "any", "NOK as soon as one vote says so: the fewest escapes, the most rechecks."),
    Policy("ALL", "all", "NOK only when every vote says so: the fewest rechecks, the most escapes."),
    Policy("SAFE_0FN", "mean", "NOK from below the least suspicious defective part seen: no escape.", reject=0.35),
    Policy("BALANCED", "mean", "The least cost where an escape costs as much as ten overkills.", reject=0.5),
    Policy("PRECISION", "mean", "NOK only above the most suspicious good part seen: no overkill.", reject=0.75),
    Policy(
        "INDUSTRIAL_BALANCED",
        "mean",
        "The least cost with a third answer: a person looks at parts that nobody should be sure of.",
        review=0.4,
        reject=0.6,
    ),
    Policy(
        "INDUSTRIAL_SAFE_0FN",
        "mean",
        "OK only where SAFE_0FN says OK, NOK only where PRECISION says NOK; a person looks at all between.",
        review=0.35,
        reject=0.75,
    ),
)
PLURAL_SHIPPED = (
    Policy("MAJORITY", "majority", "The class with the most votes; the mean probability decides a tie."),
    Policy("BALANCED", "mean", "The class with the highest mean probability."),
    Policy(
        "INDUSTRIAL_BALANCED",
        "mean",
        "The class with the highest mean probability; a person looks where it is hardly ahead.",
        margin=0.2,
    ),
)
INDUSTRIAL = ("SAFE_0FN", "BALANCED", "PRECISION", "INDUSTRIAL_BALANCED", "INDUSTRIAL_SAFE_0FN")


def shipped(classes: Classes) -> tuple[Policy, ...]:
    """The policies that a new product starts with: those that mean something for its classes."""
    return SHIPPED if classes.defect is not None else PLURAL_SHIPPED


def choose(policies: Sequence[Policy], name: str | None) -> Policy:
    """The policy of that name; without a name the first, which is the active one."""
    if name is None:
        return policies[0]
    for policy in policies:
        if policy.name == name:
            return policy
    raise PolicyError(
        f"No policy is called {name!r}. This product has {', '.join(policy.name for policy in policies)}."
    )
