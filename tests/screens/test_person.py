"""The name of whoever works here is asked for once, and kept by the browser."""

from types import SimpleNamespace

import pytest
import streamlit as st

from pages.session import person


@pytest.fixture(autouse=True)
def _visit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})
    monkeypatch.setattr(st, "context", SimpleNamespace(cookies={person.COOKIE: "Zo%C3%AB%20%3B%20B."}))


def test_a_name_of_an_earlier_visit_is_known_and_not_kept_again() -> None:
    assert person.name() == "Zoë ; B." and person.name_to_keep() == ""


def test_a_new_name_is_kept_once_and_an_empty_one_changes_nothing() -> None:
    person.remember("  Ada </script> ")
    person.remember(" ")
    assert person.name() == "Ada </script>"
    script = person.name_to_keep()
    assert script.startswith('<script>document.cookie = "quorum_name=Ada%20%3C%2Fscript%3E; max-age=')
    assert person.name_to_keep() == ""
