"""A stretch of history that a visitor has decided again by another policy."""

import contextlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import streamlit as st

from ensemble.inspection.time_machine import Reproduction, Told, WhatIf, reproduce, what_if
from ensemble.policies import Policy, choose
from ensemble.records.history import Filters, history_count
from ensemble.records.recording import recorder
from ensemble.values.errors import RecordsError
from ensemble.values.language import Message
from ensemble.values.titles import policy_title
from pages.session import drafts
from pages.session.background import Progress, start_work
from pages.session.products import in_force, manifest

ASKED, SPAN, WITH = "_replay", "span", "with"  # the latter two are names in the page's address
USUAL_SPAN = "7"
POLICY, VERSION = "policy", "version"  # what can be replayed with
SPANS = {"1": 1, "7": 7, "30": 30, "all": 0}  # days; 0 is all of it
MANY = 1_000_000  # inspections; of more it is only known that they are more


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it: by which policy, and whether what was kept comes out as it was."""

    policy: Policy
    what_if: WhatIf
    reproduction: Reproduction


def policies() -> dict[str, Policy]:
    """What can decide again, by title: the policies of the product, the active one first, and the draft."""
    known = in_force().policies
    found = {policy_title(policy.name): choose(known, policy.name) for policy in known}
    draft = drafts.draft()
    if draft is not None:
        found[Message("Draft")] = replace(draft, trial=True)
    return found


def wished_way() -> str:
    """What the page's address wants to replay with: another policy, or another version of the models."""
    return VERSION if st.query_params.get(WITH) == VERSION else POLICY


def keep_way(way: str) -> None:
    """Let the page's address name this."""
    if way != wished_way():
        st.query_params[WITH] = way


def wished_span() -> str:
    """The stretch of history that the page's address names, else the usual one."""
    wished = st.query_params.get(SPAN, USUAL_SPAN)
    return wished if wished in SPANS else USUAL_SPAN


def keep_span(span: str) -> None:
    """Let the page's address name this stretch."""
    if span != wished_span():
        st.query_params[SPAN] = span


def filters(span: str) -> Filters:
    """Inspections of this product within so many days; those of trial policies count for nothing, then as now."""
    days = SPANS[span]
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds") if days else ""
    return Filters(product=manifest().product, since=since, trial=False)


def count(span: str) -> int:
    """How many inspections are kept of this stretch."""
    return history_count(recorder().database, filters(span))


def start(field: str) -> None:
    """Begin to decide a stretch again, by the policy that stands in a field by now; for a button's callback."""
    policy = policies().get(st.session_state[field])
    if policy is None:  # it was deleted while the screen was open
        return
    database, meant = recorder().database, filters(st.session_state[SPAN])

    def do(progress: Progress) -> Replayed:
        total = max(1, history_count(database, meant, MANY))
        found = what_if(database, meant, policy, _told(progress, Message("Deciding again"), total))
        whole = reproduce(database, meant, _told(progress, Message("Checking what was kept"), total))
        return Replayed(policy, found, whole)

    start_work(key(), Message("Replay"), do)


def _told(progress: Progress, stage: str, total: int) -> Told:
    def told(done: int) -> None:
        progress(stage, min(1.0, done / total))

    return told


def key() -> str:
    """What the work of this visitor goes by."""
    token: str = st.session_state.setdefault(ASKED, secrets.token_hex(4))
    return f"replay {token}"


def small_copy(digest: str) -> bytes | None:
    """The small copy of a photo in the history; None where none was kept, or it is damaged."""
    with contextlib.suppress(RecordsError):
        return recorder().objects.get(digest) if digest else None
    return None
