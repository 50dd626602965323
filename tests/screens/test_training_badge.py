"""What stands beside the menu of every screen while a training goes on, and after it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.jobs.ledger import Ledger
from ensemble.values.training import TrainingRequest
from tests.support.app_tests import click, healthy, opened
from tests.support.stub_product import write_product

TRAINING, HELP = "pages/screens/training.py", "pages/screens/help.py"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    write_product(tmp_path / "models", ("svm",))
    return tmp_path / "models"


@pytest.fixture
def ledger(models: Path) -> Ledger:
    made = Ledger(models)
    made.folder.mkdir()
    made.make()
    return made


def asked(ledger: Ledger) -> int:
    return ledger.add(TrainingRequest("photos", str(ledger.folder.parent), "Disc", ("svm",)), "Ada")


def ended(ledger: Ledger, state: str, hours: int = 1, **known: object) -> int:
    number = asked(ledger)
    at = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    ledger.write(number, state=state, ended=at, **known)
    return number


def badges(app: AppTest) -> list[str]:
    found = [link.proto.label.replace("\\", "") for link in healthy(app).sidebar.get("page_link")]
    assert {link.proto.page for link in app.sidebar.get("page_link")} <= {"training"}
    return found


def test_where_nothing_was_ever_trained_there_is_no_badge_and_no_book(models: Path) -> None:
    assert badges(opened()) == [] and not (models / ".jobs").exists()


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (180.0, "Training Disc: 43%, about 3 min left"),
        (45.0, "Training Disc: 43%, about 45 s left"),
        (None, "Training Disc: 43%"),
    ],
)
def test_a_training_that_goes_on_is_told_on_every_screen(ledger: Ledger, left: float | None, said: str) -> None:
    number = asked(ledger)
    with ledger.under_way(number):
        ledger.write(number, share=0.43, seconds_left=left)
        app = opened()
        assert badges(app) == [said]
        assert badges(app.switch_page(HELP).run()) == [said]
        assert badges(app.switch_page(TRAINING).run()) == [said]


def test_a_training_that_failed_is_told_until_this_visitor_dismisses_it(ledger: Ledger) -> None:
    ended(ledger, "failed", error="No space.")
    app, other = opened(), opened()
    assert badges(app) == badges(other) == ["Training of Disc failed"]
    app = click(app, "dismiss_training")
    assert badges(app) == [] and badges(app.switch_page(HELP).run()) == []
    assert badges(other.run()) == ["Training of Disc failed"]
    ended(ledger, "failed", error="No space.")
    assert badges(app.run()) == ["Training of Disc failed"]


def test_whoever_opens_training_has_seen_how_it_ended(ledger: Ledger) -> None:
    ended(ledger, "failed", error="No space.")
    app = opened()
    assert badges(app) == ["Training of Disc failed"]
    assert badges(app.switch_page(TRAINING).run()) == []
    assert badges(app.switch_page(HELP).run()) == []


def test_what_is_old_cancelled_or_decided_asks_for_nobody(ledger: Ledger) -> None:
    ended(ledger, "failed", hours=25)
    assert badges(opened()) == []
    ended(ledger, "cancelled")
    assert badges(opened()) == []
    ended(ledger, "done", version=1)  # it is in use
    assert badges(opened()) == []
