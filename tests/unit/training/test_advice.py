"""What a training advises on policies, from photos whose answer is known."""

from ensemble.policies import SHIPPED_POLICIES
from ensemble.policies.cases import Case
from ensemble.training.advice import cheaper_policy
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Classes, Score


def cases(count: int) -> list[Case]:
    """Of three members one sees every defect; together they let all defective parts pass."""
    found = []
    for place in range(count):
        bad = place % 2 == 1
        said = (0.9 if bad else 0.1, 0.2, 0.3)
        scores = tuple(Score(f"m{i}", {NON_DEFECTIVE: 1 - p, DEFECTIVE: p}, 0.0) for i, p in enumerate(said))
        found.append(Case(f"p{place}.png", f"{place:064}", DEFECTIVE if bad else NON_DEFECTIVE, scores))
    return found


def test_a_policy_that_is_clearly_cheaper_is_named_with_its_figures() -> None:
    (said,) = cheaper_policy("MAJORITY", SHIPPED_POLICIES, cases(40), OK_NOK)
    assert said.startswith(
        "Policy Any model costs clearly less than Majority on 40 validation photos: 0 instead of 5000 per 1000 parts"
    )
    assert "Escapes 0, overkills 0, reviews 0; before: Escapes 20, overkills 0, reviews 0." in said


def test_where_nothing_is_clear_nothing_is_said() -> None:
    assert cheaper_policy("ANY", SHIPPED_POLICIES, cases(40), OK_NOK) == []
    assert cheaper_policy("MAJORITY", SHIPPED_POLICIES, cases(4), OK_NOK) == []
    assert cheaper_policy("GONE", SHIPPED_POLICIES, cases(40), OK_NOK) == []
    assert cheaper_policy("MAJORITY", SHIPPED_POLICIES, [], OK_NOK) == []
    assert cheaper_policy("MAJORITY", SHIPPED_POLICIES, cases(40), Classes(("a", "b", "c"))) == []
