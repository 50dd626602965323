"""How small a defect may be that models of places still tell, in pixels of what they read.

    python -m benchmarks.smallest

Drawn plates of a grained grey under an uneven lamp, twice as large as what members read. For each diameter of a dark
disc anywhere on them: how much of its contrast is left once a photo is resized, on a plain ground, in the mean of all
places; the AUROC of members that have learnt from other good plates, between plates with a disc and without; and how
long the longest mark is that such a member draws on plates that it votes against, which a policy's sizes are held to.
"""

from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score

from ensemble.features.photo_batch import PhotoBatch, source_preprocessing
from ensemble.features.preprocessing import BUNDLED, Preprocessing
from ensemble.imaging.looking import extents
from ensemble.members import KINDS, Prediction
from ensemble.training.recipe import open_backbones, source_of
from ensemble.values.results import NON_DEFECTIVE, OK_NOK

SCALE = 2  # pixels of a photo along one of what members read
DIAMETERS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0)  # in pixels of what members read
DEPTHS = (0.1, 0.25)  # how much darker a disc is, of white
FINE = 4  # times as fine as a photo a disc is drawn
KINDS_OF_PLACES = ("patch_memory", "feature_reconstruction")
AT_ONCE, HALF = 16, 0.5

Grey = NDArray[np.float32]  # (side, side), 0 to 1


def plate(rng: np.random.Generator, side: int) -> Grey:
    """A grained plate under an uneven lamp."""
    lamp = Image.fromarray(rng.standard_normal((4, 4), dtype=np.float32) * np.float32(0.03) + np.float32(0.55))
    grain = Image.fromarray(rng.standard_normal((side // 2, side // 2), dtype=np.float32))
    light, fine = (np.asarray(each.resize((side, side), Image.Resampling.BICUBIC)) for each in (lamp, grain))
    noise = rng.standard_normal((side, side), dtype=np.float32) * np.float32(0.008)
    return np.asarray(light + np.float32(0.03) * fine + noise, dtype=np.float32)


def disc(middle: NDArray[np.float64], side: int, diameter: float) -> Grey:
    """How much of each pixel of a photo a disc covers."""
    at = (np.arange(side * FINE) + 0.5) / FINE
    inside = np.hypot(at[None, :] - middle[0], at[:, None] - middle[1]) <= diameter / 2
    return np.asarray(inside.reshape(side, FINE, side, FINE).mean(axis=(1, 3)), dtype=np.float32)


def photo(grey: Grey) -> Image.Image:
    """The grey of a camera of 8 bits."""
    return Image.fromarray(np.rint(grey.clip(0, 1) * 255).astype(np.uint8)).convert("RGB")


def contrast_left(reads: Preprocessing, diameter: float, rng: np.random.Generator, places: int) -> float:
    """The share of a disc's contrast in the darkest pixel of what members read, in the mean of some places."""
    small = Preprocessing(64, reads.mean, reads.std, reads.interpolation)  # of a part, for speed
    ground = np.full((64 * SCALE, 64 * SCALE), 0.8, np.float32)
    found = []
    for _ in range(places):
        hole = disc(rng.uniform(48, 80, 2), 64 * SCALE, diameter * SCALE)
        shown = small.resize([photo(ground - np.float32(0.5) * hole)])
        found.append((round(0.8 * 255) - float(shown.min())) / (0.5 * 255))
    return float(np.mean(found))


def main(
    photos: Annotated[int, typer.Option("--photos", help="Plates to learn from, and to test on.")] = 40,
    seed: int = 0,
    backbone: str = BUNDLED,
) -> None:
    """Train on good plates and print what is told of discs of each diameter."""
    rng = np.random.default_rng(seed)
    (extractor,) = open_backbones((backbone,), None, None)
    sources = {kind: source_of(kind, extractor) for kind in KINDS_OF_PLACES}
    reads = source_preprocessing(sources[KINDS_OF_PLACES[0]])
    side = reads.side * SCALE

    def rows(kind: str, pictures: list[Image.Image]) -> np.ndarray:
        parts = [pictures[start : start + AT_ONCE] for start in range(0, len(pictures), AT_ONCE)]
        return np.concatenate([PhotoBatch(part).rows(sources[kind]) for part in parts])

    learn = [photo(plate(rng, side)) for _ in range(photos)]
    bare = [(plate(rng, side), rng.uniform(side * 0.1, side * 0.9, 2)) for _ in range(photos)]
    members, calm = {}, {}
    for kind in KINDS_OF_PLACES:
        member = KINDS[kind](classes=OK_NOK, input=sources[kind])
        members[kind] = member.fit(rows(kind, learn), np.full(photos, OK_NOK.names.index(NON_DEFECTIVE)))
        calm[kind] = member.score(rows(kind, [photo(grey) for grey, _ in bare])).probabilities[:, 1]
    typer.echo(f"{photos} plates of a kind, {side} × {side} pixels, read at {reads.side} × {reads.side}, {backbone}")
    columns = [f"{kind}, {depth:.0%}" for depth in DEPTHS for kind in members]
    typer.echo(f"| pixels across | contrast left | {' | '.join(columns)} |")
    typer.echo(f"|---|---|{'---|' * len(columns)}")
    lengths = []
    for diameter in DIAMETERS:
        figures, measured = [], []
        for depth in DEPTHS:
            bad = [photo(grey - np.float32(depth) * disc(at, side, diameter * SCALE)) for grey, at in bare]
            for kind, member in members.items():
                found = member.score(rows(kind, bad))
                values = np.concatenate([calm[kind], found.probabilities[:, 1]])
                figures.append(f"{roc_auc_score(np.repeat([0, 1], photos), values):.3f}")
                measured.append(marks_text(found, reads.side))
        left = contrast_left(reads, diameter, rng, 50)
        typer.echo(f"| {diameter:g} | {left:.0%} | {' | '.join(figures)} |")
        lengths.append(f"| {diameter:g} | {' | '.join(measured)} |")
    typer.echo(f"\n| pixels across | {' | '.join(f'mark of {each}' for each in columns)} |")
    typer.echo(f"|---|{'---|' * len(columns)}")
    typer.echo("\n".join(lengths))


def marks_text(found: Prediction, side: int) -> str:
    """The shortest and the median of the longest marks on plates that are voted against, in pixels as read."""
    maps = found.anomaly_map
    assert maps is not None
    cell = side / maps.shape[2], side / maps.shape[1]
    against = [extents(heat, cell)[1] for heat, p in zip(maps, found.probabilities[:, 1], strict=True) if p >= HALF]
    against = [length for length in against if length]
    return f"{min(against):.0f}, {np.median(against):.0f} ({len(against)})" if against else "none"


if __name__ == "__main__":
    typer.run(main)
