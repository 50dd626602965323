"""Kills a process that keeps verdicts, again and again: `python -m tests.support.killed FOLDER --rounds 200`.

Each round forks a process that keeps photos and tells the id of each verdict once it is kept; at a random moment it is
killed with a signal that nothing can catch. Afterwards no verdict that was told may be missing, none may be there
twice, the database has to be whole and the chain to hold. It prints how many were told, and the first thing wrong.
With `--postgres` the history is kept in a PostgreSQL that is started for it.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import func, select, text

from ensemble.policies import SHIPPED_POLICIES
from ensemble.records.database import DATABASE_SETTING, Database
from ensemble.records.history import record_review
from ensemble.records.recording import Recorder
from ensemble.records.tables import inspections, reviews
from ensemble.records.values import Occasion
from ensemble.records.verifying import verify_history
from tests.support.kept import inspected
from tests.support.postgres import running_server

LONGEST, LONGEST_THERE = 0.35, 1.0  # seconds that a process lives; it takes longer to reach PostgreSQL
MOST_AT_ONCE = 3  # photos that are kept together


def keep_until_killed(folder: Path, first: int, out: int) -> None:
    """Keep photos one by one, now and then some together or with a review; tell the id of each that is kept."""
    recorder, chance, number = Recorder(Database(folder)), random.Random(first), first
    while True:
        count = chance.choice((1, 1, MOST_AT_ONCE))
        parts = [inspected(number + each) for each in range(count)]
        verdicts = recorder.keep(parts, SHIPPED_POLICIES[0], Occasion("batch", batch=f"b{first}"))
        os.write(out, "".join(f"{verdict.id or verdict.not_kept}\n" for verdict in verdicts).encode())
        if chance.random() < 0.2:
            record_review(recorder.database, verdicts[0].id, "defective", "Bo")
        number += count


def told_by_a_killed_process(folder: Path, first: int, seconds: float) -> list[str]:
    """The ids that a process has told until it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            keep_until_killed(folder, first, writing)
        os._exit(1)
    os.close(writing)
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as stream:
        told = stream.read().split()
    return told if os.WIFSIGNALED(status) else [*told, "it ended by itself"]


def problem_of(folder: Path, told: set[str], before: int) -> tuple[str, int]:
    """What is wrong after a kill, empty where nothing is, and how many inspections there are."""
    database = Database(folder)
    try:
        with database.reading() as connection:
            whole = connection.execute(text("PRAGMA integrity_check")).scalar_one() if database.is_sqlite else "ok"
            ids = list(connection.execute(select(inspections.c.id)).scalars())
            photos = connection.execute(select(func.count(inspections.c.photo.distinct()))).scalar_one()
            connection.execute(select(func.count()).select_from(reviews)).scalar_one()
        found = verify_history(database)
    finally:
        database.close()
    wrong = {
        f"integrity check: {whole}": whole != "ok",
        f"{len(told - set(ids))} that were told are missing": not told <= set(ids),
        "an inspection is there twice": len(set(ids)) < len(ids) or photos < len(ids),
        "more were kept than one call can leave untold": len(ids) - before > MOST_AT_ONCE + len(told),
        f"entry {found.number}: {found.problem}": bool(found.problem),
    }
    return "; ".join(sentence for sentence, is_so in wrong.items() if is_so), len(ids)


def killed(folder: Path, rounds: int, seed: int) -> dict[str, object]:
    """So many rounds: how many verdicts were told and kept in all, and what is wrong."""
    chance, told, count = random.Random(seed), set[str](), 0
    database = Database(folder)
    longest = LONGEST if database.is_sqlite else LONGEST_THERE
    database.close()
    for each in range(rounds):
        fresh = told_by_a_killed_process(folder, 200 * each, chance.uniform(0, longest))
        problem, after = problem_of(folder, told | set(fresh), count - len(told))
        if problem or len(set(fresh) & told):
            return {"rounds": each + 1, "told": len(told), "kept": after, "problem": problem or "an id was told twice"}
        told |= set(fresh)
        count = after
    return {"rounds": rounds, "told": len(told), "kept": count, "problem": ""}


def main() -> int:
    """Say what came of it; the exit code is 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    asked = parser.parse_args()
    with ExitStack() as stack:
        if asked.postgres:
            os.environ[DATABASE_SETTING] = stack.enter_context(running_server()).new_url()
        found = killed(asked.folder, asked.rounds, asked.seed)
    print(json.dumps(found | {"seed": asked.seed}))
    return 1 if found["problem"] else 0


if __name__ == "__main__":
    sys.exit(main())
