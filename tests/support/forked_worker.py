"""A process that has imported all that a training needs, and forks a worker for each line that it reads.

A line is JSON: the models folder, the training's number, its log, and the environment; the answer is the number of the
process. `spawning` stands in for what starts a worker: all is as it is with a process of its own, but for the seconds
that an interpreter takes to import the libraries, and for its forests, which have fewer trees.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ensemble.jobs.ledger import Ledger

HOME = Path(__file__).resolve().parents[2]
TREES = 30
Spawn = Callable[[Ledger, int], int]


@contextmanager
def spawning() -> Iterator[Spawn]:
    """What may stand in for `running._spawn` as long as this is open."""
    command = [sys.executable, "-m", "tests.support.forked_worker"]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=HOME, env={**os.environ, "OMP_NUM_THREADS": "1"}, **pipes) as helper:
        assert helper.stdin is not None and helper.stdout is not None
        hears, tells = helper.stdin, helper.stdout

        def spawn(ledger: Ledger, number: int) -> int:
            order = {"root": str(ledger.folder.parent), "number": number, "log": str(ledger.log_path(number))}
            print(json.dumps(order | {"environment": dict(os.environ)}), file=hears, flush=True)
            return int(tells.readline())

        yield spawn


def _fork(order: dict[str, Any]) -> int:
    if pid := os.fork():
        return pid
    try:
        os.setsid()
        said = os.open(order["log"], os.O_WRONLY | os.O_CREAT)
        os.dup2(said, 1)
        os.dup2(said, 2)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.update(order["environment"])
        worker.run_job(Path(order["root"]), order["number"])
    finally:
        os._exit(0)


if __name__ == "__main__":
    from ensemble import training
    from ensemble.evaluation import publication
    from ensemble.jobs import estimate, worker
    from ensemble.members.classical import ForestMember

    assert training and publication and estimate  # what the worker imports late
    ForestMember.trees = TREES
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that none is left as a zombie
    for line in sys.stdin:
        print(_fork(json.loads(line)), flush=True)
