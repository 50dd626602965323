"""How fast a long history is read: pages of inspections under many filters, at a million rows, and the memory for it.

The rows are made here, with a chain that holds; they are kept in a folder so that another run measures at once.
"""

import json
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from sqlalchemy import insert, text

from ensemble.disk.files import digest_of
from ensemble.members import demo
from ensemble.policies import SHIPPED_POLICIES
from ensemble.policies.files import entry_of
from ensemble.records.chain import BEFORE_ALL, canonical, entry_digest
from ensemble.records.database import Database
from ensemble.records.history import PAGE, Filters, history_count, history_page
from ensemble.records.recording import columns_of
from ensemble.records.tables import entries, inspections, objects, policies, reviews
from ensemble.records.verifying import verify_history
from ensemble.values.results import OK_NOK

AT_ONCE = 5_000
START = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTS, WEIGHTS = ("disc", "plate", "gear", "rare"), (70, 20, 9.9, 0.1)
KINDS = ("non_defective", "defective", "review")
CPU: list[float] = []  # seconds of this process, which others on the machine hardly disturb; SQLite works in it
BATCH, LOT = 500, 2_000  # inspections in one


def main(
    folder: Annotated[Path, typer.Argument(help="Where the rows lie; made there where it holds none.")],
    rows: int = 1_000_000,
    url: Annotated[str, typer.Option(help="A PostgreSQL database in place of SQLite.")] = "",
    rounds: int = 3,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Look at the whole chain too.")] = False,
) -> None:
    """Make the history where it is missing, then time pages under every filter."""
    database = Database(folder, url)
    with database.reading() as connection:
        there = connection.execute(text("SELECT COALESCE(MAX(number), 0) FROM entries")).scalar_one()
    if not there:
        start = time.perf_counter()
        _fill(database, rows)
        print(json.dumps({"made": rows, "seconds": round(time.perf_counter() - start, 1)}))
    figures = measured(database, rounds)
    if verify:
        start = time.perf_counter()
        found = verify_history(database)
        figures["verify"] = {"entries": found.entries, "problem": found.problem}
        figures["verify"]["seconds"] = round(time.perf_counter() - start, 1)
    print(json.dumps(figures, indent=2))


def asked() -> dict[str, Filters]:
    """What people and machines ask for: usual, rare, and what nothing meets."""
    spring, autumn = "2026-04-01T00:00:00+00:00", "2026-10-01T00:00:00+00:00"
    return {
        "nothing narrowed": Filters(),
        "a product": Filters(product="disc"),
        "a rare product": Filters(product="rare"),
        "REVIEW": Filters(verdict="review"),
        "NOK of a product": Filters(product="gear", verdict="defective"),
        "REVIEW of a rare product": Filters(product="rare", verdict="review"),
        "a policy and an old model": Filters(policy="MAJORITY", model_version=1),
        "an old model, NOK": Filters(model_version=1, verdict="defective"),
        "a batch": Filters(batch="b000700"),
        "a part": Filters(part="P0250000"),
        "a photo": Filters(sha256=_photo(123_456)),
        "a lot, one view": Filters(lot="L00100", view="side"),
        "a station and a shift": Filters(station="S3", shift="night"),
        "a station, a shift, NOK": Filters(station="S8", shift="early", verdict="defective"),
        "disagreement": Filters(disagreement=True),
        "disagreement of a rare product": Filters(product="rare", disagreement=True),
        "agreement, NOK, a view": Filters(disagreement=False, verdict="defective", view="top"),
        "reviewed": Filters(reviewed=True),
        "reviewed, of a rare product": Filters(product="rare", reviewed=True),
        "REVIEW that waits": Filters(verdict="review", reviewed=False),
        "a day long ago": Filters(since="2026-02-03T00:00:00+00:00", until="2026-02-04T00:00:00+00:00"),
        "a quarter, NOK": Filters(since=spring, until="2026-07-01T00:00:00+00:00", verdict="defective"),
        "a quarter, one product, REVIEW": Filters(since=spring, until=autumn, product="plate", verdict="review"),
        "a quiet hour, good parts of a product": Filters(
            product="disc",
            verdict="non_defective",
            since="2026-02-03T00:00:00+00:00",
            until="2026-02-03T01:00:00+00:00",
        ),
        "a year, one product": Filters(since="2026-01-01T00:00:00+00:00", product="disc"),
        "before the first": Filters(until="2025-01-01T00:00:00+00:00"),
        "trials": Filters(trial=True),
        "no such part": Filters(part="none"),
        "no such product": Filters(product="none", verdict="defective"),
        "a product that never met the station": Filters(product="rare", station="S8"),
        "two that are common and never meet": Filters(policy="ANY", product="plate"),
        "an old model lately": Filters(model_version=1, since=autumn),
        "a shift of a product never reviewed": Filters(product="gear", shift="late", reviewed=False),
    }


def measured(database: Database, rounds: int) -> dict[str, Any]:
    """Milliseconds of first, second and deep pages and of counts, and the memory that all of it took."""
    history_page(database, Filters())
    memory, before = psutil.Process(), psutil.Process().memory_info().rss
    pages: dict[str, list[float]] = {}
    counts: dict[str, list[float]] = {}
    most = before
    for _ in range(rounds):
        for name, filters in asked().items():
            seconds = pages.setdefault(name, [])
            first = _timed(seconds, partial(history_page, database, filters))
            if first.before is not None:
                _timed(seconds, partial(history_page, database, filters, first.before))
            _timed(seconds, partial(history_page, database, filters, database_rows(database) // 2))
            _timed(counts.setdefault(name, []), partial(history_count, database, filters))
            most = max(most, memory.memory_info().rss)
    return {
        "rows": database_rows(database),
        "cores": os.cpu_count(),
        "database": "SQLite" if database.is_sqlite else "PostgreSQL",
        "photos_a_page": PAGE,
        "page_ms": _spread([each for found in pages.values() for each in found]),
        "page_or_count_cpu_ms": _spread(CPU),
        "count_ms": _spread([each for found in counts.values() for each in found]),
        "memory_mb": {"before": round(before / 1e6), "most": round(most / 1e6)},
        "slowest_pages_ms": _slowest(pages),
        "slowest_counts_ms": _slowest(counts),
    }


def database_rows(database: Database) -> int:
    """The number of the newest entry."""
    with database.reading() as connection:
        return int(connection.execute(text("SELECT MAX(number) FROM entries")).scalar_one())


def _timed(seconds: list[float], ask: Callable[[], Any]) -> Any:
    start, own = time.perf_counter(), time.process_time()
    found = ask()
    seconds.append(time.perf_counter() - start)
    CPU.append(time.process_time() - own)
    return found


def _spread(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    found = {"median": cuts[49], "p95": cuts[94], "p99": cuts[98], "most": max(seconds)}
    return {name: round(1000 * value, 1) for name, value in found.items()}


def _slowest(seconds: Mapping[str, list[float]]) -> dict[str, float]:
    found = sorted(seconds, key=lambda name: -max(seconds[name]))[:8]
    return {name: round(1000 * max(seconds[name]), 1) for name in found}


def _photo(number: int) -> str:
    return digest_of(str(number).encode())


def _fill(database: Database, rows: int) -> None:
    """Write so many inspections, one in a hundred with a review, into an empty history."""
    policy = canonical(entry_of(SHIPPED_POLICIES[0]))
    previous, number = BEFORE_ALL, 0
    with database.writing() as connection:
        connection.execute(insert(policies).values(digest=digest_of(policy.encode()), text=policy))
    made = _bodies(rows, digest_of(policy.encode()))
    while number < rows + rows // 100:
        chain: list[dict[str, Any]] = []
        searched: list[dict[str, Any]] = []
        said: list[dict[str, Any]] = []
        taken: dict[str, tuple[int, int]] = {}
        for kind, body in made:
            number += 1
            written, at = canonical(body), f"{body.get('time', START.isoformat())}"
            body_digest = digest_of(written.encode())
            digest = entry_digest(previous, number, kind, at, body_digest)
            row = {"number": number, "kind": kind, "at": at, "body": written, "body_digest": body_digest}
            chain.append(row | {"previous": previous, "digest": digest})
            previous = digest
            if kind == "review":
                about = {name: value for name, value in body.items() if name != "inspection"}
                said.append(about | {"number": number, "at": at, "inspection": number - 1})
            else:
                searched.append(columns_of(body) | {"number": number})
                size, uses = taken.get(body["product"], (0, 0))
                taken[body["product"]] = (size + len(written.encode()), uses + 1)
            if len(chain) == AT_ONCE:
                break
        if not chain:
            return
        with database.writing() as connection:
            for table, values in ((entries, chain), (inspections, searched), (reviews, said)):
                if values:
                    connection.execute(insert(table), values)
            _count(connection, taken)


def _count(connection: Any, taken: Mapping[str, tuple[int, int]]) -> None:
    for product, (size, uses) in taken.items():
        values = {"product": product, "bytes": size, "uses": uses}
        change = text("UPDATE objects SET bytes = bytes + :bytes, uses = uses + :uses WHERE product = :product")
        if not connection.execute(change, values).rowcount:
            connection.execute(insert(objects).values(digest="", **values))


def _bodies(rows: int, policy_digest: str) -> Iterator[tuple[str, dict[str, Any]]]:
    chance, step = random.Random(1), timedelta(days=330) / rows
    template: dict[str, list[dict[str, Any]]] = {label: [] for label in KINDS}
    for seed in range(60):
        verdict = SHIPPED_POLICIES[0].decide(demo.scores(digest_of(bytes([seed])), OK_NOK), (), OK_NOK).as_json()
        template[verdict["verdict"]].append(verdict | {"votes": verdict["votes"][:4]})
    template["review"] = [{**each, "verdict": "review"} for each in template["defective"][:9]]
    for number in range(rows):
        at, product = START + number * step, chance.choices(PRODUCTS, WEIGHTS)[0]
        drawn = chance.choice(template[chance.choices(KINDS, (90, 8, 2))[0]])
        even = chance.random() < 0.9  # all models of one mind
        votes = [{**vote, "label": drawn["votes"][0]["label"]} if even else vote for vote in drawn["votes"]]
        station = chance.randrange(1, 8 if product == "rare" else 9)
        body = drawn | {
            "id": f"{chance.getrandbits(128):032x}",
            "photo": f"part_{number}.png",
            "sha256": _photo(number),
            "time": at.isoformat(timespec="seconds"),
            "product": product,
            "model_version": 1 + 12 * number // rows,
            "policy": "ANY" if product == "disc" and chance.random() < 0.3 else "MAJORITY",
            "votes": votes,
            "trial": False,
            "policy_digest": policy_digest,
            "batch": f"b{number // BATCH:06}" if number // BATCH % 2 == 0 else "",
            **{"bytes": 100_000, "kept_photo": "", "thumbnail": "", "heat_map": "", "source": "batch", "who": "Ann"},
            **{"zone": "Europe/Paris", "software": "0.1.0", "sampled": False, "sample_rate": 0.01},
            "trace": {
                "part": f"P{number // 2:07}",
                "serial": "",
                "lot": f"L{number // LOT:05}",
                "station": f"S{station}",
                "shift": ("night", "early", "late")[at.hour // 8],
                "view": ("top", "side")[number % 2],
            },
        }
        yield "inspection", body
        if number % 100 == 99:
            said = {"inspection": body["id"], "who": "Bo", "label": "defective", "before": body["verdict"]}
            yield "review", said | {"defect": "", "reason": "", "way": "review", "withdraws": None}


if __name__ == "__main__":
    typer.run(main)
