"""Teaching the bundled backbone: it learns to predict a teacher's middle maps on pictures that the project draws."""

import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from ensemble.disk.files import write_atomically
from ensemble.drawing.lessons import draw_lessons
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.included import BUNDLED_WIDTHS, SmallResNet, channels_last
from ensemble.features.preprocessing import BUNDLED, IMAGENET_MEAN, IMAGENET_STD, BackboneSpec
from ensemble.features.weights import as_safetensors
from ensemble.values.training import Progress

TEACHER = "resnet18"
TEACHER_LAYERS, TEACHER_CHANNELS = ("layer2", "layer3"), (128, 256)  # at strides 8 and 16
PICTURE_SIDE, VIEW_SIDE = 160, 128
PRETRAINING_BATCH = 48
DRAWN_AT_ONCE = 100  # pictures that a process draws in one go; fewer than three of them are not worth the processes
PEAK_RATE = 3e-3
HALF_IS_FASTER = torch.cpu._is_avx512_bf16_supported()  # elsewhere bfloat16 is emulated, at a tenth of float32's speed
MEAN = torch.tensor(IMAGENET_MEAN)[:, None, None]
DEVIATION = torch.tensor(IMAGENET_STD)[:, None, None]

Pictures = NDArray[np.uint8]  # (N, H, W, 3)
Batch = tuple[Tensor, list[Tensor]]  # views (N, 3, H, W), and one target map (N, C, h, w) a layer


def draw_pictures(count: int, *, seed: int, report: Progress) -> Pictures:
    """The first `count` lessons of a seed, drawn by all cores: (count, 160, 160, 3)."""
    pictures = np.empty((count, PICTURE_SIDE, PICTURE_SIDE, 3), dtype=np.uint8)
    starts = range(0, count, DRAWN_AT_ONCE)
    sizes = [min(DRAWN_AT_ONCE, count - start) for start in starts]
    repeated = ([seed] * len(sizes), starts, sizes, [PICTURE_SIDE] * len(sizes))
    if count <= 2 * DRAWN_AT_ONCE:
        drawn: Iterator[Pictures] = map(draw_lessons, *repeated)
        return np.concatenate(list(drawn), out=pictures)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for start, part in zip(starts, pool.map(draw_lessons, *repeated), strict=True):
            pictures[start : start + len(part)] = part
            report("Drawing pictures", (start + len(part)) / count)
    return pictures


def draw_views(rng: Generator, pictures: Pictures) -> Tensor:
    """One view a picture: crop at a common scale, flips, channel order, inversion; normalised (N, 3, 128, 128)."""
    crop = int(rng.integers(104, PICTURE_SIDE + 1))
    views = np.empty((len(pictures), crop, crop, 3), dtype=np.uint8)
    for view, picture in zip(views, pictures, strict=True):
        top, left = rng.integers(0, PICTURE_SIDE - crop + 1, 2)
        part = picture[top : top + crop, left : left + crop]
        part = part[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
        if rng.random() < 0.3:
            part = part[..., rng.permutation(3)]
        view[:] = 255 - part if rng.random() < 0.15 else part
    batch = torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255  # (N, H, W, 3) -> (N, 3, H, W)
    size = (VIEW_SIDE, VIEW_SIDE)
    batch = nn.functional.interpolate(batch, size, mode="bilinear", antialias=True, align_corners=False)
    batch = (batch - MEAN) / DEVIATION
    return batch.contiguous(memory_format=torch.channels_last)


class Teacher:
    """A frozen backbone's maps, each channel with mean 0 and deviation 1 over the views it was measured on."""

    def __init__(self, extractor: FeatureExtractor, views: Tensor) -> None:
        self.extractor = extractor
        self.norms = [torch.std_mean(maps, dim=(0, 2, 3), keepdim=True) for maps in self._maps(views)]

    def targets(self, views: Tensor) -> list[Tensor]:
        """One map a layer, (N, C, h, w)."""
        raw = self._maps(views)
        return [(maps - mean) / std.clamp_min(1e-3) for maps, (std, mean) in zip(raw, self.norms, strict=True)]

    def _maps(self, views: Tensor) -> list[Tensor]:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return [maps.float() for maps in self.extractor.maps(views).values()]


class Pupil(nn.Module):
    """The student network with one 1×1 convolution a stage, which translates its maps into the teacher's."""

    def __init__(self) -> None:
        super().__init__()
        self.network = SmallResNet()
        self.heads = nn.ModuleList(
            nn.Conv2d(own, other, 1) for own, other in zip(BUNDLED_WIDTHS[1:], TEACHER_CHANNELS, strict=True)
        )

    def forward(self, views: Tensor) -> list[Tensor]:
        first = self.network.stage1(self.network.stem(views))
        second = self.network.stage2(first)
        return [head(maps).float() for head, maps in zip(self.heads, (first, second), strict=True)]


@dataclass(frozen=True, slots=True)
class PretrainingResult:
    """What the learning came to: views seen, and the loss over the first and the last steps."""

    views: int
    first_loss: float
    final_loss: float


def _learning_rate(done: float) -> float:
    """A short warm-up, then half a cosine down to nothing."""
    warm = 0.03
    return done / warm if done < warm else 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


def series(teacher: Teacher, pictures: Pictures, *, epochs: int, seed: int) -> Iterator[Batch]:
    """Views and the teacher's answers, batch by batch; every epoch shows each picture once, in another view."""
    rng = np.random.default_rng((seed, 1))
    batch = min(PRETRAINING_BATCH, len(pictures))
    for _ in range(epochs):
        order = rng.permutation(len(pictures))
        for start in range(0, len(order) - batch + 1, batch):
            views = draw_views(rng, pictures[order[start : start + batch]])
            yield views, teacher.targets(views)


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, each prepared on a thread of its own while the one before is being learnt."""
    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as worker:
        coming = worker.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = worker.submit(next, batches, None)
            yield batch


def learn(
    pupil: Pupil,
    batches: Iterator[Batch],
    *,
    steps: int,
    stop_at: float,
    report: Progress,
    keep: Callable[[], None],
) -> PretrainingResult:
    """Imitate the teacher; the learning rate reaches zero at the last step or at the time to stop."""
    optimiser = torch.optim.AdamW(pupil.parameters(), lr=PEAK_RATE, weight_decay=0.01, fused=True)
    losses: list[float] = []
    started, views_seen, kept = time.monotonic(), 0, 0.0
    for views, targets in _ahead(batches):
        elapsed = (time.monotonic() - started) / max(stop_at - started, 1e-3)
        done = max(len(losses) / steps, elapsed)
        if losses and done >= 1:  # one step at least, however soon it is to stop
            break
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * max(_learning_rate(done), 1e-3)
        losses.append(_step(pupil, optimiser, views, targets))
        views_seen += len(views)
        report("Learning", done)
        if done - kept >= 0.05:
            keep()
            kept = done
    window = max(1, min(100, len(losses) // 4))
    return PretrainingResult(views_seen, float(np.mean(losses[:window])), float(np.mean(losses[-window:])))


@contextmanager
def _learning_threads() -> Iterator[None]:
    """All cores but the one that prepares the next batch: two pools on the same cores wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before - 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _step(pupil: Pupil, optimiser: torch.optim.Optimizer, views: Tensor, targets: list[Tensor]) -> float:
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=HALF_IS_FASTER):
        answers = pupil(views)
    losses = [nn.functional.smooth_l1_loss(*pair) for pair in zip(answers, targets, strict=True)]
    loss = torch.stack(losses).sum()
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    return loss.item()


def pretrain(
    *,
    teacher: Path | None,
    destination: Path,
    pictures: int = 48_000,
    epochs: int = 4,
    minutes: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Draw pictures, teach a SmallResNet and write quorum_small.safetensors and .json; returns the .json's facts.

    `teacher` is a folder with resnet18's weights (layers 1 to 3 suffice). With `minutes`, the learning ends after
    that time at the latest, at a fitting learning rate. Until the end, unfinished-quorum_small.safetensors holds what
    was learnt so far. Raises WeightsError where the teacher's weights are missing.
    """
    report: Progress = progress or (lambda stage, done: None)
    extractor = FeatureExtractor.open(TEACHER, layers=TEACHER_LAYERS, weights=teacher)
    destination.mkdir(parents=True, exist_ok=True)
    unfinished = destination / f"unfinished-{BUNDLED}.safetensors"
    started = time.monotonic()
    drawn = draw_pictures(pictures, seed=seed, report=report)
    drawn_at = time.monotonic()
    torch.manual_seed(seed)
    pupil = channels_last(Pupil())
    guide = Teacher(extractor, draw_views(np.random.default_rng((seed, 2)), drawn[:768]))
    with _learning_threads():
        lesson = learn(
            pupil,
            series(guide, drawn, epochs=epochs, seed=seed),
            steps=epochs * (pictures // min(PRETRAINING_BATCH, pictures)),
            stop_at=math.inf if minutes is None else started + 60 * minutes,
            report=report,
            keep=lambda: write_atomically(unfinished, as_safetensors(_compact(pupil.network))),
        )
    path = destination / f"{BUNDLED}.safetensors"
    write_atomically(path, as_safetensors(_compact(pupil.network)))
    unfinished.unlink(missing_ok=True)
    facts = _facts(pupil.network, path, extractor.spec, lesson) | {
        "pictures": pictures,
        "epochs": epochs,
        "minutes": minutes,
        "seed": seed,
        "drawing_seconds": round(drawn_at - started, 1),
        "seconds": round(time.monotonic() - started, 1),
    }
    write_atomically(destination / f"{BUNDLED}.json", (json.dumps(facts, indent=2) + "\n").encode())
    return facts


def _compact(network: nn.Module) -> dict[str, Tensor]:
    """Convolutions as half floats, norms and their statistics as they are."""
    state = network.state_dict()
    return {name: value.half() if value.dim() == 4 else value for name, value in state.items()}


def _facts(network: nn.Module, path: Path, teacher: BackboneSpec, lesson: PretrainingResult) -> dict[str, Any]:
    """What a program, or a person after years, wants to know of the weights."""
    return {
        "name": BUNDLED,
        "network": type(network).__name__,
        "widths": list(BUNDLED_WIDTHS),
        "layers": {"stage1": {"channels": 128, "stride": 8}, "stage2": {"channels": 256, "stride": 16}},
        "input": {"channels": "RGB", "mean": list(IMAGENET_MEAN), "std": list(IMAGENET_STD)},
        "parameters": sum(value.numel() for value in network.parameters()),
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "teacher": {"name": teacher.name, "layers": list(teacher.layers), "sha256": teacher.weights},
        "views": lesson.views,
        "first_loss": round(lesson.first_loss, 4),
        "final_loss": round(lesson.final_loss, 4),
        "cores": os.cpu_count(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
