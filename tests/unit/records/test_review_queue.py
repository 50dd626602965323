"""The review queue: who comes when, to whom, and what is said of it."""

import random
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text

from ensemble.policies import SHIPPED_POLICIES
from ensemble.records.database import Database
from ensemble.records.history import inspection_called, record_review
from ensemble.records.queue import (
    LEASE,
    Looker,
    answer_part,
    count_waiting,
    drop_part,
    give_part_back,
    known_defects,
    next_part,
    undo_answer,
)
from ensemble.records.recording import Recorder
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.tables import waiting
from ensemble.records.values import Occasion
from ensemble.records.verifying import verify_history
from ensemble.records.waiting import waiting_row
from ensemble.values.errors import RecordsError
from ensemble.values.results import REVIEW
from tests.support.kept import inspected

ANN, BO = Looker("Ann", "page 1"), Looker("Bo", "page 2")
NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)


def keep(database: Database, count: int, label: str = REVIEW, sample_rate: float = 0.0) -> list[str]:
    """The ids of so many inspections with one verdict and no dissent."""
    change_settings(database.folder, "disc", Keeping(sample_rate=sample_rate))
    made = []
    for number in range(count):
        part = inspected(number + 1000 * (label != REVIEW))
        vote = replace(part.verdict.votes[0], label="defective")
        verdict = replace(part.verdict, label=label, votes=(vote,))
        made.append(replace(part, verdict=verdict))
    return [verdict.id for verdict in Recorder(database).keep(made, SHIPPED_POLICIES[0], Occasion("screen"))]


COLUMNS = {"number": 7, "product": "disc", "trial": 0, "sampled": 0, "dissent": 0, "margin": 0.4}


@pytest.mark.parametrize(
    ("columns", "rank", "first"),
    [
        ({"verdict": REVIEW, "dissent": 3}, 0, 0.0),
        ({"verdict": "defective", "dissent": 2}, 1, -2.0),
        ({"verdict": "non_defective", "margin": 0.05}, 2, 0.05),
        ({"verdict": "non_defective", "dissent": 2, "sampled": 1}, 3, 0.0),
    ],
)
def test_who_waits_and_why(columns: dict[str, object], rank: int, first: float) -> None:
    row = waiting_row(COLUMNS | columns)
    assert row is not None and (row["rank"], row["first"]) == (rank, first)


@pytest.mark.parametrize(
    "columns", [{"verdict": "non_defective"}, {"verdict": "defective", "margin": None}, {"verdict": REVIEW, "trial": 1}]
)
def test_nobody_needs_to_look_at(columns: dict[str, object]) -> None:
    assert waiting_row(COLUMNS | columns) is None


def test_the_most_pressing_comes_first_and_each_once(database: Database) -> None:
    rows = [(0, 0.0, 10), (0, 0.0, 11), (1, -3.0, 12), (1, -1.0, 13), (2, 0.01, 14), (2, 0.08, 15), (3, 0.0, 16)]
    keep(database, 20)
    with database.writing() as connection:
        connection.execute(text("DELETE FROM waiting"))
        shuffled = random.Random(0).sample(rows, len(rows))
        for rank, first, number in shuffled:
            row = {"inspection": number, "product": "disc", "rank": rank, "first": first, "holder": "", "until": ""}
            connection.execute(insert(waiting).values(row))
    seen = []
    while (part := next_part(database, "disc", ANN, draw=0.9)) is not None:
        seen.append(part.inspection.number)
        answer_part(database, part, ANN, "defective")
    assert seen == [number for *_, number in rows]


def test_two_people_never_get_the_same_part_until_a_lease_ends(database: Database) -> None:
    keep(database, 2)
    first = next_part(database, "disc", ANN, draw=0.9, at=NOW)
    second = next_part(database, "disc", BO, draw=0.9, at=NOW)
    assert first is not None and second is not None and first.inspection.id != second.inspection.id
    assert next_part(database, "disc", Looker("Cy", "page 3"), draw=0.9, at=NOW) is None
    assert next_part(database, "disc", ANN, draw=0.9, at=NOW) == first  # a reload
    later = next_part(database, "disc", Looker("Cy", "page 3"), draw=0.9, at=NOW + LEASE + timedelta(seconds=1))
    assert later == first
    with pytest.raises(RecordsError, match="somebody else has it now"):
        answer_part(database, first, ANN, "defective")


def test_many_at_once_get_parts_of_their_own(database: Database) -> None:
    keep(database, 24)
    got: list[str] = []

    def work(looker: Looker) -> None:
        for _turn in range(4):
            part = next_part(database, "disc", looker, draw=0.9)
            assert part is not None
            got.append(part.inspection.id)
            answer_part(database, part, looker, "non_defective")

    threads = [threading.Thread(target=work, args=(Looker(f"P{n}", f"page {n}"),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 24
    assert verify_history(database).problem == ""


def test_an_answer_settles_and_can_be_undone(database: Database) -> None:
    (called,) = keep(database, 1)
    part = next_part(database, "disc", ANN, draw=0.9)
    assert part is not None and part.way == "review"
    answered = answer_part(database, part, ANN, "defective", "scratch")
    found = inspection_called(database, called)
    assert (found.settled, found.reviews[0].way, found.reviews[0].defect) == ("defective", "review", "scratch")
    assert next_part(database, "disc", ANN, draw=0.9) is None and known_defects(database, "disc") == ("scratch",)
    again = undo_answer(database, answered, ANN)
    assert again is not None and again.inspection.id == called and again.inspection.settled == REVIEW
    assert next_part(database, "disc", BO, draw=0.9) is None
    give_part_back(database, again, ANN)
    assert next_part(database, "disc", BO, draw=0.9) is not None
    drop_part(database, again)
    assert next_part(database, "disc", ANN, draw=0.9) is None


def test_what_is_said_elsewhere_ends_the_waiting(database: Database) -> None:
    called, _other = keep(database, 2)
    assert count_waiting(database, "disc") == {"review": 2, "disagreement": 0, "threshold": 0, "sample": 0}
    record_review(database, called, "defective", "Bo")
    assert count_waiting(database, "disc")["review"] == 1


def test_a_second_look_is_blind_and_settles_nothing(database: Database) -> None:
    (called,) = keep(database, 1)
    part = next_part(database, "disc", ANN, draw=0.9)
    assert part is not None
    answer_part(database, part, ANN, "defective")
    assert next_part(database, "disc", ANN, draw=0.0) is None  # not one's own
    look = next_part(database, "disc", BO, draw=0.0)
    assert look is not None and (look.way, look.inspection.id) == ("blind", called)
    assert next_part(database, "disc", Looker("Cy", "page 3"), draw=0.0) is None
    answered = answer_part(database, look, BO, "non_defective")
    assert inspection_called(database, called).settled == "defective"
    undo_answer(database, answered, BO)
    found = inspection_called(database, called)
    assert (found.settled, len(found.reviews)) == ("defective", 3)
    again = next_part(database, "disc", BO, draw=0.9)
    assert again is not None and again.way == "blind"
    answer_part(database, again, BO, "defective")
    assert next_part(database, "disc", Looker("Cy", "page 3"), draw=0.0) is None  # nobody a third time


def test_the_random_sample_comes_in_between(database: Database) -> None:
    keep(database, 3)
    keep(database, 3, "non_defective", sample_rate=1.0)
    part = next_part(database, "disc", ANN, draw=0.1)
    assert part is not None and part.way == "sample"
    answer_part(database, part, ANN, "defective")
    other = next_part(database, "disc", ANN, draw=0.9)
    assert other is not None and other.way == "review"
    third = next_part(database, "disc", BO, draw=0.9, skipped={other.inspection.number + 1})
    assert third is not None and third.inspection.number != other.inspection.number + 1


def test_what_is_kept_without_its_photo_does_not_wait(database: Database) -> None:
    change_settings(database.folder, "disc", Keeping("votes"))
    part = inspected(1)
    part = replace(part, verdict=replace(part.verdict, label=REVIEW))
    Recorder(database).keep([part], SHIPPED_POLICIES[0], Occasion("screen"))
    assert next_part(database, "disc", ANN, draw=0.9) is None


def test_the_next_part_is_quick_among_many(database: Database) -> None:
    keep(database, 1)
    with database.writing() as connection:
        connection.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 101000) "
                "INSERT INTO waiting SELECT i, 'disc', 1, -i, '', '' FROM n"
            )
        )
    part = next_part(database, "disc", ANN, draw=0.9)
    assert part is not None and part.way == "review"
    with database.reading() as connection:
        wanted = select(waiting.c.inspection).where(waiting.c.product == "disc", waiting.c.rank < 4)
        wanted = wanted.order_by(waiting.c.rank, waiting.c.first, waiting.c.inspection).limit(1)
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        plan = connection.execute(text(f"{explain} {wanted.compile(compile_kwargs={'literal_binds': True})}"))
        steps = " ".join(str(row[-1]) for row in plan)
    assert "waiting_in_order" in steps and "TEMP B-TREE" not in steps and "Sort" not in steps
    began = time.perf_counter()
    next_part(database, "disc", ANN, draw=0.9)
    assert time.perf_counter() - began < 1


def test_who_waited_before_there_was_a_queue_waits_in_it(database: Database) -> None:
    settled, _waits = keep(database, 2)
    record_review(database, settled, "defective", "Ann")
    keep(database, 2, "non_defective", sample_rate=1.0)
    with database.writing() as connection:
        before = sorted(map(tuple, connection.execute(select(waiting))))
        connection.execute(text("DROP TABLE waiting"))
        connection.execute(text("DROP INDEX inspections_by_sample"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    database.close()
    with database.reading() as connection:
        assert sorted(map(tuple, connection.execute(select(waiting)))) == before and len(before) == 3
