"""Another policy in force: the page learns it within seconds, from here or from another tab, and says by whom."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from ensemble.disk.files import fingerprint
from ensemble.store import listings, policy_history
from ensemble.store.places import POLICIES
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message
from ensemble.values.titles import policy_title
from pages.session.drafts import FROM, MOVES
from pages.session.products import is_demo, store
from pages.session.wishes import follow

NEWS, STAMP, WHOSE = "_policy_news", "_policy_stamp", "_active_of"
LASTS = 600.0  # seconds that it is told
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class News:
    """Who has put which policy in force, and when (UTC)."""

    policy: str
    author: str
    at: datetime


def note_stamp() -> None:
    """Remember which state of the policies file the page is about to show."""
    st.session_state[STAMP] = _stamp()


def have_policies_changed() -> bool:
    """Whether the policies file is another one than the page shows."""
    return STAMP in st.session_state and st.session_state[STAMP] != _stamp()


def note_active(active: str) -> None:
    """Note which policy is in force: whoever works by it follows, and so does a draft that was not moved yet."""
    whose = (str(store().folder), is_demo())
    before = follow(active)
    same = st.session_state.get(WHOSE) == whose
    st.session_state[WHOSE] = whose
    if not same:
        st.session_state.pop(NEWS, None)
        return
    if before == active:
        return
    if st.session_state.get(FROM) == before and not st.session_state.get(MOVES):
        st.session_state[FROM] = active
    st.session_state[NEWS] = _news(active)


def policy_news() -> str:
    """The sentence about a policy that came into force a short while ago; empty where none did."""
    found: News | None = st.session_state.get(NEWS)
    age = (datetime.now(UTC) - found.at).total_seconds() if found else LASTS
    if found is None or age >= LASTS:
        st.session_state.pop(NEWS, None)
        return ""
    who, policy, seconds, minutes = found.author, policy_title(found.policy), max(age, 0.0), age / MINUTE
    if age < MINUTE:
        if who:
            return Message("{who} activated {policy} {seconds:.0f} s ago.", who=who, policy=policy, seconds=seconds)
        return Message("{policy} was activated {seconds:.0f} s ago.", policy=policy, seconds=seconds)
    if who:
        return Message("{who} activated {policy} {minutes:.0f} min ago.", who=who, policy=policy, minutes=minutes)
    return Message("{policy} was activated {minutes:.0f} min ago.", policy=policy, minutes=minutes)


def _news(active: str) -> News:
    try:
        newest = policy_history.policy_states(store().folder)[-1]
        at = listings.moment(newest.at)
        if newest.book().active == active and at is not None:
            return News(active, newest.author, at)
    except (QuorumError, IndexError):  # whoever it was: no state says so
        pass
    return News(active, "", datetime.now(UTC))


def _stamp() -> tuple[Path, tuple[int, ...]]:
    folder = store().folder
    return folder, fingerprint(folder / POLICIES)
