"""What is kept of verdicts: files to take along, and votes decided again under another policy."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Number
from typing import Any

from ensemble.members import demo
from ensemble.policies import Policy
from ensemble.policies.cases import Case, Evidence
from ensemble.values.errors import DataError
from ensemble.values.language import Message, worded
from ensemble.values.results import Absence, Classes, Region, Score, Verdict, mean_probability, stored_reason
from ensemble.values.safe_names import clean_name
from ensemble.values.view import MarkedSize

# A spreadsheet splits lines at the separator of its country, whatever a file was written with, and calculates a cell
# whose first visible sign is one of these, full-width and small ones too: blanks and quotes before it do not matter.
SEPARATORS = r";|\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029"
FORMULA_SIGNS = r"=+\-@" "\uff1d\uff0b\uff0d\uff20" "\ufe66\ufe62\ufe63\ufe6b" "\u207c\u207a\u208c\u208a\ufb29"
LETTERS_UNSEEN = "\u115f\u1160\u3164\uffa0"  # letters to Unicode, blanks to the eye
FORMULA = re.compile(rf"(^|[{SEPARATORS}])(?=(?:[^\w{SEPARATORS}]|[{LETTERS_UNSEEN}])*[{FORMULA_SIGNS}])|^(?=[\t\r\n])")


VERDICT = "verdict"  # a file of this kind says by its word what it is


def verdict_json(verdict: Verdict) -> bytes:
    """One verdict as the JSON that command line and API give too."""
    return (json.dumps(verdict.as_json(), indent=2, ensure_ascii=False) + "\n").encode()


# Columns of files; those that are called by a model or a class keep that name.
HEADINGS = {
    str(heading): heading
    for heading in (
        Message("photo"),
        Message("verdict"),
        Message("confidence"),
        Message("score"),
        Message("score_kind"),
        Message("score_label"),
        Message("ok_below"),
        Message("review_from"),
        Message("reject_from"),
        Message("reason"),
        Message("regions"),
        Message("same_as"),
        Message("error"),
        Message("policy"),
        Message("demo"),
        Message("word"),
        Message("time"),
        Message("product"),
        Message("model_version"),
        Message("policy_state"),
        Message("trial"),
        Message("active"),
        Message("photos"),
        Message("good"),
        Message("defective"),
        Message("escapes"),
        Message("escape_rate"),
        Message("escape_rate_upper"),
        Message("overkills"),
        Message("overkill_rate"),
        Message("overkill_rate_upper"),
        Message("reviews"),
        Message("review_rate"),
        Message("decided"),
        Message("right_of_decided"),
        Message("accuracy"),
        Message("money_per_1000"),
        Message("precision_on_the_line"),
        Message("reviews_per_hour"),
        Message("may_be_called_safe"),
        Message("right"),
        Message("all"),
        Message("voter"),
        Message("value"),
        Message("low"),
        Message("high"),
        Message("member"),
        Message("change"),
        Message("caught"),
        Message("precision"),
        Message("recall"),
        Message("curve"),
        Message("cut"),
        Message("epoch"),
        Message("truth"),
        Message("stated"),
        Message("came_true"),
        Message("class"),
        Message("called"),
        Message("what"),
        Message("defect"),
        Message("before"),
        Message("after"),
        Message("new_escape"),
        Message("new_overkill"),
        Message("file"),
        Message("kind"),
        Message("others"),
        Message("sentence"),
        Message("suggestion"),
        Message("name"),
        Message("split"),
        Message("part"),
        Message("dropped"),
        Message("width"),
        Message("height"),
        Message("origin"),
        Message("added_at"),
        Message("id"),
        Message("settled"),
        Message("reviewed_by"),
        Message("defect_kind"),
        Message("review_reason"),
        Message("source"),
        Message("who"),
        Message("batch"),
        Message("serial"),
        Message("lot"),
        Message("station"),
        Message("shift"),
        Message("view"),
        Message("part_verdict"),
        Message("part_reason"),
        Message("alignment_residual"),
        Message("model_digest"),
        Message("policy_digest"),
        Message("votes"),
    )
}


def heading(column: str) -> str:
    """What a column is called in the reader's language."""
    return worded(HEADINGS.get(column, column))


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]], called: Callable[[str], str] = str) -> bytes:
    """Rows as CSV that a spreadsheet opens as it is meant: UTF-8 with a mark, and no cell that it would calculate.

    `called` says what each column is called, by default by its own name.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)  # so that no separator but the comma splits a cell
    writer.writerow([guarded(called(name)) for name in columns])
    writer.writerows([[guarded(row.get(name, "")) for name in columns] for row in rows])
    return stream.getvalue().encode("utf-8-sig")


def guarded(cell: object) -> object:
    """A text with an apostrophe wherever some spreadsheet would begin a formula; numbers stay numbers."""
    return cell if cell is None or isinstance(cell, Number) else FORMULA.sub(lambda found: f"{found[0]}'", str(cell))


def file_name(kind: str, content: bytes, ending: str, *, demo: bool, about: str = "", at: str = "") -> str:
    """What a file is called that is taken along: what it is about, what it is, when, and that it is of a demo.

    `burr_081_NOK_2026-11-27T2105.json`: nothing of the `content` is in it, two files of one name are numbered by the
    browser that keeps them.
    """
    parts = ("DEMO" if demo else "", about, kind if kind != VERDICT else "", at)
    return clean_name("_".join(part.replace(" ", "_") for part in parts if part)) + ending


def replay(stored: Mapping[str, Any], policy: Policy) -> Verdict:
    """What a policy makes of the votes in a verdict's JSON; a DataError where it is no verdict.

    Under the policy that gave the stored verdict, label, confidence and reason come out as they were stored.
    """
    try:
        classes = Classes(tuple(stored["classes"]), stored["defect"])
        scores = stored_scores(stored)
        absent = [
            Absence(entry["member"], stored_reason(entry), entry["weight"], asked=key == "absent")
            for key in ("absent", "unasked")
            for entry in stored[key]
        ]
        doubt = stored_doubt(stored)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            "This is no stored verdict ({name}: {error}). Expected what inspect --json or the API gave.",
            name=type(error).__name__,
            error=error,
        ) from error
    return policy.decide(scores, absent, classes, doubt)


def stored_doubt(stored: Mapping[str, Any]) -> Message:
    """Why the photo may not show the part, from a verdict's JSON: as the message in its reason, with what to do."""
    text = str(stored.get("doubt", ""))  # verdicts of before hold none
    found = _doubt_in(stored_reason(stored)) if text and "reason" in stored else None
    return found if found is not None and found == text else Message(text)


def _doubt_in(reason: Message) -> Message | None:
    for name, value in reason.values.items():
        if isinstance(value, Message) and (found := value if name == "doubt" else _doubt_in(value)):
            return found
    return None


def stored_scores(stored: Mapping[str, Any]) -> list[Score]:
    """What each model said, from a verdict's JSON."""
    return [
        Score(
            vote["member"],
            dict(vote["probabilities"]),
            vote["seconds"],
            weight=vote["weight"],
            regions=stored_regions(vote),
            marks=MarkedSize.from_json(vote.get("marks")),
        )
        for vote in stored["votes"]
    ]


def stored_regions(vote: Mapping[str, Any]) -> tuple[Region, ...]:
    """Where a model pointed, from the JSON of its vote."""
    return tuple(Region(each["label"], tuple(each["box"]), each["score"], each["area"]) for each in vote["regions"])


PHOTOS = 200
DEMO_NOISE = 0.5  # how far the truth may lie from what the dummies say


def demo_evidence(classes: Classes) -> Evidence:
    """The same cases in every demonstration: half to choose by, half to measure on."""
    cases = [_export_case(number, classes) for number in range(PHOTOS)]
    return Evidence(classes, tuple(cases[::2]), tuple(cases[1::2]))


def _export_case(number: int, classes: Classes) -> Case:
    digest = hashlib.sha256(f"demo part {number}".encode()).hexdigest()
    said = tuple(demo.scores(digest, classes))
    luck = hashlib.sha256(f"truth {number}".encode()).digest()
    lean = {
        name: mean_probability(said, name) + DEMO_NOISE * luck[place] / 255 for place, name in enumerate(classes.names)
    }
    bare = tuple(type(score)(score.member, score.probabilities, score.seconds, regions=score.regions) for score in said)
    return Case(f"demo/part_{number:03}.png", digest, max(lean, key=lambda name: lean[name]), bare)
