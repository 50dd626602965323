"""What the patch memory costs: seconds and memory to build it, and a photo's score against the backbone's own pass.

    python -m benchmarks.patch_memory ../shared/data/casting/train/ok_front \\
        --backbone resnet18 --weights ../shared/weights

Both sides of the ratio read the same resized photos, one at a time, in alternating blocks.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import BUNDLED
from ensemble.imaging.photos import PHOTO_ENDINGS, read_photo
from ensemble.jobs.processes import peak_memory
from ensemble.members import KINDS
from ensemble.training import source_of
from ensemble.values.results import OK_NOK


def timed(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(
    folder: Annotated[Path, typer.Argument(help="A folder of photos of good parts.")],
    photos: int = 320,
    side: int = 256,
    backbone: str = BUNDLED,
    weights: Path | None = None,
    blocks: int = 5,
) -> None:
    """Build a patch memory and score photos with it."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_ENDINGS)
    if len(paths) < photos + 1:
        raise typer.BadParameter(f"{folder} holds {len(paths)} photos; {photos + 1} are needed.")
    source = source_of("patch_memory", FeatureExtractor.open(backbone, weights=weights), side)
    if not isinstance(source, FeatureExtractor):
        raise typer.BadParameter("The patch memory reads a backbone.")
    extractor = source
    start = time.perf_counter()
    pictures = [read_photo(path).picture for path in paths[: photos + 16]]
    chunks = [PhotoBatch(pictures[first : first + 16]).rows(extractor) for first in range(0, photos, 16)]
    rows = np.concatenate(chunks)[:photos]
    reading = time.perf_counter() - start
    start = time.perf_counter()
    member = KINDS["patch_memory"](classes=OK_NOK, input=extractor).fit(rows, np.zeros(photos, dtype=int))
    building = time.perf_counter() - start
    peak = peak_memory() / 1e9
    typer.echo(f"{photos} photos at {side} pixels, {backbone}, {torch.get_num_threads()} threads")
    typer.echo(f"reading {reading:.1f} s, building {building:.1f} s, peak {peak:.2f} GB, {member.facts_}")
    others = pictures[photos:]
    prepared = [extractor.spec.preprocessing.prepare([picture]) for picture in others]
    measured = [PhotoBatch([picture]).rows(extractor) for picture in others]
    ratios, passes, scores = [], [], []
    for _ in range(blocks):
        forward_time = timed(lambda: [extractor.maps(pixels) for pixels in prepared]) / len(others)
        score_time = timed(lambda: [member.score(row) for row in measured]) / len(others)
        passes.append(forward_time)
        scores.append(score_time)
        ratios.append(score_time / forward_time)
    forward, score = 1e3 * statistics.median(passes), 1e3 * statistics.median(scores)
    typer.echo(f"the backbone's pass {forward:.1f} ms, the score {score:.1f} ms")
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}, {blocks} blocks"
    typer.echo(f"score / pass {statistics.median(ratios):.2f} ({spread})")


if __name__ == "__main__":
    typer.run(main)
