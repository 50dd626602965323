"""A real PostgreSQL for tests: a server of its own in a folder that goes again, reached by a socket in it."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg

PATIENCE = 60.0  # seconds until it answers
CARELESS = ("fsync", "synchronous_commit", "full_page_writes")  # what is kept lives no longer than the tests
SERVANTS = ("postgres", "nobody")  # whom root lets run it: it refuses to run as root


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL that is installed."""
    if there := shutil.which("initdb"):
        return Path(there).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return installed[-1].parent if installed else None


def _servant() -> tuple[int, int] | None:
    """User and group that the server runs as; None where it is whoever runs the tests."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd

    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    found = next(known[name] for name in SERVANTS if name in known)
    return found.pw_uid, found.pw_gid


def _name_in(url: str) -> str:
    return url.split("/")[3].partition("?")[0]


class Server:
    """A server that `start` starts: `new_url` makes a database, as a copy of one that was filled before."""

    def __init__(self, sockets: Path, command: Sequence[str | Path], identity: Mapping[str, int]) -> None:
        self.sockets = sockets
        self._start: Callable[[], subprocess.Popen[bytes]] = partial(
            subprocess.Popen,  # type: ignore[arg-type]
            [str(word) for word in command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=sockets,
            **identity,
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = self._start()
        last = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > last:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Shut it down, whoever is connected."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def url(self, name: str) -> str:
        """How a database is reached."""
        return f"postgresql://quorum@/{name}?host={self.sockets}"

    def new_url(self, template: str = "template1", name: str = "") -> str:
        """A new database, like the `template`."""
        made = name or f"t{uuid4().hex[:12]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{made}" TEMPLATE "{template}"'.encode())
        return self.url(made)

    @contextmanager
    def gone(self, url: str) -> Iterator[None]:
        """For the length of a block nobody reaches a database: connections to it end, and new ones are refused."""
        name = _name_in(url)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            try:
                yield
            finally:
                connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())

    def drop(self, url: str) -> None:
        """Delete a database, whoever is still connected to it."""
        name = _name_in(url)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@contextmanager
def running_server() -> Iterator[Server]:
    """Set up a server in a new folder, and stop it at the end."""
    found = binaries()
    assert found is not None
    folder = Path(tempfile.mkdtemp(prefix="quorum_pg_"))
    servant = _servant()
    identity: dict[str, int] = {} if servant is None else {"user": servant[0], "group": servant[1]}
    try:
        if servant is not None:
            os.chown(folder, *servant)
        setting_up = [found / "initdb", "-D", folder / "data", "-U", "quorum", "--auth=trust", "--no-sync"]
        setting_up += ["--encoding=UTF8", "--locale=C"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": folder, **identity}
        subprocess.run(setting_up, check=True, **quiet)  # type: ignore[call-overload]
        settings = [f"{name}=off" for name in CARELESS] + ["listen_addresses=", f"unix_socket_directories={folder}"]
        command = [found / "postgres", "-D", folder / "data", *(word for each in settings for word in ("-c", each))]
        server = Server(folder, command, identity)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
