"""Forks the worker of a batch or reinspection: `python -m tests.support.forked_job FOLDER KILL`.

KILL is JSON and says when the worker is to be killed (SIGKILL): some seconds after so much is done; with null never.
It prints whether it was killed. The members are stand-ins whose votes follow from a photo's brightness.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from ensemble.features.preprocessing import Preprocessing
from ensemble.jobs.batch_folder import BatchFolder
from ensemble.jobs.batch_worker import run_batch
from ensemble.jobs.reinspection_folder import REINSPECTIONS, ReinspectionFolder
from ensemble.jobs.reinspection_worker import run_reinspection
from ensemble.members import Loaded, Prediction
from ensemble.policies import Policy
from ensemble.store import ModelStore
from ensemble.values.results import OK_NOK


class BrightMember:
    """Gives a photo a probability that follows from its brightness."""

    kind, points, input = "svm", False, Preprocessing(32)

    def score(self, rows: np.ndarray) -> Prediction:
        bright = np.modf(abs(rows.reshape(len(rows), -1).mean(axis=1)) * 37)[0]
        return Prediction(np.stack([1 - bright, bright], axis=1))


def load(store: ModelStore, _policy: Policy | None = None) -> Loaded:
    return Loaded({"svm_a": BrightMember(), "rf_a": BrightMember()}, (), OK_NOK, {})  # type: ignore[dict-item]


def obey(folder: Path, kill: tuple[int, float] | None) -> bool:
    pid = os.fork()
    if not pid:
        try:
            if folder.parent.name == REINSPECTIONS:
                run_reinspection(ReinspectionFolder(folder))
            else:
                run_batch(BatchFolder(folder))
        finally:
            os._exit(0)
    if kill is not None:
        kind = ReinspectionFolder if folder.parent.name == REINSPECTIONS else BatchFolder
        while (job := kind(folder).job()).done < kill[0] or job.state == "queued":  # it has not begun
            time.sleep(0.002)
        time.sleep(kill[1])
        os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    ModelStore.load = load  # type: ignore[method-assign, assignment]
    print(json.dumps(obey(Path(sys.argv[1]), json.loads(sys.argv[2]))), flush=True)
