"""Values check themselves and speak one JSON."""

import json
import math
from dataclasses import replace

import pytest

from ensemble.values.language import Message
from ensemble.values.results import OK_NOK, Absence, Classes, Decision, Origin, Score, Verdict, Vote, word

CLOTHES = Classes(("bottomwear", "shoes", "topwear"))


def test_the_good_class_is_found_by_name_and_not_by_place() -> None:
    assert OK_NOK.good == "non_defective"
    assert Classes(("nok", "ok"), defect="nok").good == "ok"
    assert CLOTHES.good is None


@pytest.mark.parametrize(
    ("names", "defect"),
    [(("one",), None), (("a", "a"), None), (("a", "review"), None), (("a", "b"), "c"), (("a", "b", "c"), "a")],
)
def test_classes_that_make_no_sense_are_refused(names: tuple[str, ...], defect: str | None) -> None:
    with pytest.raises(ValueError, match=r"class|defect"):
        Classes(names, defect)


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan, math.inf])
def test_a_score_lies_between_0_and_1(value: float) -> None:
    with pytest.raises(ValueError, match=r"must give 'defective' a value in \[0, 1\]"):
        Score("svm", {"defective": value}, 0.0)


def test_a_verdict_is_a_class_or_review() -> None:
    with pytest.raises(ValueError, match="must be one of"):
        Verdict("broken", None, Message(""), "MAJORITY", (), (), OK_NOK)
    for value in (1.5, 0.49):  # nobody is told of a confidence below one half
        with pytest.raises(ValueError, match="Confidence"):
            Verdict("defective", value, Message(""), "MAJORITY", (), (), OK_NOK)
    with pytest.raises(ValueError, match="thresholds lie in"):
        Decision("mean", "defective", 1.2)


@pytest.mark.parametrize(
    ("label", "shown"),
    [("non_defective", "OK"), ("defective", "NOK"), ("review", "REVIEW"), ("top_wear", "top wear")],
)
def test_people_read_words(label: str, shown: str) -> None:
    assert word(label) == shown


def test_a_verdict_as_json() -> None:
    vote = Vote("svm", {"non_defective": 0.25, "defective": 0.75}, 0.01, "defective", 0.75, 0.5)
    absent = (Absence("rf", "Its file is missing."),)
    reason = Message("{count} of {models} models says {verdict}.", count=1, models=1, verdict=Message("NOK"))
    decided = Decision("votes", "defective", 1.0, reject_from=0.5)
    given = ("MAJORITY", (vote,), absent, OK_NOK, "a.jpg", "ab", 0.02)
    verdict = Verdict("defective", 0.75, reason, *given, decision=decided)
    verdict = replace(verdict, origin=Origin("disc", 3, "2026-11-27T23:05:10+00:00"), policy_state=7)
    assert json.loads(json.dumps(verdict.as_json())) == {
        "id": "",
        "photo": "a.jpg",
        "sha256": "ab",
        "time": "2026-11-27T23:05:10+00:00",
        "product": "disc",
        "model_version": 3,
        "model_digest": "",
        "runtime": "",
        "verdict": "defective",
        "word": "NOK",
        "confidence": 0.75,
        "score": 1.0,
        "score_kind": "votes",
        "score_label": "defective",
        "ok_below": None,
        "review_from": None,
        "reject_from": 0.5,
        "policy": "MAJORITY",
        "policy_state": 7,
        "trial": False,
        "reason": "1 of 1 models says NOK.",
        "reason_code": {
            "text": "{count} of {models} models says {verdict}.",
            "values": {"count": 1, "models": 1, "verdict": {"text": "NOK", "values": {}}},
        },
        "doubt": "",
        "votes": [
            {
                "member": "svm",
                "label": "defective",
                "score": 0.75,
                "threshold": 0.5,
                "weight": 1.0,
                "seconds": 0.01,
                "probabilities": {"non_defective": 0.25, "defective": 0.75},
                "regions": [],
            }
        ],
        "absent": [
            {
                "member": "rf",
                "reason": "Its file is missing.",
                "reason_code": {"text": "Its file is missing.", "values": {}},
                "weight": 1.0,
            }
        ],
        "unasked": [],
        "regions": [],
        "size": [0, 0],
        "classes": ["non_defective", "defective"],
        "defect": "defective",
        "seconds": 0.02,
        "demo": False,
        "not_kept": "",
    }
    silent = Verdict("review", None, Message(""), "MAJORITY", (), absent, OK_NOK).as_json()
    assert (silent["confidence"], silent["score"], silent["reject_from"]) == (None, None, None)
