"""The command line: `python -m ensemble COMMAND`."""

import sys
from pathlib import Path
from typing import NoReturn

from ensemble.cli import data, mvtec, products
from ensemble.cli.products import card, inspect, policies, trust
from ensemble.cli.run import run
from ensemble.cli.terminal import Commands, say_firmly
from ensemble.cli.training import evaluate, labels, pretrain, sample, train
from ensemble.disk.files import is_full, why_not_written
from ensemble.values.errors import QuorumError
from ensemble.values.safe_names import make_logs_legible

app = Commands(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Quorum: several models look at one photo of a part and vote; a policy turns the votes into a verdict.",
)
app.add_typer(data.app, name="data")
app.add_typer(mvtec.app, name="mvtec")
app.add_typer(products.app, name="versions")

COMMANDS = (run, sample, pretrain, train, evaluate, inspect, policies, labels, trust, card)  # as the help lists them
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command line; an error that a person can mend is one sentence and exit code 2."""
    make_logs_legible()
    try:
        app()
    except QuorumError as error:
        _end(str(error))
    except OSError as error:
        place = Path(error.filename or ".")
        if is_full(error, place):
            _end(f"{place} cannot be written: {why_not_written(error, place.parent)}")
        _end(f"{error.filename or 'A file'} cannot be used ({error.strerror or error}). Check path and permissions.")


def _end(sentence: str) -> NoReturn:
    say_firmly(sentence)
    sys.exit(2)


if __name__ == "__main__":
    main()
