"""Who is of the jury, on every screen that tells it, without a browser."""

from dataclasses import replace
from pathlib import Path

import pytest

from ensemble.policies import from_json
from ensemble.policies.cases import Evidence
from ensemble.policies.jury import with_weights
from ensemble.values.results import OK_NOK
from tests.screens.test_policy_screen import save
from tests.screens.test_screens import PHOTO, analyzed
from tests.support import app_tests
from tests.support.app_tests import healthy, texts
from tests.support.drawn_cases import case, keep_evidence
from tests.support.stub_product import load_as, write_product

pytestmark = pytest.mark.slow(10)

SAID = {"svm_a": (0.2, 0.8), "rf_a": (0.4, 0.6), "xgb_a": (0.9, 0.1)}
# By the jury of two a tie is NOK: the second is an overkill. With the third called in it is OK.
KNOWN = tuple(
    case(f"{number}.png", label, {name: (1 - p, p) for name, p in zip(SAID, said, strict=True)})
    for number, (label, said) in enumerate(
        (
            ("non_defective", (0.1, 0.2, 0.1)),
            ("non_defective", (0.7, 0.1, 0.2)),
            ("defective", (0.9, 0.8, 0.3)),
            ("defective", (0.9, 0.7, 0.9)),
        )
    )
)


@pytest.fixture(autouse=True)
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    outside = {"weight": 0.0, "training": {"weighed": {"auroc": 0.61, "good": 2, "defective": 2, "drawn": False}}}
    folder = write_product(tmp_path / "models", tuple(SAID), known={"xgb_a": outside})
    known = with_weights(KNOWN, {"xgb_a": 0.0})
    keep_evidence(folder, Evidence(OK_NOK, known, known))
    load_as(monkeypatch, SAID)
    return folder


def test_the_verdict_counts_the_jury_and_names_who_is_beside_it() -> None:
    app = healthy(app_tests.opened("pages/screens/inspect_photo.py"))
    analyzed(app, PHOTO)
    said = texts(app)
    assert "2 of 2 models: NOK" in said and "skipped" not in said
    assert "Not of the jury, and not asked: XGBoost · a." in said.replace("\\", "")


def test_members_say_who_is_of_the_jury() -> None:
    said = texts(healthy(app_tests.opened("pages/screens/members.py")))
    assert said.count("not used</span><small>no gain on validation photos</small>") == 1
    assert "Models are chosen on validation photos, never on test photos: the model with the highest" in said


def test_figures_of_members_say_who_does_not_vote_and_why() -> None:
    app = app_tests.opened()
    app.session_state["performance_view"] = "Models"
    said = texts(healthy(app.switch_page("pages/screens/performance.py").run()))
    assert 'XGBoost · a <span><span class="chip quiet">not used</span><small>no gain on validation' in said
    assert said.count("not used</span>") == 1 and "Models are chosen on validation photos, never on test" in said


def test_a_policy_can_call_a_member_in(product: Path) -> None:
    app = healthy(app_tests.opened("pages/screens/policies.py"))
    (chosen,) = [each for each in app.multiselect if each.label == "Additional models"]
    assert (chosen.options, chosen.value) == (["XGBoost · a"], [])
    assert "Additional models: " not in texts(app)
    chosen.set_value(["xgb_a"]).run()
    healthy(app)
    assert "Additional models: XGBoost · a." in texts(app) and "Unsaved draft" in texts(app)
    save(app, "WITH_XGB")
    (saved,) = [each for each in from_json((product / "policies.json").read_text()).policies if each.name == "WITH_XGB"]
    assert saved.calls == ("xgb_a",) and (saved.basis["escapes"], saved.basis["overkills"]) == (0, 0)


def test_the_vote_stands_beside_its_best_member() -> None:
    said = texts(healthy(app_tests.opened("pages/screens/performance.py")))
    assert "Ensemble or best model" in said and "SVM · a alone" in said
    assert "No significant difference between Fused score and" in said


def test_one_member_alone_has_nobody_to_be_better_than(tmp_path: Path) -> None:
    keep_evidence(
        tmp_path / "models",
        Evidence(OK_NOK, (), tuple(replace(each, scores=each.scores[:1]) for each in KNOWN)),
    )
    assert "Ensemble or best model" not in texts(healthy(app_tests.opened("pages/screens/performance.py")))
