"""Whatever stands in a manifest or a policies file: it is read, or refused in one sentence that says where."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from ensemble.api import build
from ensemble.disk.files import DEEPEST_JSON, JSONError, parsed
from ensemble.policies import PolicyBook, from_json
from ensemble.store import Manifest, ModelStore, policy_history
from ensemble.values.errors import PolicyError, StoreError
from tests.conftest import Run
from tests.support.stub_product import load_as, write_product

BASE = {"name": "X", "rule": "mean"}
POLICIES = {
    "active": "X",
    "policies": [
        {
            **BASE,
            "description": "All that a policy can hold.",
            "threshold": 0.5,
            "thresholds": {"svm": 0.4},
            "review": 0.4,
            "reject": 0.6,
            "quorum": 2,
            "margin": 0.1,
            "weights": {"svm": 0.5},
            "cascade": [{"members": ["svm"], "ok_below": 0.1, "nok_from": 0.9}, {"members": ["rf"]}],
            "exceptions": [{"defect": "crack", "score": 0.5, "verdict": "review"}, {"product": "disc", "reject": 0.7}],
            "author": "Ada",
            "reason": "Because.",
            "basis": {"photos": "held out", "good": 4, "defective": 5, "escapes": 0, "overkills": 1},
        },
        {"name": "Y", "rule": "any"},
    ],
}
STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
BYTES = st.binary(max_size=6) | st.sampled_from(
    [b"\xef\xbb\xbf", b"1e999", b"NaN", b"[" * 2000, b"9" * 5000, b"\\ud800"]
)


def places(value: Any) -> list[tuple[Any, ...]]:
    """The path to every value within a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *rest) for key, part in inner for rest in places(part))]


def changed(value: Any, place: tuple[Any, ...], new: Any, *, drop: bool) -> Any:
    """A copy in which another value stands at a place, or none."""
    if not place:
        return new
    copy = json.loads(json.dumps(value))
    holder = copy
    for key in place[:-1]:
        holder = holder[key]
    if drop:
        del holder[place[-1]]
    else:
        holder[place[-1]] = new
    return copy


@st.composite
def mutations(draw: Callable[..., Any], valid: Any) -> bytes:
    """The bytes of a valid file with one value of any kind elsewhere, or with bytes put in or cut off anywhere."""
    place = draw(st.sampled_from(places(valid)))
    data = json.dumps(changed(valid, place, draw(STRANGE), drop=bool(place) and draw(st.booleans())), indent=1).encode()
    if draw(st.booleans()):
        start = draw(st.integers(0, len(data)))
        data = data[:start] + draw(BYTES) + data[start + draw(st.integers(0, 3)) :]
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_product(tmp_path_factory.mktemp("strange") / "disc", ("svm", "rf"))


@given(mutations(POLICIES))
def test_a_policies_file_gives_policies_or_one_sentence(folder: Path, data: bytes) -> None:
    (folder / "policies.json").write_bytes(data)
    try:
        book = ModelStore(folder).policy_book()
    except PolicyError as error:
        assert "policies.json, line " in str(error) and "\n" not in str(error)
    else:
        assert isinstance(book, PolicyBook) and from_json(book.to_json()) == book
        assert all(policy.for_product("disc") for policy in book.policies)


@given(st.data())
def test_a_manifest_is_read_or_refused_in_one_sentence(folder: Path, data: st.DataObject) -> None:
    valid = json.loads((write_product(folder.parent / "other", ("svm",)) / "manifest.json").read_text())
    text = data.draw(mutations(valid))
    broken = folder.parent / "broken"
    broken.mkdir(exist_ok=True)
    (broken / "manifest.json").write_bytes(text)
    try:
        found = ModelStore(broken).manifest()
    except StoreError as error:
        assert "manifest.json" in str(error) and "\n" not in str(error)
    else:
        assert isinstance(found, Manifest) and isinstance(found.seeds(), tuple) and found.to_json()
    assert "disc" in ModelStore(folder.parent).products()


WRONG = {
    "a verdict that is a list": (
        {**BASE, "exceptions": [{"defect": "crack", "score": 0.5, "verdict": ["review"]}]},
        "an exception's verdict is defective or review. Got ['review'].",
    ),
    "thresholds that are null": (
        {**BASE, "exceptions": [{"defect": "crack", "score": 0.5, "thresholds": None}]},
        "thresholds must map member names to numbers.",
    ),
    "a count that is a text": (
        {**BASE, "basis": {"escapes": "none"}},
        "escapes in its basis must be a count of photos. Got 'none'.",
    ),
    "more escapes than defective parts": (
        {**BASE, "basis": {"escapes": 3, "defective": 2}},
        "escapes in its basis cannot be more than the defective parts (2).",
    ),
    "a number without end": ({**BASE, "reject": 10**400}, "the reject must lie in [0, 1]."),
    "infinity": (
        {**BASE, "basis": {"chosen": float("inf")}},
        "chosen in its basis must be of finite numbers and texts.",
    ),
}


@pytest.mark.parametrize(("entry", "sentence"), WRONG.values(), ids=WRONG)
def test_a_value_of_the_wrong_type_is_named_with_its_line(entry: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PolicyError) as refused:
        from_json(json.dumps({"policies": [entry]}, indent=1))
    assert sentence in str(refused.value) and "policies.json, line " in str(refused.value)


UNREADABLE = {
    "5000 digits": (
        b'{"policies": [\n{"name": "X", "rule": "mean", "quorum": ' + b"9" * 5000 + b"}]}",
        "line 2: a number",
    ),
    "deep": (b'{"policies":\n' + b"[" * 100_000, "line 2: nested too deeply"),
    "a little too deep": (b'{"policies":\n' + b"[" * 40 + b"]" * 40 + b"}", "line 2: nested too deeply"),
    "5000 digits behind the point": (
        b'{"policies": [\n{"name": "X", "rule": "mean", "threshold": 0.' + b"5" * 5000 + b"}]}",
        "line 2: a number has 5001 digits. Shorten it.",
    ),
    "4100 digits in the second line": (b'{"policies": [\n' + b"-" + b"9" * 4100 + b"]}", "line 2: a number has 4100"),
    "half a character in a name of a value": (b'{"policies": [],\n"\\udfff": 1}', "line 2: a text holds half"),
    "half a character": (
        b'{"policies": [\n{"name": "\\ud800", "rule": "mean"}]}',
        "line 2: a text holds half a character",
    ),
    "twice": (b'{"policies": [],\n"policies": []}', "line 2: 'policies' stands twice in one entry."),
    "UTF-16": (json.dumps(POLICIES).encode("utf-16"), "line 1: the text is not in UTF-8."),
    "Latin-1": ('{"policies": [\n{"name": "für"'.encode("latin-1"), "line 2: the text is not in UTF-8."),
    "empty": (b"", "line 1: not JSON (Expecting value). Mend that line."),
    "cut off": (b'{"policies": [\n{"name": "X", ', "line 2: not JSON"),
}


@pytest.mark.parametrize(("data", "sentence"), UNREADABLE.values(), ids=UNREADABLE)
def test_at_every_door_the_last_good_policies_stay_in_force(
    data: bytes, sentence: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_product(tmp_path / "disc", ("svm",))
    load_as(monkeypatch, {"svm": (0.1, 0.9)})
    client = TestClient(build(folder))
    assert client.get("/health").json()["policies"][0] == "MAJORITY"
    (folder / "policies.json").write_bytes(data)
    health = client.get("/health").json()
    assert sentence in health["problem"] and health["policies"][0] == "MAJORITY" and health["status"] == "ready"
    code, _, said = run("policies", "--models", folder)
    assert code == 2 and sentence in said
    photo = tmp_path / "part.png"
    shutil.copy(next(Path("data/test/defective").iterdir()), photo)
    code, out, said = run("inspect", photo, "--models", folder)
    assert code == 0 and ": defective (" in out and sentence in said and "last good policies are in force" in said


def test_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    folder = write_product(tmp_path / "disc", ("svm",))
    for name in ("policies.json", "manifest.json"):
        path = folder / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert ModelStore(folder).policies_in_force().problem == ""
    assert from_json("\ufeff" + json.dumps(POLICIES)).active == "X"


BROKEN = {
    "deep": b'{"format":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too large a number": b'{"format": 1e999}',
    "a text for classes": b'{"format":1,"classes":"ab","defect":null,"members":{},"product":"b","folders":{}}',
    "not UTF-8": b'{"product": "\xff"}',
    "a folder": None,
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_one_bad_manifest_is_named_and_the_others_work(data: bytes | None, tmp_path: Path) -> None:
    write_product(tmp_path / "z", ("svm",), product="disc")
    (tmp_path / "b").mkdir()
    if data is None:
        (tmp_path / "b" / "manifest.json").mkdir()
    else:
        (tmp_path / "b" / "manifest.json").write_bytes(data)
    products = ModelStore(tmp_path).products()
    assert list(products) == ["disc", "b"]
    assert ModelStore(products["b"]).problem().startswith(f"{tmp_path / 'b' / 'manifest.json'}")
    assert not ModelStore(products["disc"]).problem()
    health = TestClient(build(tmp_path / "b")).get("/health")
    assert health.status_code == 503 and "manifest.json" in health.json()["reason"]


@pytest.mark.parametrize("around", ["[", '{"a":'])
def test_brackets_may_lie_so_deep_and_no_deeper(around: str) -> None:
    end = "]" if around == "[" else "}"
    inner = '"[[[[{{{{\\ud83d\\ude00"'  # brackets in a text are no nesting, and two halves are a character
    assert parsed(around * DEEPEST_JSON + inner + end * DEEPEST_JSON)
    with pytest.raises(JSONError, match="line 1: nested too deeply"):
        parsed(around * (DEEPEST_JSON + 1) + inner + end * (DEEPEST_JSON + 1))


def test_a_long_history_is_read_about_as_fast_as_any_json() -> None:
    inner = json.dumps(POLICIES, indent=2)
    states = [{"number": number, "text": inner + "\U0001f600"} for number in range(400)]
    text = json.dumps({"states": states}, ensure_ascii=False)

    def fastest(read: Callable[[str], Any]) -> float:
        times = []
        for _ in range(7):
            start = time.perf_counter()
            read(text)
            times.append(time.perf_counter() - start)
        return min(times)

    assert parsed(text) == json.loads(text)
    assert fastest(parsed) < 8 * fastest(json.loads)


def test_the_history_is_read_once_for_the_policies_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ModelStore(write_product(tmp_path / "disc", ("svm",)))
    before = store.policies_in_force()
    read: list[Path] = []
    history = policy_history.policy_states
    monkeypatch.setattr(policy_history, "policy_states", lambda folder: read.append(folder) or history(folder))
    assert store.policies_in_force() == before and {policy.state for policy in before.policies} == {1}
    assert read == [store.folder]
