"""A stored verdict is all that is needed to give it again, exactly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.inspection.exports import replay
from ensemble.policies import SHIPPED_POLICIES, Clause, Policy, Stage
from ensemble.values.errors import DataError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Absence, Region, Score

CASCADE = Policy("CASCADE", "mean", reject=0.5, cascade=(Stage(("m0", "m1"), ok_below=0.3, nok_from=0.7),))
NAMED = Policy("NAMED", "any", exceptions=(Clause(defect="crack", score=0.5),))
shares = st.floats(0, 1)


@given(
    st.sampled_from([*SHIPPED_POLICIES, CASCADE, NAMED]),
    st.lists(st.tuples(shares, st.floats(0.1, 1), shares), min_size=0, max_size=6),
    st.integers(0, 2),
    st.booleans(),
)
def test_the_stored_votes_give_the_stored_verdict(
    policy: Policy, said: list[tuple[float, float, float]], absent: int, asked: bool
) -> None:
    scores = [
        Score(
            f"m{place}",
            {NON_DEFECTIVE: 1 - p, DEFECTIVE: p},
            0.1234567,
            weight=weight,
            regions=(Region("crack", (0.1, 0.1, 0.3, 0.3), crack, 0.04),),
        )
        for place, (p, weight, crack) in enumerate(said)
    ]
    missing = [Absence(f"gone{place}", "Its file is missing.", 0.7, asked=asked) for place in range(absent)]
    verdict = policy.decide(scores, missing, OK_NOK)
    stored = json.loads(json.dumps(verdict.as_json()))
    again = replay(stored, policy)
    assert (again.label, again.reason, again.policy) == (stored["verdict"], stored["reason"], stored["policy"])
    kept = ("confidence", "score", "score_kind", "review_from", "reject_from")
    assert [again.as_json()[key] for key in kept] == [stored[key] for key in kept]
    assert [vote.as_json() for vote in again.votes] == stored["votes"]


@pytest.mark.parametrize("stored", [{}, {"classes": ["a"]}, {"classes": ["a", "b"], "defect": "b", "votes": [1]}])
def test_what_is_no_verdict_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(DataError, match="This is no stored verdict"):
        replay(stored, SHIPPED_POLICIES[0])
