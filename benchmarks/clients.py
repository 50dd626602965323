"""How many photos a second the API judges for many clients at once, against one client that sends one after another.

    python -m benchmarks.clients

The API is a process of its own, with a history of its own; both ways take turns, round by round, so that other work on
the machine slows both alike. Every answer is compared with the one that the same photo got alone.
"""

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from ensemble.disk.home import HOME
from ensemble.records.database import RECORDS_SETTING

CLIENTS = 32
BOUNDARY = "quorum-clients"
DIFFERS = ("seconds", "time", "id")  # from one answer to the next, whatever is judged
Sent = tuple[str, bytes]  # a photo's name, and the body of its request


@contextlib.contextmanager
def served(models: Path) -> Iterator[int]:
    """The port of an API for a product."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        command = [sys.executable, "-m", "uvicorn", "ensemble.api:app", "--host", "127.0.0.1", "--port", "0"]
        settings = {**os.environ, RECORDS_SETTING: str(Path(folder) / "records"), "QUORUM_MODELS": str(models)}
        with (
            log.open("wb") as stream,
            subprocess.Popen(command, cwd=HOME, env=settings, stdout=stream, stderr=stream) as process,
        ):
            try:
                yield _port(log, process)
            finally:
                process.terminate()


def _port(log: Path, process: "subprocess.Popen[bytes]") -> int:
    while process.poll() is None:
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", log.read_text(encoding="utf-8")):
            return int(found[1])
        time.sleep(0.05)
    raise typer.BadParameter(f"The API does not start: {log.read_text(encoding='utf-8')[-500:]}")


def request(path: Path) -> Sent:
    """A photo as it is sent."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'
    return path.name, head.encode() + path.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()


def ask(port: int, sent: Sent) -> tuple[Any, float]:
    """What an answer says, but for what differs each time, and how many seconds it took."""
    start, connection = time.perf_counter(), HTTPConnection("127.0.0.1", port, timeout=600)
    with contextlib.closing(connection):
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        connection.request("POST", "/predict/", sent[1], headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
    if answer.status != 200:
        raise typer.BadParameter(f"{sent[0]}: {answer.status} {said}")
    return _steady_part(said), time.perf_counter() - start


def _steady_part(said: Any) -> Any:
    if isinstance(said, dict):
        return {name: _steady_part(value) for name, value in said.items() if name not in DIFFERS}
    return [_steady_part(each) for each in said] if isinstance(said, list) else said


def block(port: int, photos: Sequence[Sent], clients: int) -> tuple[list[Any], list[float], float]:
    """The answers to photos in their order, the seconds of each, and photos a second."""
    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers, seconds = zip(*pool.map(lambda sent: ask(port, sent), photos), strict=True)
    return list(answers), list(seconds), len(photos) / (time.perf_counter() - start)


def compared(models: Path, paths: Sequence[Path], *, clients: int, rounds: int) -> dict[str, Any]:
    """Both ways in turn over the same photos; the first round counts for nothing."""
    photos = [request(path) for path in paths]
    ratios, alone, together, waits, differing = [], [], [], list[float](), 0
    with served(models) as port:
        for number in range(rounds + 1):
            one, many = block(port, photos, 1), block(port, photos, clients)
            differing += sum(left != right for left, right in zip(one[0], many[0], strict=True))
            if number:
                ratios.append(many[2] / one[2])
                alone.append(one[2])
                together.append(many[2])
                waits += many[1]
    waits.sort()
    return {
        "clients": clients,
        "photos": len(photos),
        "one_client_photos_a_second": round(statistics.median(alone), 2),
        "many_clients_photos_a_second": round(statistics.median(together), 2),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in sorted(ratios)],
        "p50_s": round(waits[len(waits) // 2], 3),
        "p99_s": round(waits[int(0.99 * (len(waits) - 1))], 3),
        "differing_answers": differing,
        "load": round(psutil.getloadavg()[0], 1),
    }


def photos_of(folder: Path, count: int) -> list[Path]:
    """So many photos of a folder, from all over it."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    if not found:
        raise typer.BadParameter(f"{folder} holds no photos.")
    return [found[place * len(found) // count % len(found)] for place in range(count)]


def measure(quick: bool = False) -> dict[str, Any]:
    """The shipped product, briefly or long enough to trust."""
    paths = photos_of(HOME / "data" / "test", 8 if quick else 64)
    return compared(HOME / "models", paths, clients=4 if quick else CLIENTS, rounds=1 if quick else 3)


def main(
    models: Annotated[Path, typer.Option(help="A trained product.")] = HOME / "models",
    data: Annotated[Path, typer.Option(help="A folder of its photos.")] = HOME / "data" / "test",
    photos: Annotated[int, typer.Option(help="Photos of a block.")] = 64,
    clients: Annotated[int, typer.Option(help="How many clients at once.")] = CLIENTS,
    rounds: Annotated[int, typer.Option(help="Pairs of blocks.")] = 3,
) -> None:
    """Print the figures as JSON; exit code 1 where an answer differs."""
    found = compared(models, photos_of(data, photos), clients=clients, rounds=rounds)
    typer.echo(json.dumps(found))
    if found["differing_answers"]:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
