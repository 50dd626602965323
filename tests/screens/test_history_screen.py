"""The History screen: filters in the address, one inspection, corrections and their undo, without a browser."""

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.datasets.collection import Collection
from ensemble.policies import SHIPPED_POLICIES
from ensemble.records import recording, retention
from ensemble.records.history import inspection_called
from ensemble.records.recording import Recorder
from ensemble.records.settings import Keeping, change_settings, settings_of
from ensemble.records.values import Occasion
from ensemble.records.verifying import verify_history
from ensemble.values.errors import DataError, RecordsError
from ensemble.values.results import Verdict
from ensemble.values.trace import Trace
from tests.support.app_tests import APP, click, healthy, texts
from tests.support.kept import inspected
from tests.support.postgres import Server

SCREEN = "pages/screens/history.py"


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """An empty history."""
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    monkeypatch.setenv("QUORUM_MODELS", str(tmp_path / "models"))
    return recording.recorder()


def keep(records: Recorder, number: int, **facts: str | int) -> Verdict:
    trace = Trace(lot=str(facts.pop("lot", "")), part=f"P{number}")
    occasion = Occasion("screen", who="Ann", zone="Europe/Paris")
    made = inspected(number, SHIPPED_POLICIES[0], trace=trace, **facts)  # type: ignore[arg-type]
    return records.keep([made], SHIPPED_POLICIES[0], occasion)[0]


def history(**address: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=180)
    app.run()
    app.switch_page(SCREEN)
    for name, value in address.items():
        app.query_params[name] = value
    return healthy(app.run())


def names(app: AppTest) -> list[str]:
    """The photos that are shown."""
    picks = (each for each in app.button if str(each.key).startswith("history_pick_"))
    return [each.label.replace("\\", "") for each in picks]


def test_an_empty_history_says_what_to_do_next(records: Recorder) -> None:
    assert "No inspection is kept yet. Inspect a photo: its verdict then stands here." in texts(history())


def test_the_newest_stand_first_and_pages_lead_there_and_back(records: Recorder) -> None:
    for number in range(30):
        keep(records, number)
    app = history()
    assert "30 inspections" in texts(app)
    assert names(app) == [f"part_{number:04}.png" for number in range(29, 5, -1)]
    app = click(app, "history_older")
    assert names(app) == [f"part_{number:04}.png" for number in range(5, -1, -1)]
    app = click(app, "history_newer")
    assert names(app)[0] == "part_0029.png" and "before" not in app.query_params


@pytest.mark.both_databases
def test_filters_stand_in_the_address_and_narrow(records: Recorder) -> None:
    keep(records, 1, lot="L1")
    keep(records, 2, lot="L2", product="plate")
    keep(records, 3, lot="L2", version=2)
    assert names(history(lot="L2")) == ["part_0003.png", "part_0002.png"]
    assert names(history(lot="L2", of="plate")) == ["part_0002.png"]
    assert names(history(version="2")) == ["part_0003.png"]
    assert names(history(span="dates", **{"from": "2026-11-21"})) == []
    assert len(names(history(span="dates", to="2026-11-20"))) == 3
    app = history()
    app.text_input("history_lot").set_value("L1").run()
    assert names(healthy(app)) == ["part_0001.png"] and app.query_params["lot"] == "L1"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("colour", "red", "The address asks for a filter 'colour', which the history does not know."),
        ("verdict", "fine", "The history holds nothing with Verdict 'fine'."),
        ("of", "nothing", "The history holds nothing with Product 'nothing'."),
        ("span", "1y", "The history knows no time span '1y'."),
        ("reviewed", "maybe", "Reviewed is yes or no. The address says 'maybe'."),
        ("before", "x", "A page of the history begins at a number. The address says 'x'."),
        ("lot", " ", "The address must give the filter 'lot' one value."),
    ],
)
def test_what_the_address_says_wrong_is_told_and_nothing_is_shown(
    records: Recorder, name: str, value: str, sentence: str
) -> None:
    keep(records, 1)
    app = history(**{name: value})
    assert sentence in texts(app) and not names(app)
    app = click(app, "history_forget")
    assert names(app) == ["part_0001.png"] and name not in app.query_params


def test_one_inspection_is_corrected_and_the_correction_undone(records: Recorder) -> None:
    verdict = keep(records, 1)
    other = next(name for name in verdict.classes.names if name != verdict.label)
    app = history(inspection=verdict.id)
    said = texts(app)
    assert "part_0001.png" in said and verdict.sha256 in said and "P1" in said and "Ann" in said
    app.radio("history_label").set_value(other)
    assert "Give your name first" in texts(click(app, "history_correct"))
    app.text_input("history_who").set_value("Bob")
    app.text_input("history_reason").set_value("seen under the lamp")
    app = click(app, "history_correct")
    assert "Kept beside the verdict." in texts(app) and "seen under the lamp" in texts(app)
    found = inspection_called(records.database, verdict.id)
    assert (found.settled, found.reviews[0].who, found.reviews[0].way) == (other, "Bob", "history")
    assert names(history(reviewed="yes")) == ["part_0001.png"] and names(history(reviewed="no")) == []
    app = click(app, "history_undo")
    assert "Undone." in texts(app)
    assert inspection_called(records.database, verdict.id).settled == verdict.label
    assert not verify_history(records.database).problem


@pytest.mark.both_databases
def test_a_correction_puts_the_photo_into_the_products_collection_and_an_undo_takes_it_out(
    records: Recorder, tiny_product: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORUM_MODELS", str(tiny_product))
    first, second = keep(records, 1), keep(records, 1)
    other = next(name for name in first.classes.names if name != first.label)

    def corrected(verdict: Verdict, label: str) -> AppTest:
        app = history(inspection=verdict.id)
        app.radio("history_label").set_value(label)
        app.text_input("history_who").set_value("Bob")
        return click(app, "history_correct")

    app = corrected(first, other)
    assert "Kept beside the verdict. The photo is saved to disc for training." in texts(app)
    collection = Collection(tmp_path / "data" / "collections" / "disc")
    (mistake,) = collection.mistakes()
    assert (mistake.sha256, mistake.label, mistake.author) == (first.sha256, other, "Bob")
    again = corrected(second, other)
    assert (
        "Undone." in texts(click(app, "history_undo")) and len(collection.mistakes()) == 1
    )  # the second says so still
    assert "Undone." in texts(click(again, "history_undo")) and not collection.mistakes()
    corrected(first, other)
    corrected(first, first.label)
    assert [(each.kind, each.label) for each in collection.mistakes()] == [("agreed", first.label)]

    def fail(*_: object, **__: object) -> None:
        raise DataError("The disk is full.")

    monkeypatch.setattr(Collection, "confirm", fail)
    said = texts(corrected(second, other))
    assert "Kept beside the verdict. The photo is not used for training: The disk is full." in said
    assert inspection_called(records.database, second.id).settled == other


@pytest.mark.parametrize("history_kept_in", ["PostgreSQL"], indirect=True)
def test_a_database_that_is_gone_is_one_sentence_and_all_is_there_again_with_it(
    records: Recorder, postgres: Server
) -> None:
    verdict = keep(records, 1)
    app, other = history(), history(inspection=verdict.id)
    with postgres.gone(os.environ["QUORUM_DATABASE"]):
        said = texts(healthy(app.run()))
        assert "cannot be used" in said and "Check that it runs, and QUORUM_DATABASE." in said and not names(app)
        assert "Check that it runs, and QUORUM_DATABASE." in texts(healthy(other.run()))
        assert "Check that it runs, and QUORUM_DATABASE." in keep(records, 2).not_kept
    assert names(healthy(app.run())) == ["part_0001.png"] and verdict.sha256 in texts(healthy(other.run()))
    keep(records, 3)
    assert (verify_history(records.database).entries, verify_history(records.database).problem) == (2, "")


def test_what_retention_has_failed_at_is_said(
    records: Recorder, tiny_product: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RecordsError("The disk is gone.")

    monkeypatch.setenv("QUORUM_MODELS", str(tiny_product))
    change_settings(records.database.folder, "disc", Keeping(days=30))
    keep(records, 1)
    assert "was not removed" not in texts(history())
    (records.database.folder / "retention.json").unlink()
    monkeypatch.setattr(retention, "remove_old", fail)
    keep(records, 2)
    assert "What is beyond the limits of disc was not removed. The disk is gone." in texts(history())


def test_an_inspection_that_is_not_there_is_told(records: Recorder) -> None:
    keep(records, 1)
    app = history(inspection="nobody")
    assert "The history holds no inspection nobody: it was removed, or never kept here." in texts(app)
    assert names(click(app, "history_back")) == ["part_0001.png"]


def test_arrows_lead_from_one_inspection_to_the_next(records: Recorder) -> None:
    first, second, third = (keep(records, number) for number in range(3))
    app = click(history(inspection=second.id), "history_next")
    assert app.query_params["inspection"] == first.id
    app = click(click(app, "history_previous"), "history_previous")
    assert app.query_params["inspection"] == third.id


def test_what_is_kept_is_said_and_changed_under_a_name(
    records: Recorder, tiny_product: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORUM_MODELS", str(tiny_product))
    photo = healthy(AppTest.from_file(APP, default_timeout=180).run())
    assert "The history keeps verdict, votes and photo. Change it under History, What is kept." in texts(photo)
    app = history()
    app.radio("keeping_keep").set_value("votes")
    app.number_input("keeping_days").set_value(365)
    assert "Give your name first" in texts(click(app, "keeping_save"))
    app.text_input("keeping_who").set_value("Ann")
    app = click(app, "keeping_save")
    assert "Changed: it holds from the next inspection on." in texts(app) and "Last changed by Ann" in texts(app)
    assert settings_of(records.database.folder, "disc") == Keeping("votes", days=365)
    assert not verify_history(records.database).problem
    said = texts(healthy(AppTest.from_file(APP, default_timeout=180).run()))
    assert "The history keeps verdict and votes, no photo." in said


def test_files_of_the_history_are_offered(records: Recorder) -> None:
    keep(records, 1)
    labels = [each.proto.label for each in history().get("download_button")]
    assert labels == ["Inspections (CSV)", "Inspections (Parquet)", "Shift report (PDF)", "Shift report (HTML)"]


def test_a_photo_that_is_not_kept_is_no_error(records: Recorder) -> None:
    change_settings(records.database.folder, "disc", Keeping("votes"))
    verdict = keep(records, 1)
    assert "The photo is not kept." in texts(history(inspection=verdict.id))
    assert "photo not kept" in texts(history())
