"""Quorum as it is installed: the project's own tree in one folder, so that nothing lies beside other packages."""

import sys
from pathlib import Path


def main() -> None:
    """The command `quorum`: the commands of `python -m ensemble`, from any folder."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from ensemble.cli.main import main as run

    run()
