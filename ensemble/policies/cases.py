"""Cases: photos whose truth is known, with what every member said of them while none of them had learnt from them.

Any policy can be tried on them, and no model runs again. Held-out cases come from the training part and are there to
choose by; those of the test part only measure what was chosen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.disk.files import parsed
from ensemble.policies import Policy
from ensemble.values.errors import StoreError, readable
from ensemble.values.language import Message
from ensemble.values.results import REVIEW, Absence, Classes, Region, Score, Verdict, stored_reason
from ensemble.values.view import MarkedSize

EVIDENCE_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Case:
    """One photo with its true class, its kind of defect where known, and what was said of it.

    `photo` is its path below the folder of the photos; `category` the product it comes from, where there are several;
    `doubt` says why the photo may not show the part, so that every policy leaves it to a person.
    """

    photo: str
    sha256: str
    label: str
    scores: tuple[Score, ...]
    absent: tuple[Absence, ...] = ()
    defect: str = ""
    category: str = ""
    doubt: str = ""

    def decided_by(self, policy: Policy, classes: Classes) -> Verdict:
        """What a policy says of it, and why."""
        return policy.decide(self.scores, self.absent, classes, self.doubt)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a product's thresholds and figures rest on.

    `held_out` photos are for choosing, `test` photos for measuring alone; `folder` is where the photos lie, seen from
    the product's folder. `learnt` holds the SHA-256 of every photo that a member has learnt from.
    """

    classes: Classes
    held_out: tuple[Case, ...] = ()
    test: tuple[Case, ...] = ()
    folder: str = ""
    learnt: tuple[str, ...] = ()

    def members(self) -> tuple[str, ...]:
        """Every member that has said something, in the order in which they speak."""
        return members((*self.held_out, *self.test))

    def to_json(self) -> str:
        """The text of an `evidence.json`: numbers by member, in columns of photos."""
        data = {
            "format": EVIDENCE_FORMAT,
            "classes": list(self.classes.names),
            "defect": self.classes.defect,
            "folder": self.folder,
            "learnt": list(self.learnt),
            "held_out": [_case_entry(case, self.classes) for case in self.held_out],
            "test": [_case_entry(case, self.classes) for case in self.test],
        }
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str = "evidence.json") -> "Evidence":
        """The inverse of `to_json`; a StoreError says that the file is broken."""
        with readable(source, Message("Train the product again.")):
            data = parsed(text)
            if data["format"] != EVIDENCE_FORMAT:
                raise StoreError(
                    "{source} has the format {found}; this Quorum reads {evidence_format}. Train again.",
                    source=source,
                    found=data["format"],
                    evidence_format=EVIDENCE_FORMAT,
                )
            classes = Classes(tuple(data["classes"]), data["defect"])
            parts = [tuple(_case_from_json(entry, classes) for entry in data[part]) for part in ("held_out", "test")]
            learnt = tuple(map(str, data.get("learnt", ())))  # files of before do not say
            return cls(classes, parts[0], parts[1], str(data["folder"]), learnt)


def labels_by_policy(policy: Policy, cases: Sequence[Case], classes: Classes) -> list[str]:
    """What a policy says of each case."""
    return [REVIEW if case.doubt else policy.label(case.scores, case.absent, classes) for case in cases]


def truth(cases: Sequence[Case]) -> list[str]:
    """The true class of each case."""
    return [case.label for case in cases]


def is_defective(cases: Sequence[Case], classes: Classes) -> NDArray[np.bool_]:
    """(N,) whether each case is truly of the class that is the defect."""
    return np.array([case.label == classes.defect for case in cases], dtype=bool)


def members(cases: Sequence[Case]) -> tuple[str, ...]:
    """Every member that has said something of them, in the order in which they speak."""
    return tuple(dict.fromkeys(score.member for case in cases for score in case.scores))


def said(cases: Sequence[Case], member: str, classes: Classes) -> tuple[list[Case], np.ndarray]:
    """The cases that a member has spoken of, and its (N, K) probabilities of them."""
    found = [(case, score) for case in cases for score in case.scores if score.member == member]
    rows = [[score.probabilities[name] for name in classes.names] for _, score in found]
    return [case for case, _ in found], np.array(rows).reshape(len(found), len(classes.names))


def without(cases: Sequence[Case], member: str) -> tuple[Case, ...]:
    """The cases as they would be in an ensemble that has never had this member: neither vote nor absence."""
    return tuple(
        replace(
            case,
            scores=tuple(score for score in case.scores if score.member != member),
            absent=tuple(absence for absence in case.absent if absence.member != member),
        )
        for case in cases
    )


def typed(cases: Sequence[Case], classes: Classes) -> tuple[Case, ...]:
    """The cases with their types of defect, taken from file names such as `dent_042.jpg` where no folder tells them."""
    return tuple(
        replace(case, defect=_type_in_name(case.photo) or case.defect)
        if case.label == classes.defect and case.defect in ("", classes.defect)
        else case
        for case in cases
    )


def _type_in_name(photo: str) -> str:
    """What stands before the number in a file name; empty where there is no number or nothing before it."""
    name, separator, number = PurePosixPath(photo).stem.rpartition("_")
    return name if separator and number.isdigit() and any(map(str.isalpha, name)) else ""


def _case_entry(case: Case, classes: Classes) -> dict[str, Any]:
    said = {
        score.member: {
            "p": [score.probabilities[name] for name in classes.names],
            "weight": score.weight,
            "seconds": round(score.seconds, 6),
            **({"regions": [region.as_shares() for region in score.regions]} if score.regions else {}),
            **({"marks": score.marks.as_json()} if score.marks else {}),
        }
        for score in case.scores
    }
    entry: dict[str, Any] = {"photo": case.photo, "sha256": case.sha256, "label": case.label, "said": said}
    known: dict[str, Any] = {"defect": case.defect, "category": case.category, "doubt": case.doubt}
    known |= {"absent": [absence.as_json() for absence in case.absent]}
    return entry | {name: value for name, value in known.items() if value}


def _case_from_json(entry: Mapping[str, Any], classes: Classes) -> Case:
    if entry["label"] not in classes.names:
        raise ValueError(f"{entry['label']!r} is none of the classes")
    return Case(
        str(entry["photo"]),
        str(entry["sha256"]),
        entry["label"],
        tuple(_read_score(member, said, classes) for member, said in entry["said"].items()),
        tuple(Absence(each["member"], stored_reason(each), each["weight"]) for each in entry.get("absent", ())),
        str(entry.get("defect", "")),
        str(entry.get("category", "")),
        Message(str(entry.get("doubt", ""))),
    )


def _read_score(member: str, said: Mapping[str, Any], classes: Classes) -> Score:
    return Score(
        member,
        dict(zip(classes.names, said["p"], strict=True)),
        said["seconds"],
        weight=said["weight"],
        regions=tuple(
            Region(region["label"], tuple(region["box"]), region["score"], region["area"])
            for region in said.get("regions", ())
        ),
        marks=MarkedSize.from_json(said.get("marks")),
    )
