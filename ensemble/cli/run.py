"""The command that opens the dashboard."""

import os
import runpy
import sys
from typing import Annotated

import typer

from ensemble.cli.terminal import say
from ensemble.disk.home import FILES, HOME, SETTING, fill


def run(
    port: Annotated[int, typer.Option("--port", help="Where it answers.")] = 8501,
    host: Annotated[
        str, typer.Option("--host", help="0.0.0.0 opens it to the network: whoever reaches it can train and publish.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a page of it.")] = True,
) -> None:
    """Open the dashboard on the products that lie in `models`; where there is none, on the one that ships."""
    for path in fill(HOME):
        say(f"Put what ships into {path}.")
    os.environ[SETTING] = str(HOME)  # the processes that it starts keep to the same folder
    sys.argv = ["streamlit", "run", str(FILES / "streamlit_app.py"), "--server.port", str(port)]
    sys.argv += ["--server.address", host, "--server.headless", str(not browser).lower()]
    if host == "127.0.0.1":
        sys.argv += ["--browser.serverAddress", host]  # else a server elsewhere would be asked for this machine's name
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
