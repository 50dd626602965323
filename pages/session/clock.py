"""Times as a visitor's own clock tells them; what is stored stays in UTC."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def zone_of_visitor() -> tzinfo:
    """The zone of the visitor's browser; UTC where that is unknown."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def local(moment: datetime) -> datetime:
    """A time in the zone of the visitor's browser; in UTC where that is unknown."""
    return moment.astimezone(zone_of_visitor())


def local_time(stored: str) -> str:
    """A stored time (ISO 8601, UTC where it names no zone) as `2026-11-27 21:05`; as it is where it is no time."""
    return _told_in(stored, zone_of_visitor())


def clock_of_visitor() -> Callable[[str], str]:
    """What tells stored times as `local_time` does, for work that goes on where nobody can tell whose page it is."""
    zone = zone_of_visitor()
    return lambda stored: _told_in(stored, zone)


def _told_in(stored: str, zone: tzinfo) -> str:
    try:
        moment = datetime.fromisoformat(stored)
    except ValueError:
        return stored
    return f"{(moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone):%Y-%m-%d %H:%M}"


def local_stamp(stored: str = "") -> str:
    """A stored time, or now, as it stands in the name of a file: `2026-11-27T2105`."""
    return local_time(stored or datetime.now(UTC).isoformat()).replace(":", "").replace(" ", "T")
