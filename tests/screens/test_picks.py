"""What a person has picked and what is gone: said, and nothing is judged until they choose."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import streamlit as st
from fastapi.testclient import TestClient
from streamlit.testing.v1 import AppTest

from ensemble.api import build
from ensemble.policies import Policy
from ensemble.store import ModelStore, policy_history
from pages.session.policy_news import NEWS, News, policy_news
from tests.conftest import Run
from tests.support.app_tests import opened, texts
from tests.support.bad_photos import jpeg
from tests.support.stub_product import load_as, write_product

ROOT = Path(__file__).resolve().parents[2]
SAYS = {"svm_a": (0.1, 0.9), "rf_a": (0.4, 0.6)}


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two products, Alpha and Beta."""
    load_as(monkeypatch, SAYS)
    for folder, name in (("a", "Alpha"), ("b", "Beta")):
        write_product(tmp_path / "models" / folder, tuple(SAYS), product=name)
    return tmp_path / "models"


def box(app: AppTest, label: str) -> str | None:
    found: list[str | None] = [each.value for each in app.selectbox if each.label == label]
    return found[0] if found else None


def said(app: AppTest) -> str:
    return "\n".join(each.value for each in (*app.error, *app.warning, *app.info)).replace("\\", "")


def is_judging(app: AppTest) -> bool:
    """Whether a photo can be judged, or was."""
    judged = any('class="verdict' in str(each.proto.body) for each in app.get("html"))
    return judged or any(str(button.key) == "analyze" for button in app.button)


def publish(folder: Path, name: str, author: str) -> None:
    book = ModelStore(folder).policy_book()
    policy_history.enforce_policies(folder, replace(book, active=name), author, "Because.")


def test_a_product_that_is_deleted_while_open_is_not_replaced(models: Path) -> None:
    app = opened()
    app.selectbox(key="product").select("Beta").run()
    app.file_uploader[0].upload("part.jpg", jpeg(), "image/jpeg")
    app.run()
    app.button(key="analyze").click().run()
    shutil.rmtree(models / "b")
    app.run()
    assert "There is no product called Beta any more" in said(app) and not is_judging(app)
    assert box(app, "Product") is None and not app.exception
    assert not is_judging(app.run())
    app.button(key="choose product Alpha").click().run()
    assert is_judging(app) and said(app) == "" and not app.exception


def test_a_product_that_is_renamed_while_open_is_not_replaced(models: Path) -> None:
    app = opened(product="Beta")
    assert box(app, "Product") == "Beta"
    path = models / "b" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"product": "Gamma"}))
    app.run()
    assert "There is no product called Beta any more" in said(app) and not is_judging(app)
    app.selectbox(key="product").select("Gamma").run()
    assert is_judging(app) and box(app, "Product") == "Gamma"


def test_another_product_does_not_take_the_place_of_the_only_one(models: Path) -> None:
    shutil.move(models / "a", models.parent / "later")
    app = opened()
    assert any("Beta" in each.value for each in app.caption)
    shutil.move(models.parent / "later", models / "a")
    assert box(app.run(), "Product") == "Beta"


@pytest.mark.parametrize("query", [{"product": "Delta"}, {"policy": "STRICT"}, {"product": "Delta", "policy": "ANY"}])
def test_a_bookmark_of_what_is_no_more_judges_nothing(query: dict[str, str]) -> None:
    app = opened(**query)
    key, name = next(iter(query.items()))
    assert f"There is no {key} called {name} any more" in said(app) and not is_judging(app)
    for screen in ("policies", "performance", "members", "training", "inspect_batch"):
        app.switch_page(f"pages/screens/{screen}.py").run()
        assert f"There is no {key} called {name} any more" in said(app) and not app.exception, screen


def test_a_bookmark_of_what_is_there_is_followed() -> None:
    app = opened(product="Beta", policy="ANY")
    assert (box(app, "Product"), box(app, "Policy")) == ("Beta", "ANY") and is_judging(app)


def test_a_policy_that_is_deleted_while_open_is_not_replaced(models: Path) -> None:
    own = ModelStore(models / "a").policy_book().including(Policy("STRICT", "any", "Ours."))
    policy_history.enforce_policies(models / "a", own, "Ada", "Ours.")
    app = opened(product="Alpha")
    app.selectbox(key="policy").select("STRICT").run()
    (models / "a" / "policies.json").unlink()
    app.run()
    assert "There is no policy called STRICT any more" in said(app) and not is_judging(app)
    app.button(key="choose policy ALL").click().run()
    assert box(app, "Policy") == "ALL" and is_judging(app) and not app.exception


def test_a_policy_that_only_another_product_has_is_not_called_deleted(models: Path) -> None:
    own = ModelStore(models / "a").policy_book().including(Policy("STRICT", "any", "Ours."))
    policy_history.enforce_policies(models / "a", own, "Ada", "Ours.")
    app = opened(product="Alpha")
    app.selectbox(key="policy").select("STRICT").run()
    none = "has no policy called STRICT. Nothing is judged until you choose one."
    app.selectbox(key="product").select("Beta").run()
    assert said(app) == f"Beta {none}" and not is_judging(app)
    app.toggle(key="demo").set_value(True).run()
    assert said(app) == f"Demo mode of Beta {none}" and not is_judging(app)
    app.toggle(key="demo").set_value(False).run()
    app.selectbox(key="product").select("Alpha").run()
    assert box(app, "Policy") == "STRICT" and is_judging(app) and said(app) == ""
    (models / "a" / "policies.json").unlink()
    assert "There is no policy called STRICT any more: it was deleted or renamed." in said(app.run())


def test_whoever_works_by_the_policy_in_force_follows_it_and_is_told(models: Path) -> None:
    app = opened(product="Alpha")
    assert box(app, "Policy") == "MAJORITY"
    publish(models / "a", "ANY", "Ada")
    app.run()
    assert box(app, "Policy") == "ANY" and "Ada activated Any model" in said(app)
    app.selectbox(key="policy").select("ALL").run()
    publish(models / "a", "BALANCED", "")
    app.run()
    assert box(app, "Policy") == "ALL"
    assert "Balanced was activated" in said(app) and "You still use All models." in said(app)


def test_news_of_a_policy_age(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(seconds: float) -> str:
        at = datetime.fromtimestamp(datetime.now(UTC).timestamp() - seconds, UTC)
        monkeypatch.setattr(st, "session_state", {NEWS: News("SAFE", "Ada", at)})
        return policy_news()

    assert told(3.2) == "Ada activated SAFE 3 s ago."
    assert told(130) == "Ada activated SAFE 2 min ago."
    assert told(700) == ""


def test_a_draft_starts_from_the_policy_in_force_until_it_is_moved(models: Path) -> None:
    app = opened(demo="true")
    app.switch_page("pages/screens/policies.py").run()
    assert box(app, "Start from") == "MAJORITY" and not app.exception


def test_a_product_that_cannot_be_read_is_named_and_the_others_work(models: Path) -> None:
    (models / "b" / "manifest.json").write_text('{"format":1,"x":' + "[" * 100_000 + "]" * 100_000 + "}")
    app = opened()
    assert not app.exception and is_judging(app) and box(app, "Product") == "Alpha"
    assert any(each.label.replace("\\", "") == "b cannot be read" for each in app.expander)
    assert any("nested too deeply" in each.value for each in app.caption)
    app.selectbox(key="product").select("b").run()
    assert "nested too deeply" in said(app) and not is_judging(app) and not app.exception


def test_a_wish_that_cannot_be_met_is_refused_at_the_other_doors(models: Path, tmp_path: Path, run: Run) -> None:
    photo = tmp_path / "part.jpg"
    photo.write_bytes(jpeg())
    client = TestClient(build(models / "a"))
    sent = {"file": ("part.jpg", jpeg())}
    answer = client.post("/predict/?policy=STRICT", files=sent)
    assert (answer.status_code, "No policy is called 'STRICT'" in answer.json()["error"]) == (422, True)
    code, out, told = run("inspect", photo, "--models", models / "a", "--policy", "STRICT")
    assert (code, out) == (2, "") and "No policy is called 'STRICT'" in told
    shutil.rmtree(models / "a")
    answer = client.post("/predict/", files=sent)
    assert answer.status_code == 503 and "holds no trained product" in answer.json()["error"]
    code, out, told = run("inspect", photo, "--models", models / "a")
    assert (code, out) == (2, "") and "holds no trained product" in told


@pytest.mark.parametrize(("policy", "trial"), [("", False), ("MAJORITY", False), ("ANY", True)])
@pytest.mark.parametrize("screen", ["pages/screens/inspect_photo.py", "pages/screens/inspect_batch.py"])
def test_a_policy_on_trial_carries_a_band(models: Path, screen: str, policy: str, trial: bool) -> None:
    app = opened(screen, **({"policy": policy} if policy else {}))
    assert ("Trial policy <b>Any model</b>: its verdicts do not count." in texts(app)) == trial
    assert not app.exception
