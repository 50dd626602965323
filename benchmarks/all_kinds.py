"""What one photo costs with models of every kind at once, against the passes of their backbones alone.

    QUORUM_RUNTIME=openvino python -m benchmarks.all_kinds --weights ../shared/weights

The light backbones and the bundled one with an SVM, a forest and boosted trees each, and one model of every other kind
on the bundled one, but no detector. They learn for a moment from the photos that ship, for
timing only. Both sides run in alternating blocks of one process; where the rest goes is measured member by member.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from torch import Tensor

from benchmarks.blocks import alternating, compared
from ensemble.disk.home import HOME
from ensemble.features.backbones import LIGHT_TRIO, FeatureExtractor
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import BUNDLED, MAPS, PIXELS
from ensemble.imaging.photos import Photo, read_photo
from ensemble.inspection.inspector import Inspector, hold_blas_to_one_thread
from ensemble.members import KINDS, Loaded, Member
from ensemble.members.contract import Teaching
from ensemble.policies import Policy
from ensemble.training import source_of
from ensemble.values.results import OK_NOK

OF_EACH = ("svm", "rf", "xgb")
ALONE = tuple(kind for kind in KINDS if kind not in (*OF_EACH, "detector"))
EFFORT = 0.02
SHARED = HOME.parent / "shared"
ALL = (*LIGHT_TRIO, BUNDLED)
PASSES = "passes of the backbones"


def taught_members(backbones: Sequence[FeatureExtractor], photos: Sequence[Photo], labels: np.ndarray) -> Any:
    """Members by name, each taught for a moment."""
    batch, members = PhotoBatch([photo.picture for photo in photos]), dict[str, Member]()
    asked = [(kind, backbone) for backbone in backbones for kind in OF_EACH] + [(kind, backbones[-1]) for kind in ALONE]
    for kind, backbone in asked:
        source = source_of(kind, backbone, KINDS[kind].side)
        member = KINDS[kind](classes=OK_NOK, input=source)
        member.teaching = Teaching(effort=EFFORT)
        chosen = labels == (OK_NOK.names.index("non_defective") if member.lesson == "good" else labels)
        name = f"{kind}_{backbone.spec.name}" if isinstance(source, FeatureExtractor) else kind
        members[name] = member.fit(batch.rows(member.input)[chosen], labels[chosen])
    return members


def passes_of(members: Mapping[str, Member], photo: Photo) -> Callable[[Any], None]:
    """Every pass of a backbone that these members need, and nothing else."""
    sources: dict[Any, tuple[FeatureExtractor, Tensor]] = {}
    for source in (member.input for member in members.values()):
        if isinstance(source, FeatureExtractor) and source.spec.pooling != PIXELS:
            spec, reads = source.spec, source.spec.preprocessing
            sources[spec.name, spec.layers, reads] = source, reads.prepare([photo.picture])

    def run(_photos: Any) -> None:
        for extractor, prepared in sources.values():
            extractor.passes(prepared)

    return run


def profile_of(inspector: Inspector, photo: Photo, rounds: int) -> dict[str, float]:
    """Milliseconds of each member's own work on rows that are there, and of making the rows."""
    found: dict[str, list[float]] = {}
    for number in range(rounds):
        batch = PhotoBatch([photo.picture])
        for name, member in inspector.members.items():
            start = time.perf_counter()
            rows = batch.rows(member.input)
            middle = time.perf_counter()
            member.score(rows)
            found.setdefault("rows: resizing, passes, pooling", [0.0] * rounds)[number] += middle - start
            found.setdefault(name, []).append(time.perf_counter() - middle)
    costs = {name: round(1000 * statistics.median(seconds), 2) for name, seconds in found.items()}
    return dict(sorted(costs.items(), key=lambda pair: -pair[1]))


def measure_all_kinds(
    names: Sequence[str], weights: Path | None, data: Path, photos: int, rounds: int, seconds: float
) -> dict[str, Any]:
    """The ratio of one photo to the passes of its backbones, and where the rest goes."""
    paths = {name: sorted((data / "train" / name).glob("*.jpg"))[: photos // 2] for name in OK_NOK.names}
    taught = [(read_photo(path), OK_NOK.names.index(name)) for name, found in paths.items() for path in found]
    backbones = [FeatureExtractor.open(name, weights=weights) for name in names]
    labels = np.array([label for _, label in taught])
    members = taught_members(backbones, [photo for photo, _ in taught], labels)
    hold_blas_to_one_thread()
    inspector, photo = Inspector(Loaded(members, (), OK_NOK)), taught[0][0]
    policy = Policy("MAJORITY", "majority")
    sides = {PASSES: passes_of(members, photo), "one photo": lambda _: inspector.inspect([photo], policy)}
    result = compared(alternating(sides, [[photo]], rounds, seconds), PASSES)
    return {
        "runtime": backbones[-1].runtime.name,
        "members": len(members),
        "maps": sum(member.reading == MAPS for member in members.values()),
        "passes_ms": result[PASSES]["ms"],
        "one_photo_ms": result["one photo"]["ms"],
        "ratio": round(1 / result["one photo"]["ratio"], 2),
        "ratio_of_fastest": round(1 / result["one photo"]["ratio_of_fastest"], 2),
        "profile_ms": profile_of(inspector, photo, rounds),
        "load": round(psutil.getloadavg()[0], 1),
    }


def measure(quick: bool = False) -> dict[str, Any]:
    """The bundled backbone briefly, or the light ones too, whose weights lie in `../shared`, long enough to trust."""
    if quick:
        return measure_all_kinds((BUNDLED,), None, HOME / "data", 12, 1, 0.01)
    return measure_all_kinds(ALL, SHARED / "weights", HOME / "data", 80, 7, 1.0)


def main(
    weights: Annotated[Path | None, typer.Option(help="Folder with the light backbones' weights.")] = None,
    data: Annotated[Path, typer.Option(help="Photos to learn from.")] = HOME / "data",
    photos: int = 80,
    rounds: int = 7,
    seconds: Annotated[float, typer.Option(help="Length of a block at least.")] = 1.0,
) -> None:
    """Print the ratio and the profile as JSON."""
    typer.echo(json.dumps(measure_all_kinds(ALL, weights, data, photos, rounds, seconds), indent=2))


if __name__ == "__main__":
    typer.run(main)
