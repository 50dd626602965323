"""Every benchmark on every kind of product, on four photos: it ends with its figures, or in a sentence."""

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import typer
import uvicorn
from PIL import Image
from typer.testing import CliRunner

from benchmarks import (
    all_kinds,
    bundled_backbone,
    cascade,
    clients,
    cluster,
    detector,
    faster_runtimes,
    heads,
    history,
    patch_memory,
    pipeline,
    quality,
    retraining,
    run,
    shape,
    smallest,
    speed,
    tiles,
    training,
)
from ensemble import api
from ensemble.drawing.strips import write_strips
from ensemble.features import backbones
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import Preprocessing
from ensemble.members import KINDS
from ensemble.members.classical import ForestMember
from ensemble.members.contract import Teaching
from ensemble.policies import Policy, Stage
from ensemble.store import FittedMember, ModelStore
from ensemble.store.trust import trust_members
from ensemble.training import source_of
from ensemble.values.results import OK_NOK, Classes
from tests.conftest import TINY_BACKBONE, Run
from tests.support.drawn_detector import drawn_detector

pytestmark = pytest.mark.slow(40)

ONE_CLASS = ("mahalanobis", "autoencoder", "feature_reconstruction", "patch_memory")
PRODUCTS: dict[str, tuple[Classes, tuple[str, ...]]] = {
    "all kinds": (OK_NOK, tuple(KINDS)),
    "one-class alone": (OK_NOK, ONE_CLASS),
    "three classes": (Classes(("bottomwear", "shoes", "topwear")), ("svm", "rf", "baseline_cnn", "finetuned")),
}
BRIEF = ("--rounds", "1", "--photos", "4")


def draw_photos(folder: Path, names: Sequence[str], count: int) -> Path:
    """So many photos of each name, each name with a light of its own."""
    draw = np.random.default_rng(5)
    for number, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for photo in range(count):
            grey = draw.integers(60 * number, 60 * number + 80, (40, 40), dtype=np.uint8)
            Image.fromarray(grey).convert("RGB").save(folder / name / f"{photo}.png")
    return folder


def write_product(place: Path, classes: Classes, kinds: Sequence[str], weights: Path) -> Path:
    """A product of members that have learnt for a moment from six photos a class; its photos lie beside it."""
    photos = draw_photos(place / "data" / "train", classes.names, 6)
    draw_photos(place / "data" / "test", classes.names, 2)
    extractor, learnt = FeatureExtractor.open(TINY_BACKBONE, weights=weights), []
    for kind in kinds:
        if kind == "detector":
            continue
        labels = [0] if KINDS[kind].lesson == "good" else range(len(classes.names))
        chosen = [(label, path) for label in labels for path in sorted((photos / classes.names[label]).iterdir())]
        source = source_of(kind, extractor, 64 if KINDS[kind].reading == "maps" else None)
        member = KINDS[kind](classes=classes, input=source)
        member.teaching = Teaching(effort=0.01)
        rows = PhotoBatch([Image.open(path) for _, path in chosen]).rows(source)
        member.fit(rows, np.array([label for label, _ in chosen]))
        learnt.append(FittedMember(kind, member, {}, {}))
    staged = (Policy("STAGED", "mean", cascade=(Stage((learnt[0].name,)),)),) if classes.defect else ()
    store = ModelStore(place / "models")
    store.save("disc", classes, {name: name for name in classes.names}, learnt, policies=staged)
    if "detector" in kinds:
        (store.folder / "detector.onnx").write_bytes(drawn_detector())
        trust_members(store, ["detector"])
    return place


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Mapping[str, Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ForestMember, "trees", 10)
        patch.setattr("ensemble.members.finetuned.VIEWS", 1)
        patch.setattr("ensemble.members.finetuned.EPOCHS", (1, 1))
        return {
            name: write_product(tmp_path_factory.mktemp("product"), classes, kinds, tiny_weights)
            for name, (classes, kinds) in PRODUCTS.items()
        }


def ran(benchmark: ModuleType, *arguments: object) -> tuple[int, str]:
    """The exit code and all that was printed; anything but an exit is raised."""
    app = typer.Typer()
    app.command()(benchmark.main)
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    return result.exit_code, " ".join(re.sub(r"[│╭╰─╮╯]", " ", result.output).split())


@pytest.mark.parametrize("name", PRODUCTS)
def test_speed(products: Mapping[str, Path], name: str) -> None:
    place = products[name]
    code, said = ran(speed, "--models", place / "models", "--data", place / "data", *BRIEF, "--seconds", "0.01")
    figures = json.loads(said)
    assert code in (0, 1) and figures["photos"] == 4 and figures["absent"] == []
    assert figures["members"] == len(PRODUCTS[name][1])
    plain = {"svm", "rf", "xgb", "baseline_cnn"}
    assert set(figures["asked_alike"]) == set(PRODUCTS[name][1]) - plain
    if not plain & set(PRODUCTS[name][1]):
        assert (code, figures["differing_votes"], figures["differing_verdicts"]) == (0, 0, 0)
    assert figures["one_photo"]["ratio"] > 0 and figures["batch_of_4_against_a_loop_over_photos"]["ratio"] > 0


@pytest.mark.parametrize("name", PRODUCTS)
def test_cascade(products: Mapping[str, Path], name: str) -> None:
    place = products[name]
    code, said = ran(cascade, "--models", place / "models", "--data", place / "data", *BRIEF)
    if PRODUCTS[name][0].defect is None:
        assert code == 2 and "has a cascade" in said
    else:
        assert code == 0 and "STAGED without cuts of its own: " in said and said.endswith("0 verdicts differ.")


def test_cluster(products: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    place = products["three classes"]
    monkeypatch.setenv("QUORUM_RECORDS", "set back afterwards")  # the benchmark sets its own
    code, said = ran(cluster, "--models", place / "models", "--data", place / "data", "--photos", 20, "--width", 64)
    figures = json.loads(said)
    assert code == 0 and (figures["photos"], figures["cores"], figures["width"]) == (20, 1, 64)
    assert figures["photos_an_hour_a_core"] > 0 and figures["kept_cpu_s"] > 0 and figures["worker_mb"] > 100


@pytest.mark.parametrize("name", ["one-class alone", "three classes"])
def test_detector_without_a_detector_is_one_sentence(products: Mapping[str, Path], name: str) -> None:
    code, said = ran(detector, products[name] / "data", products[name] / "models")
    assert code == 2 and "holds no detector.onnx. Train one with --members detector." in said


def test_quality_writes_its_tables_between_two_marks(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part, count in (("train", 6), ("test", 3)):
        draw_photos(tmp_path / "sets" / "toy_aliens" / part, OK_NOK.names, count)
    page, figures = tmp_path / "page.md", tmp_path / "figures.json"
    other = f"{quality.BEGIN}\n\n### leather\n\nOf before.\n\n{quality.END}\n\nBelow.\n"
    page.write_text(f"# Measured\n\nBy hand.\n\n{other}", encoding="utf-8")
    how = ["--members", "svm", "--members", "rf", "--backbone", TINY_BACKBONE, "--weights", tiny_weights]
    given = [tmp_path / "sets", *how, "--output", page, "--json", figures, "--keep", tmp_path / "kept"]
    code, said = ran(quality, *given)
    assert code == 0 and "aliens, seed 0" in said
    kept = (tmp_path / "kept" / "aliens-0" / "manifest.json").stat().st_mtime_ns
    code, said = ran(quality, *given, "--seed", 0, "--seed", 1)
    assert code == 0 and "aliens, seed 1" in said
    assert (tmp_path / "kept" / "aliens-0" / "manifest.json").stat().st_mtime_ns == kept  # it is not trained again
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Measured\n\nBy hand.\n") and text.count(quality.BEGIN) == text.count(quality.END) == 1
    assert (
        text.count("### aliens\n") == text.count(f"| svm_{TINY_BACKBONE} | ") == 1
    )  # the second run replaces the first
    assert "6 test photos; `python -m benchmarks.quality " in text and "--seed 0 --seed 1`" in text
    assert "- FUSED beside the best member, AUROC " in text and "- MAJORITY beside the best member, AUROC " in text
    assert text.count("### leather\n\nOf before.\n\n### aliens") == 1 and text.endswith(f"{quality.END}\n\nBelow.\n")
    found = json.loads(figures.read_text(encoding="utf-8"))["aliens"]
    assert len(found["voters"]["FUSED"]) == len(found["beside"]["FUSED"]) == 2
    monkeypatch.setattr(quality, "run", None)
    code, said = ran(quality, *given, "--augment", "none")
    assert code == 2 and "Name another folder to keep in." in said
    code, said = ran(quality, tmp_path / "sets", "--set", "none")
    assert code == 2 and "No set is called 'none'. There are aliens." in said


def test_tiles(tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "SIZES", {"strips": (64, 150), "plates": (130, 64)})
    monkeypatch.setattr(tiles, "PHOTOS", {"strips": (12, 2), "plates": (12, 2)})
    monkeypatch.setattr(tiles, "batch_of_its_own", tiles.measure_batch)
    tiny = ("--side", 64, "--ways", "tiles", "--members", "patch_memory", "--backbone", TINY_BACKBONE)
    code, said = ran(tiles, tmp_path, *tiny, "--weights", tiny_weights)
    assert code == 0 and said.count(f"| tiles | patch_memory_{TINY_BACKBONE} |") == 2
    assert re.search(r"\| 0 \| plates, 130 × 64 \| tiles \| \w+ \| [01]\.\d{3} \| \d+\.\d\d s \| \d+\.\d\d GB \|", said)


def test_shape(tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones, "backbone_preprocessing", lambda _name: Preprocessing(64))
    monkeypatch.setattr(shape, "write_strips", partial(write_strips, size=(80, 200)))
    tiny = ("--members", "svm", "--backbone", TINY_BACKBONE, "--weights", tiny_weights)
    code, said = ran(shape, tmp_path, "--photos", 12, "--seeds", "4", *tiny)
    assert code == 0 and "12 strips of a class, scratches darker by 0.05 to 0.12 of white, squeezenet1_1" in said
    auroc = r"[01]\.\d{3}"
    assert re.search(rf"4 svm_squeezenet1_1 {auroc} {auroc} [+-]0\.\d{{3}} \d+ \d+", said.replace("| ", ""))


@pytest.mark.parametrize(("diameter", "low", "high"), [(0.5, 0.05, 0.15), (1.5, 0.5, 0.7), (4.0, 0.98, 1.01)])
def test_a_small_disc_loses_its_contrast_when_a_photo_is_resized(diameter: float, low: float, high: float) -> None:
    left = smallest.contrast_left(Preprocessing(320), diameter, np.random.default_rng(0), 10)
    assert low <= left <= high


def test_patch_memory(products: Mapping[str, Path]) -> None:
    folder = products["all kinds"] / "data" / "train" / OK_NOK.names[0]
    code, said = ran(patch_memory, folder, "--photos", 4, "--side", 64, "--blocks", 1)
    assert code == 0 and "4 photos at 64 pixels" in said and "score / pass" in said
    code, said = ran(patch_memory, folder, "--photos", 6)
    assert code == 2 and "holds 6 photos; 7 are needed." in said


PEER = """
import json, sys
asked = json.loads(sys.stdin.readline())
told = {"version": "9.9", "places": asked["places"], "scores": [0.5] * len(asked["test"])}
print(json.dumps(told), flush=True)
for line in sys.stdin:
    print("{}", flush=True)
"""


def test_patch_memory_beside_a_peer(
    products: Mapping[str, Path], tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = (products["all kinds"] / "data" / "train" / name for name in OK_NOK.names)
    (tmp_path / "peer.py").write_text(PEER)
    monkeypatch.setattr(patch_memory, "PEER", tmp_path / "peer.py")
    where = ("--backbone", TINY_BACKBONE, "--weights", tiny_weights, "--defective", bad, "--peer", sys.executable)
    code, said = ran(patch_memory, good, "--photos", 4, "--side", 64, "--blocks", 1, *where)
    assert code == 0 and '"anomalib_version": "9.9", "photos": [4, 2, 6]' in said and said.count('"auroc": ') == 2


def test_search_of_a_patch_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch_memory, "SHARED", tmp_path)
    figures = patch_memory.measure(quick=True)
    assert set(figures) == {"search"} and figures["search"]["asked"] == 64
    assert figures["search"]["search"]["largest_error"] < 1e-5


@pytest.mark.parametrize("names", [OK_NOK.names, ("bottomwear", "shoes", "topwear")])
def test_retraining(
    names: Sequence[str], tmp_path: Path, tiny_weights: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part, count in (("train", 6), ("test", 2)):
        draw_photos(tmp_path / "photos" / part, names, count)

    def here(command: Sequence[str], *, env: Mapping[str, str], **_options: Any) -> None:
        monkeypatch.setenv(retraining.CACHE_SETTING, env[retraining.CACHE_SETTING])
        assert run(*command[3:], "--pooling", "average")[0] == 0

    monkeypatch.setattr(subprocess, "run", here)
    monkeypatch.setattr(retraining, "LIGHT_TRIO", (TINY_BACKBONE,))
    monkeypatch.setattr(retraining, "KINDS", "svm")
    sizes = ("--train", 5, "--test", 2, "--more", 1)
    code, said = ran(retraining, "--photos", tmp_path / "photos", "--weights", tiny_weights, *sizes)
    figures = json.loads(said[said.index('{ "backbones"') :])  # after what the trainings have said
    assert code == 0 and figures["same_members_and_scores"] and figures["share_of_first"] > 0
    code, said = ran(retraining, "--photos", tmp_path / "photos", "--weights", tiny_weights)
    assert code == 2 and "holds 8 photos of" in said


def test_bundled_backbone(tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("train", "test"):
        draw_photos(tmp_path / "casting" / part, OK_NOK.names, 2)
        draw_photos(tmp_path / "clothing" / part, ("bottomwear", "shoes", "topwear"), 2)
    for kind, light in (("Free", 40), ("Crack", 160)):
        (tmp_path / "magnetic_tile" / f"MT_{kind}" / "Imgs").mkdir(parents=True)
        for number in range(6):
            name = f"exp1_num_{1000 * number + light}.jpg"
            Image.new("RGB", (40, 40), (light + number,) * 3).save(
                tmp_path / "magnetic_tile" / f"MT_{kind}" / "Imgs" / name
            )
    extractor = FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights)
    monkeypatch.setattr(bundled_backbone, "extractors", lambda *_folders: [("tiny", extractor)])
    code, said = ran(
        bundled_backbone, "--data", tmp_path, "--weights", tiny_weights, "--json", tmp_path / "figures.json"
    )
    assert code == 0 and "| tiny | average |" in said
    assert {row["features"] for row in json.loads((tmp_path / "figures.json").read_text())["figures"]} == {"tiny"}


def test_history(tmp_path: Path) -> None:
    code, said = ran(history, tmp_path / "records", "--rows", 300, "--rounds", 1, "--verify")
    figures = json.loads(said[said.index('{ "rows"') :])
    assert code == 0 and figures["rows"] == 303 and figures["verify"]["problem"] == ""
    assert figures["page_ms"]["p95"] > 0 and figures["verify"]["entries"] == 303
    code, said = ran(history, tmp_path / "records", "--rows", 300, "--rounds", 1)
    assert code == 0 and "made" not in said


def test_all_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sides, latest, readme = faster_runtimes.runtimes_here(), tmp_path / "latest.json", tmp_path / "README.md"
    assert set(sides) >= {"torch", "fp32", "int8"}
    monkeypatch.setattr(faster_runtimes, "runtimes_here", lambda: {"torch": sides["torch"], "fp32": sides["fp32"]})
    monkeypatch.setattr(run, "LATEST", latest)
    monkeypatch.setattr(run, "README", readme)
    readme.write_text(f"before {run.BEGIN} old {run.END} after")
    code, _said = ran(run, "--quick", "--only", run.FIRST, "--write")
    figures = json.loads(latest.read_text())
    assert code == 0 and figures["label_agreement"] == {"fp32": 1.0}
    assert figures["one_photo"]["fp32"] > 0 and figures["batch_2"]["fp32"] > 0
    assert figures["details"]["agreement"]["random_weights"]["fp32"] == {"votes": 1.0, "verdicts": 1.0}
    shown = readme.read_text()
    assert shown == f"before {run.BEGIN}\n\n{run.shown(figures)}\n\n{run.END} after" and "old" not in shown
    assert {run.FIRST, "cold_start"} <= set(run.tables())


def test_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part, count in (("train", 41), ("test", 11)):
        draw_photos(tmp_path / "photos" / part, OK_NOK.names, count)
    seen: list[int] = []

    def trained(place: Path, _name: str, _weights: Path) -> dict[str, Any]:
        seen.append(len(list((place / "data/train").glob("*/*"))))
        return {"seconds": 2.0 * len(seen), "cpu": 1.0, "auroc": {}}

    monkeypatch.setattr(training, "_trained", trained)
    code, said = ran(training, "--photos", tmp_path / "photos", "--weights", tmp_path, "--quick")
    figures = json.loads(said)
    assert code == 0 and seen == [80, 82, 80] and (figures["photos"], figures["more"]) == (80, 2)
    assert figures["beside_ratio"] == 3.0 and figures["more_share"] == 2.0


def test_heads_say_what_they_take_beside_their_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.members.classical.ForestMember.trees", 5)
    monkeypatch.setattr(heads, "hold_blas_to_one_thread", lambda: None)  # it would hold for all later tests
    result = heads.measure_heads(photos=24, features=8, rounds=1)
    found = result["classes_3"]["svm"]
    assert set(result["classes_2"]) == {"svm", "rf", "xgb"} and found["apart"] <= 1e-6
    assert found["photos_16"]["plain_ms"] > 0 and found["photos_1"]["ratio"] > 0


def test_models_of_every_kind_beside_the_passes_of_their_backbones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"finetuned", "autoencoder", "patch_memory", "baseline_cnn"} <= set(all_kinds.ALONE)
    monkeypatch.setattr(all_kinds, "ALONE", ("mahalanobis", "patch_classifier"))
    monkeypatch.setattr(all_kinds, "hold_blas_to_one_thread", lambda: None)  # it would hold for all later tests
    figures = all_kinds.measure(quick=True)
    assert (figures["runtime"], figures["members"], figures["maps"]) == ("torch", 5, 1)
    assert figures["ratio"] > 0 and set(figures["profile_ms"]) > {"mahalanobis_quorum_small", "svm_quorum_small"}


@contextlib.contextmanager
def served_here(models: Path) -> Iterator[int]:
    """The port of an API in a thread of this process, which has imported everything."""
    server = uvicorn.Server(uvicorn.Config(api.build(models), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def test_clients(products: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "served", served_here)
    place = products["three classes"]
    given = ("--models", place / "models", "--data", place / "data" / "test", "--photos", 4, "--clients", 4)
    code, said = ran(clients, *given, "--rounds", 1)
    figures = json.loads(said)
    assert code == 0 and figures["differing_answers"] == 0 and figures["ratio"] > 0 and figures["p99_s"] > 0


def test_pipeline(products: Mapping[str, Path]) -> None:
    place = products["three classes"]
    given = ("--models", place / "models", "--data", place / "data" / "test", "--photos", 24, "--early", 8)
    code, said = ran(pipeline, *given, "--block", 16, "--rounds", 1)
    figures = json.loads(said)
    assert code == 0 and figures["peak_ratio"] >= 1 and figures["share_of_networks"] > 0
