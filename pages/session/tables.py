"""What lies before each visitor, in this process's memory: another screen leaves it there, and a reload finds it again.

A table is found by a key that nobody can guess, in the address of its visitor's page. Tables are bounded in number, in
bytes, and in time once no page shows them any more; nothing of them goes to disk.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

TABLE = "table"  # in the page's address
MOST, MOST_BYTES = 64, 1_000_000_000
MINUTES_KEPT = 60  # once no page shows a table
BETWEEN = 30.0  # seconds from one look at all tables to the next


@dataclass(slots=True)
class Table:
    """What lies before one visitor, by name; `session` is the page that shows it, `seen` when it last did."""

    key: str
    session: str
    seen: float
    things: dict[str, Any] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """What it takes of the memory, roughly."""
        return sum(getattr(thing, "nbytes", 0) for thing in self.things.values())


def is_open(session: str) -> bool:
    """Whether a page of that session is open; outside of a server nobody can tell, and nothing is given up."""
    return not runtime.exists() or bool(runtime.get_instance().is_active_session(session))


class Tables:
    """All tables that a reload can find."""

    def __init__(self, is_open: Callable[[str], bool] = is_open, clock: Callable[[], float] = time.monotonic) -> None:
        self._is_open, self._clock = is_open, clock
        self._tables: dict[str, Table] = {}
        self._lock = threading.Lock()

    def take(self, key: str, session: str) -> Table:
        """The table of that key, or an empty one; where another page shows it, one that has the same things on it."""
        with self._lock:
            found = self._tables.get(key)
            if found is None:
                return Table(secrets.token_urlsafe(16), session, self._clock())
            if found.session != session and self._is_open(found.session):
                return Table(secrets.token_urlsafe(16), session, self._clock(), dict(found.things))
            found.session, found.seen = session, self._clock()
            return found

    def keep(self, table: Table) -> None:
        """Let a reload find this table, and give up those that are one too many."""
        with self._lock:
            self._tables.pop(table.key, None)
            self._tables[table.key] = table  # at the end: of those that pages show, the one touched last
        self.tidy()

    def tidy(self) -> None:
        """Give up what no page has shown for too long, and the longest unseen where they are too many or too large."""
        with self._lock:
            now = self._clock()
            for table in self._tables.values():
                if self._is_open(table.session):
                    table.seen = now
            latest_first = sorted(self._tables.values(), key=lambda table: table.seen)[::-1]
            self._tables = {table.key: table for table in _within_bounds(latest_first, now - 60 * MINUTES_KEPT)}

    def __len__(self) -> int:
        return len(self._tables)


def _within_bounds(tables: list[Table], oldest: float) -> Iterator[Table]:
    total = 0
    for table in tables[:MOST]:
        nbytes = table.nbytes
        if table.seen >= oldest and total + nbytes <= MOST_BYTES:
            total += nbytes
            yield table


_all_tables = Tables()
_sweeping = threading.Event()


def table() -> dict[str, Any]:
    """What lies before this visitor; to put something there see `lay`."""
    return _mine().things


def lay(name: str, thing: Any) -> None:
    """Put something on this visitor's table, where another screen and a reload find it again."""
    mine = _mine()
    mine.things[name] = thing
    _all_tables.keep(mine)
    _sweep_from_now_on()
    show_table_in_address()


def take_off(*names: str) -> None:
    """Take something off this visitor's table, if it lies there."""
    for name in names:
        _mine().things.pop(name, None)


def show_table_in_address() -> None:
    """Let the address of the page lead back to this visitor's table, unless it is empty."""
    mine = _mine()
    if mine.things and st.query_params.get(TABLE) != mine.key:
        st.query_params[TABLE] = mine.key


def _mine() -> Table:
    found: Table | None = st.session_state.get(f"_{TABLE}")
    if found is None:
        context = get_script_run_ctx()
        found = _all_tables.take(st.query_params.get(TABLE, ""), context.session_id if context else "")
        st.session_state[f"_{TABLE}"] = found
        if found.things:
            _all_tables.keep(found)
    return found


def _sweep_from_now_on() -> None:
    if not _sweeping.is_set():
        _sweeping.set()
        threading.Thread(target=_sweep, daemon=True, name="tables").start()


def _sweep() -> None:
    while True:
        time.sleep(BETWEEN)
        try:
            _all_tables.tidy()
        except Exception:  # whatever it is: nobody else would ever tidy them again
            logging.getLogger(__name__).exception("The tables could not be tidied")
