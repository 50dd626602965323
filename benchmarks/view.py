"""What the view of a product gains: on parts that lie turned and shifted, and where a serial number changes.

    python -m benchmarks.view build/view --seeds 0,1
    python -m benchmarks.view build/view --seeds 0,1 --photos 200 --ways "numbered ignored,as drawn ignored"

Drawn parts lie on a larger bench: as they were drawn; turned by any angle and shifted by up to 15 %, looked at as they
are and by a view that aligns them; with a serial number that is the same on all that are learnt from and another on
each that is judged, looked at as they are and by a view that ignores it. Members learn as in a training, from half of
the photos, and judge the other half. All sets show the same parts, so that ways of looking are compared photo by photo.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image, ImageDraw
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from ensemble.datasets.loading import find_dataset
from ensemble.datasets.white_level import WhiteLevel
from ensemble.drawing.part import draw_part
from ensemble.evaluation.scoring import score_photos
from ensemble.features.feature_cache import NOTHING_KEPT
from ensemble.features.preprocessing import BUNDLED
from ensemble.inspection.inspector import Inspector
from ensemble.members import Loaded
from ensemble.store.seeing import view_text
from ensemble.training.fitting import fit
from ensemble.training.reading import read, with_best_poolings
from ensemble.training.recipe import PROFILES, Recipe, open_backbones
from ensemble.training.seeing import with_view
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE
from ensemble.values.samples import DEFECTS, Dataset
from ensemble.values.training import TrainingRequest
from ensemble.values.view import AS_IT_IS, Alignment, Polygon, View, rectangle

BENCH, PART = 384, 256  # pixels a side of a photo, and of what is drawn of the part
SHIFT, TURN = 0.15, 180.0  # of the photo's side, and degrees either way
RIM = 0.31  # radius of the region of interest, in shares of the photo's side
NUMBER = (0.34375, 0.65625, 0.3125, 0.09375)  # left, top, width, height of the plate with the serial number
AS_DRAWN, TURNED, NUMBERED = "as drawn", "turned and shifted", "with a serial number"
LOT = "1117711"  # the number of all parts that are learnt from


def serial_number(number: int) -> str:
    """The number of a part that is judged."""
    return "".join("RKMXWEABHS"[int(digit)] for digit in f"{7919 * number + 2345678:07d}")


def photo(number: int, seed: int, defect: str | None, kind: str, serial: str = LOT) -> Image.Image:
    """One part on a bench: all sets show the same parts with the same damage."""
    part, _ = draw_part(np.random.default_rng((seed, number)), defect, side=PART)
    rim = np.asarray(part)[:6].reshape(-1, 3)
    grey = tuple(int(value) for value in np.median(rim, axis=0))
    bench = Image.new("RGB", (BENCH, BENCH), grey)
    disc, corner = Image.new("L", part.size), (BENCH - PART) // 2
    ImageDraw.Draw(disc).ellipse((4, 4, PART - 4, PART - 4), fill=255)
    bench.paste(part, (corner, corner), disc)
    rng = np.random.default_rng((seed, number, 1))
    if kind == NUMBERED:
        left, top, width, height = (round(share * BENCH) for share in NUMBER)
        plate = Image.new("RGB", (width, height), (225, 225, 220))  # what runs over its edge is cut off
        ImageDraw.Draw(plate).text((4, 1), serial, fill=(20, 20, 24), font_size=24)
        bench.paste(plate, (left, top))
    if kind == TURNED:
        turn, across, down = rng.uniform((-TURN, -SHIFT, -SHIFT), (TURN, SHIFT, SHIFT)).tolist()
        shift = (round(across * BENCH), round(down * BENCH))
        bench = bench.rotate(turn, Image.Resampling.BICUBIC, translate=shift, fillcolor=grey)
    return bench


def write_parts(folder: Path, photos: int, seed: int, kind: str) -> None:
    """So many photos of each class, half of them to learn from, and one more of a good part as the reference."""
    for number in range(2 * photos):
        split, label = "train" if number % 4 < 2 else "test", DEFECTIVE if number % 2 else NON_DEFECTIVE
        path = folder / split / label / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        defect = DEFECTS[number // 4 % len(DEFECTS)] if number % 2 else None
        serial = serial_number(number) if split == "test" else LOT
        photo(number, seed, defect, kind, serial).save(path)


def view_on(seed: int, kind: str, **settings: object) -> View:
    """A view that is drawn on one more good part, as it lies when it is drawn."""
    reference, stream = photo(2**20, seed, None, NUMBERED if kind == NUMBERED else AS_DRAWN), io.BytesIO()
    reference.save(stream, "PNG")
    data = stream.getvalue()
    named = View(reference=sha256(data).hexdigest(), size=reference.size, photo=data)
    return replace(named, **settings)  # type: ignore[arg-type]


def around() -> Polygon:
    """The region of interest: around the part."""
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    return tuple((round(0.5 + RIM * float(np.cos(a)), 4), round(0.5 + RIM * float(np.sin(a)), 4)) for a in angles)


@dataclass(frozen=True, slots=True)
class Reached:
    """What a member reaches on the test part: which good photos it rejects at one half, and how many fit no view."""

    auroc: float
    rejected: tuple[bool, ...]
    unfit: int

    @property
    def overkill(self) -> float:
        """The share of good photos that are rejected."""
        return sum(self.rejected) / len(self.rejected)


def measured(dataset: Dataset, kinds: tuple[str, ...], backbone: str) -> dict[str, Reached]:
    """What each member reaches that has learnt from the training part."""
    extractors = open_backbones((backbone,), None, None)
    recipe = Recipe(kinds, extractors, None, None, dataset.classes, 0, PROFILES["balanced"], "weights")
    rows = read(dataset, recipe, NOTHING_KEPT, typer.echo, lambda _stage, _done: None)
    recipe = with_best_poolings(recipe, rows, lambda _stage, _done: None)
    members, failures = fit(recipe, rows, {}, progress=lambda _stage, _done: None)
    for sentence in failures:
        typer.echo(sentence)
    scored = score_photos(Inspector(Loaded(members, (), dataset.classes, view=dataset.view)), dataset.test)
    defect, found = dataset.classes.defect or "", {}
    unfit = sum(bool(case.doubt) for case in scored.cases)
    for name in members:
        said = [(case.label == defect, score) for case in scored.cases for score in case.scores if score.member == name]
        scores = [(bad, score.probabilities[defect]) for bad, score in said]
        auroc = float(roc_auc_score([bad for bad, _ in scores], [value for _, value in scores]))
        found[name] = Reached(auroc, tuple(value >= 0.5 for bad, value in scores if not bad), unfit)
    return found


def ways_of(seed: int) -> dict[str, tuple[str, str, View]]:
    """Which photos are looked at by which view: by a name, the set, what the view does, and itself."""
    there = {"region": around(), "alignment": Alignment()}
    plate = {"ignore": (rectangle(*NUMBER),)}
    return {
        "as drawn": (AS_DRAWN, "none", AS_IT_IS),
        "turned": (TURNED, "none", AS_IT_IS),
        "turned aligned": (TURNED, "aligned", view_on(seed, TURNED, **there)),
        "as drawn aligned": (AS_DRAWN, "aligned", view_on(seed, AS_DRAWN, **there)),
        "numbered": (NUMBERED, "none", AS_IT_IS),
        "numbered ignored": (NUMBERED, "ignored", view_on(seed, NUMBERED, **plate)),
        "as drawn ignored": (AS_DRAWN, "ignored", view_on(seed, AS_DRAWN, **plate)),
    }


PAIRS = (("turned aligned", "as drawn aligned"), ("numbered ignored", "as drawn ignored"))  # that should be alike


def spread(values: Sequence[float], form: str) -> str:
    """The mean of some values, and the least and the most."""
    mean, least, most = (format(value, form) for value in (np.mean(values), min(values), max(values)))
    return f"{mean} ({least} to {most})"


def compared(found: Mapping[str, Mapping[str, Sequence[Reached]]]) -> Iterator[str]:
    """How the two ways of each pair differ over all seeds, which show the same parts: lines of a table."""
    for one, other in PAIRS:
        for member in found.get(one, {}) if other in found else ():
            here, there = found[one][member], found[other][member]
            apart = [a.auroc - b.auroc for a, b in zip(here, there, strict=True)]
            pairs = [
                both for a, b in zip(here, there, strict=True) for both in zip(a.rejected, b.rejected, strict=True)
            ]
            alone, away = sum(a > b for a, b in pairs), sum(b > a for a, b in pairs)
            chance = binomtest(alone, alone + away).pvalue if alone + away else 1.0
            both = sum(a and b for a, b in pairs)
            cells = (spread(apart, "+.3f"), len(pairs), both, alone, away, f"{chance:.2f}")
            yield f"| {one} | {other} | {member} | {' | '.join(map(str, cells))} |"


def main(
    folder: Annotated[Path, typer.Argument(help="Where the photos are, or are drawn.")],
    seeds: str = "0",
    photos: Annotated[int, typer.Option("--photos", help="Photos of a class, half of them to learn from.")] = 100,
    members: str = "svm,patch_memory",
    backbone: str = BUNDLED,
    ways: str = "",
) -> None:
    """Train members on each set and print what they reach, of all ways or of some that are named."""
    typer.echo(f"{photos} photos of a class, {BENCH} × {BENCH} pixels, {backbone}, {torch.get_num_threads()} threads")
    typer.echo("| seed | photos | view | member | AUROC | overkill | REVIEW |")
    typer.echo("|---|---|---|---|---|---|---|")
    found: dict[str, dict[str, list[Reached]]] = {}
    for seed in map(int, seeds.split(",")):
        for way, (kind, name, view) in ways_of(seed).items():
            if ways and way not in ways.split(","):
                continue
            if not (place := folder / f"{kind.replace(' ', '-')}-{photos}-{seed}").exists():
                write_parts(place, photos, seed, kind)
            file = folder / "view.json"
            file.write_text(view_text(view), encoding="utf-8")
            request = TrainingRequest(str(place), str(folder / "none"), view=str(file))
            dataset, _ = with_view(find_dataset(place, None, seed), request, WhiteLevel(), lambda _stage, _done: None)
            for member, each in measured(dataset, tuple(members.split(",")), backbone).items():
                found.setdefault(way, {}).setdefault(member, []).append(each)
                cells = (f"{each.auroc:.3f}", f"{each.overkill:.1%}", each.unfit)
                typer.echo(f"| {seed} | {kind} | {name} | {member} | {' | '.join(map(str, cells))} |")
    typer.echo("\n| way | member | AUROC | overkill |\n|---|---|---|---|")
    for way, by_member in found.items():
        for member, some in by_member.items():
            aurocs, shares = (
                spread([each.auroc for each in some], ".3f"),
                spread([each.overkill for each in some], ".1%"),
            )
            typer.echo(f"| {way} | {member} | {aurocs} | {shares} |")
    typer.echo(
        "\n| way | beside | member | AUROC apart | good photos | rejected both ways | here alone | there alone | p |"
    )
    typer.echo("|---|---|---|---|---|---|---|---|---|")
    for line in compared(found):
        typer.echo(line)


if __name__ == "__main__":
    typer.run(main)
