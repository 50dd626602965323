"""Stored verdicts, read again: the very same verdict from the votes that were stored with it, or another policy's."""

import hashlib
from collections.abc import Mapping
from typing import Any

from ensemble.members import demo
from ensemble.policies import Policy
from ensemble.policies.cases import Case, Evidence
from ensemble.values.errors import DataError
from ensemble.values.results import Absence, Classes, Region, Score, Verdict, mean_probability


def replay(stored: Mapping[str, Any], policy: Policy) -> Verdict:
    """What a policy makes of the votes in a verdict's JSON; a DataError where it is no verdict.

    Under the policy that gave the stored verdict, label, confidence and reason come out as they were stored.
    """
    try:
        classes = Classes(tuple(stored["classes"]), stored["defect"])
        scores = [_score(vote) for vote in stored["votes"]]
        absent = [_absence(entry, asked=True) for entry in stored["absent"]]
        absent += [_absence(entry, asked=False) for entry in stored["unasked"]]
        doubt = str(stored.get("doubt", ""))  # verdicts of before hold none
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"This is no stored verdict ({type(error).__name__}: {error}). Expected what inspect --json or the API "
            "gave."
        ) from error
    return policy.decide(scores, absent, classes, doubt)


def _score(vote: Mapping[str, Any]) -> Score:
    return Score(
        vote["member"],
        dict(vote["probabilities"]),
        vote["seconds"],
        weight=vote["weight"],
        regions=tuple(
            Region(region["label"], tuple(region["box"]), region["score"], region["area"]) for region in vote["regions"]
        ),
    )


def _absence(entry: Mapping[str, Any], *, asked: bool) -> Absence:
    return Absence(entry["member"], entry["reason"], entry["weight"], asked=asked)


PHOTOS = 200
NOISE = 0.5  # how far the truth may lie from what the dummies say


def demo_evidence(classes: Classes) -> Evidence:
    """The same cases in every demonstration: half to choose by, half to measure on."""
    cases = [_case(number, classes) for number in range(PHOTOS)]
    return Evidence(classes, tuple(cases[::2]), tuple(cases[1::2]))


def _case(number: int, classes: Classes) -> Case:
    digest = hashlib.sha256(f"demo part {number}".encode()).hexdigest()
    said = tuple(demo.scores(digest, classes))
    luck = hashlib.sha256(f"truth {number}".encode()).digest()
    lean = {name: mean_probability(said, name) + NOISE * luck[place] / 255 for place, name in enumerate(classes.names)}
    bare = tuple(type(score)(score.member, score.probabilities, score.seconds, regions=score.regions) for score in said)
    return Case(f"demo/part_{number:03}.png", digest, max(lean, key=lambda name: lean[name]), bare)
