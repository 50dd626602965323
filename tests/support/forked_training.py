"""A process that has imported all that a training needs, and forks one for each line that it reads.

A line is JSON: the models folder, the settings, and when the training is to be killed (SIGKILL): `delay` seconds after
its start, or after it has reached the function named `at`; with a delay of null never. Those that are killed at some
function save members that were taught before. The answer is the training's number and the seconds that it lived.
Starting an interpreter for each of fifty would take minutes.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from ensemble import training
from ensemble.evaluation.energy import Energy
from ensemble.jobs import estimate, running, worker
from ensemble.jobs.ledger import Ledger
from ensemble.members.classical import ForestMember
from ensemble.store import FittedMember, ModelStore, swapping, versions
from ensemble.training import Listener, TrainingOutcome
from ensemble.values.training import TrainingRequest

PLACES: dict[str, tuple[Any, str]] = {
    "save": (ModelStore, "save"),
    "publish": (versions, "put_in_force"),
    "swap": (swapping, "_finish"),
}
TRAIN = training.run
assert estimate  # what the worker imports late


def told(original: Callable[..., Any], tell: int) -> Callable[..., Any]:
    def call(*arguments: Any, **settings: Any) -> Any:
        os.write(tell, b"x")
        return original(*arguments, **settings)

    return call


@cache
def save_known(models: Path) -> Callable[..., TrainingOutcome]:
    """In place of a training: the members of the product that is there, saved once more."""
    store = ModelStore(models)
    manifest, members = store.manifest(), store.load().members
    learnt = [FittedMember(name, member, {}, {}) for name, member in members.items()]

    def save(*_arguments: Any, listener: Listener, **_settings: Any) -> TrainingOutcome:
        listener.progress("Inspecting test photos", 1.0)
        saved = store.save("disc", manifest.classes, manifest.folders, learnt, publish=False)
        return TrainingOutcome(tuple(members), {}, (), 0.0, Energy(), saved.version)

    return save


def train_and_publish(ledger: Ledger, number: int) -> None:
    worker.run_job(ledger.folder.parent, number)
    found = ledger.job(number)
    assert found.version is not None, found.error
    versions.publish_version(found.folder, found.version, "Ada", "Better.")


def obey(order: dict[str, Any]) -> dict[str, Any]:
    hear, tell = os.pipe()

    def spawn(ledger: Ledger, number: int) -> int:
        if pid := os.fork():
            return pid
        try:
            said = os.open(ledger.log_path(number), os.O_WRONLY | os.O_CREAT)
            os.dup2(said, 1)
            os.dup2(said, 2)
            if order["at"]:
                owner, name = PLACES[order["at"]]
                setattr(owner, name, told(getattr(owner, name), tell))
            train_and_publish(ledger, number)
        except Exception:  # noqa: BLE001 - the test reads it in the log
            traceback.print_exc()
        finally:
            os._exit(0)

    training.run = save_known(Path(order["settings"]["models"])) if order["at"] else TRAIN
    running._spawn = spawn
    begun = time.monotonic()
    found = running.start(Path(order["root"]), TrainingRequest(**order["settings"]), "Ada")
    assert found.pid is not None
    os.close(tell)  # the training has it: its end is heard too, should it never come there
    if order["delay"] is not None:
        if order["at"]:
            os.read(hear, 1)
        time.sleep(order["delay"])
        os.kill(found.pid, signal.SIGKILL)
    os.waitpid(found.pid, 0)
    os.close(hear)
    return {"id": found.id, "seconds": time.monotonic() - begun}


if __name__ == "__main__":
    ForestMember.trees = 30  # the forest is opened by every comparison, and each tree takes its time then
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)
