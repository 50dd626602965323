"""The command line: `python -m ensemble COMMAND`."""

import os
import runpy
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ensemble.cli import data, mvtec, products, trying
from ensemble.cli.batch import batch
from ensemble.cli.inspecting import inspect, views_command
from ensemble.cli.products import card, extend_command, policies_command, trust_command
from ensemble.cli.runtimes import runtime_command
from ensemble.cli.seeing import view_command
from ensemble.cli.terminal import Commands, say, say_firmly
from ensemble.cli.training import evaluate_command, labels_command, pretrain_command, sample, train_command
from ensemble.disk.files import is_full, why_not_written
from ensemble.disk.home import FILES, HOME, HOME_SETTING, fill
from ensemble.values.errors import QuorumError
from ensemble.values.safe_names import make_logs_legible

commands = Commands(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Quorum: several models look at one photo of a part and vote; a policy turns the votes into a verdict.",
)
commands.add_typer(data.data_commands, name="data")
commands.add_typer(trying.history_commands, name="history")  # those of history.py and its own
commands.add_typer(mvtec.mvtec_commands, name="mvtec")
commands.add_typer(products.product_commands, name="versions")


def run_command(
    port: Annotated[int, typer.Option("--port", help="Where it answers.")] = 8501,
    host: Annotated[
        str, typer.Option("--host", help="0.0.0.0 opens it to the network: whoever reaches it can train and publish.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a page of it.")] = True,
) -> None:
    """Open the dashboard on the products that lie in `models`; where there is none, on the one that ships."""
    for path in fill(HOME):
        say(f"Put what ships into {path}.")
    os.environ[HOME_SETTING] = str(HOME)  # the processes that it starts keep to the same folder
    sys.argv = ["streamlit", "run", str(FILES / "streamlit_app.py"), "--server.port", str(port)]
    sys.argv += ["--server.address", host, "--server.headless", str(not browser).lower()]
    if host == "127.0.0.1":
        sys.argv += ["--browser.serverAddress", host]  # else a server elsewhere would be asked for this machine's name
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


COMMANDS = (
    run_command,
    sample,
    pretrain_command,
    train_command,
    extend_command,
    evaluate_command,
    inspect,
    batch,
    view_command,
    views_command,
    policies_command,
    labels_command,
    trust_command,
    runtime_command,
    card,
)  # as the help lists them
for command in COMMANDS:
    commands.command(command.__name__.removesuffix("_command"))(command)


def main() -> None:
    """Run the command line; an error that a person can mend is one sentence and exit code 2."""
    make_logs_legible()
    try:
        commands()
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
