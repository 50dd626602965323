"""Trainings in processes of their own: what they tell, how they end, and that no end of theirs harms a product."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ensemble import jobs
from ensemble.disk.files import digest_of
from ensemble.features.preprocessing import BUNDLED
from ensemble.jobs import processes, running, worker
from ensemble.jobs.estimate import USUAL_SECONDS, TrainingCourse, expected_seconds, stage_key
from ensemble.jobs.ledger import JOBS_KEPT, Ledger
from ensemble.store import ModelStore, listings, versions
from ensemble.training.recipe import PROFILES
from ensemble.values.errors import JobError
from ensemble.values.training import TrainingRequest

pytestmark = pytest.mark.slow(35)

KILLS = 50
PATIENCE = 600.0  # seconds; only what never comes is to fail
PLACES = ("save", "publish", "swap")
Order = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five photos a class to learn from and two to measure on: a training of a second."""
    folder, draw = tmp_path_factory.mktemp("jobs") / "data", random.Random(1)
    for part, count in (("train", 5), ("test", 2)):
        for label, light in (("non_defective", 60), ("defective", 190)):
            (folder / part / label).mkdir(parents=True)
            for number in range(count):
                colour = tuple(light + draw.randrange(50) for _ in range(3))
                Image.new("RGB", (32, 32), colour).save(folder / part / label / f"{number}.png")
    return folder


@pytest.fixture
def settings(photos: Path, tmp_path: Path) -> TrainingRequest:
    return TrainingRequest(str(photos), str(tmp_path / "models" / "disc"), "disc", ("svm", "rf"), (BUNDLED,))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture(scope="module")
def forks() -> Iterator[Order]:
    """Trainings forked by a process that has imported everything: orders in, what came of them out."""
    home = Path(__file__).resolve().parents[3]
    helper = subprocess.Popen(
        [sys.executable, "-m", "tests.support.forked_training"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=home,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )

    def order(root: Path, settings: TrainingRequest, delay: float | None = None, at: str = "") -> dict[str, Any]:
        assert helper.stdin is not None and helper.stdout is not None
        line = {"root": str(root), "settings": asdict(settings), "delay": delay, "at": at}
        helper.stdin.write(json.dumps(line) + "\n")
        helper.stdin.flush()
        answer: dict[str, Any] = json.loads(helper.stdout.readline())
        return answer

    yield order
    assert helper.stdin is not None
    helper.stdin.close()
    helper.wait()


def wait_for(root: Path, number: int, *states: str) -> jobs.Job:
    last = time.monotonic() + PATIENCE
    while (found := jobs.job(root, number)).state not in states:
        assert time.monotonic() < last, f"Still {found}, not {states}.\n{jobs.log(root, number)}"
        time.sleep(0.05)
    return found


def assert_whole(store: ModelStore) -> int:
    """The number of the version in force: all of its bytes lie in the folder, and no others of its kind."""
    assert store.quarantine() == []
    (current,) = [found for found in versions.version_history(store.folder) if found.current]
    files = listings.version(store.folder, current.number).files
    assert {name: digest_of((store.folder / name).read_bytes()) for name in files} == files
    assert {name for record in store.manifest().members.values() for name in record.files} <= set(files)
    assert store.policies()
    return current.number


def test_fifty_kills_never_damage_the_published_model(forks: Order, root: Path, settings: TrainingRequest) -> None:
    first = forks(root, settings)
    svm = replace(settings, kinds=("svm",), pooling="average")  # the forest stays beside it
    whole = forks(root, svm)  # how long a training takes from its start to its end
    store, draw = ModelStore(root / "disc"), random.Random(20)
    assert assert_whole(store) == whole["id"] and jobs.job(root, first["id"]).state == "done"
    ends = {"failed": 0, "done": 0}
    seen = set()
    for number in range(KILLS):
        if number % 5 < 3:
            place = PLACES[number % len(PLACES)]
            ended = forks(root, svm, draw.uniform(0, 0.04), place)
        else:
            ended = forks(root, svm, draw.uniform(0, whole["seconds"]))
        found = jobs.job(root, ended["id"])
        ends[found.state] += 1
        if found.state == "failed":
            assert "The training process was killed " in found.error and "active model is unchanged" in found.error
        seen.add(assert_whole(store))
        if number % 10 == 0:
            loaded = store.load()
            assert len(loaded.members) == 2 and loaded.absent == ()
    assert min(ends.values()) > 5 and len(seen) > 2, (ends, seen)
    last = forks(root, svm)
    assert not list(store.folder.glob("**/.*.publishing")) and not list(store.folder.glob("**/.*.json.*"))
    found = jobs.job(root, last["id"])
    assert found.state == "done" and assert_whole(store) == found.version
    loaded = store.load()
    assert len(loaded.members) == 2 and loaded.absent == () and len(jobs.jobs(root)) == JOBS_KEPT


def test_a_training_of_its_own_leaves_a_candidate(root: Path, settings: TrainingRequest) -> None:
    started = jobs.start(root, settings, "Ada")
    assert (started.state, started.author, started.folder) == ("waiting", "Ada", root / "disc")
    with pytest.raises(
        JobError, match=r"training of disc is already running \(.* by Ada, .*Wait for it or cancel it\."
    ):
        jobs.start(root, settings, "Ben")
    found = wait_for(root, started.id, "done", "failed")
    assert found.state == "done", jobs.log(root, started.id)
    assert found.share == 1 and found.stage == "Saved" and found.started and found.ended and found.error == ""
    store = ModelStore(root / "disc")
    (version,) = versions.version_history(store.folder)
    assert (version.number, version.state, version.notes["training"]) == (found.version, "candidate", started.id)
    assert store.known_manifest() is None and len(store.at(version.number).load().members) == 2
    said = jobs.log(root, started.id)
    assert "Training SVM · quorum_small" in said and "Done: version 1 is ready to publish." in said
    assert stage_key("Fold 2 of 3: Training Random forest · resnet18") == "Training Random forest · resnet18"
    costs = Ledger(root).costs()
    assert {"Training SVM · quorum_small", "Training Random forest · quorum_small", "Inspecting test photos"} <= set(
        costs
    )
    with pytest.raises(JobError, match="Training 1 is done: there is nothing to cancel"):
        jobs.cancel(root, 1)


def test_a_process_that_was_killed_is_shown_as_failed(root: Path, settings: TrainingRequest) -> None:
    started = jobs.start(root, settings)
    assert started.pid is not None
    os.kill(started.pid, signal.SIGKILL)
    found = wait_for(root, started.id, "failed")
    assert found.error.startswith("The training process was killed before it began.")
    assert not (root / "disc").exists()


def test_a_training_ends_at_the_next_step_after_the_wish(root: Path, settings: TrainingRequest) -> None:
    ledger = Ledger(root)
    ledger.folder.mkdir(parents=True)
    ledger.make()
    number = ledger.add(settings, "Ada")
    ledger.write(number, cancel_asked="2026-11-01T12:00:00+00:00")
    worker.run_job(root, number)
    found = ledger.job(number)
    assert (found.state, found.stage) == ("cancelled", "Reading training photos") and found.ended
    assert not (root / "disc").exists()


def test_a_training_that_cannot_be_says_why(
    forks: Order, root: Path, settings: TrainingRequest, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    ended = forks(root, TrainingRequest(str(tmp_path / "empty"), settings.models, "disc"))
    found = jobs.job(root, ended["id"])
    assert found.state == "failed" and str(tmp_path / "empty") in found.error
    assert found.error in jobs.log(root, ended["id"])
    with pytest.raises(JobError, match="There is no training 9"):
        jobs.job(root, 9)


def test_a_training_that_does_not_heed_the_wish_to_end_is_ended(
    root: Path, settings: TrainingRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);"
        "[signal.pause() for _ in iter(int, 1)]"
    )
    commands = []
    original = subprocess.Popen

    def popen(_command: list[str], **options: Any) -> Any:
        commands.append(original([sys.executable, "-c", deaf], **options))
        return commands[-1]

    monkeypatch.setattr(processes.subprocess, "Popen", popen)
    monkeypatch.setattr(running, "POLITE", -1.0)
    try:
        started = jobs.start(root, settings)
        while "deaf" not in jobs.log(root, started.id):
            assert commands[0].poll() is None
            time.sleep(0.02)
        assert jobs.cancel(root, started.id).state == "waiting"  # SIGTERM does not move it
        monkeypatch.setattr(running, "PATIENT", -1.0)
        assert wait_for(root, started.id, "cancelled").state == "cancelled"
        assert commands[0].wait() == -signal.SIGKILL
    finally:
        for command in commands:
            command.kill()


def test_a_product_is_trained_by_one_at_a_time(root: Path, settings: TrainingRequest) -> None:
    folder = root / "disc"
    assert not processes.is_taken(folder) and not folder.exists()
    with processes.only_training(folder):
        assert processes.is_taken(folder)
        with pytest.raises(JobError, match="disc is already running"):
            jobs.start(root, settings)
    assert not processes.is_taken(folder) and not folder.exists() and jobs.jobs(root) == ()


def test_to_look_whether_a_product_is_trained_takes_no_folder_from_whoever_begins(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(Path, "mkdir", lambda path, **_options: made.append(path))
    assert not processes.is_taken(root / "new") and made == []


def test_a_lock_that_cannot_be_opened_is_one_sentence(
    root: Path, settings: TrainingRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    ledger = Ledger(root)
    with ledger.alone():
        ledger.make()
        number = ledger.add(settings, "")
    monkeypatch.setattr("ensemble.jobs.ledger.is_held", refused)
    with pytest.raises(JobError, match="cannot be written"):
        ledger.is_under_way(ledger.job(number))


def test_a_training_whose_starter_was_killed_is_closed_and_does_not_begin(
    root: Path, settings: TrainingRequest
) -> None:
    ledger = Ledger(root)
    ledger.folder.mkdir(parents=True)
    ledger.make()
    number = ledger.add(settings, "Ada")  # killed here, before the book had its process
    assert jobs.job(root, number).state == "failed"
    worker.run_job(root, number)
    found = jobs.job(root, number)
    assert found.state == "failed" and found.started is None and not (root / "disc").exists()


def test_a_process_number_that_another_process_has_now_is_nobody(root: Path, settings: TrainingRequest) -> None:
    ledger = Ledger(root)
    ledger.folder.mkdir(parents=True)
    ledger.make()
    number = ledger.add(settings, "Ada")
    birth = processes.born(os.getpid())
    assert birth is not None
    ledger.write(number, pid=os.getpid(), born=birth)
    assert jobs.job(root, number).state == "waiting"
    ledger.write(number, pid=os.getpid(), born=birth - 3600)
    assert jobs.job(root, number).state == "failed"


def test_a_book_of_before_is_read_and_written(root: Path, settings: TrainingRequest) -> None:
    ledger = Ledger(root)
    ledger.folder.mkdir(parents=True)
    ledger.make()
    with sqlite3.connect(ledger.folder / "jobs.db") as book:
        book.execute("ALTER TABLE jobs DROP COLUMN born")
    assert jobs.jobs(root) == ()
    ledger.make()
    number = ledger.add(settings, "Ada")
    ledger.write(number, pid=1, born=2.5)
    assert ledger.job(number).born == 2.5


def test_settings_survive_the_book(tmp_path: Path) -> None:
    settings = TrainingRequest("a", "b", "Größe", ("svm",), ("resnet18",), "w", "quick", 3)
    assert TrainingRequest.from_json(settings.to_json()) == settings
    whole = settings.absolute()
    assert Path(whole.data) == Path("a").resolve() and Path(whole.weights).is_absolute()
    with pytest.raises(JobError, match="no settings of a training"):
        TrainingRequest.from_json('{"data": "a", "colour": "red"}')


def test_a_broken_book_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".jobs").mkdir()
    (tmp_path / ".jobs" / "jobs.db").write_bytes(b"no database" * 100)
    with pytest.raises(JobError, match=r"jobs\.db cannot be used"):
        jobs.jobs(tmp_path)
    assert jobs.jobs(tmp_path / "elsewhere") == ()


def test_time_left_counts_all_stages_and_learns_the_pace_of_the_machine() -> None:
    seconds = 0.0
    estimate = TrainingCourse({"Reading": 10.0, "Training svm": 1.0, "Training cnn": 89.0}, clock=lambda: seconds)
    assert estimate.seconds_left() == 100 and estimate.share() == 0
    for share in (0.5, 1.0):  # twice as slow as it was expected
        seconds += 10
        estimate.tell("Reading", share)
    assert 150 < estimate.seconds_left() < 180 and 0.1 < estimate.share() < 0.13
    seconds += 2
    estimate.tell("Training svm", 1.0)
    seconds += 90
    estimate.tell("Training cnn", 0.5)
    assert 80 < estimate.seconds_left() < 100
    before = estimate.share()
    seconds += 900
    estimate.tell("Training cnn", 0.5)
    assert estimate.share() >= before  # it never falls, whatever happens
    estimate.tell("Training cnn", 1.0)
    assert estimate.seconds_left() == 0 and estimate.share() == 1
    assert estimate.costs(10, PROFILES["balanced"]) == {"Reading": 2.0, "Training svm": 0.2, "Training cnn": 99.0}


def test_stages_are_expected_by_what_they_took_here_else_by_the_usual() -> None:
    names = ["Reading training photos", "Fold 1 of 3: Training SVM · resnet18", "Validating fold 1 of 3"]
    found = expected_seconds(names, 10, PROFILES["balanced"], {"Training SVM · resnet18": 0.5})
    assert list(found) == names and found[names[1]] == 5 and found[names[0]] == 10 * USUAL_SECONDS["Reading"]


def test_a_profile_takes_as_long_as_it_has_its_members_learn() -> None:
    names = [
        "Reading training photos",
        "Training SVM · resnet18",
        "Training Baseline CNN",
        "Fold 1 of 3: Training Detector",
    ]
    measured = {"Reading training photos": 1.0, "Training SVM · resnet18": 1.0, "Training Baseline CNN": 1.0}
    found = {name: expected_seconds(names, 1, PROFILES[name], measured) for name in PROFILES}
    assert list(found["quick"].values()) == [1, 1, 0.25, 0.5]
    assert list(found["balanced"].values()) == [1, 1, 1, 2]
    assert list(found["thorough"].values()) == [1, 12, 2, 4]
    course = TrainingCourse(found["thorough"], clock=iter(range(0, 99, 6)).__next__)
    for name in names[:3]:
        course.tell(name, 1.0)
    assert course.costs(1, PROFILES["thorough"]) == {names[0]: 6, names[1]: 0.5, names[2]: 3}  # whatever trained last
