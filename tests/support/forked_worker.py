"""The worker of a training whose forests have fewer trees; `spawn` has it forked by a process with all it imports."""

import os
import sys
from pathlib import Path

from ensemble.jobs import worker
from ensemble.jobs.ledger import Ledger
from ensemble.members.classical import ForestMember
from tests.support.forked_dashboard import forked

TREES = 30


def spawn(ledger: Ledger, number: int) -> int:
    """What may stand in for `running._spawn`."""
    arguments = [str(ledger.folder.parent), str(number)]
    return forked("tests.support.forked_worker", arguments, str(ledger.log_path(number)), os.environ)


if __name__ == "__main__":
    ForestMember.trees = TREES
    worker.run_job(Path(sys.argv[1]), int(sys.argv[2]))
