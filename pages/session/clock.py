"""Times as a visitor's own clock tells them; what is stored stays in UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def local(moment: datetime) -> datetime:
    """A time in the zone of the visitor's browser; in UTC where that is unknown."""
    try:
        return moment.astimezone(ZoneInfo(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return moment.astimezone(UTC)


def local_time(stored: str) -> str:
    """A stored time (ISO 8601, UTC where it names no zone) as `2026-11-27 21:05`; as it is where it is no time."""
    try:
        moment = datetime.fromisoformat(stored)
    except ValueError:
        return stored
    return f"{local(moment if moment.tzinfo else moment.replace(tzinfo=UTC)):%Y-%m-%d %H:%M}"


def local_stamp(stored: str = "") -> str:
    """A stored time, or now, as it stands in the name of a file: `2026-11-27T2105`."""
    return local_time(stored or datetime.now(UTC).isoformat()).replace(":", "").replace(" ", "T")
