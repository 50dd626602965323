"""How many times faster than the plain way the ensemble is in each precision, and how near to the processor's own pace.

    python -m benchmarks.run --only faster_runtimes

ResNet50, VGG16 and DenseNet121 up to their last maps, at 224 pixels and with random weights, which take as long as any
others; an SVM, a forest and boosting on each. The plain way: Pillow decodes the whole photo, each backbone resizes it
anew and passes it eagerly in torch, and each classifier of scikit-learn is asked by itself, one photo after another.
Both sides ask the same classifiers, the forest being scikit-learn's default one.
"""

import hashlib
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save
from sklearn.ensemble import RandomForestClassifier

from benchmarks.blocks import alternating, compared
from benchmarks.floor import BF16, BYTES, FP32, INT8, best_seconds, memory_pace, operations, peak_operations, weights_of
from benchmarks.speed import File, PlainDashboard
from ensemble.disk.home import HOME
from ensemble.features.backbones import DEFAULT_TRIO, LIGHT_TRIO, FeatureExtractor, build_network
from ensemble.features.graphs import OPENVINO, OPENVINO_BF16
from ensemble.features.openvino_runtime import CalibratedRuntime, OpenVinoRuntime, can_calibrate, has_openvino
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import BUNDLED, LITE
from ensemble.features.runtimes import Passes, Runtime, TorchRuntime
from ensemble.imaging.photos import open_photo
from ensemble.inspection.inspector import Inspector
from ensemble.members import KINDS, Loaded, Member
from ensemble.members.classical import CLASSIFIER, SCALER
from ensemble.policies import Policy
from ensemble.values.results import OK_NOK, Verdict

LAST_MAPS = {"resnet50": "layer4", "vgg16": "features.30", "densenet121": "features.norm5"}
HEADS = ("svm", "rf", "xgb")
PLAIN, TORCH_SIDE = "plain", "torch"
POLICY = Policy("MEAN", "mean", threshold=0.5)

RuntimeOf = Callable[[FeatureExtractor, Sequence[Image.Image]], Runtime]  # given what it may calibrate on
Products = Mapping[str, Inspector]  # the same members by how photos pass their backbones


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    backbones: Sequence[str] = DEFAULT_TRIO
    included: Sequence[str] = (BUNDLED, LITE)
    others: Sequence[str] = LIGHT_TRIO
    photos: int = 24  # of each part of the photos that ship: taught on the first, asked on the other
    rounds: int = 3
    seconds: float = 1.5
    batch: int = 16
    size: tuple[int, int] = (3000, 2000)
    side: int = 224


QUICK = Extent(("squeezenet1_1",), (BUNDLED,), (), photos=12, rounds=1, seconds=0.01, batch=2, size=(300, 200), side=64)


def measure(quick: bool = False) -> dict[str, Any]:
    """Ratios, agreement and shares of the floor by precision, and where the time of one photo goes."""
    extent = QUICK if quick else Extent()
    files, photos = photos_of("test", extent.photos), photos_of("train", extent.photos)
    say("backbones with random weights")
    products = products_of(drawn(extent), photos)
    large = [large_photo(data, extent.size) for _, data in files[: extent.batch]]
    real = with_weights(extent)
    say("label agreement")
    trained = products_of(real, photos)
    agreement = {"random_weights": agreeing(products, files), "real_weights": agreeing(trained, files)}
    say("speed")
    one, batch = speeds(products, [[each] for each in large], extent), speeds(products, [large], extent)
    shares, floors = floor_shares(products, one, batch, large[0], extent)
    precisions = [name for name in one if name not in (PLAIN, TORCH_SIDE)]
    return {
        "one_photo": {name: one[name]["ratio"] for name in precisions},
        f"batch_{extent.batch}": {name: batch[name]["ratio"] for name in precisions},
        "label_agreement": {name: agreement["real_weights"][name]["votes"] for name in precisions},
        "share_of_floor": shares,
        "details": {
            "extent": asdict(extent),
            "one_photo": one,
            "batch": batch,
            "agreement": agreement,
            "floor": floors,
            "where_the_time_goes_ms": {name: profile(products[name], large[0]) for name in products},
            "backbones_ms": {name: passes_ms(trained[name]) for name in trained},
        },
    }


def say(step: str) -> None:
    """Tell on the error stream what is measured now."""
    print(f"  {step} ...", file=sys.stderr, flush=True)


def photos_of(part: str, count: int) -> list[File]:
    """Photos that ship with the app, as many of each class; the name says which."""
    folders = sorted(folder for folder in (HOME / "data" / part).iterdir() if folder.is_dir())
    chosen = [path for folder in folders for path in sorted(folder.iterdir())[: count // len(folders)]]
    return [(path.parent.name, path.read_bytes()) for path in chosen]


def large_photo(data: bytes, size: tuple[int, int]) -> File:
    """The same photo as a large camera would give it: with grain, which costs a decoder time."""
    picture = Image.open(io.BytesIO(data)).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(0).normal(0, 4, (size[1], size[0], 1))
    written = io.BytesIO()
    Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)).save(written, "JPEG", quality=90)
    return "large.jpg", written.getvalue()


def drawn(extent: Extent) -> list[FeatureExtractor]:
    """Backbones with random weights."""
    torch.manual_seed(0)
    found = []
    for name in extent.backbones:
        layers = [LAST_MAPS[name]] if name in LAST_MAPS else None
        state = {key: each for key, each in build_network(name).state_dict().items() if "classifier" not in key}
        path = Path(f"{name}.safetensors")
        found.append(FeatureExtractor.from_bytes(name, save(state), path, layers=layers).at(extent.side))
    return found


def with_weights(extent: Extent) -> list[FeatureExtractor]:
    """Backbones with their real weights: those that come with the app, and others where a folder of them is there."""
    folder = HOME.parent / "shared" / "weights"
    found = [FeatureExtractor.open(name) for name in extent.included]
    found += [FeatureExtractor.open(name, weights=folder) for name in extent.others if folder.is_dir()]
    return [each.at(extent.side) for each in found]


def products_of(extractors: Sequence[FeatureExtractor], photos: Sequence[File]) -> dict[str, Inspector]:
    """Three classifiers on each backbone, taught on these photos with torch, and asked through each runtime."""
    pictures = [open_photo(data, name).picture for name, data in photos]
    labels = np.array([int(name != photos[0][0]) for name, _ in photos])
    batch, taught = PhotoBatch(pictures), []
    for extractor in extractors:
        reference = carried(extractor, TorchRuntime())
        taught += [taught_head(kind, reference, batch.rows(reference), labels) for kind in HEADS]
    products = {PLAIN: inspector_of(taught, {each.spec.name: carried(each, TorchRuntime()) for each in extractors})}
    for name, runtime_of in runtimes_here().items():
        by_name = {each.spec.name: carried(each, runtime_of(each, pictures)) for each in extractors}
        products[name] = inspector_of(taught, by_name)
    return products


def runtimes_here() -> dict[str, RuntimeOf]:
    """What this machine has, by precision; torch is the one of the app without OpenVINO."""
    found: dict[str, RuntimeOf] = {TORCH_SIDE: lambda _extractor, _pictures: TorchRuntime()}
    if not has_openvino():
        return found
    found[FP32] = lambda _extractor, _pictures: OpenVinoRuntime(OPENVINO)
    if torch.cpu._is_avx512_bf16_supported():
        found[BF16] = lambda _extractor, _pictures: OpenVinoRuntime(OPENVINO_BF16)
    if can_calibrate():
        found[INT8] = _calibrated
    return found


def _calibrated(extractor: FeatureExtractor, pictures: Sequence[Image.Image]) -> Runtime:
    """8 bits, calibrated on these pictures unless they were before."""
    runtime = CalibratedRuntime(hashlib.sha256(b"".join(picture.tobytes() for picture in pictures)).hexdigest())
    identity, reads = extractor.passes.identity, extractor.spec.preprocessing
    if not runtime.is_kept(identity, reads.size):
        runtime.calibrate(extractor.passes.network, identity, reads.prepare(pictures))
    return runtime


def carried(extractor: FeatureExtractor, runtime: Runtime) -> FeatureExtractor:
    """The same backbone by another runtime."""
    spec, network = extractor.spec, extractor._network
    return FeatureExtractor(
        spec, network, extractor.state, Passes(network, (spec.name, spec.layers, spec.weights), runtime)
    )


def taught_head(kind: str, extractor: FeatureExtractor, rows: np.ndarray, labels: np.ndarray) -> Member:
    """A classifier on a backbone's rows; the forest is scikit-learn's default one."""
    member = KINDS[kind](classes=OK_NOK, input=extractor).fit(rows, labels)
    if kind == "rf":
        scaler = member.parts()[SCALER]
        forest = RandomForestClassifier(random_state=0).fit(scaler.transform(rows), labels)
        member.restore({CLASSIFIER: forest, SCALER: scaler})
    return member


def inspector_of(taught: Sequence[Member], extractors: Mapping[str, FeatureExtractor]) -> Inspector:
    """The same classifiers, reading these backbones."""
    members: dict[str, Member] = {}
    for head in taught:
        assert isinstance(head.input, FeatureExtractor)
        name = head.input.spec.name
        member = type(head)(classes=OK_NOK, input=extractors[name])
        members[f"{member.kind}_{name}"] = member.restore(head.parts())
    return Inspector(Loaded(members, (), OK_NOK))


def sides_of(products: Products) -> dict[str, Callable[[Sequence[File]], list[Verdict]]]:
    """From the bytes of photos to verdicts; the plain way takes one photo after another."""
    dashboard = PlainDashboard(products[PLAIN], POLICY)

    def plain(files: Sequence[File]) -> list[Verdict]:
        return [verdict for file in files for verdict in dashboard.inspect([file])]

    def fast(inspector: Inspector) -> Callable[[Sequence[File]], list[Verdict]]:
        return lambda files: inspector.inspect([open_photo(data, name) for name, data in files], POLICY)

    others = {name: fast(each) for name, each in products.items() if name != PLAIN}
    return {PLAIN: plain, **others}


def speeds(products: Products, groups: Sequence[Sequence[File]], extent: Extent) -> dict[str, dict[str, float]]:
    """Every side in alternating blocks."""
    return compared(alternating(sides_of(products), groups, extent.rounds, extent.seconds), PLAIN)


def agreeing(products: Products, files: Sequence[File]) -> dict[str, dict[str, float]]:
    """The shares of votes and of verdicts that are those of the plain way."""
    said = {name: side(files) for name, side in sides_of(products).items()}

    def share(pairs: Sequence[tuple[str, str]]) -> float:
        return round(sum(one == other for one, other in pairs) / len(pairs), 4)

    found = {}
    for name, verdicts in said.items():
        both = list(zip(said[PLAIN], verdicts, strict=True))
        votes = [(a.label, b.label) for one, other in both for a, b in zip(one.votes, other.votes, strict=True)]
        found[name] = {"votes": share(votes), "verdicts": share([(a.label, b.label) for a, b in both])}
    return found


def backbones_of(inspector: Inspector) -> dict[str, FeatureExtractor]:
    """Those that its members read, by name."""
    sources = [member.input for member in inspector.members.values()]
    return {source.spec.name: source for source in sources if isinstance(source, FeatureExtractor)}


def passes_ms(inspector: Inspector) -> dict[str, float]:
    """Milliseconds of one photo in each backbone by itself."""
    found = {}
    for name, extractor in backbones_of(inspector).items():
        drawn = torch.rand(1, 3, *extractor.spec.preprocessing.size[::-1]).contiguous(memory_format=torch.channels_last)
        found[name] = round(1000 * best_seconds(partial(extractor.extract, drawn), 0.2), 2)
    return found


def profile(inspector: Inspector, file: File) -> dict[str, float]:
    """Milliseconds of each step of one photo, the fastest of some tries each."""
    photo = open_photo(file[1], file[0])
    extractors = backbones_of(inspector)
    first = next(iter(extractors.values()))
    batch = PhotoBatch([photo.picture])
    prepared = first.spec.preprocessing.prepare([photo.picture])
    steps: dict[str, Callable[[], Any]] = {
        "decode": lambda: open_photo(file[1], file[0]),
        "resize": lambda: first.spec.preprocessing.resize([photo.picture]),
        **{name: partial(extractor.extract, prepared) for name, extractor in extractors.items()},
        **{name: partial(member.score, batch.rows(member.input)) for name, member in inspector.members.items()},
    }
    found = {name: round(1000 * best_seconds(step, 0.1), 3) for name, step in steps.items()}
    whole = 1000 * best_seconds(lambda: inspector.inspect([open_photo(file[1], file[0])], POLICY), 1.0)
    return {**found, "rest": round(whole - sum(found.values()), 3), "whole": round(whole, 3)}


def floor_shares(
    products: Products, one: Mapping[str, Any], batch: Mapping[str, Any], file: File, extent: Extent
) -> tuple[dict[str, Any], dict[str, Any]]:
    """For each precision which share of the time a photo cannot do without, and what that floor is made of."""
    networks = [extractor._network for extractor in backbones_of(products[PLAIN]).values()]
    asked = sum(operations(network, (extent.side, extent.side)) for network in networks)
    decode, pace = (
        best_seconds(lambda: open_photo(file[1], file[0]), extent.seconds / 4),
        memory_pace(extent.seconds / 4),
    )
    shares: dict[str, Any] = {}
    floors: dict[str, Any] = {"gigaoperations_a_photo": round(asked / 1e9, 2), "memory_gb_s": round(pace / 1e9, 1)}
    for name in (FP32, BF16, INT8):
        if name not in one:
            continue
        peak = peak_operations(name, extent.seconds / 2, 1536 if extent.side >= 224 else 64)
        parts = {
            "arithmetic": asked / peak,
            "weights": BYTES[name] * weights_of(networks) / pace,
            "decode": decode,
        }
        floors[name] = {part: round(1000 * seconds, 2) for part, seconds in parts.items()}
        floors[name]["peak_gigaoperations_s"] = round(peak / 1e9, 1)
        floor_one = 1000 * sum(parts.values())
        floor_batch = 1000 * (parts["arithmetic"] + parts["weights"] / extent.batch + decode)
        shares[name] = {
            "one_photo": round(floor_one / one[name]["fastest_ms"], 2),
            f"batch_{extent.batch}": round(floor_batch / batch[name]["fastest_ms"], 2),
        }
    return shares, floors
