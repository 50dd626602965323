"""How fast Quorum inspects, as a ratio against the plain way of such dashboards, on the same trained models in one run.

    python -m benchmarks.speed --models models --data data

The plain way: decode the photo once, one Pillow transform a backbone, one eager forward pass a backbone in its default
memory order and with the default number of threads, one scikit-learn call a model with its default settings. A member
that has no plain counterpart (one-class, tuned, detector) is asked alike on both sides, and named. Both run in one
process in alternating blocks, and every vote and verdict of both is compared.
"""

import io
import itertools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from PIL import Image

from ensemble.datasets.loading import evaluation_part
from ensemble.features.backbones import FeatureExtractor, build_network, create_feature_extractor
from ensemble.features.included import pool
from ensemble.features.photo_batch import PhotoBatch, source_preprocessing
from ensemble.imaging.photos import open_photo
from ensemble.inspection.inspector import PROBABILITY_DIGITS, Inspector
from ensemble.members import Member
from ensemble.members.baseline_cnn import BaselineCNN, BaselineCNNMember
from ensemble.members.classical import ClassicalMember
from ensemble.metrics.calibrators import NONE
from ensemble.policies import Policy
from ensemble.store import ModelStore
from ensemble.values.results import Score, Verdict

File = tuple[str, bytes]
Side = Callable[[Sequence[File]], list[Verdict]]
BATCH = 16


class PlainBackbone:
    """An eager backbone up to the layers that its members read, with a Pillow transform of its own."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.spec = extractor.spec
        network = build_network(self.spec.name)
        network.load_state_dict(extractor.state, strict=False)
        self.network = create_feature_extractor(network, {layer: layer for layer in self.spec.layers}).eval()

    def features(self, pictures: Sequence[Image.Image]) -> np.ndarray:
        recipe = self.spec.preprocessing
        prepared = []
        for picture in pictures:
            pixels = np.array(picture.resize(recipe.size, Image.Resampling.BILINEAR), dtype=np.float32) / 255
            tensor = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
            prepared.append(
                (tensor - torch.tensor(recipe.mean)[:, None, None]) / torch.tensor(recipe.std)[:, None, None]
            )
        with torch.no_grad():
            features: np.ndarray = pool(self.network(torch.stack(prepared)), self.spec.pooling).numpy()
        return features


class PlainDashboard:
    """The same trained models, asked in the plain way."""

    def __init__(self, inspector: Inspector, policy: Policy) -> None:
        self.inspector, self.policy = inspector, policy
        self.members, self.classes = inspector.members, inspector.classes
        extractors = [
            member.input
            for member in self.members.values()
            if isinstance(member, ClassicalMember) and isinstance(member.input, FeatureExtractor)
        ]
        self.backbones = {extractor.spec: PlainBackbone(extractor) for extractor in extractors}
        self.networks = {
            name: _plain_cnn(member) for name, member in self.members.items() if isinstance(member, BaselineCNNMember)
        }

    def asked_alike(self) -> list[str]:
        """Members that both sides ask in the same way."""
        kinds = (ClassicalMember, BaselineCNNMember)
        return [name for name, member in self.members.items() if not isinstance(member, kinds)]

    def inspect(self, files: Sequence[File]) -> list[Verdict]:
        """Photos side by side in one batch; a list of one is the single photo."""
        pictures = [Image.open(io.BytesIO(data)).convert("RGB") for _, data in files]
        features = {spec: backbone.features(pictures) for spec, backbone in self.backbones.items()}
        batch = PhotoBatch(pictures)
        said = {
            name: self._probabilities(name, member, batch, features) for name, member in self.members.items()
        }  # (N, K) each
        return [
            self.policy.decide([self._score(name, rows[i]) for name, rows in said.items()], (), self.classes)
            for i in range(len(files))
        ]

    def _probabilities(
        self, name: str, member: Member, batch: PhotoBatch, features: dict[Any, np.ndarray]
    ) -> np.ndarray:
        rows: np.ndarray
        if isinstance(member, ClassicalMember) and isinstance(member.input, FeatureExtractor):
            scaled = member.scaler_.transform(features[member.input.spec])
            rows = member.classifier_.predict_proba(scaled)[:, member.columns_]
        elif name in self.networks:
            size = source_preprocessing(member.input).size
            sized = [np.array(picture.resize(size, Image.Resampling.BILINEAR)) for picture in batch.pictures]
            with torch.no_grad():
                pixels = torch.from_numpy(np.stack(sized)).permute(0, 3, 1, 2).contiguous()  # (N, h, w, 3) before
                rows = self.networks[name](pixels).softmax(dim=1).numpy()
        else:
            rows = member.score(batch.rows(member.input)).probabilities
        calibrated: np.ndarray = self.inspector.calibrators.get(name, NONE)(np.clip(rows, 0, 1).astype(float))
        return np.round(calibrated, PROBABILITY_DIGITS)

    def _score(self, name: str, row: np.ndarray) -> Score:
        given = dict(zip(self.classes.names, row.tolist(), strict=True))
        return Score(name, given, 0.0, weight=self.inspector.weights.get(name, 1.0))


def _plain_cnn(member: BaselineCNNMember) -> BaselineCNN:
    network = BaselineCNN(len(member.classes.names))
    network.load_state_dict(member.network_.state_dict())
    return network.eval()


def _seconds_a_photo(side: Side, groups: Sequence[Sequence[File]], at_least: float) -> float:
    photos, start = 0, time.perf_counter()
    for group in itertools.cycle(groups):
        side(group)
        photos += len(group)
        if (elapsed := time.perf_counter() - start) >= at_least:
            break
    return elapsed / photos


def _compare(
    plain: Side, quorum: Side, groups: Sequence[Sequence[File]], rounds: int, seconds: float
) -> dict[str, Any]:
    """Alternating blocks of both sides; the ratio is taken pair by pair, so that a drifting machine cancels out."""
    for side in (plain, quorum):
        _seconds_a_photo(side, groups[:1], min(0.5, seconds))
    pairs = [
        (_seconds_a_photo(plain, groups, seconds), _seconds_a_photo(quorum, groups, seconds)) for _ in range(rounds)
    ]
    ratios = [slow / fast for slow, fast in pairs]
    return {
        "plain_ms_a_photo": round(1000 * statistics.median(slow for slow, _ in pairs), 2),
        "quorum_ms_a_photo": round(1000 * statistics.median(fast for _, fast in pairs), 2),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_min": round(min(ratios), 2),
        "ratio_max": round(max(ratios), 2),
    }


def _differences(plain: Side, quorum: Side, files: Sequence[File]) -> tuple[int, int]:
    """How many votes and how many verdicts differ between both sides over all photos.

    The plain side knows no guard: a photo that Quorum leaves to a person for what it shows counts by its votes alone.
    """
    pairs = [(plain([file])[0], quorum([file])[0]) for file in files]
    votes = sum(
        one.label != two.label for left, right in pairs for one, two in zip(left.votes, right.votes, strict=True)
    )
    return votes, sum(left.label != right.label and not right.doubt for left, right in pairs)


def main(
    models: Annotated[Path, typer.Option(help="A trained product.")] = Path("models"),
    data: Annotated[Path, typer.Option(help="Its photos.")] = Path("data"),
    rounds: Annotated[int, typer.Option(help="Pairs of blocks.")] = 5,
    seconds: Annotated[float, typer.Option(help="Length of a block at least.")] = 3.0,
    photos: Annotated[int, typer.Option(help="Photos of the test part, in turn of classes.")] = 32,
) -> None:
    """Print the ratios as JSON; exit code 1 where the two sides do not vote alike."""
    store = ModelStore(models)
    manifest, policy = store.manifest(), store.policies()[0]
    inspector = Inspector.open(store)
    samples, _ = evaluation_part(data, manifest.folders, manifest.classes)
    chosen = samples[:: max(1, len(samples) // photos)][:photos]
    files = [(sample.path.name, sample.path.read_bytes()) for sample in chosen]
    dashboard = PlainDashboard(inspector, policy)

    def quorum(group: Sequence[File]) -> list[Verdict]:
        return inspector.inspect([open_photo(data, name) for name, data in group], policy)

    def one_by_one(group: Sequence[File]) -> list[Verdict]:
        return [dashboard.inspect([file])[0] for file in group]

    votes, verdicts = _differences(dashboard.inspect, quorum, files)
    size = min(BATCH, len(files))
    batches = [files[start : start + size] for start in range(0, len(files) - size + 1, size)]
    result = {
        "members": len(inspector.members),
        "absent": [absence.member for absence in inspector.absent],
        "asked_alike": dashboard.asked_alike(),
        "photos": len(files),
        "threads": torch.get_num_threads(),
        "differing_votes": votes,
        "differing_verdicts": verdicts,
        "one_photo": _compare(dashboard.inspect, quorum, [[file] for file in files], rounds, seconds),
        f"batch_of_{size}_against_a_loop_over_photos": _compare(one_by_one, quorum, batches, rounds, seconds),
        f"batch_of_{size}_against_a_stacked_batch": _compare(dashboard.inspect, quorum, batches, rounds, seconds),
    }
    typer.echo(json.dumps(result, indent=2))
    if votes or verdicts:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
