"""Text from files is text on every screen: no Markdown, no HTML, no picture or colour of its own."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from ensemble.datasets.collection import Collection
from ensemble.evaluation.performance import Saving
from ensemble.importers.values import FoundPhoto
from ensemble.policies import Policy
from ensemble.policies.cases import Case, Evidence
from ensemble.store import ModelStore, policy_history
from ensemble.values.results import Absence, Classes
from pages.components.common.sheet import PARTED, as_code, as_markdown
from pages.components.policies import evidence as policy_cheaper
from tests.support.bad_photos import jpeg
from tests.support.drawn_cases import case, keep_evidence
from tests.support.stub_product import load_as, write_product

ROOT = Path(__file__).resolve().parents[2]
EVIL = "![b](http://127.0.0.1:9/x.png) :green[ok] $a$ <img src=x> `c` &copy; [l](http://127.0.0.1:9)"
HTML = re.compile(r"(?<!\\)<img src=x")
MARKDOWN = re.compile(r"!\[b\]\(|:green\[|\[l\]\(|(?<!\\)[$`&]|" + HTML.pattern)
FILE = EVIL.replace("/", "_")
GOOD, BAD = f"good {EVIL}", f"bad {EVIL}"
CLASSES = Classes((GOOD, BAD), defect=BAD)
THREE = Classes((f"one {EVIL}", f"two {EVIL}", "three"))
MEMBERS = (f"svm_{FILE}", "rf_a")
SCREENS = (
    *("inspect_photo", "inspect_batch", "history", "review", "policies", "replay", "performance"),
    *("members", "model_card", "data", "training"),
)
SCREENS = (*SCREENS, "help")
# Fields that the browser shows as they are, never as Markdown.
PLAIN = {
    *(("selectbox", name) for name in ("options", "raw_value")),
    *(("multiselect", name) for name in ("options", "raw_values")),
    *(("text", "body"), ("code", "code_text"), ("text_input", "default"), ("text_input", "value")),
}
NAMES = ("id", "key", "user_key", "form_id", "alt", "url", "file_name", "element_id")


def strings(message: Message) -> Iterator[tuple[str, str]]:
    """Every text within an element, with the name of its field."""
    for field, value in message.ListFields():
        for each in value if field.is_repeated else (value,):
            if isinstance(each, Message):
                yield from strings(each)
            elif isinstance(each, str):
                yield field.name, each


def loud(app: AppTest) -> list[tuple[str, str, str]]:
    """The texts on screen that the browser would read as Markdown or HTML and that hold a mark of a foreign text."""
    found = []
    for node in nodes(app._tree):
        proto = getattr(node, "proto", None)
        if not isinstance(proto, Message):
            continue
        for name, value in strings(proto):
            if name in NAMES or (node.type, name) in PLAIN or name.endswith("_key"):
                continue
            marks = HTML if node.type in {"html", "plotly_chart"} else MARKDOWN
            if "green" in value and marks.search(value):
                found.append((node.type, name, value[:200]))
    return found


def nodes(block: Any) -> Iterator[Any]:
    yield block
    for child in getattr(block, "children", {}).values():
        yield from nodes(child)


@pytest.fixture(params=[CLASSES, THREE], ids=["two classes", "three classes"])
def product(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    classes: Classes = request.param
    shares = tuple(1 / len(classes.names) for _ in classes.names)
    load_as(monkeypatch, dict.fromkeys(MEMBERS, shares), Absence("rf_gone", EVIL))
    known = {MEMBERS[0]: {"training": {"photos": dict.fromkeys(classes.names, 20), "data": EVIL, "notes": [EVIL]}}}
    folder = write_product(tmp_path / "models", MEMBERS, classes, f"disc {EVIL}", known)
    keep_evidence(folder, Evidence(classes, cases_of(classes, "held"), cases_of(classes, "test")))
    write_product(tmp_path / "models" / "other", MEMBERS, classes, f"other {EVIL}")
    book = ModelStore(folder).policy_book()
    mine = Policy(f"MINE {EVIL}", "majority", EVIL, author=EVIL, reason=EVIL, basis={"photos": EVIL})
    policy_history.enforce_policies(folder, book.including(mine, active=True), EVIL, EVIL)
    (tmp_path / "models" / "strange.pkl").write_bytes(b"x")
    return folder


def cases_of(classes: Classes, part: str) -> tuple[Case, ...]:
    """Photos of every class, each called wrongly by one of two members."""
    found = []
    for number in range(2 * len(classes.names)):
        label = classes.names[number % len(classes.names)]
        others = 1 / (len(classes.names) - 1)
        spoken = {
            member: [right if name == label else (1 - right) * others for name in classes.names]
            for member, right in zip(MEMBERS, (0.8, 0.2) if number % 2 else (0.2, 0.8), strict=True)
        }
        found.append(replace(case(f"{part} {number} {FILE}.jpg", label, spoken, classes), defect=EVIL))
    return tuple(found)


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    made = Collection.create(tmp_path / "data" / "collections", "set `c` $a$")
    source = tmp_path / "photos"
    source.mkdir()
    entries = []
    for number in range(4):
        path = source / f"{number}.jpg"
        path.write_bytes(jpeg(width=40 + number))
        entries.append(FoundPhoto(path, f"{number} {EVIL}.jpg", "ok" if number % 2 else "nok", defect=EVIL))
    made.add(entries, {"ok": GOOD, "nok": BAD}, origin=EVIL, author=EVIL)
    return made


def test_foreign_texts_are_shown_as_they_are(product: Path, collection: Collection) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    assert not loud(app) and not app.exception
    for screen in SCREENS:
        app.switch_page(f"pages/screens/{screen}.py").run()
        assert not loud(app), screen
        assert not app.exception, (screen, [each.value for each in app.exception])
    for step in ("Import", "Check", "Mark", "Split", "View"):
        app.switch_page("pages/screens/data.py").run()
        app.segmented_control(key="step").set_value(step).run()
        assert not loud(app) and not app.exception, step
    app.switch_page("pages/screens/inspect_photo.py").run()
    app.file_uploader[0].upload(f"{FILE}.jpg", jpeg(), "image/jpeg")
    app.run()
    app.button(key="analyze").click().run()
    assert not loud(app) and not app.exception
    app.selectbox(key="policy").select("BALANCED").run()
    assert not loud(app) and not app.exception


@pytest.mark.parametrize("product", [CLASSES], indirect=True)
def test_a_button_shows_a_foreign_name_as_it_is(product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_cheaper, "clear_saving", lambda *_: Saving(f"MINE {EVIL}", 0.0, 9.0, 0.01))
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["product"] = f"disc {EVIL}"
    app.run().switch_page("pages/screens/policies.py").run()
    assert app.button(key="choose_cheaper").label and not loud(app) and not app.exception
    app.switch_page("pages/screens/inspect_batch.py").run()
    app.file_uploader(key="batch_files").upload("a.jpg", jpeg(), "image/jpeg")
    app.run()
    app.button(key="analyze").click().run()
    app.selectbox(key="product").select(f"other {EVIL}").run()
    assert app.button(key="whose_batch").label and not loud(app) and not app.exception


@pytest.mark.parametrize("place", ["policies.json", "manifest.json"])
def test_what_is_wrong_with_a_file_is_shown_as_it_is(place: str, product: Path) -> None:
    path = product / place
    data = json.loads(path.read_text())
    if place == "policies.json":
        data["policies"][0]["rule"] = EVIL
    else:
        data["classes"] = EVIL
    path.write_text(json.dumps(data))
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    assert not loud(app) and not app.exception


def test_a_gone_pick_is_shown_as_it_is(product: Path) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["product"] = f"gone {EVIL}"
    app.run()
    assert app.error and not loud(app) and not app.exception


@pytest.mark.parametrize(
    ("text", "code"),
    [("plain", "`plain`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("a\n\n# b", "`a # b`"), ("``", "``` `` ```")],
)
def test_code_cannot_be_left(text: str, code: str) -> None:
    assert as_code(text) == code


def test_a_text_keeps_to_its_line() -> None:
    assert as_markdown("a\n\n# b &amp; $c$") == r"a \# b \&amp; \$c\$"


def test_what_survives_backslashes_is_parted() -> None:
    for text in (":material/check:", ":streamlit:", "http://a", "HTTPS://a", "www.a", "a@b"):
        shown = as_markdown(text).replace("\\", "")
        assert PARTED in shown and shown.replace(PARTED, "") == text
