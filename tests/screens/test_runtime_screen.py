"""Which runtime judges, and why, on the screen Models."""

from dataclasses import replace
from pathlib import Path

import pytest

from ensemble.features.graphs import OPENVINO, OPENVINO_BF16
from ensemble.features.runtimes import RUNTIME_SETTING
from ensemble.store import ModelStore, runtime_choice
from ensemble.store.runtime_choice import members_digest
from ensemble.store.runtime_gate import RuntimeGate, RuntimeResult
from tests.support import app_tests
from tests.support.app_tests import healthy, texts
from tests.support.stub_product import load_as, write_product

SCREEN, SAID = "pages/screens/members.py", {"svm_a": (0.2, 0.8)}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    monkeypatch.delenv(RUNTIME_SETTING)
    monkeypatch.setattr(runtime_choice, "available_runtimes", lambda: ("torch", OPENVINO))
    folder = write_product(tmp_path / "models", tuple(SAID))
    load_as(monkeypatch, SAID)
    return ModelStore(folder)


def test_a_product_of_before_says_how_to_compare(store: ModelStore) -> None:
    said = texts(healthy(app_tests.opened(SCREEN))).replace("\\", "")
    assert "**PyTorch** carries photos through the networks. Faster runtimes have not been compared" in said
    assert f"Compare with `python -m ensemble runtime {store.folder}`." in said


def test_a_comparison_is_told_in_plain_words(store: ModelStore) -> None:
    manifest = store.manifest()
    results = {
        OPENVINO: RuntimeResult(0.0, 0.0, 0, 0.0026, 2.04),
        OPENVINO_BF16: RuntimeResult(0.0625, 0.0313, 1, 0.179, 3.5),
    }
    gate = RuntimeGate(OPENVINO, 50, 25, 100, members_digest(manifest), "", {}, "", results)
    (store.folder / "manifest.json").write_text(replace(manifest, runtimes=gate).to_json())
    said = texts(healthy(app_tests.opened(SCREEN))).replace("\\", "")
    assert (
        "**OpenVINO** carries photos through the networks. 2.0 times as fast as PyTorch, compared on 50 photos" in said
    )
    assert "used</span>" in said and "failed</span><small>1 defective part would pass as OK.</small>" in said
    assert "OpenVINO in bfloat16" in said and "3.5 ×" in said and "0.179" in said and "6.2%" in said
    french = texts(healthy(app_tests.opened(SCREEN, lang="fr"))).replace("\\", "")
    assert "2,0 fois plus rapide que PyTorch" in french and "1 pièce défectueuse passerait comme OK." in french
