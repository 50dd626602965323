"""What is taken along from the history: tables that parse back, a report that counts, evidence on paper."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ensemble.imaging.photos import open_photo
from ensemble.inspection.documents import document_html, document_pdf
from ensemble.inspection.evidence_file import evidence_document, part_document
from ensemble.inspection.history_files import FILE_COLUMNS, inspections_csv, inspections_parquet
from ensemble.inspection.kept import kept_policy, kept_verdict
from ensemble.inspection.kept_parts import kept_part
from ensemble.inspection.shift_report import count_inspections, report_document
from ensemble.policies import SHIPPED_POLICIES
from ensemble.records.browsing import all_inspections, entry_digest_of
from ensemble.records.database import Database
from ensemble.records.history import Filters, inspection_called, policy_text, record_review, withdraw_review
from ensemble.records.recording import Recorder
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.values import Occasion
from ensemble.values.errors import RecordsError
from ensemble.values.language import FRENCH, speaking
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, REVIEW, Verdict
from ensemble.values.trace import Trace
from tests.support.kept import drawn, inspected


@pytest.fixture
def records(tmp_path: Path) -> Recorder:
    return Recorder(Database(tmp_path))


def keep(records: Recorder, number: int, part: str = "") -> Verdict:
    made = inspected(number, trace=Trace(part=part))
    return records.keep([made], SHIPPED_POLICIES[0], Occasion("screen", who="Ann"))[0]


def everything(records: Recorder) -> list:
    return list(all_inspections(records.database, Filters()))


def test_a_kept_verdict_is_the_one_that_was_given(records: Recorder) -> None:
    given = keep(records, 1)
    stored = inspection_called(records.database, given.id).stored
    policy = kept_policy(policy_text(records.database, stored["policy_digest"]))
    assert kept_verdict(stored, policy).as_json() == given.as_json()
    again = kept_verdict(stored)  # whatever has become of the policy
    assert again.as_json() == given.as_json() and kept_verdict(stored, policy).decision == given.decision


def test_a_record_that_is_not_understood_is_told_in_one_sentence(records: Recorder) -> None:
    stored = dict(inspection_called(records.database, keep(records, 1).id).stored)
    stored |= {"software": "9.0", "votes": [{"voter": "x"}]}
    with pytest.raises(RecordsError, match=r"This record was written by Quorum 9\.0 in a way that Quorum"):
        kept_verdict(stored)


def test_csv_and_parquet_parse_back_and_no_formula_hides_in_a_cell(records: Recorder) -> None:
    first, second = keep(records, 1, part="=1+1"), keep(records, 2)
    rows = list(csv.DictReader(io.StringIO(inspections_csv(everything(records)).decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == [second.id, first.id] and tuple(rows[0]) == FILE_COLUMNS
    assert rows[1]["part"] == "'=1+1" and rows[0]["verdict"] == second.label
    frame = pd.read_parquet(io.BytesIO(inspections_parquet(everything(records))))
    assert list(frame["id"]) == [second.id, first.id] and list(frame["part"]) == ["", "=1+1"]
    assert pd.read_parquet(io.BytesIO(inspections_parquet([]))).empty


def test_a_report_counts_what_people_said_and_nobody_took_back(records: Recorder) -> None:
    found = [keep(records, number) for number in range(12)]
    good = [each for each in found if each.label == NON_DEFECTIVE]
    bad = [each for each in found if each.label == DEFECTIVE]
    assert good and len(bad) > 1
    record_review(records.database, good[0].id, DEFECTIVE, "Bob", defect="burr", reason="seen")
    record_review(records.database, bad[0].id, NON_DEFECTIVE, "Bob")
    record_review(records.database, bad[1].id, NON_DEFECTIVE, "Bob")
    withdraw_review(records.database, bad[1].id, "Bob")
    counts = count_inspections(everything(records))
    assert (counts.inspections, len(counts.escapes), len(counts.overkills), counts.reviewed) == (12, 1, 1, 2)
    assert (counts.defects["burr"], counts.defects[""]) == (1, len(bad) - 1)
    report = report_document(counts, "Filters: All times.", str)
    page = document_html(report, "en").decode()
    assert (
        "<b>12 inspections</b>" in page and "burr; seen" in page and "Known so far, by 2 reviewed inspections." in page
    )
    assert document_pdf(report).startswith(b"%PDF")


def test_a_report_estimates_escapes_from_the_parts_that_chance_has_chosen(records: Recorder) -> None:
    change_settings(records.database.folder, "disc", Keeping(sample_rate=1.0))
    made = [inspected(number) for number in range(4)]
    good = [replace(each, verdict=replace(each.verdict, label=NON_DEFECTIVE, votes=())) for each in made]
    kept = records.keep(good, SHIPPED_POLICIES[0], Occasion("screen"))
    for verdict, label in zip(kept, (DEFECTIVE, NON_DEFECTIVE, NON_DEFECTIVE), strict=False):
        record_review(records.database, verdict.id, label, "Bo", way="sample")
    blocks = {block.heading: block for block in report_document(count_inspections(everything(records)), "", str).blocks}
    assert blocks["Escapes (1)"].note.startswith(
        "Known so far, by 3 reviewed inspections. Of 3 accepted parts looked at, 1 NOK: 33.3% escapes ("
    )
    assert blocks["Overkills (0)"].note == "Known so far, by 3 reviewed inspections."


def test_evidence_of_one_part_speaks_the_readers_language(records: Recorder) -> None:
    given = keep(records, 1)
    inspection = inspection_called(records.database, given.id)
    entry = entry_digest_of(records.database, inspection.number)
    with speaking(FRENCH):
        document = evidence_document(inspection, given, open_photo(drawn(1), given.photo), entry, str)
        said = document_html(document, FRENCH).decode()
        assert "Preuves de l’inspection de part_0001.png" in said and given.sha256 in said and entry in said
        paper = document_pdf(document)
    assert paper.startswith(b"%PDF") and b"DejaVu" in paper
    bare = evidence_document(inspection, given, None, entry, str)
    assert "The photo is not kept." in document_html(bare, "en").decode()


def keep_view(records: Recorder, number: int, view: str, *, part: str = "A", lot: str = "") -> Verdict:
    made = inspected(number, trace=Trace(part=part, view=view, lot=lot))
    return records.keep([made], SHIPPED_POLICIES[0], Occasion("screen", who="Ann"))[0]


def test_a_report_counts_parts_where_views_are_expected(records: Recorder) -> None:
    for part in ("A", "B"):
        for number, view in enumerate(("front", "back")):
            given = keep_view(records, number + 10 * (part == "B"), view, part=part)
            record_review(records.database, given.id, NON_DEFECTIVE, "Bob")
    only = keep_view(records, 30, "front", part="C")
    record_review(records.database, only.id, NON_DEFECTIVE, "Bob")
    keep(records, 31)
    counts = count_inspections(everything(records), {"disc": ("front", "back")})
    assert counts.parts.settled == {NON_DEFECTIVE: 2, REVIEW: 1} and counts.parts.incomplete == 1
    page = document_html(report_document(counts, "", str), "en").decode()
    assert "<h2>Parts of several views</h2>" in page and "1 of 3 parts lack a view." in page
    without = document_html(report_document(count_inspections(everything(records)), "", str), "en").decode()
    assert "Parts of several views" not in without


def test_evidence_of_a_part_holds_all_its_views(records: Recorder) -> None:
    first, again, _other = (
        keep_view(records, 1, "front"),
        keep_view(records, 2, "front"),
        keep_view(records, 3, "x", part="B"),
    )
    record_review(records.database, first.id, DEFECTIVE, "Bob")
    found = kept_part(records.database, "disc", "A", ("front", "back"))
    assert found is not None and [each.id for each in found.photos] == [again.id, first.id]
    views = [evidence_document(each, first, open_photo(drawn(1), "1.png"), "ab" * 32, str) for each in found.photos]
    page = document_html(part_document(found, views, str), "en").decode()
    assert "<h1>Evidence of the part A</h1>" in page and page.count("Evidence of the inspection of") == 2
    assert "NOK" in page and "Missing view: back. Seen more than once, the worst counts: front." in page
    assert document_pdf(part_document(found, iter(views), str)).count(b"/Type /Page\n") >= 3
    assert kept_part(records.database, "disc", "nobody", ("front",)) is None


def test_the_same_photo_does_not_stand_for_two_views(records: Recorder) -> None:
    for view in ("front", "back"):
        given = keep_view(records, 1, view)
        record_review(records.database, given.id, NON_DEFECTIVE, "Bob")
    found = kept_part(records.database, "disc", "A", ("front", "back"))
    assert found is not None and (found.verdict.label, found.verdict.reason) == (
        REVIEW,
        "Missing view: back. The same photo as another one, not counted: back.",
    )
