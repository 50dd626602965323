"""Settle the photo guard on other photos than it is tested with: its numbers, the widths of its limits, its causes.

    python -m benchmarks.guard_settling build/settling --part ../shared/data/casting --part tile --part clothing
        --whole ../shared/data/mvtec_sample/leather --whole ../shared/data/toy_aliens
    python -m benchmarks.guard_settling build/fresh --fresh

Products that are drawn, and data sets: of those of `--part` the training part alone, of those of `--whole` all photos.
Each is split in two by part, several times: the guard is measured on the one and asked about the other, clean and
spoilt. **Widths**: the least at which it refuses at most 1 % of the clean photos of every product. **Numbers**: those
groups with which most spoilt photos and photos of other products are refused at that width, every product and way
alike. **Causes**: those bounds with which most refused photos get the right instruction, every instruction alike, found
by one bound after the other. With `--fresh` nothing is settled: what stands is tested on drawn products of other
kinds. What is measured of the photos is kept in the folder.
"""

import itertools
import pickle
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.guard_products import RIGHT, Measured, drawn_products, measure_product, photographed_products
from ensemble.imaging.out_of_distribution import ALL_SLACK, BOUNDS, GOOD_SLACK, CauseBounds, PhotoRange, doubt, unusual
from ensemble.imaging.photo_statistics import (
    FEWEST_TO_COMPARE,
    LOOK,
    MOST_COMPARED,
    NEAREST,
    WITHIN,
    KnownRows,
    PhotoStatistics,
    Unlikeness,
    even_layout,
)
from ensemble.values.language import as_message

GROUPS: Mapping[str, tuple[str, ...]] = {
    "statistics": LOOK[:9],
    "greys": LOOK[9:16],
    "colours": LOOK[16:19],
    "detail": ("detail",),
    "ways": ("way",),
}
LEARNT = 0.6  # of the parts of a product, that the guard is measured on
BEARABLE = 0.01  # of the clean photos of a product, that may be refused
ANOTHER, STRANGERS = "another part", 4  # photos of each other product that a guard is asked about
LESSONS = ("both", "good")  # what is learnt from: good and defective parts, or good ones alone
CHOICES: Mapping[str, tuple[float, ...]] = {
    "explains": (0.75, 1.0, 1.25, 1.5),
    "mostly": (0.15, 0.3, 0.45, 0.6, 0.75),
    "elsewhere": (0.0, 0.15, 0.3, 0.45),
    "cast": (0.02, 0.035, 0.05, 0.1, 0.2),
    "stops": (0.25, 0.5, 0.75, 1.0),
    "cut_off": (0.0, 0.005, 0.01, 0.02, 0.03),
    "exposed": (0.03, 0.05, 0.07, 0.1, 0.15),
    "placed": (0.0, 0.015, 0.03, 0.045, 0.06, 0.08),
    "unchanged": (0.02, 0.03, 0.05, 0.08, 1.0),
    "greys": (0.01, 0.02, 0.03, 0.05, 0.08, 1.0),
}
WIDTHS = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0)
ROUNDS = 2  # of one bound after the other


@dataclass(frozen=True, slots=True)
class Split:
    """One product split in two: the places of the photos that are learnt from, and of those that are judged."""

    product: Measured
    learnt: tuple[int, ...]
    judged: tuple[int, ...]

    def asked(self, others: Mapping[str, Sequence[PhotoStatistics]]) -> Iterator[tuple[str, PhotoStatistics]]:
        """Spoilt photos of parts that were not learnt from, and photos of other products, with the way of each."""
        judged = set(self.judged)
        for way, photos in self.product.spoilt.items():
            yield from ((way, photo) for place, photo in photos.items() if place in judged)
        for name, strangers in others.items():
            yield from ((ANOTHER, photo) for photo in strangers if name != self.product.name)


def splits_of(product: Measured, lesson: str, count: int) -> Iterator[Split]:
    """So many splits by part; none where too few are learnt from, or good ones alone are the same as all."""
    if lesson == "good" and all(product.good):
        return
    names, places = sorted(set(product.parts)), range(len(product.parts))
    for seed in range(count):
        chosen = set(random.Random(seed).sample(names, round(LEARNT * len(names))))
        learnt = [at for at in places if product.parts[at] in chosen and (lesson == "both" or product.good[at])]
        numbers = np.array([product.parts[at] for at in learnt])
        if len(learnt) >= FEWEST_TO_COMPARE and len(set(numbers)) > NEAREST:
            yield Split(product, tuple(learnt), tuple(at for at in places if product.parts[at] not in chosen))


@dataclass(frozen=True, slots=True)
class Asked:
    """One split with all that its guard is asked about: clean photos first, then others with the way of each."""

    split: Split
    photos: tuple[PhotoStatistics, ...]
    ways: tuple[str, ...]
    own: NDArray[np.bool_]  # (learnt, kept): whether both are of one part
    layout: tuple[NDArray[np.float64], NDArray[np.float64]]  # see `_apart`

    @classmethod
    def of(cls, split: Split, others: Mapping[str, Sequence[PhotoStatistics]]) -> "Asked":
        """A split asked about its clean and spoilt photos and those of other products."""
        ways, photos = zip(*split.asked(others), strict=True)
        asked = (*(split.product.clean[place] for place in split.judged), *photos)
        parts = np.array([split.product.parts[place] for place in split.learnt])
        own = parts[:, None] == parts[kept_of(len(parts))][None]
        learnt = [even_layout(split.product.clean[place].layout) for place in split.learnt]
        layout = _apart(np.stack(learnt), np.stack([even_layout(each.layout) for each in asked]), own)
        return cls(split, asked, ways, own, layout)

    def distances(self, columns: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How far the photos lie off those that were learnt from, by some of `LOOK`, in limits of width 1."""
        learnt = np.stack([self.split.product.clean[place].look for place in self.split.learnt])
        look = _apart(learnt[:, columns], np.stack([each.look for each in self.photos])[:, columns], self.own)
        between, found = (np.maximum(*both) for both in zip(look, self.layout, strict=True))
        return np.asarray(found / np.quantile(between, WITHIN))


def kept_of(count: int) -> NDArray[np.int64]:
    """The places of those of so many photos that a guard keeps."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_COMPARED)).astype(np.int64))


def _apart(
    learnt: NDArray[np.float64], asked: NDArray[np.float64], own: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far rows that were learnt from lie from those of other parts, and rows that are asked about, in what nearly
    all of the former hold."""
    known = KnownRows.of(learnt, kept_of(len(learnt)))
    between = known.distances(learnt, own=own)
    far = max(float(np.quantile(between, WITHIN)), 1e-3)
    return between / far, known.distances(asked) / far


Off = Mapping[str, Mapping[str, Sequence[float]]]  # by product and way how far photos lie off


def distances_by(asked: Sequence[Asked], columns: NDArray[np.bool_]) -> tuple[Mapping[str, Sequence[float]], Off]:
    """How far clean photos lie off, by product, and the others, by product and way: in limits of width 1."""
    clean: dict[str, list[float]] = defaultdict(list)
    spoilt: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in asked:
        name, judged, found = each.split.product.name, len(each.split.judged), each.distances(columns).tolist()
        clean[name] += found[:judged]
        for way, off in zip(each.ways, found[judged:], strict=True):
            spoilt[name][way].append(off)
    return clean, spoilt


def least_widths(clean: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """By product the least width at which at most BEARABLE of its clean photos are refused."""
    return {name: float(np.quantile(off, 1 - BEARABLE, method="higher")) for name, off in clean.items()}


def caught(spoilt: Off, width: float) -> float:
    """The mean share of photos that lie beyond a width, every product and way alike."""
    return float(np.mean([np.mean(np.array(off) > width) for ways in spoilt.values() for off in ways.values()]))


def settle_widths(asked: Sequence[Asked]) -> Iterator[str]:
    """A table of the numbers that may be compared: the width that each choice needs, and what is caught with it; then
    what the numbers that are compared do at each width."""
    lines = []
    for count in range(1, len(GROUPS) + 1):
        for groups in itertools.combinations(GROUPS, count):
            names = {name for group in groups for name in GROUPS[group]}
            clean, spoilt = distances_by(asked, np.array([name in names for name in LOOK]))
            needed = least_widths(clean)
            width, mean = up(max(needed.values())), float(np.mean(list(needed.values())))
            worst = ", ".join(f"{name} {needed[name]:.2f}" for name in sorted(needed, key=lambda n: -needed[n])[:3])
            share, there = caught(spoilt, width), f"{caught(spoilt, mean):.1%} ({mean:.2f})"
            lines.append((share, f"| {', '.join(groups)} | {width:.1f} | {worst} | {share:.1%} | {there} |"))
    yield "| numbers | width | needed most by | caught | at the mean width needed |"
    yield "|---" * 5 + "|"
    yield from (line for _share, line in sorted(lines, reverse=True))
    clean, spoilt = distances_by(asked, np.array([not name.startswith("grey") for name in LOOK]))
    yield f"\n| width, all but greys | clean photos refused | most | products over 1 % of {len(clean)} | caught |"
    yield "|---" * 5 + "|"
    for width in WIDTHS:
        refused = {name: float((np.array(off) > width).mean()) for name, off in clean.items()}
        most, over = max(refused, key=lambda n: refused[n]), sum(share > BEARABLE for share in refused.values())
        average, worst_of = f"{np.mean(list(refused.values())):.2%}", f"{most} {refused[most]:.1%}"
        yield f"| {width:.1f} | {average} | {worst_of} | {over} | {caught(spoilt, width):.1%} |"


def up(width: float) -> float:
    """A width rounded up to a tenth."""
    return float(np.ceil(10 * width - 1e-9) / 10)


@dataclass(frozen=True, slots=True)
class Told:
    """A refused photo: what it is of, its guard, and how far it lies off; the right instruction depends on the way."""

    product: str
    way: str
    photo: PhotoStatistics
    usual: PhotoRange
    unlike: Unlikeness | None

    def instruction(self, bounds: CauseBounds) -> str:
        """What whoever stands at the camera is told to do."""
        return str(as_message(unusual(self.photo, self.usual, self.unlike, bounds)).values["todo"])

    def right(self, bounds: CauseBounds) -> bool:
        """Whether that is right."""
        return self.instruction(bounds) == RIGHT[self.way]


def refused_by(
    splits: Iterable[Split], others: Mapping[str, Sequence[PhotoStatistics]], slack: float
) -> Iterator[Told]:
    """The spoilt photos and those of other products that are refused for other reasons than their size."""
    for split in splits:
        learnt = [split.product.clean[place] for place in split.learnt]
        usual = PhotoRange.of(learnt, [split.product.parts[place] for place in split.learnt], slack)
        if usual is None or usual.known is None:
            continue
        for way, photo in split.asked(others):
            seen = replace(
                photo, values={**photo.values, "side": usual.ranges["side"][0], "aspect": usual.ranges["aspect"][0]}
            )
            unlike = usual.known.unlikeness(seen)
            if unusual(seen, usual, unlike):
                yield Told(split.product.name, way, seen, usual, unlike)


def share_right(told: Sequence[Told], bounds: CauseBounds) -> float:
    """The share of right instructions: every instruction alike, of these every way, of these every product; photos of
    other products count as much as an instruction."""
    right: dict[str, dict[str, dict[str, list[bool]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for each in told:
        group = ANOTHER if each.way == ANOTHER else RIGHT[each.way]
        right[group][each.way][each.product].append(each.right(bounds))
    ways = [[[np.mean(some) for some in way.values()] for way in by_way.values()] for by_way in right.values()]
    return float(np.mean([np.mean([np.mean(products) for products in way]) for way in ways]))


def settle_causes(told: Sequence[Told]) -> Iterator[str]:
    """Bounds chosen one after the other, from those that stand; then what is said of each way with these."""
    best, bounds = share_right(told, BOUNDS), BOUNDS
    yield f"\nInstructions with {BOUNDS}: {best:.1%} right of {len(told)} refused photos."
    for _ in range(ROUNDS):
        for name, values in CHOICES.items():
            tried = {value: share_right(told, replace(bounds, **{name: value})) for value in values}
            chosen = max(tried, key=lambda value: (round(tried[value], 6), value == getattr(bounds, name)))
            bounds = replace(bounds, **{name: chosen})
            yield f"{name}: {', '.join(f'{value:g} {share:.2%}' for value, share in tried.items())}; chosen {chosen:g}"
    yield f"Chosen: {bounds}: {share_right(told, bounds):.1%}.\n"
    yield from _said(told, bounds)


def _said(told: Sequence[Told], bounds: CauseBounds) -> Iterator[str]:
    yield "| photos | refused | right | what is said to do |"
    yield "|---" * 4 + "|"
    for way in RIGHT:
        some = [each for each in told if each.way == way]
        said = Counter(each.instruction(bounds) for each in some)
        share = share_right(some, bounds) if some else 1.0
        yield f"| {way} | {len(some)} | {share:.0%} | {'; '.join(f'{todo} ({n})' for todo, n in said.most_common(4))} |"


def products_in(
    folder: Path, part: Sequence[Path], whole: Sequence[Path], seed: int, *, fresh: bool = False
) -> list[Measured]:
    """What is measured of all products, kept in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = itertools.chain(
        drawn_products(seed, fresh=fresh),
        *(photographed_products(each, whole=False, seed=seed) for each in part),
        *(photographed_products(each, whole=True, seed=seed) for each in whole),
    )
    found = []
    for name, shots in sources:
        kept = folder / f"{name.replace(' ', '_')}-{seed}.pickle"
        if not kept.exists():
            kept.write_bytes(pickle.dumps(measure_product(name, shots, seed)))
        found.append(pickle.loads(kept.read_bytes()))
    return found


def tested(products: Sequence[Measured], others: Mapping[str, Sequence[PhotoStatistics]], splits: int) -> Iterator[str]:
    """What the guard does on products that it was not settled on: one line for each, and of the instructions."""
    told: list[Told] = []
    yield "| product | learnt from | clean photos | refused | spoilt, and of other products | caught | told right |"
    yield "|---" * 7 + "|"
    for lesson, slack in zip(LESSONS, (ALL_SLACK, GOOD_SLACK), strict=True):
        for product in products:
            chosen = list(splits_of(product, lesson, splits))
            refused, clean, asked = 0, 0, 0
            for split in chosen:
                learnt = [product.clean[place] for place in split.learnt]
                usual = PhotoRange.of(learnt, [product.parts[place] for place in split.learnt], slack)
                refused += sum(bool(doubt(product.clean[place], usual)) for place in split.judged)
                clean, asked = clean + len(split.judged), asked + len(list(split.asked(others)))
            some = list(refused_by(chosen, others, slack))
            told += some
            shares = (f"{refused / clean:.1%}", asked, f"{len(some) / asked:.1%}", f"{share_right(some, BOUNDS):.1%}")
            yield f"| {product.name} | {lesson} | {clean} | {' | '.join(map(str, shares))} |"
    yield from ("", *_said(told, BOUNDS))


def main(
    folder: Annotated[Path, typer.Argument(help="Where what is measured is kept.")],
    part: Annotated[list[Path] | None, typer.Option("--part", help="A data set, its training part alone.")] = None,
    whole: Annotated[list[Path] | None, typer.Option("--whole", help="A data set that nothing is tested on.")] = None,
    splits: int = 3,
    seed: int = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Test it on drawn products of other kinds instead.")] = False,
) -> None:
    """Print what each choice would do, and which is best; or what those in force do on fresh products."""
    products = products_in(folder, part or [], whole or [], seed, fresh=fresh)
    some = random.Random(seed)
    others = {each.name: some.sample(each.clean, min(STRANGERS, len(each.clean))) for each in products}
    for each in products:
        typer.echo(
            f"{each.name}: {len(each.clean)} photos, {sum(each.good)} of good parts, {len(set(each.parts))} parts"
        )
    if fresh:
        typer.echo("\n".join(tested(products, others, splits)))
        return
    told: list[Told] = []
    for lesson, slack in zip(LESSONS, (ALL_SLACK, GOOD_SLACK), strict=True):
        chosen = [split for product in products for split in splits_of(product, lesson, splits)]
        typer.echo(f"\nLearnt from {lesson}: today's width is {slack}")
        for line in chosen and settle_widths([Asked.of(split, others) for split in chosen]):
            typer.echo(line)
        told += refused_by([split for product in products for split in splits_of(product, lesson, 1)], others, slack)
    for line in settle_causes(told):
        typer.echo(line)


if __name__ == "__main__":
    typer.run(main)
