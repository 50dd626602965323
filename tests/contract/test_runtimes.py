"""Every runtime gives the reference's numbers, is compiled once for all starts, and is never in the way."""

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ensemble.features import graphs, onnx_runtime, openvino_runtime, runtimes
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import name_of
from ensemble.features.graphs import GRAPHS_FOLDER, ONNXRUNTIME, OPENVINO, OPENVINO_BF16, OPENVINO_INT8, TORCH
from ensemble.features.openvino_runtime import CalibratedRuntime, OpenVinoRuntime
from ensemble.features.photo_batch import PhotoBatch, SideBySide
from ensemble.features.preprocessing import BUNDLED
from ensemble.features.runtimes import RUNTIME_SETTING, Passes, runtime_in_use
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.store import ModelStore
from ensemble.values.errors import SettingError
from tests.conftest import TINY_BACKBONE

pytest.importorskip("openvino")
pytestmark = pytest.mark.slow(40)
compiled = pytest.mark.parametrize("runtime", [OPENVINO, ONNXRUNTIME])
ROOT = Path(__file__).resolve().parents[2]
SIDE = 64


@pytest.fixture(autouse=True)
def kept_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUORUM_CACHE", str(tmp_path))
    return tmp_path / GRAPHS_FOLDER


def opened(runtime: str, monkeypatch: pytest.MonkeyPatch, weights: Path | None = None) -> FeatureExtractor:
    monkeypatch.setenv(RUNTIME_SETTING, runtime)
    return FeatureExtractor.open(TINY_BACKBONE if weights else BUNDLED, weights=weights).at(SIDE)


def batch_of(count: int, width: int = SIDE, height: int = SIDE) -> Tensor:
    drawn = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(count))
    return drawn.contiguous(memory_format=torch.channels_last)


def distance(maps: dict[str, Tensor], reference: dict[str, Tensor]) -> float:
    """The greatest difference, as a share of the reference's largest number of that layer."""
    assert list(maps) == list(reference)
    return max(float((maps[each] - grid).abs().max() / grid.abs().max()) for each, grid in reference.items())


def trace_by(function: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What compiles a network gets it by this function."""
    for module in (openvino_runtime, onnx_runtime):
        monkeypatch.setattr(module, "traced", function)


@pytest.fixture
def never_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("traced again")

    trace_by(refuse, monkeypatch)


@compiled
@pytest.mark.parametrize("bundled", [True, False], ids=["bundled", TINY_BACKBONE])
def test_32_bits_give_the_numbers_of_torch(
    runtime: str, bundled: bool, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    weights = None if bundled else tiny_weights
    reference, fast = opened(TORCH, monkeypatch, weights), opened(runtime, monkeypatch, weights)
    assert (reference.runtime.name, fast.runtime.name) == ("torch", runtime)
    for batch in (batch_of(1), batch_of(5), batch_of(16), batch_of(2, width=96, height=SIDE)):
        assert distance(fast.maps(batch), reference.maps(batch)) < 1e-4
    assert fast.shapes() == reference.shapes() and fast.width() == reference.width()
    assert not caplog.messages


def test_bfloat16_is_near_and_has_graphs_of_its_own(
    monkeypatch: pytest.MonkeyPatch, kept_in: Path, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        fast = opened(OPENVINO_BF16, monkeypatch)
    except SettingError as error:
        pytest.skip(str(error))
    reference = opened(TORCH, monkeypatch)
    assert 1e-5 < distance(fast.maps(batch_of(2)), reference.maps(batch_of(2))) < 0.1
    opened(OPENVINO, monkeypatch).maps(batch_of(2))
    assert len(list(kept_in.iterdir())) == 2
    assert not caplog.messages


def test_8_bits_carry_what_was_calibrated_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tiny_weights: Path, kept_in: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reference = opened(TORCH, monkeypatch, tiny_weights)
    network, identity = reference.passes.network, reference.passes.identity
    photos = batch_of(4)
    expected = reference.maps(photos)
    runtime = runtime_in_use(OPENVINO_INT8, "photos")
    assert isinstance(runtime, CalibratedRuntime) and not runtime.is_kept(identity, (SIDE, SIDE))
    runtime.calibrate(network, identity, photos)
    assert len(list(kept_in.iterdir())) == 1
    monkeypatch.setattr(openvino_runtime, "quantised", None)  # nor is it calibrated again
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    carried = {
        each.calibration: FeatureExtractor(reference.spec, network, reference.state, Passes(network, identity, each))
        for each in (runtime_in_use(OPENVINO_INT8, "photos"), CalibratedRuntime("other photos"))
    }
    assert 1e-4 < distance(carried["photos"].maps(photos), expected) < 0.2
    assert not caplog.messages
    assert distance(carried["other photos"].maps(photos), expected) == 0
    assert caplog.messages[0].endswith("cannot carry it (no calibrated graph of it is kept on this machine)")
    assert len({name_of(each) for each in (reference, *carried.values())}) == 3


@compiled
def test_a_second_start_neither_traces_nor_compiles(
    runtime: str, monkeypatch: pytest.MonkeyPatch, kept_in: Path, request: pytest.FixtureRequest
) -> None:
    before = opened(runtime, monkeypatch).maps(batch_of(2))
    (graph,) = kept_in.iterdir()
    request.getfixturevalue("never_traced")
    again = opened(runtime, monkeypatch).maps(batch_of(2))
    assert all(torch.equal(again[layer], grid) for layer, grid in before.items())
    assert graph.name.startswith(BUNDLED)


@compiled
def test_backbones_that_read_photos_alike_pass_them_in_one_graph(
    runtime: str, monkeypatch: pytest.MonkeyPatch, tiny_weights: Path, kept_in: Path, request: pytest.FixtureRequest
) -> None:
    pictures = [Image.new("RGB", (90, 70), (shade, 90, 30)) for shade in (20, 200)]

    def both() -> list[FeatureExtractor]:
        reads = opened(runtime, monkeypatch, tiny_weights)
        named = opened(runtime, monkeypatch, tiny_weights).spec.layers[:1]
        other = FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights, layers=named, pooling="grid").at(SIDE)
        return [reads, other]

    apart = [PhotoBatch(pictures).rows(each) for each in both()]
    assert len(list(kept_in.iterdir())) == 2
    for graph in kept_in.iterdir():
        graph.unlink()
    for _start in range(2):
        extractors = both()
        batch = PhotoBatch(pictures, expected=[*extractors, extractors[0].at(96)])
        together = [batch.rows(each) for each in extractors]
        assert all(np.allclose(rows, alone, atol=1e-5) for rows, alone in zip(together, apart, strict=True))
        assert batch.seconds(extractors[0]) > 0 and not batch.has_maps(extractors[0].at(96))
        (graph,) = kept_in.iterdir()
        assert graph.name.startswith(f"{TINY_BACKBONE}+{TINY_BACKBONE}-")
        if not _start:
            request.getfixturevalue("never_traced")  # a second start takes the graph from disk
    assert extractors[0].maps(batch_of(1)).keys() == set(extractors[0].spec.layers)  # falls back to torch: never traced


def test_backbones_that_no_graph_carries_together_go_one_after_another(
    monkeypatch: pytest.MonkeyPatch, tiny_weights: Path
) -> None:
    pictures = [Image.new("RGB", (90, 70), "grey")]
    extractors = [opened(OPENVINO, monkeypatch, tiny_weights) for _ in range(2)]
    extractors[1] = FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights, layers=["features.3"]).at(SIDE)
    alone = [PhotoBatch(pictures).rows(each) for each in extractors]

    def refuse(network: torch.nn.Module, *rest: Any) -> Any:
        if isinstance(network, SideBySide):
            raise TypeError("not these")
        return graphs.traced(network, *rest)

    trace_by(refuse, monkeypatch)
    batch = PhotoBatch(pictures, expected=extractors)
    assert all(np.array_equal(batch.rows(each), rows) for each, rows in zip(extractors, alone, strict=True))


@pytest.mark.parametrize("damage", [b"", b"short", bytes(100_000)])
def test_a_damaged_graph_is_compiled_again(
    damage: bytes, monkeypatch: pytest.MonkeyPatch, kept_in: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = opened(OPENVINO, monkeypatch).maps(batch_of(2))
    (graph,) = kept_in.iterdir()
    whole = graph.read_bytes()
    graph.write_bytes(damage)
    again = opened(OPENVINO, monkeypatch).maps(batch_of(2))
    assert distance(again, before) == 0
    assert len(graph.read_bytes()) == pytest.approx(len(whole), abs=1000)  # names of nodes are numbered on
    assert not caplog.messages


def test_a_graph_under_another_name_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, kept_in: Path, tiny_weights: Path
) -> None:
    opened(OPENVINO, monkeypatch).maps(batch_of(1))
    (graph,) = kept_in.iterdir()
    expected = opened(TORCH, monkeypatch, tiny_weights).maps(batch_of(1))
    tiny = opened(OPENVINO, monkeypatch, tiny_weights)
    file = OpenVinoRuntime(OPENVINO).file((tiny.spec.name, tiny.spec.layers, tiny.spec.weights), (SIDE, SIDE))
    assert file is not None
    graph.rename(file)
    assert distance(tiny.maps(batch_of(1)), expected) < 1e-4


def test_nothing_is_kept_where_the_setting_says_so(monkeypatch: pytest.MonkeyPatch, kept_in: Path) -> None:
    monkeypatch.setenv("QUORUM_CACHE", "off")
    opened(OPENVINO, monkeypatch).maps(batch_of(1))
    assert not kept_in.exists()


def test_graphs_are_bounded_and_the_longest_unused_make_room(monkeypatch: pytest.MonkeyPatch, kept_in: Path) -> None:
    opened(OPENVINO, monkeypatch).maps(batch_of(1))
    (graph,) = kept_in.iterdir()
    monkeypatch.setattr(graphs, "MOST_GRAPH_BYTES", graph.stat().st_size + 1_600_000)
    graph.unlink()
    old, older = kept_in / "old.graph", kept_in / "older.graph"
    for file, age in ((old, 1), (older, 2)):
        file.write_bytes(bytes(1_500_000))
        os.utime(file, (1_000_000 - age, 1_000_000 - age))
    opened(OPENVINO, monkeypatch).maps(batch_of(1))
    assert old.exists() and not older.exists()
    assert len(list(kept_in.iterdir())) == 2


@compiled
def test_a_graph_with_other_numbers_is_refused_and_torch_goes_on(
    runtime: str, monkeypatch: pytest.MonkeyPatch, kept_in: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reference, fast = opened(TORCH, monkeypatch), opened(runtime, monkeypatch)
    other = copy.deepcopy(opened(TORCH, monkeypatch)._network)
    with torch.no_grad():
        next(other.parameters()).mul_(1.01)

    def wrong(_network: torch.nn.Module, *rest: Any) -> Any:
        return graphs.traced(other, *rest)

    trace_by(wrong, monkeypatch)
    assert distance(fast.maps(batch_of(2)), reference.maps(batch_of(2))) == 0
    assert not kept_in.exists()
    assert f"stays with torch: {runtime} cannot carry it" in caplog.messages[0]


@compiled
def test_threads_share_an_extractor(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = opened(runtime, monkeypatch)
    photos = [batch_of(1) * brightness / 8 for brightness in range(8)]
    alone = [fast.maps(photo) for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            together = list(pool.map(fast.maps, photos))
            assert max(map(distance, together[1:], alone[1:])) == 0


def test_poolings_and_sizes_share_what_was_compiled(monkeypatch: pytest.MonkeyPatch, never_traced: None) -> None:
    calls = []

    def compile_by_torch(*asked: Any) -> Any:
        calls.append(asked[-1])
        return runtimes.TorchRuntime().compile(*asked)

    fast = opened(OPENVINO, monkeypatch)
    monkeypatch.setattr(fast.runtime, "compile", compile_by_torch)
    for extractor in (fast, fast.with_pooling("grid"), fast.at(96), fast.at(SIDE)):
        extractor.extract(batch_of(1, *extractor.spec.preprocessing.size))
    assert calls == [(64, 64), (96, 96)]


def test_the_setting_is_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RUNTIME_SETTING)
    assert runtime_in_use().name == TORCH
    monkeypatch.setenv(RUNTIME_SETTING, "fast")
    with pytest.raises(SettingError) as wrong:
        runtime_in_use()
    assert str(wrong.value) == (
        "QUORUM_RUNTIME must be one of torch, onnxruntime, openvino, openvino-bf16, openvino-int8. Got 'fast'."
    )
    monkeypatch.setenv(RUNTIME_SETTING, OPENVINO_INT8)
    with pytest.raises(SettingError, match="which is calibrated on a trained product's photos"):
        runtime_in_use()


def test_a_setting_that_cannot_be_had_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUNTIME_SETTING, OPENVINO)
    monkeypatch.setattr(runtimes, "has_openvino", lambda: False)
    absent = Inspector.open(ModelStore(ROOT / "models")).absent
    assert absent and {absence.reason for absence in absent} == {
        "QUORUM_RUNTIME asks for OpenVINO, which is not installed. Install it with pip install -r "
        "requirements-extras.txt, or set it to torch."
    }


def test_features_of_runtimes_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name_of(opened(runtime, monkeypatch)) for runtime in (TORCH, OPENVINO)}
    assert len(names) == 2


def test_the_shipped_product_gives_the_same_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ModelStore(ROOT / "models")
    photos = [read_photo(path) for path in sorted((ROOT / "data" / "test").rglob("*.jpg"))[::9]]
    assert len(photos) == 8
    said = {}
    for runtime in (TORCH, OPENVINO):
        monkeypatch.setenv(RUNTIME_SETTING, runtime)
        inspector = Inspector.open(store)
        assert not inspector.absent
        said[runtime] = inspector.score(photos)
    for (scores, absent), (reference, _) in zip(said[OPENVINO], said[TORCH], strict=True):
        for score, expected in zip(scores, reference, strict=True):
            assert score.probabilities == pytest.approx(expected.probabilities, abs=1e-3)
        for policy in store.policies():
            decided = [policy.decide(each, absent, inspector.classes).label for each in (scores, reference)]
            assert decided[0] == decided[1]


SILENT_START = """
import sys
sys.addaudithook(lambda event, _: sys.exit(event) if event in ("socket.connect", "socket.getaddrinfo") else None)
import torch
from ensemble.features.backbones import FeatureExtractor
FeatureExtractor.open("{backbone}").at(64).maps(torch.zeros(1, 3, 64, 64))
assert sys.modules["openvino"] and sys.modules["openvino_telemetry"] is None
assert not [name for name in sys.modules if name.startswith("openvino.tools.ovc")]
import openvino.tools.ovc  # somebody else's wish
assert not [name for name in sys.modules if name.startswith("openvino_telemetry.")]
"""


def test_its_makers_hear_of_nothing() -> None:
    environment = os.environ | {RUNTIME_SETTING: OPENVINO, "PYTHONPATH": str(ROOT)}
    code = SILENT_START.format(backbone=BUNDLED)
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr[-2000:]) == (0, "")
