"""Times on screen are those of the visitor's own clock."""

from types import SimpleNamespace

import pytest
import streamlit as st

from pages.session.clock import local_stamp, local_time


@pytest.mark.parametrize(
    ("zone", "stored", "shown"),
    [
        ("Europe/Paris", "2026-07-01T21:05:30+00:00", "2026-07-01 23:05"),
        ("Europe/Paris", "2026-11-27T21:05:30", "2026-11-27 22:05"),  # no zone: it was kept in UTC
        ("America/New_York", "2026-11-27T21:05:30+01:00", "2026-11-27 15:05"),
        (None, "2026-11-27T21:05:30+00:00", "2026-11-27 21:05"),
        ("Atlantis/Centre", "2026-11-27T21:05:30+00:00", "2026-11-27 21:05"),
        ("Europe/Paris", "some day", "some day"),
    ],
)
def test_a_stored_time_is_told_by_the_visitors_clock(
    monkeypatch: pytest.MonkeyPatch, zone: str | None, stored: str, shown: str
) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(timezone=zone))
    assert local_time(stored) == shown
    assert local_stamp("2026-11-27T21:05:30+00:00")[-5] == "T"
