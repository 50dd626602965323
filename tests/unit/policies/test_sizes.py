"""Rules by the size of marks: literal cases first, then that none of them makes a verdict laxer than it says."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.policies import Clause, Policy, PolicyBook, Stage, from_json
from ensemble.policies.counting import SizeLimit
from ensemble.policies.reasons import headline
from ensemble.values.errors import PolicyError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, REVIEW, Absence, Region, Score
from ensemble.values.view import MarkedSize, View

HALF_MM, TWO_MM = SizeLimit("mm", 0.5), SizeLimit("mm", 2.0)
MEAN = Policy("MEAN", "mean", review=0.4, reject=0.6)
PORES = replace(MEAN, smallest_defect=HALF_MM)
CRACKS = replace(MEAN, large_defect=TWO_MM)
COUNT = Policy("COUNT", "majority", smallest_defect=HALF_MM)
VIEW = View(reference="0" * 64, size=(100, 100), mm_per_pixel=0.05)


def said(place: int, defective: float, marks: MarkedSize | None = None) -> Score:
    return Score(f"m{place}", {NON_DEFECTIVE: 1 - defective, DEFECTIVE: defective}, 0.0, marks=marks)


def marked(length: float, scale: float | None = 0.05, count: int = 1) -> MarkedSize:
    """So many pixels long, of 0.05 mm each."""
    return MarkedSize(count, length, length, scale)


NOTHING = MarkedSize(0, mm_per_pixel=0.05)
GONE = Absence("gone", "Its file is missing.")


@pytest.mark.parametrize(
    ("policy", "scores", "absent", "label"),
    [
        (MEAN, [said(0, 0.9, marked(6)), said(1, 0.8, marked(8))], (), DEFECTIVE),
        (PORES, [said(0, 0.9, marked(6)), said(1, 0.8, marked(8))], (), NON_DEFECTIVE),  # 0.3 and 0.4 mm
        (PORES, [said(0, 0.9, marked(6)), said(1, 0.8, marked(10))], (), DEFECTIVE),  # 0.5 mm is one
        (PORES, [said(0, 0.9, marked(6)), said(1, 0.8)], (), DEFECTIVE),  # one cannot say where
        (PORES, [said(0, 0.9, marked(6)), said(1, 0.8, NOTHING)], (), DEFECTIVE),  # or sees no place that stands out
        (PORES, [said(0, 0.9, marked(6)), said(1, 0.35)], (), NON_DEFECTIVE),  # it does not speak against the part
        (PORES, [said(0, 0.9, marked(6)), said(1, 0.4)], (), DEFECTIVE),  # from there on it does
        (PORES, [said(0, 0.9, marked(6)), said(1, 0.1, marked(12))], (), REVIEW),  # the mark of a vote for the part
        (PORES, [said(0, 0.5, marked(6)), said(1, 0.35)], (), NON_DEFECTIVE),  # of REVIEW likewise
        (PORES, [said(0, 0.9, marked(6, scale=None))], (), DEFECTIVE),  # nobody knows how large
        (PORES, [said(0, 0.9, marked(6))], (GONE,), REVIEW),  # the absent one might have marked more
        (PORES, [said(0, 0.9, marked(6)), said(1, 0.9, marked(6)), said(2, 0.9, marked(6))], (GONE,), DEFECTIVE),
        (replace(PORES, quorum=2), [said(0, 0.9, marked(6))], (), REVIEW),
        (COUNT, [said(0, 0.9, marked(6)), said(1, 0.2)], (), NON_DEFECTIVE),
        (COUNT, [said(0, 0.9, marked(6)), said(1, 0.49), said(2, 0.5)], (), DEFECTIVE),
        (replace(MEAN, smallest_defect=SizeLimit("mm", area=0.02)), [said(0, 0.9, marked(7))], (), NON_DEFECTIVE),
        (replace(MEAN, smallest_defect=SizeLimit("mm", area=0.02)), [said(0, 0.9, marked(8))], (), DEFECTIVE),
        (replace(MEAN, smallest_defect=SizeLimit("px", 9)), [said(0, 0.9, marked(8, scale=None))], (), NON_DEFECTIVE),
        (MEAN, [said(0, 0.1, marked(40))], (), NON_DEFECTIVE),
        (CRACKS, [said(0, 0.1, marked(39))], (), NON_DEFECTIVE),
        (CRACKS, [said(0, 0.1, marked(40))], (), DEFECTIVE),
        (CRACKS, [said(0, 0.1, marked(40)), said(1, 0.1)], (GONE,), DEFECTIVE),
        (CRACKS, [said(0, 0.1, NOTHING), said(1, 0.1)], (), NON_DEFECTIVE),
        (CRACKS, [said(0, 0.1, NOTHING)], (GONE,), REVIEW),  # the absent one might have marked a large one
        (CRACKS, [said(0, 0.1)], (), REVIEW),  # nobody has measured anything
        (CRACKS, [said(0, 0.1, marked(1, scale=None))], (), REVIEW),
        (replace(CRACKS, quorum=2), [said(0, 0.1, marked(40))], (), REVIEW),
        (replace(MEAN, large_defect=replace(TWO_MM, verdict=REVIEW)), [said(0, 0.1, marked(40))], (), REVIEW),
        (replace(MEAN, large_defect=replace(TWO_MM, verdict=REVIEW)), [said(0, 0.9, marked(40))], (), DEFECTIVE),
        (replace(PORES, large_defect=TWO_MM), [said(0, 0.9, marked(6))], (), NON_DEFECTIVE),
        (
            replace(PORES, exceptions=(Clause(defect="crack", score=0.3),)),
            [replace(said(0, 0.9, marked(6)), regions=(Region("crack", (0, 0, 0.1, 0.1), 0.4, 0.01),))],
            (),
            DEFECTIVE,
        ),
    ],
)
def test_what_sizes_make_of_a_part(
    policy: Policy, scores: list[Score], absent: tuple[Absence, ...], label: str
) -> None:
    verdict = policy.decide(scores, absent, OK_NOK)
    assert verdict.label == label
    plain = replace(policy, smallest_defect=None, large_defect=None).decide(scores, absent, OK_NOK)
    assert (verdict.votes, verdict.absent) == (plain.votes, plain.absent)
    assert policy.revise(verdict) == verdict
    assert policy.decide(scores, absent, OK_NOK, "it is black").label == REVIEW


@pytest.mark.parametrize(
    ("policy", "score", "first", "whole"),
    [
        (
            PORES,
            said(0, 0.9, marked(6.2)),
            "Small marks alone: the longest is 0.31 mm, and a defect begins at 0.50 mm.",
            "Small marks alone: the longest is 0.31 mm, and a defect begins at 0.50 mm. Defect score 0.90; REVIEW from "
            "0.40 on, NOK from 0.60 on.",
        ),
        (
            CRACKS,
            said(0, 0.1, marked(48)),
            "A mark is 2.40 mm long; NOK from 2.00 mm on, whatever the votes say.",
            "A mark is 2.40 mm long; NOK from 2.00 mm on, whatever the votes say. Defect score 0.10; REVIEW from 0.40 "
            "on, NOK from 0.60 on.",
        ),
        (
            PORES,
            said(0, 0.9, marked(12)),
            "Defect score 0.90; REVIEW from 0.40 on, NOK from 0.60 on",
            "Defect score 0.90; REVIEW from 0.40 on, NOK from 0.60 on. Longest mark: 0.60 mm; a defect begins at 0.50 "
            "mm. REVIEW if the threshold were 0.91 instead of 0.60.",
        ),
        (
            replace(MEAN, large_defect=SizeLimit("px", area=30, verdict=REVIEW)),
            said(0, 0.1, marked(48)),
            "A mark has 48.00 px²; REVIEW from 30.00 px² on, whatever the votes say.",
            "",
        ),
        (CRACKS, said(0, 0.1), "The size of the marks on this photo is not known: a person must look.", ""),
    ],
)
def test_the_reason_says_what_size_has_decided(policy: Policy, score: Score, first: str, whole: str) -> None:
    verdict = policy.decide([score], (), OK_NOK)
    assert headline(verdict) == first
    assert verdict.reason == whole or not whole
    assert verdict.reason.startswith(first)


@pytest.mark.parametrize(
    ("later", "settled", "label"),
    [
        ((), False, DEFECTIVE),  # the others are asked before it is OK; until then it is what it was
        ((said(1, 0.2),), True, NON_DEFECTIVE),
        ((said(1, 0.7),), True, DEFECTIVE),
    ],
)
def test_a_cascade_asks_everybody_before_small_marks_are_fine(
    later: tuple[Score, ...], settled: bool, label: str
) -> None:
    stages = (Stage(("m0",), ok_below=0.1, nok_from=0.8), Stage(("m1",)))
    policy = replace(PORES, cascade=stages)
    first = said(0, 0.9, marked(6))
    absent = () if later else (Absence("m1", "", asked=False),)
    assert policy.decide([first, *later], absent, OK_NOK).label == label
    assert later or policy.settles([first], absent, OK_NOK) is settled
    assert replace(policy, smallest_defect=None).settles([first], (Absence("m1", "", asked=False),), OK_NOK)


limits = st.none() | st.builds(SizeLimit, st.just("mm"), st.sampled_from([0.3, 0.5, 1.0]))
lengths = st.builds(marked, st.sampled_from([4.0, 8.0, 16.0, 32.0]), st.sampled_from([0.05, None]))
shares = st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0])
ORDER = (NON_DEFECTIVE, REVIEW, DEFECTIVE)


@given(
    rule=st.sampled_from(["majority", "any", "all", "weighted", "mean", "fused"]),
    votes=st.lists(st.tuples(shares, st.none() | st.just(NOTHING) | lengths), min_size=1, max_size=4),
    gone=st.integers(0, 1),
    small=limits,
    cascade=st.booleans(),
)
def test_no_verdict_is_laxer_unless_all_that_speaks_against_the_part_is_small(
    rule: str, votes: list[tuple[float, MarkedSize | None]], gone: int, small: SizeLimit | None, cascade: bool
) -> None:
    stages = (Stage(("m0",), nok_from=0.7), Stage(("m1",), ok_below=0.3)) if cascade else ()
    plain = Policy("X", rule, cascade=stages)
    scores = [said(place, share, marks) for place, (share, marks) in enumerate(votes)]
    before = plain.decide(scores, [GONE] * gone, OK_NOK)
    after = replace(plain, smallest_defect=small).decide(scores, [GONE] * gone, OK_NOK)
    if after.label != before.label:
        against = [vote for vote in before.votes if vote.label == DEFECTIVE]
        assert after.label == NON_DEFECTIVE and small is not None and against and not gone
        assert all(vote.marks is not None and vote.marks.count for vote in against)
        assert all(vote.marks.length * 0.05 < small.value for vote in before.votes if vote.marks and vote.marks.count)
    strict = replace(plain, large_defect=SizeLimit("mm", 1.0)).decide(scores, [GONE] * gone, OK_NOK)
    assert ORDER.index(strict.label) >= ORDER.index(before.label)


def test_a_policy_with_sizes_is_written_and_read_as_it_is() -> None:
    policy = replace(PORES, large_defect=SizeLimit("px", area=400, verdict=REVIEW))
    book = PolicyBook((policy,), policy.name)
    entry = json.loads(book.to_json())["policies"][0]
    assert entry["smallest_defect"] == {"unit": "mm", "length": 0.5}
    assert entry["large_defect"] == {"unit": "px", "area": 400, "verdict": "review"}
    assert from_json(book.to_json(), view=VIEW) == book


@pytest.mark.parametrize(
    ("sizes", "view", "sentence"),
    [
        ('"smallest_defect": 0.5', VIEW, "smallest_defect is an object such as"),
        ('"smallest_defect": {"length": 0.5}', VIEW, "smallest_defect is an object such as"),
        ('"smallest_defect": {"unit": "inch", "length": 1}', VIEW, "the unit of smallest_defect must be px or mm"),
        ('"smallest_defect": {"unit": "mm"}', VIEW, "needs a length or an area above 0"),
        ('"smallest_defect": {"unit": "mm", "length": 1, "area": 1}', VIEW, "needs a length or an area above 0"),
        ('"large_defect": {"unit": "mm", "length": 0}', VIEW, "needs a length or an area above 0"),
        ('"large_defect": {"unit": "mm", "length": 1, "verdict": "good"}', VIEW, "is defective or review"),
        ('"smallest_defect": {"unit": "mm", "length": 1, "verdict": "review"}', VIEW, "belongs to large_defect"),
        ('"large_defect": {"unit": "mm", "size": 1}', VIEW, "unknown key 'size'"),
        (
            '"smallest_defect": {"unit": "mm", "length": 3}, "large_defect": {"unit": "mm", "length": 2}',
            VIEW,
            "smallest_defect (3) must not lie above large_defect (2)",
        ),
        ('"large_defect": {"unit": "mm", "length": 2}', replace(VIEW, mm_per_pixel=None), "states no scale"),
        ('"large_defect": {"unit": "px", "length": 2}', View(), "needs a view with a reference photo"),
    ],
)
def test_what_is_no_size_is_refused_in_its_line(sizes: str, view: View, sentence: str) -> None:
    text = f'{{"policies": [\n{{"name": "X", "rule": "mean",\n{sizes}}}]}}'
    with pytest.raises(PolicyError) as caught:
        from_json(text, view=view)
    assert sentence in str(caught.value) and "line 3" in str(caught.value)
