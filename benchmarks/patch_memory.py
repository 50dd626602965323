"""What the patch memory costs: to build it, to score a photo against the backbone's own pass, to search it against
`torch.cdist`, and a photo from pixels to score against anomalib's PatchCore.

    python -m benchmarks.patch_memory ../shared/data/casting/train/ok_front \\
        --backbone resnet18 --weights ../shared/weights \\
        --defective ../shared/data/casting/test/def_front --peer /tmp/anomalib/bin/python

All sides of a ratio see the same photos, one at a time, in alternating blocks. `--peer` is the Python of an environment
that has anomalib (`benchmarks/anomalib_peer.py` says how to make one). `make bench` measures the search, and with
QUORUM_ANOMALIB=PYTHON the peer, on the photos in `../shared` where they are, else the search on those that ship.
"""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import torch
import typer
from PIL import Image

from benchmarks.blocks import alternating, compared
from ensemble.disk.home import HOME
from ensemble.features.backbones import FeatureExtractor, find_weights
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import BUNDLED
from ensemble.imaging.photos import PHOTO_ENDINGS, read_photo
from ensemble.jobs.processes import peak_memory
from ensemble.members import KINDS
from ensemble.members.contract import Member
from ensemble.members.good_parts import patches
from ensemble.members.nearest import NearestPlaces
from ensemble.training import source_of
from ensemble.values.results import OK_NOK

PEER_SETTING = "QUORUM_ANOMALIB"  # the Python of an environment that has anomalib
PEER = Path(__file__).with_name("anomalib_peer.py")
SHARED = HOME.parent / "shared"
PLACES, ASKED = 10_000, 784
TRAIN_PHOTOS = 40  # for the peer, which chooses its memory slowly
TEST_PHOTOS = 60  # good ones, and as many defective ones


@dataclass(frozen=True)
class Length:
    """How much is measured."""

    rounds: int
    seconds: float  # a block
    places: int = PLACES
    asked: int = ASKED


LONG, SHORT = Length(7, 1.0), Length(1, 0.01, 1200, 64)


def timed(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def photos_in(folder: Path) -> list[Path]:
    """The photos of a folder."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_ENDINGS)


def opened(backbone: str, weights: Path | None, side: int) -> FeatureExtractor:
    """The backbone as a patch memory reads it."""
    source = source_of("patch_memory", FeatureExtractor.open(backbone, weights=weights), side)
    if not isinstance(source, FeatureExtractor):
        raise typer.BadParameter("The patch memory reads a backbone.")
    return source


def places_of(extractor: FeatureExtractor, paths: Sequence[Path], count: int) -> torch.Tensor:
    """So many places (count, C) of photos, drawn from as many of each."""
    random, each = torch.Generator().manual_seed(0), -(-count // len(paths))
    found = []
    for path in paths:
        places = patches(PhotoBatch([read_photo(path).picture]).rows(extractor), extractor.shapes())[0]
        found.append(places[torch.randperm(len(places), generator=random)[:each]].half().float())
    every = torch.cat(found)
    return every[torch.randperm(len(every), generator=random)[:count]]


def search(memory: torch.Tensor, asked: torch.Tensor, length: Length) -> dict[str, Any]:
    """Milliseconds of `torch.cdist` and of the search in (M, C) places for (N, C) asked ones, and what both err."""
    nearest = NearestPlaces(memory)
    truth = torch.cdist(asked.double(), memory.double(), compute_mode="donot_use_mm_for_euclid_dist").amin(dim=1)
    sides = {
        "cdist": lambda group: [torch.cdist(points, memory).amin(dim=1) for points in group],
        "search": lambda group: [nearest(points) for points in group],
    }
    found: dict[str, Any] = dict(compared(alternating(sides, [[asked]], length.rounds, length.seconds), "cdist"))
    for name, side in sides.items():
        found[name]["largest_error"] = float(f"{float((side([asked])[0] - truth).abs().max()):.1e}")
    return {"places": list(memory.shape), "asked": len(asked), **found, "load": round(psutil.getloadavg()[0], 1)}


def with_peer(
    peer: Path,
    member: Member,
    weights: Path,
    train: Sequence[Path],
    good: Sequence[Path],
    bad: Sequence[Path],
    length: Length,
) -> dict[str, Any]:
    """Image AUROC and milliseconds a photo, from pixels to score, of a fitted patch memory and of anomalib's."""
    from sklearn.metrics import roc_auc_score

    extractor = member.input
    assert isinstance(extractor, FeatureExtractor)
    test, truth = [*good, *bad], [0] * len(good) + [1] * len(bad)
    pictures = [read_photo(path).picture for path in test]

    def quorum(places: Sequence[int]) -> list[float]:
        rows = (PhotoBatch([pictures[place]]).rows(extractor) for place in places)
        return [float(member.score(row).probabilities[0, 1 - member.good_column()]) for row in rows]

    asked = {
        "train": [str(path) for path in train],
        "test": [str(path) for path in test],
        "backbone": extractor.spec.name,
        "layers": list(extractor.spec.layers),
        "weights": str(find_weights(extractor.spec.name, [weights])),
        "side": extractor.spec.preprocessing.side,
        "places": member.facts_["places"],
        "threads": torch.get_num_threads(),
    }
    pipe, quiet = subprocess.PIPE, {**os.environ, "TQDM_DISABLE": "1"}
    with subprocess.Popen([peer, PEER], stdin=pipe, stdout=pipe, env=quiet, text=True) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None and stdout is not None

        def ask(what: object) -> dict[str, Any]:
            stdin.write(json.dumps(what) + "\n")
            stdin.flush()
            answer: dict[str, Any] = json.loads(stdout.readline())
            return answer

        theirs = ask(asked)
        groups = [range(first, len(test), 8) for first in range(min(8, len(test)))]
        times = alternating({"anomalib": ask_for(ask), "quorum": quorum}, groups, length.rounds, length.seconds)
        stdin.close()
    found: dict[str, Any] = dict(compared(times, "anomalib"))
    found["anomalib"] |= {"auroc": round(roc_auc_score(truth, theirs["scores"]), 4), "places": theirs["places"]}
    found["quorum"] |= {"auroc": round(roc_auc_score(truth, quorum(range(len(test)))), 4), "places": asked["places"]}
    version, counts = theirs["version"], [len(train), len(good), len(bad)]
    return {"anomalib_version": version, "photos": counts, **found, "load": round(psutil.getloadavg()[0], 1)}


def ask_for(ask: Callable[[object], object]) -> Callable[[Sequence[int]], object]:
    """The peer as a side: it takes places as a list."""
    return lambda places: ask(list(places))


def rows_of(extractor: FeatureExtractor, pictures: Sequence[Image.Image]) -> np.ndarray:
    """Rows (N, D) of photos, a few at a time."""
    parts = [PhotoBatch(pictures[first : first + 16]).rows(extractor) for first in range(0, len(pictures), 16)]
    return np.concatenate(parts)


def fitted(extractor: FeatureExtractor, paths: Sequence[Path]) -> Member:
    """A patch memory of photos of good parts."""
    rows = rows_of(extractor, [read_photo(path).picture for path in paths])
    return KINDS["patch_memory"](classes=OK_NOK, input=extractor).fit(rows, np.zeros(len(rows), dtype=int))


def measure(quick: bool = False) -> dict[str, Any]:
    """The search against `torch.cdist` and, where its environment is named, anomalib's PatchCore beside ours."""
    length, casting = SHORT if quick else LONG, SHARED / "data" / "casting"
    there = casting.is_dir() and (SHARED / "weights").is_dir()
    weights = SHARED / "weights" if there else None
    good = photos_in(casting / "train" / "ok_front" if there else min((HOME / "data" / "train").iterdir()))
    bad = photos_in(casting / "test" / "def_front") if there else []
    extractor = opened("resnet18" if there else BUNDLED, weights, 64 if quick else 256)
    some, others = (good[:12], good[12:14]) if quick else (good[:60], good[60:68])
    memory, asked = places_of(extractor, some, length.places), places_of(extractor, others, length.asked)
    found = {"search": search(memory, asked, length)}
    if (peer := os.environ.get(PEER_SETTING)) and weights and bad:
        train, count = good[: 12 if quick else TRAIN_PHOTOS], 4 if quick else TEST_PHOTOS
        fresh = good[len(train) : len(train) + count]
        found["peer"] = with_peer(Path(peer), fitted(extractor, train), weights, train, fresh, bad[:count], length)
    return found


def main(
    folder: Annotated[Path, typer.Argument(help="A folder of photos of good parts.")],
    photos: int = 320,
    side: int = 256,
    backbone: str = BUNDLED,
    weights: Path | None = None,
    blocks: int = 5,
    defective: Annotated[Path | None, typer.Option(help="A folder of photos of defective parts, for the peer.")] = None,
    peer: Annotated[Path | None, typer.Option(envvar=PEER_SETTING, help="A Python that has anomalib.")] = None,
) -> None:
    """Build a patch memory, score photos with it, search it; with a peer, compare both."""
    paths = photos_in(folder)
    if len(paths) < photos + 1:
        raise typer.BadParameter(f"{folder} holds {len(paths)} photos; {photos + 1} are needed.")
    extractor, length = opened(backbone, weights, side), Length(blocks, LONG.seconds if blocks > 1 else 0.01)
    start = time.perf_counter()
    rows = rows_of(extractor, [read_photo(path).picture for path in paths[:photos]])
    reading = time.perf_counter() - start
    start = time.perf_counter()
    member = KINDS["patch_memory"](classes=OK_NOK, input=extractor).fit(rows, np.zeros(photos, dtype=int))
    building = time.perf_counter() - start
    typer.echo(f"{photos} photos at {side} pixels, {backbone}, {torch.get_num_threads()} threads")
    peak = peak_memory() / 1e9
    typer.echo(f"reading {reading:.1f} s, building {building:.1f} s, peak {peak:.2f} GB, {member.facts_}")
    others = paths[photos : photos + 16]
    typer.echo(against_pass(member, extractor, [read_photo(path).picture for path in others], blocks))
    memory = places_of(extractor, paths[: min(photos, 60)], length.places)
    typer.echo(json.dumps(search(memory, places_of(extractor, others, length.asked), length)))
    if peer and weights and defective:
        good, bad = paths[photos : photos + TEST_PHOTOS], photos_in(defective)[:TEST_PHOTOS]
        typer.echo(json.dumps(with_peer(peer, member, weights, paths[:photos], good, bad, length)))


def against_pass(member: Member, extractor: FeatureExtractor, pictures: Sequence[Image.Image], blocks: int) -> str:
    """The score of a photo against the backbone's pass, in words."""
    prepared = [extractor.spec.preprocessing.prepare([picture]) for picture in pictures]
    measured = [PhotoBatch([picture]).rows(extractor) for picture in pictures]
    ratios, passes, scores = [], [], []
    for _ in range(blocks):
        forward_time = timed(lambda: [extractor.maps(pixels) for pixels in prepared]) / len(pictures)
        score_time = timed(lambda: [member.score(row) for row in measured]) / len(pictures)
        passes.append(forward_time)
        scores.append(score_time)
        ratios.append(score_time / forward_time)
    forward, score = 1e3 * statistics.median(passes), 1e3 * statistics.median(scores)
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}, {blocks} blocks"
    ratio = f"score / pass {statistics.median(ratios):.2f} ({spread})"
    return f"the backbone's pass {forward:.1f} ms, the score {score:.1f} ms\n{ratio}"


if __name__ == "__main__":
    typer.run(main)
