"""The station beside a line: whether this page is one, and what it has counted, kept in the browser over a shift."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote, unquote

import streamlit as st

from ensemble.values.results import Verdict
from pages.session.products import is_demo, product_name, trial_policy

STATION = "station"  # in the page's address
COOKIE, HOURS_KEPT = "quorum_station", 16  # longer than a shift, shorter than a day
BEFORE, NEWS = "_station_before", "_station_news"
MOST_LETTERS = 60


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many verdicts of each label there were since when, and the last one: its label, its photo and its time."""

    since: str = field(default_factory=_now)
    counts: Mapping[str, int] = field(default_factory=dict)
    label: str = ""
    photo: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """The verdict that came last in this visit, by a mark that no other one has."""

    mark: str = ""
    label: str = ""


def is_station() -> bool:
    """Whether the page's address asks for the station."""
    return st.query_params.get(STATION) == "1"


def open_station() -> None:
    """Make this page a station; for a button's callback."""
    st.query_params[STATION] = "1"


def leave_station() -> None:
    """Make this page the screen that it is elsewhere; for a button's callback."""
    st.query_params.pop(STATION, None)


def tally() -> Tally:
    """What was counted for the product and the kind of verdicts that are given now."""
    key = _key()
    if key not in st.session_state:
        st.session_state[key] = _kept(key)
    found: Tally = st.session_state[key]
    return found


def count(verdict: Verdict) -> None:
    """Count a verdict that has just been given."""
    before = tally()
    counts = {**before.counts, verdict.label: before.counts.get(verdict.label, 0) + 1}
    shown, at = verdict.photo[:MOST_LETTERS], verdict.origin.time
    st.session_state[_key()] = replace(before, counts=counts, label=verdict.label, photo=shown, at=at)
    st.session_state[NEWS] = News(f"{verdict.sha256[:12]} {at}", verdict.label)
    st.session_state.pop(BEFORE, None)


def news() -> News:
    """The verdict that came last in this visit; empty before the first one."""
    found: News = st.session_state.get(NEWS, News())
    return found


def reset() -> None:
    """Begin to count anew; for a button's callback."""
    before, key = tally(), _key()
    st.session_state[BEFORE] = (key, before)
    st.session_state[key] = replace(before, since=_now(), counts={})


def can_undo_reset() -> bool:
    """Whether nothing has been counted since it was begun anew."""
    return bool(st.session_state.get(BEFORE, ("", None))[0] == _key())


def undo_reset() -> None:
    """Go on with the counts of before; for a button's callback."""
    if can_undo_reset():
        key, before = st.session_state.pop(BEFORE)
        st.session_state[key] = before


def tally_to_keep() -> str:
    """A script that has the browser keep what was counted: a server that starts anew knows nothing of it."""
    kept = quote(json.dumps(asdict(tally()), ensure_ascii=False), safe="")
    cookie = f"{_key()}={kept}; max-age={HOURS_KEPT * 3600}; path=/; SameSite=Strict"
    return f"<script>document.cookie = {json.dumps(cookie)}</script>"


def _key() -> str:
    """A demo and a trial count for themselves, and so does each product."""
    trial = trial_policy()
    kind = "demo" if is_demo() else f"trial {trial.name}" if trial else ""
    return f"{COOKIE}_{hashlib.sha256(f'{product_name()} / {kind}'.encode()).hexdigest()[:8]}"


def _kept(key: str) -> Tally:
    kept = st.context.cookies.get(key)
    try:
        found = json.loads(unquote(kept)) if isinstance(kept, str) else {}
        counts = {str(label): int(number) for label, number in found.get("counts", {}).items() if int(number) > 0}
        said = {name: str(found[name]) for name in ("since", "label", "photo", "at") if name in found}
        return Tally(counts=counts, **said)
    except (ValueError, TypeError, AttributeError):  # whatever stands there, it is no tally
        return Tally()
