"""The statistics of reviews: what is shown of them, and what is said where there are none."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.disk.files import now
from ensemble.policies import SHIPPED_POLICIES, choose
from ensemble.records.history import record_review
from ensemble.records.recording import recorder
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.values import Occasion
from ensemble.store import ModelStore
from tests.support.app_tests import healthy, texts
from tests.support.kept import inspected
from tests.support.stub_product import write_product


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = write_product(tmp_path / "models", ("svm_a", "rf_a"))
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    return ModelStore(folder).product_name()


def shown(**address: str) -> AppTest:
    def page() -> None:
        from pages.components.review.statistics import show_statistics

        show_statistics()

    app = AppTest.from_function(page, default_timeout=120)
    for name, value in address.items():
        app.query_params[name] = value
    return healthy(app.run())


@pytest.mark.usefixtures("product")
def test_without_a_review_it_says_what_to_do() -> None:
    assert "Nobody has reviewed a part of this time. Review some, or choose a longer time." in texts(shown())


def test_without_a_look_at_the_random_sample_one_sentence_says_where_it_comes_from(product: str) -> None:
    change_settings(recorder().database.folder, product, Keeping(sample_rate=0.0))
    policy = choose(SHIPPED_POLICIES, "MAJORITY")
    (verdict,) = recorder().keep([inspected(1, policy, product=product, time=now())], policy, Occasion("screen"))
    record_review(recorder().database, verdict.id, "defective", "Ann")
    said = texts(shown())
    assert "Escapes: unknown, no part of the random sample was looked at yet." in said
    assert "Chance chooses accepted parts for a second look" in said and "Missed defects" not in said
    recorder().database.close()


def test_escapes_people_and_agreement_are_told(product: str) -> None:
    policy = choose(SHIPPED_POLICIES, "MAJORITY")
    change_settings(recorder().database.folder, product, Keeping(sample_rate=1.0))
    parts = [inspected(number, policy, product=product, time=now()) for number in range(30)]
    verdicts = recorder().keep(parts, policy, Occasion("command line"))
    accepted = [each for each in verdicts if each.label == "non_defective"]
    for number, verdict in enumerate(accepted):
        record_review(recorder().database, verdict.id, ("non_defective", "defective")[number == 0], "Ann")
        record_review(recorder().database, verdict.id, "non_defective", "Bo <b>", way="blind")
    said = texts(shown(span="all"))
    assert f"Of {len(accepted)} accepted parts looked at, 1 NOK: " in said
    assert "Too few blind second looks to know how reviewers err: 0 say NOK, " in said
    assert "Cohen's kappa: 1 is always the same label" in said and "Bo &lt;b&gt;" in said
    recorder().database.close()


@pytest.mark.usefixtures("product")
def test_an_unknown_stretch_is_the_usual_one() -> None:
    assert shown(span="1y").segmented_control(key="review_span").value == "30"
