"""What a visitor asks of the history: filters that live in the page's address."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import streamlit as st

from ensemble.records.browsing import values_of
from ensemble.records.history import Filters
from ensemble.records.recording import recorder
from ensemble.values.errors import RecordsError
from ensemble.values.language import Message
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, REVIEW
from pages.session.clock import local, zone_of_visitor
from pages.session.language import LANGUAGE
from pages.session.products import DEMO
from pages.session.tables import TABLE
from pages.session.wishes import POLICY, PRODUCT

SPAN, FROM, TO, BEFORE, ONE = "span", "from", "to", "before", "inspection"
TODAY, WEEK, MONTH, ALL, DATES = "today", "7d", "30d", "all", "dates"
SPANS: Mapping[str, str] = {
    ALL: Message("All times"),
    TODAY: Message("Today"),
    WEEK: Message("7 days"),
    MONTH: Message("30 days"),
    DATES: Message("Choose days"),
}
# The filter's name in the address, the field of `Filters`, what a person calls it; the sidebar has `product`, `policy`.
TEXTS: dict[str, tuple[str, str]] = {
    "of": ("product", Message("Product")),
    "verdict": ("verdict", Message("Verdict")),
    "by": ("policy", Message("Policy")),
    "version": ("model_version", Message("Model version")),
    "batch": ("batch", Message("Batch")),
    "part": ("part", Message("Part")),
    "serial": ("serial", Message("Serial number")),
    "lot": ("lot", Message("Lot")),
    "station": ("station", Message("Station")),
    "shift": ("shift", Message("Shift")),
    "view": ("view", Message("View")),
    "photo": ("sha256", Message("SHA-256 of the photo")),
}
CHOSEN_FROM = ("of", "verdict", "by", "version", "station", "shift", "view")  # few values, to choose from
FLAGS: dict[str, tuple[str, str]] = {
    "reviewed": ("reviewed", Message("Reviewed")),
    "disagreement": ("disagreement", Message("Models disagree")),
    "trial": ("trial", Message("Trial policy")),
}
YES, NO = "yes", "no"
OTHERS = (PRODUCT, POLICY, LANGUAGE, TABLE, DEMO)  # of the address, that are no filters
UNDER_MORE = tuple(name for name in (*TEXTS, *FLAGS) if name not in ("of", "verdict"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for, as the database takes it; `values` are the filters as they stand there."""

    filters: Filters
    values: Mapping[str, str]
    before: int | None = None


class AddressError(RecordsError):
    """The address asks for what the history cannot answer; `filter` is the part of it that is wrong."""

    def __init__(self, wrong: str, message: Message) -> None:
        super().__init__(message)
        self.filter = wrong


def asked() -> Asked:
    """What the address asks for; an AddressError where it is not understood, so that no filter is left out."""
    values = {name: _one_value(name) for name in st.query_params if name not in OTHERS}
    known = (SPAN, FROM, TO, BEFORE, ONE, *TEXTS, *FLAGS)
    for name in values:
        if name not in known:
            raise AddressError(
                name, Message("The address asks for a filter {name!r}, which the history does not know.", name=name)
            )
    found: dict[str, Any] = dict(_times(values))
    for name, (field, title) in TEXTS.items():
        if name in values:
            found[field] = _chosen_value(name, values[name], title)
    for name, (field, title) in FLAGS.items():
        if name in values:
            if values[name] not in (YES, NO):
                raise AddressError(
                    name,
                    Message("{filter} is yes or no. The address says {value!r}.", filter=title, value=values[name]),
                )
            found[field] = values[name] == YES
    before = values.get(BEFORE)
    if before is not None and not (before.isdecimal() and len(before) < 19):
        raise AddressError(
            BEFORE, Message("A page of the history begins at a number. The address says {value!r}.", value=before)
        )
    return Asked(Filters(**found), values, int(before) if before else None)


def _one_value(name: str) -> str:
    given = st.query_params.get_all(name)
    if len(given) != 1 or not given[0].strip():
        raise AddressError(name, Message("The address must give the filter {name!r} one value.", name=name))
    return str(given[0])


def _chosen_value(name: str, value: str, title: str) -> str | int:
    if name in CHOSEN_FROM and value not in options(name):
        raise AddressError(
            name, Message("The history holds nothing with {filter} {value!r}.", filter=title, value=value)
        )
    return int(value) if name == "version" else value


def _times(values: Mapping[str, str]) -> Mapping[str, str]:
    """From when until when, in UTC; days are those of the visitor's clock."""
    span = values.get(SPAN, ALL)
    if span not in SPANS:
        raise AddressError(SPAN, Message("The history knows no time span {value!r}.", value=span))
    days = {TODAY: 0, WEEK: 6, MONTH: 29}
    today = local(datetime.now(UTC)).date()
    if span in days:
        return {"since": _midnight(today - timedelta(days=days[span]))}
    first, last = (_day(name, values[name]) if name in values else None for name in (FROM, TO))
    if span != DATES:
        if wrong := next((name for name in (FROM, TO) if name in values), ""):
            raise AddressError(wrong, Message("The address gives days, and a time span that needs none."))
        return {}
    since = {"since": _midnight(first)} if first else {}
    return since | ({"until": _midnight(last + timedelta(days=1))} if last else {})


def _day(name: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise AddressError(
            name, Message("A day is written like 2026-11-27. The address says {value!r}.", value=value)
        ) from error


def _midnight(day: date) -> str:
    """When a day of the visitor's clock begins, in UTC."""
    return datetime.combine(day, time(), zone_of_visitor()).astimezone(UTC).isoformat(timespec="seconds")


def days_asked() -> tuple[date, ...]:
    """The days that the address names, as a field for days takes them."""
    found = []
    for name in (FROM, TO):
        with contextlib.suppress(ValueError):
            found.append(date.fromisoformat(st.query_params.get(name, "")))
    return tuple(found)


def field_key(name: str) -> str:
    """What the field of a filter is called in the page."""
    return f"history_{name}"


def ask(name: str) -> None:
    """Put what a field says into the address, and begin at the first page; for a widget's callback."""
    given = st.session_state.get(field_key(name))
    if name == DATES:
        days = tuple(given or ())
        for key, day in zip((FROM, TO), (*days, None, None), strict=False):
            _set(key, day.isoformat() if day else "")
    else:
        _set(name, "" if given in (None, "", ALL) else str(given).strip())
        if name == SPAN and given != DATES:
            _set(FROM, "")
            _set(TO, "")
    _set(BEFORE, "")


def ask_for_all(*, but: Sequence[str] = ()) -> None:
    """Take all filters out of the address, or all `but` some; for a button's callback."""
    for name in list(st.query_params):
        if name not in (*OTHERS, *but):
            del st.query_params[name]


def forget(name: str) -> None:
    """Take one filter out of the address; for a button's callback."""
    _set(name, "")
    _set(BEFORE, "")


def forget_span() -> None:
    """Take every time out of the address; for a button's callback."""
    for name in (SPAN, FROM, TO, BEFORE):
        _set(name, "")


def go_to(number: int | None) -> None:
    """Show the page that begins before a number, the first one for None; for a button's callback."""
    _set(BEFORE, "" if number is None else str(number))


def open_one(called: str) -> None:
    """Show one inspection, none for an empty id; for a button's callback."""
    _set(ONE, called)


def ask_for_part(stored: Mapping[str, Any]) -> None:
    """Show all photos of the part that an inspection shows; for a button's callback."""
    ask_for_all()
    for name, value in (("of", stored["product"]), ("part", stored["trace"]["part"]), ("lot", stored["trace"]["lot"])):
        _set(name, value)


def _set(name: str, value: str) -> None:
    if value:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def options(name: str) -> tuple[str, ...]:
    """The values of a filter that the history holds; verdicts OK, NOK and REVIEW always."""
    found = _values(TEXTS[name][0], str(recorder().database.folder))
    return tuple(dict.fromkeys((NON_DEFECTIVE, DEFECTIVE, REVIEW, *found))) if name == "verdict" else found


@st.cache_data(ttl=3.0, max_entries=64, show_spinner=False)
def _values(column: str, _folder: str) -> tuple[str, ...]:
    return values_of(recorder().database, column)
