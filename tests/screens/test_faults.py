"""Whatever fails, a person reads one sentence of ours, and the log holds the fault under the same reference."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit import error_util
from streamlit.testing.v1 import AppTest

from ensemble.values.errors import StoreError
from pages.components.common import frame
from pages.components.inspect import evidence
from pages.session import products
from tests.screens.test_screens import MOSTLY_BAD, PHOTO, opened, upload
from tests.support.stub_product import load_as, write_product

CALM = re.compile(r"Something went wrong here \(reference ([0-9a-f]{4})\)\. The log has the details\.")


@pytest.fixture(autouse=True)
def _product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    st.cache_resource.clear()
    monkeypatch.setenv("QUORUM_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
    load_as(monkeypatch, MOSTLY_BAD)
    write_product(tmp_path / "models", tuple(MOSTLY_BAD))
    yield
    st.cache_resource.clear()


def failing(*_arguments: object, **_settings: object) -> None:
    raise ZeroDivisionError("secret of the house")


def check(app: AppTest, caplog: pytest.LogCaptureFixture) -> None:
    assert not app.exception
    (error,) = app.error
    found = CALM.match(error.value.replace("\\", ""))
    assert found and "secret" not in error.value
    (record,) = [each for each in caplog.records if each.name == "pages.components.common.faults"]
    assert record.getMessage() == f"Reference {found[1]}" and record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


def test_in_a_screen(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(frame, "show_sidebar", failing)
    check(opened(), caplog)


def test_in_a_callback(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(products, "forget_results", failing)
    check(opened().toggle(key="demo").set_value(True).run(), caplog)


def test_in_a_fragment(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(evidence, "_show_picture", failing)
    check(upload(opened(), PHOTO), caplog)


def test_in_a_dialog(caplog: pytest.LogCaptureFixture) -> None:
    def script() -> None:
        import streamlit as st

        from pages.components.common.faults import calm_faults

        calm_faults()

        @st.dialog("Sure?")
        def ask() -> None:
            raise ZeroDivisionError("secret of the house")

        ask()

    check(AppTest.from_function(script).run(), caplog)


def test_a_sentence_of_ours_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(products, "forget_results", broken)
    app = opened().toggle(key="demo").set_value(True).run()
    assert [error.value.replace("\\", "") for error in app.error] == ["The disk is full."]


def test_streamlit_still_shows_faults_where_ours_takes_over() -> None:
    assert "show_uncaught_app_exception" in error_util.handle_user_script_exception.__code__.co_names
