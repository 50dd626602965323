"""The API: the same answers as the other edges, one sentence for whatever is wrong, and a server that keeps serving."""

import asyncio
import base64
import io
import itertools
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from typer.testing import CliRunner

from ensemble import api
from ensemble.cli import main
from ensemble.imaging.photos import MAX_PHOTO_BYTES, open_photo
from ensemble.inspection.inspector import Inspector
from ensemble.policies import SHIPPED_POLICIES, choose
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_count, inspection_called
from ensemble.store import ModelStore, policy_history, versions
from ensemble.values.errors import PhotoError
from ensemble.values.results import Verdict
from ensemble.values.safe_names import safe_name
from tests.support.bad_photos import BAD, ODD, jpeg, quarters

pytestmark = [
    pytest.mark.slow(25),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL"),  # pytest shows what the photo door keeps quiet
]

ROOT = Path(__file__).resolve().parents[3]
BOUNDARY = "quorum-test-boundary"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def as_browser(name: str) -> str:
    """A file name as a browser writes it into a form."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def form(data: bytes, name: str, field: str = "file") -> bytes:
    """One file as a form's body, its name raw, as a browser would send it."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{as_browser(name)}"\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def post(client: TestClient, data: bytes, name: str = "part.jpg", **asked: Any) -> httpx.Response:
    return client.post("/predict/", content=form(data, name), headers=FORM, params=asked)


MAY_CARRY = "It may carry policy, image, part, serial, lot, station, shift, view."


def timeless(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what differs from one run to the next."""
    votes = [{key: value for key, value in vote.items() if key != "seconds"} for vote in answer["votes"]]
    return {key: value for key, value in answer.items() if key not in ("seconds", "time", "id")} | {"votes": votes}


def one_sentence(text: str) -> bool:
    return text.endswith(".") and "\n" not in text and "Traceback" not in text


@pytest.fixture(scope="module")
def client(tiny_product: Path) -> Iterator[TestClient]:
    with TestClient(api.build(tiny_product)) as client:
        yield client


@pytest.fixture(scope="module")
def inspector(tiny_product: Path) -> Inspector:
    return Inspector.open(ModelStore(tiny_product))


@pytest.fixture
def copied(tiny_product: Path, tmp_path: Path) -> Path:
    """A product that a test may spoil."""
    return Path(shutil.copytree(tiny_product, tmp_path / "product"))


# ------------------------------------------------------------------------------------------------------ photos


@pytest.mark.parametrize("case", BAD)
def test_bad_photo_gets_the_sentence_of_the_photo_door(client: TestClient, case: str) -> None:
    bad = BAD[case]()
    with pytest.raises(PhotoError) as refused:
        open_photo(bad.data, bad.file)
    answer = post(client, bad.data, bad.file)
    assert answer.status_code == (413 if len(bad.data) >= MAX_PHOTO_BYTES else 422)
    assert answer.json() == {"photo": bad.file, "error": str(refused.value)}


@pytest.mark.parametrize("case", ODD)
def test_odd_photo_gets_the_verdict_that_the_inspector_gives(
    client: TestClient, inspector: Inspector, tiny_product: Path, case: str
) -> None:
    odd = ODD[case]()
    photo = open_photo(odd.data, as_browser(odd.file))
    policy = choose(ModelStore(tiny_product).policies(), None)
    answer = post(client, odd.data, odd.file, image=True)
    assert answer.status_code == 200
    picture = answer.json()["image"]
    verdict = {key: value for key, value in answer.json().items() if key != "image"}
    assert timeless(verdict) == timeless(inspector.inspect([photo], policy)[0].as_json())
    assert verdict["photo"] == (odd.label if as_browser(odd.file) == odd.file else safe_name(as_browser(odd.file)))
    assert picture["media_type"] == "image/png"
    judged = Image.open(io.BytesIO(base64.b64decode(picture["base64"])))
    assert (judged.format, judged.mode, judged.size) == ("PNG", "RGB", photo.picture.size)
    assert judged.tobytes() == photo.picture.tobytes()


def test_answer_is_that_of_the_command_line(client: TestClient, tiny_product: Path, tiny_data: Path) -> None:
    photo = next((tiny_data / "test" / "defective").iterdir())
    command = ["inspect", str(photo), "--models", str(tiny_product), "--policy", "ANY", "--json"]
    said = json.loads(CliRunner().invoke(main.commands, command).stdout)
    answer = post(client, photo.read_bytes(), photo.name, policy="ANY").json()
    assert list(answer) == list(said)
    assert timeless(answer) == timeless(said) | {"photo": photo.name}
    assert (answer["policy"], answer["demo"], len(answer["votes"])) == ("ANY", False, 2)


@pytest.mark.both_databases
def test_a_verdict_is_found_in_the_history_by_its_id(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    answer = post(client, jpeg(), part="P7", lot="L2").json()
    stored = inspection_called(Database(), answer["id"]).stored
    assert (answer["not_kept"], stored["source"], stored["trace"]["lot"]) == ("", "API", "L2")
    assert stored["verdict"] == answer["verdict"] and history_count(Database(), Filters(part="P7")) == 1


def test_image_comes_only_when_asked(client: TestClient) -> None:
    assert "image" not in post(client, jpeg()).json()
    assert "image" not in post(client, jpeg(), image=False).json()


def test_no_file_is_ever_written_by_its_name(client: TestClient, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ["part.jpg", "../part.jpg", "/tmp/quorum-was-here.jpg", "a\\b.jpg"]:
        assert post(client, jpeg(quarters((2_000, 2_000))), name).status_code == 200
    assert list(tmp_path.iterdir()) == []
    assert not Path("/tmp/quorum-was-here.jpg").exists()


# ---------------------------------------------------------------------------------------------------- requests

PHOTO = ("part.jpg", jpeg())
WRONG_REQUESTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "another field": {"files": {"photo": PHOTO}},
    "two photos": {"files": [("file", PHOTO), ("file", PHOTO)]},
    "a photo in a second field": {"files": [("file", PHOTO), ("mask", PHOTO)]},
    "text instead of a file": {"data": {"file": "part.jpg"}},
    "a second field": {"files": {"file": PHOTO}, "data": {"policy": "ANY"}},
    "no file name": {"files": {"file": ("", jpeg())}},
    "json": {"json": {"file": "part.jpg"}},
    "the bare photo": {"content": jpeg(), "headers": {"content-type": "image/jpeg"}},
    "no boundary": {"content": form(*PHOTO[::-1]), "headers": {"content-type": "multipart/form-data"}},
    "another boundary": {
        "content": form(*PHOTO[::-1]),
        "headers": {"content-type": "multipart/form-data; boundary=other"},
    },
    "a form cut short": {"content": form(*PHOTO[::-1])[:60], "headers": FORM},
    "an unnamed part": {"content": f"--{BOUNDARY}\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(), "headers": FORM},
}


@pytest.mark.parametrize("case", WRONG_REQUESTS)
def test_wrong_request_is_told_what_was_expected(client: TestClient, case: str) -> None:
    answer = client.post("/predict/", **WRONG_REQUESTS[case])
    assert (answer.status_code, answer.json()) == (422, {"photo": "photo", "error": api.ONE_PHOTO})


@pytest.mark.parametrize(
    ("asked", "photo", "error"),
    [
        (
            {"policy": "LAX"},
            "part.jpg",
            "No policy is called 'LAX'. This product has "
            + ", ".join(policy.name for policy in SHIPPED_POLICIES)
            + ".",
        ),
        (
            {"polcy": "ANY"},
            "photo",
            "The address cannot carry polcy. It may carry policy, image, part, serial, lot, station, shift, view.",
        ),
        (
            {"image": "big"},
            "photo",
            "The address cannot carry image=big: Input should be a valid boolean, unable to interpret input. "
            "It may carry policy, image, part, serial, lot, station, shift, view.",
        ),
    ],
)
def test_wrong_wish_is_never_ignored(client: TestClient, asked: dict[str, str], photo: str, error: str) -> None:
    answer = post(client, jpeg(), **asked)
    assert (answer.status_code, answer.json()) == (422, {"photo": photo, "error": error})


TWICE = {
    "/predict/?policy=ANY&policy=ALL": "The address carries policy 2 times. Give it once.",
    "/predict?policy=ANY&policy=ANY&policy=": "The address carries policy 3 times. Give it once.",
    "/predict/?image=true&image=false": "The address carries image 2 times. Give it once.",
    "/predict/?policy=ANY&product=disc": "The address cannot carry product. " + MAY_CARRY,
    "/predict/?Policy=ANY": "The address cannot carry Policy. " + MAY_CARRY,
    "/predict/?%1b%5b2J": r"The address cannot carry \x1b[2J. " + MAY_CARRY,
    "/health?policy=ANY": "The address cannot carry policy. It carries nothing.",
    "/?policy": "The address cannot carry policy. It carries nothing.",
    "/openapi.json?x=1": "The address cannot carry x. It carries nothing.",
}


@pytest.mark.parametrize(("address", "error"), TWICE.items())
def test_a_wish_is_never_dropped(client: TestClient, address: str, error: str) -> None:
    asked = {"files": {"file": PHOTO}} if address.startswith("/predict") else {}
    answer = client.request("POST" if asked else "GET", address, **asked)
    assert (answer.status_code, answer.json()["error"]) == (422, error)


@pytest.mark.parametrize("root", ["/quorum", "/quorum/v1", "/h"])
@pytest.mark.parametrize("handed_on", [True, False])
def test_behind_a_prefix_a_wish_is_taken_as_without_it(tiny_product: Path, root: str, handed_on: bool) -> None:
    behind = TestClient(api.build(tiny_product), root_path=root)
    prefix = root if handed_on else ""  # some proxies cut it off
    found = behind.post(f"{prefix}/predict/?policy=ANY", files={"file": PHOTO})
    assert (found.status_code, found.json()["policy"]) == (200, "ANY")
    for address in ("/health?policy=ANY", "/predict/?policy=ANY&policy=ALL", "/?x"):
        assert behind.get(prefix + address).status_code == 422
    assert behind.get(f"{prefix}/health").status_code == 200
    assert behind.get(f"{prefix}/nothing?policy=ANY").status_code == 404


def test_address_works_without_its_last_stroke(client: TestClient) -> None:
    assert client.post("/predict", files={"file": PHOTO}).status_code == 200


@pytest.mark.parametrize("address", ["/docs", "/redoc", "/nothing", "/predict/x", "/nothing?x=1&x=2", "/predict/x?y"])
def test_unknown_address_points_home(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer.json() == {
        "error": f"GET {address.split('?', maxsplit=1)[0]} is not answered here: GET / says what is."
    }


def test_welcome_says_what_to_do_and_fetches_nothing_from_elsewhere(client: TestClient) -> None:
    welcome = client.get("/")
    described = client.get("/openapi.json")
    assert welcome.json()["name"] == "Quorum"
    assert {line.split()[1] for line in welcome.json()["next"]} == {"/health", "/predict/", "/part", "/openapi.json"}
    assert set(described.json()["paths"]) == {"/", "/health", "/predict/", "/part"}
    assert set(re.findall(r"https?://[^/\"]+", welcome.text + described.text)) == {"http://127.0.0.1:8000"}


def test_upload_is_refused_by_its_declared_length_before_a_byte_is_read(tiny_product: Path) -> None:
    answered: list[dict[str, Any]] = []
    head = [(b"content-type", FORM["content-type"].encode()), (b"content-length", b"40000000")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/predict/",
        "raw_path": b"/predict/",
        "query_string": b"",
        "headers": head,
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
    }

    async def receive() -> dict[str, Any]:
        raise AssertionError("read")

    async def send(message: dict[str, Any]) -> None:
        answered.append(message)

    asyncio.run(api.build(tiny_product)(scope, receive, send))  # type: ignore[arg-type]
    assert answered[0]["status"] == 413
    assert json.loads(answered[1]["body"]) == {"photo": "photo", "error": api.TOO_LARGE}


def test_largest_photo_passes_the_upload_limit(client: TestClient) -> None:
    data = jpeg()
    assert post(client, data + bytes(MAX_PHOTO_BYTES - 1 - len(data)), "x" * 300 + ".jpg").status_code == 200


# ----------------------------------------------------------------------------------------------------- product


def test_health_names_members_and_policies(client: TestClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "product": "disc",
        "members": ["rf_squeezenet1_1", "svm_squeezenet1_1"],
        "absent": [],
        "policies": [policy.name for policy in SHIPPED_POLICIES],
        "runtime": {"name": "torch", "forced": True, "reason": "QUORUM_RUNTIME forces it."},
        "demo": False,
    }


def test_no_product_is_one_sentence(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with TestClient(api.build(folder)) as client:
            health, answer = client.get("/health"), post(client, jpeg(), "../part.jpg")
        assert (health.status_code, answer.status_code) == (503, 503)
        assert answer.json() == {"photo": "part.jpg", "error": health.json()["reason"]}
        assert "holds no trained product" in answer.json()["error"]
        assert one_sentence(answer.json()["error"])
        assert (health.json()["members"], health.json()["demo"]) == ([], False)


def test_broken_product_is_one_sentence(copied: Path) -> None:
    (copied / "manifest.json").write_text("{broken")
    with TestClient(api.build(copied)) as client:
        health, answer = client.get("/health"), post(client, jpeg())
    assert (health.status_code, answer.status_code) == (503, 503)
    assert "cannot be read" in answer.json()["error"]
    assert one_sentence(answer.json()["error"])


def test_broken_policies_leave_the_last_good_ones_in_force(copied: Path) -> None:
    book = ModelStore(copied).policy_book()
    policy_history.enforce_policies(copied, replace(book, active="ANY"), "Ada", "For the night shift.")
    (copied / "policies.json").write_text('{"policies": [\n{"name": "A", "rule": "dice"}]}')
    with TestClient(api.build(copied)) as client:
        health, answer = client.get("/health"), post(client, jpeg())
        assert (health.status_code, answer.status_code) == (200, 200)
        assert answer.json()["policy"] == "ANY"
        assert "policies.json, line 2: Policy 'A': the rule must be one of" in health.json()["problem"]
        (copied / "policies.json").write_text(book.to_json())
        assert "problem" not in client.get("/health").json()
        assert post(client, jpeg()).json()["policy"] == "MAJORITY"
    (copied / "policies.json").write_text("{broken")
    (copied / "policies_history.json").unlink()
    with TestClient(api.build(copied)) as client:
        health = client.get("/health")
    assert health.status_code == 503 and "line 1: not JSON" in health.json()["reason"]


def test_changed_file_is_noticed_at_once_and_models_are_loaded_once_a_state(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = itertools.count()
    load = ModelStore.load
    monkeypatch.setattr(ModelStore, "load", lambda store, policy: (next(loads), load(store, policy))[1])
    with TestClient(api.build(copied)) as client:
        for _ in range(3):
            assert len(post(client, jpeg()).json()["votes"]) == 2
            assert client.get("/health").json()["absent"] == []
            (copied / ".manifest.json.new").write_bytes(b"half a manif")  # one that is still being written
        assert next(loads) == 1
        (copied / "svm_squeezenet1_1.pkl").write_bytes(b"swapped")
        answer, health = post(client, jpeg()).json(), client.get("/health")
        assert [absence["member"] for absence in answer["absent"]] == ["svm_squeezenet1_1"]
        assert (health.status_code, health.json()["members"]) == (200, ["rf_squeezenet1_1"])
        assert health.json()["absent"] == answer["absent"]
        assert "SHA-256" in answer["absent"][0]["reason"]
        (copied / "rf_squeezenet1_1_scaler.pkl").unlink()
        answer, health = post(client, jpeg()).json(), client.get("/health")
        assert (answer["verdict"], answer["votes"]) == ("review", [])
        assert (health.status_code, health.json()["status"]) == (503, "not ready")
        assert one_sentence(health.json()["reason"])


def test_a_verdict_names_the_version_that_the_files_have_become(copied: Path) -> None:
    shutil.rmtree(copied / "versions", ignore_errors=True)
    with TestClient(api.build(copied)) as client:
        assert post(client, jpeg()).json()["model_version"] is None
        with versions.changing(copied):
            pass
        assert post(client, jpeg()).json()["model_version"] == 1


def held_up(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Inspections tell by one event that they have begun, and end only after the other."""
    started, finish = threading.Event(), threading.Event()
    inspect = Inspector.inspect

    def slowly(self: Inspector, *args: Any) -> list[Verdict]:
        started.set()
        assert finish.wait(30)
        return inspect(self, *args)

    monkeypatch.setattr(Inspector, "inspect", slowly)
    return started, finish


def test_health_answers_while_a_photo_is_judged(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    started, finish = held_up(monkeypatch)
    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(post, client, jpeg()) for _ in range(3)]
        try:
            assert started.wait(30)
            assert client.get("/health").status_code == 200
            assert client.get("/").status_code == 200
            assert not any(answer.done() for answer in answers)
        finally:
            finish.set()
        assert [answer.result().status_code for answer in answers] == [200] * 3


def test_more_photos_than_may_be_in_line_are_told_when_to_come_again(
    tiny_product: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, finish = held_up(monkeypatch)
    monkeypatch.setattr("ensemble.api.doors.MOST_IN_LINE", 2)
    with TestClient(api.build(tiny_product)) as narrow, ThreadPoolExecutor() as pool:
        answers = [pool.submit(post, narrow, jpeg()) for _ in range(3)]
        try:
            refused = next(as_completed(answers)).result()
            assert started.wait(30) and narrow.get("/health").status_code == 200
        finally:
            finish.set()
        assert sorted(answer.result().status_code for answer in answers) == [200, 200, 503]
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["error"] == "Quorum has 2 photos in line already. Send this one again in 1 s."
        assert post(narrow, jpeg()).status_code == 200


def test_own_fault_shows_no_traceback_and_the_next_photo_is_judged(
    tiny_product: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> list[Verdict]:
        raise RuntimeError("secret")

    with TestClient(api.build(tiny_product), raise_server_exceptions=False) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Inspector, "inspect", fail)
            answer = post(client, jpeg())
        assert (answer.status_code, answer.json()) == (500, {"photo": "photo", "error": api.OWN_FAULT})
        assert post(client, jpeg()).status_code == 200


# -------------------------------------------------------------------------------------------------------- demo


def test_demo_mode_marks_every_answer_and_needs_no_product(tmp_path: Path) -> None:
    with TestClient(api.build(tmp_path, demo=True)) as client:
        good, again, bad = post(client, jpeg()), post(client, jpeg()), post(client, b"")
        answers = [good, again, bad, client.get("/"), client.get("/health"), client.get("/nothing")]
        wrong = client.post("/predict/")
    assert [answer.status_code for answer in answers] == [200, 200, 422, 200, 200, 404]
    assert all(answer.json()["demo"] is True for answer in [*answers, wrong])
    assert timeless(good.json()) == timeless(again.json())
    assert answers[4].json()["members"] == [vote["member"] for vote in good.json()["votes"]]


# -------------------------------------------------------------------------------------------------- the server


class Server(NamedTuple):
    address: str
    port: int
    log: Path


@pytest.fixture(scope="module")
def server(tiny_product: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The API as `make api` starts it, on a free port."""
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "uvicorn", "ensemble.api:app", "--host", "127.0.0.1", "--port", "0"]
    settings = {**os.environ, api.MODELS_SETTING: str(tiny_product)}
    with log.open("w") as stream, subprocess.Popen(command, cwd=ROOT, env=settings, stderr=stream) as process:
        try:
            port = _port(log, process)
            yield Server(f"http://127.0.0.1:{port}", port, log)
        finally:
            process.terminate()


def _port(log: Path, process: "subprocess.Popen[bytes]") -> int:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def test_server_answers_many_at_once(server: Server, tiny_data: Path, tiny_product: Path, inspector: Inspector) -> None:
    photos = sorted((tiny_data / "test").rglob("*.jpg"))

    def ask(photo: Path) -> dict[str, Any]:
        return timeless(client.post("/predict/", files={"file": (photo.name, photo.read_bytes())}).json())

    with httpx.Client(base_url=server.address, timeout=120) as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, photos))
    policy = choose(ModelStore(tiny_product).policies(), None)
    expected = [inspector.inspect([open_photo(photo.read_bytes(), photo.name)], policy)[0] for photo in photos]
    assert answers == [timeless(verdict.as_json()) for verdict in expected]


def test_server_ends_an_endless_upload_and_goes_on(server: Server) -> None:
    piece = bytes(1_000_000)
    frame = b"%x\r\n%s\r\n" % (len(piece), piece)
    head = form(b"", "endless.jpg").split(b"\r\n\r\n")[0] + b"\r\n\r\n"
    request = (
        f"POST /predict/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {FORM['content-type']}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    sent = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(request.encode() + b"%x\r\n%s\r\n" % (len(head), head))
        while sent < 200 and not select.select([connection], [], [], 0)[0]:
            connection.sendall(frame)
            sent += 1
        answer = HTTPResponse(connection)
        answer.begin()
        assert (answer.status, json.load(answer)) == (413, {"photo": "photo", "error": api.TOO_LARGE})
    assert 30 <= sent < 60
    assert httpx.get(f"{server.address}/health", timeout=60).json()["status"] == "ready"
    assert "Traceback" not in server.log.read_text()
