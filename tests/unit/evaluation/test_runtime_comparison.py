"""What a faster runtime must not do to a product, what is kept of that, and which one is chosen by it."""

import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ensemble.evaluation import runtime_comparison
from ensemble.evaluation.runtime_comparison import choose_for_candidate, compare_runtimes, keep_comparison
from ensemble.features import runtimes
from ensemble.features.graphs import ONNXRUNTIME, OPENVINO, OPENVINO_BF16, OPENVINO_INT8, TORCH
from ensemble.features.openvino_runtime import CalibratedRuntime, OpenVinoRuntime
from ensemble.features.runtimes import RUNTIME_SETTING, TorchRuntime
from ensemble.store import Manifest, ModelStore, runtime_choice, versions
from ensemble.store.runtime_choice import chosen_runtime, members_digest
from ensemble.store.runtime_gate import RuntimeGate, RuntimeResult, best_runtime, problem_of
from ensemble.values.errors import DataError, SettingError, StoreError
from tests.conftest import Run

HERE = {"openvino": "2026.4.0", "torch": "2", "torchvision": "0", "processor": "x86_64"}
GOOD = RuntimeResult(labels=0.0, verdicts=0.0, escapes=0, difference=0.002, speed=2.0)
FAST = replace(GOOD, speed=4.0)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has all runtimes, as far as the gate can tell, and no setting that forces one."""
    for module in (runtime_comparison, runtime_choice):
        monkeypatch.setattr(module, "available_runtimes", lambda: (TORCH, OPENVINO, OPENVINO_BF16))
        monkeypatch.setattr(module, "made_with", lambda: dict(HERE))
    monkeypatch.delenv(RUNTIME_SETTING)


def noisy(monkeypatch: pytest.MonkeyPatch, noise: dict[str, float]) -> None:
    """Runtimes that are torch with noise on each map, as a share of its largest number."""

    def runtime(named: str = "", _calibration: str = "") -> Any:
        return TorchRuntime() if named in ("", TORCH) else OpenVinoRuntime(named)

    def compiled(self: OpenVinoRuntime, network: torch.nn.Module, *_: Any) -> Callable[[torch.Tensor], Any]:
        def forward(batch: torch.Tensor) -> dict[str, torch.Tensor]:
            drawn = torch.Generator().manual_seed(0)
            maps = TorchRuntime().compile(network, ("", (), ""), (0, 0))(batch)
            return {
                layer: grid + noise[self.name] * grid.abs().max() * torch.randn(grid.shape, generator=drawn)
                for layer, grid in maps.items()
            }

        return forward

    monkeypatch.setattr("ensemble.store.loading.runtime_in_use", runtime)
    monkeypatch.setattr(OpenVinoRuntime, "compile", compiled)


@pytest.mark.parametrize(
    ("runtime", "change", "fewest", "problem"),
    [
        (OPENVINO_BF16, {}, 10, ""),
        (OPENVINO_BF16, {"labels": 0.01, "verdicts": 0.01, "difference": 0.4}, 10, ""),
        (OPENVINO_BF16, {"labels": 0.0101}, 10, "1.01% of labels would change (1% allowed)."),
        (OPENVINO_BF16, {"verdicts": 0.025}, 10, "2.50% of labels would change (1% allowed)."),
        (OPENVINO_BF16, {"escapes": 1}, 10, "1 defective part would pass as OK."),
        (OPENVINO, {"escapes": 2}, 10, "2 defective parts would pass as OK."),
        (OPENVINO_BF16, {}, 9, "It needs 10 photos of each class to compare."),
        (OPENVINO, {}, 0, ""),
    ],
)
def test_what_a_runtime_may_not_do(runtime: str, change: dict[str, Any], fewest: int, problem: str) -> None:
    assert problem_of(runtime, replace(GOOD, **change), fewest) == problem


@pytest.mark.parametrize(
    ("exact", "rounding", "chosen"),
    [
        (GOOD, FAST, OPENVINO_BF16),
        (GOOD, replace(FAST, escapes=1), OPENVINO),
        (GOOD, replace(GOOD, speed=2.1), OPENVINO),  # not worth the rounding
        (replace(GOOD, speed=1.05), replace(FAST, labels=0.5), TORCH),
        (replace(GOOD, speed=1.05), FAST, OPENVINO_BF16),
    ],
)
def test_the_fastest_that_passed_is_chosen_where_it_is_worth_it(
    exact: RuntimeResult, rounding: RuntimeResult, chosen: str
) -> None:
    assert best_runtime({OPENVINO: exact, OPENVINO_BF16: rounding}, 10) == chosen


def gate_of(manifest: Manifest, chosen: str = OPENVINO_BF16, **change: Any) -> RuntimeGate:
    results = {OPENVINO: GOOD, OPENVINO_BF16: FAST}
    made = RuntimeGate(TORCH, 50, 20, 100, members_digest(manifest), "", HERE, "", results)
    return replace(made, chosen=chosen, **change)


def test_a_comparison_is_used_where_it_holds(tiny_product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = ModelStore(tiny_product).manifest()
    never = chosen_runtime(manifest)
    assert (never.name, never.reason) == (
        TORCH,
        "Faster runtimes have not been compared with PyTorch on this product yet.",
    )
    kept = Manifest.from_json(replace(manifest, runtimes=gate_of(manifest)).to_json(), "manifest")
    assert kept.runtimes == gate_of(manifest) and "runtimes" not in json.loads(manifest.to_json())
    used = chosen_runtime(kept)
    assert (used.name, used.forced) == (OPENVINO_BF16, False)
    assert used.reason == "4.0 times as fast as PyTorch, compared on 50 photos."

    name, record = next(iter(kept.members.items()))
    other = replace(kept, members={**kept.members, name: replace(record, files=dict.fromkeys(record.files, "0" * 64))})
    changed = chosen_runtime(other)
    assert (changed.name, changed.reason) == (
        TORCH,
        "The models have changed since faster runtimes were compared.",
    )
    monkeypatch.setattr(runtime_choice, "made_with", lambda: HERE | {"processor": "another"})
    moved = chosen_runtime(kept)  # what rounds may round otherwise there; what is exact is tried wherever it compiles
    assert (moved.name, moved.reason) == (
        OPENVINO,
        "OpenVINO in bfloat16 was compared on another processor or with other versions.",
    )
    rounded = replace(
        manifest, runtimes=gate_of(manifest, OPENVINO_INT8, results={OPENVINO_BF16: GOOD, OPENVINO_INT8: FAST})
    )
    monkeypatch.setattr(runtime_choice, "available_runtimes", lambda: (TORCH, OPENVINO_BF16, OPENVINO_INT8))
    monkeypatch.setattr(runtime_choice, "made_with", lambda: dict(HERE))
    elsewhere = chosen_runtime(rounded)
    assert (elsewhere.name, elsewhere.reason) == (
        OPENVINO_BF16,
        "OpenVINO in 8 bits has passed, and was not calibrated on this machine. Run "
        "`python -m ensemble runtime` again.",
    )
    with monkeypatch.context() as patch:
        patch.setattr(CalibratedRuntime, "is_kept", lambda _runtime, *network: network[1] == (224, 224))
        assert chosen_runtime(rounded).name == OPENVINO_INT8
    monkeypatch.setattr(runtime_choice, "available_runtimes", lambda: (TORCH,))
    without = chosen_runtime(kept)
    assert (without.name, without.reason) == (
        TORCH,
        "OpenVINO in bfloat16 has passed, and this machine does not have it.",
    )


@pytest.mark.parametrize(
    "damage", [{"photos": "50"}, {"chosen": 1}, {"results": {OPENVINO: {"labels": "0"}}}, {"x": 1}]
)
def test_a_damaged_comparison_is_one_sentence(tiny_product: Path, damage: dict[str, Any]) -> None:
    manifest = ModelStore(tiny_product).manifest()
    data = json.loads(replace(manifest, runtimes=gate_of(manifest)).to_json())
    data["runtimes"] |= damage
    with pytest.raises(StoreError, match="Restore it, or train the product again"):
        Manifest.from_json(json.dumps(data), "manifest.json")


def test_a_product_that_fails_says_so_and_can_be_forced(tiny_product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = ModelStore(tiny_product).manifest()
    gate = gate_of(
        manifest, TORCH, results={OPENVINO: replace(GOOD, speed=1.0), OPENVINO_BF16: replace(FAST, escapes=1)}
    )
    failed = replace(manifest, runtimes=gate)
    assert chosen_runtime(failed).reason == "OpenVINO in bfloat16 has failed: 1 defective part would pass as OK."
    with pytest.raises(ValueError, match="has not passed"):
        replace(gate, chosen=OPENVINO_BF16)
    monkeypatch.setenv(RUNTIME_SETTING, OPENVINO_BF16)
    forced = chosen_runtime(failed)
    assert (forced.name, forced.forced) == (OPENVINO_BF16, True)
    assert forced.reason == (
        "QUORUM_RUNTIME forces it, although this product has failed with it: 1 defective part would pass as OK."
    )
    assert chosen_runtime(manifest).reason == (
        "QUORUM_RUNTIME forces it; it has not been compared with PyTorch on this product."
    )


@pytest.mark.parametrize(
    ("here", "compared"),
    [
        ((TORCH, ONNXRUNTIME), (ONNXRUNTIME,)),
        ((TORCH, ONNXRUNTIME, OPENVINO, OPENVINO_BF16), (OPENVINO, OPENVINO_BF16)),
    ],
)
def test_onnx_runtime_is_compared_where_openvino_is_not_there(
    here: tuple[str, ...], compared: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_comparison, "available_runtimes", lambda: here)
    assert runtime_comparison.compared_runtimes() == compared


def test_noise_is_told_from_none(tiny_product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noisy(monkeypatch, {OPENVINO: 0.0, OPENVINO_BF16: 1.0})
    ticks = itertools.count()  # each takes as long, so that none is chosen by other work on the machine
    monkeypatch.setattr(runtime_comparison, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))
    store = ModelStore(tiny_product)
    gate = compare_runtimes(store, most=6)
    same, other = gate.results[OPENVINO], gate.results[OPENVINO_BF16]
    assert (gate.photos, gate.fewest, gate.looks, gate.chosen) == (6, 3, 12, TORCH)
    assert (same.labels, same.verdicts, same.escapes, same.difference) == (0.0, 0.0, 0, 0.0)
    assert other.labels > 0.01 and other.difference > 0.1 and gate.problem(OPENVINO_BF16)
    assert {case.sha256 for case in store.evidence().test}.isdisjoint(
        case.sha256 for case, _ in runtime_comparison._calibration_photos(store, 100)
    )


def test_8_bits_are_calibrated_on_photos_that_are_not_compared(
    tiny_product: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    noisy(monkeypatch, {OPENVINO_INT8: 0.0})
    monkeypatch.setattr(runtime_comparison, "available_runtimes", lambda: (TORCH, OPENVINO_INT8))
    monkeypatch.setattr(runtime_comparison, "MOST_TO_CALIBRATE", 2)
    seen: list[tuple[str, tuple[int, ...]]] = []

    def calibrate(runtime: CalibratedRuntime, _network: Any, identity: Any, batch: torch.Tensor) -> None:
        seen.append((runtime.calibration, tuple(batch.shape)))

    monkeypatch.setattr(CalibratedRuntime, "calibrate", calibrate)
    store = ModelStore(tiny_product)
    gate = compare_runtimes(store, most=4)
    assert seen == [(gate.compared, (2, 3, 224, 224))] and list(gate.results) == [OPENVINO_INT8]
    assert gate.compared != compare_runtimes(store, [OPENVINO_BF16], most=4).compared
    found = runtime_comparison._calibration_photos(store, 6)
    assert (
        gate.compared
        == runtime_comparison._comparison_of(store.manifest(), store.policies(), found[:4], found[4:]).compared
    )

    def refuse(*_: Any) -> None:
        raise RuntimeError("no such layer")

    monkeypatch.setattr(CalibratedRuntime, "calibrate", refuse)
    assert not compare_runtimes(store, most=4).results
    assert caplog.messages[-1].endswith("cannot be carried in 8 bits: no such layer")
    monkeypatch.setattr(runtime_comparison, "can_calibrate", lambda: False)
    with pytest.raises(SettingError, match="is calibrated by NNCF and kept in the folder of QUORUM_CACHE"):
        compare_runtimes(store, [OPENVINO_INT8])


def test_a_candidate_carries_its_comparison_into_force(
    tiny_product: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(Path(shutil.copytree(tiny_product, tmp_path / "disc")))
    manifest = store.manifest()
    keep_comparison(store, gate_of(manifest))
    after = store.manifest()
    assert after.runtimes == gate_of(manifest) and replace(after, runtimes=None) == manifest
    assert chosen_runtime(after).name == OPENVINO_BF16
    assert not store.quarantine() and versions.version_history(store.folder)[0].current
    with monkeypatch.context() as patch, pytest.raises(DataError, match="none of its calibration photos lies where"):
        patch.setattr(runtime_comparison, "photo_path", lambda *_: tmp_path / "gone.jpg")
        compare_runtimes(store)
    numbers = (each.number for each in versions.version_history(store.folder))
    candidate = store.save("disc", manifest.classes, {}, [], publish=False).version
    assert candidate not in numbers and choose_for_candidate(store, candidate, lambda _: None) == ()
    assert store.at(candidate).manifest().runtimes is None
    versions.amend(store.folder, candidate, replace(store.at(candidate).manifest(), runtimes=gate_of(manifest)))
    assert store.at(candidate).manifest().runtimes == gate_of(manifest)
    assert len(store.at(candidate).load(runtime=TORCH).members) == 2


def test_the_command_compares_and_prints(tiny_product: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    noisy(monkeypatch, {OPENVINO: 0.0, OPENVINO_BF16: 0.0})
    monkeypatch.setattr(runtimes, "available_runtimes", lambda: (TORCH, OPENVINO, OPENVINO_BF16))
    ask = ("runtime", str(tiny_product), "--try", OPENVINO, "--photos", "2", "--no-keep", "--json")
    code, out, told = run(*ask)
    assert code == 0 and list(json.loads(out)["results"]) == [OPENVINO]
    assert "passed" in told and "judges disc, by 2 photos and 4 pictures of them." in told
    assert ModelStore(tiny_product).manifest().runtimes is None
    code, _, told = run("runtime", str(tiny_product), "--try", "onnx")
    assert code == 2 and told.startswith("This machine has torch, openvino, openvino-bf16, not onnx.")
    code, _, told = run("runtime", "nowhere")
    assert code == 2 and told.startswith("No product and no folder is called nowhere.")
