"""The MVTec AD tree: whether it is whole, and a table with one row a photo.

`CATEGORY/train/good`, `CATEGORY/test/good`, `CATEGORY/test/TYPE`, `CATEGORY/ground_truth/TYPE/NAME_mask.png`
(Bergmann et al., MVTec AD, CVPR 2019). A single category is a tree of one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ensemble.imaging.masks import look_at
from ensemble.imaging.photos import is_photo
from ensemble.importers.layouts import Layout, categories, parts_of, read_layout
from ensemble.importers.listing import Problem, Tree
from ensemble.importers.mask_files import GROUND_TRUTH, MaskFiles, contradiction, misfit, size_of
from ensemble.importers.values import FoundPhoto
from ensemble.values.errors import DataError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE
from ensemble.values.vocabulary import TEST, TRAIN, is_good

TREE_COLUMNS = ("path", "category", "split", "label", "defect_type", "mask")
Matter = Literal["structure", "photo", "missing mask", "mask"]


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that is not as it should be: where, from the tree's folder, and what."""

    matter: Matter
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Category:
    """What one category holds: photos by part and type, masks, and what is odd about it."""

    train_good: int
    test_good: int
    types: Mapping[str, int]
    masks: int
    oddities: tuple[Oddity, ...]

    def count(self, *matters: Matter) -> int:
        """How many oddities concern these matters."""
        return sum(oddity.matter in matters for oddity in self.oddities)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"oddities": [asdict(oddity) for oddity in self.oddities]}


def check_tree(folder: Path) -> dict[str, Category]:
    """Every category of a tree with its counts and oddities; a DataError where there is none."""
    tree = _tree_below(folder)
    return {name: _check_category(root, tree.problems) for name, root in _categories(tree).items()}


def find_categories(folder: Path) -> dict[str, Path]:
    """The categories at or below a folder by their names; a DataError where there is none."""
    return {name: tree.root for name, tree in _categories(_tree_below(folder)).items()}


def _tree_below(folder: Path) -> Tree:
    if not folder.is_dir():
        raise DataError(_none(folder))
    return Tree.below(folder)


def _categories(tree: Tree) -> dict[str, Tree]:
    if found := categories(tree):
        return found
    problems = [
        f" Of {len(tree.problems)} files that cannot be used, the first: {each.reason}" for each in tree.problems
    ]
    raise DataError("".join((_none(tree.root), *problems[:1])))


def _none(folder: Path) -> str:
    return f"{folder} is no MVTec AD tree. Expected CATEGORY/train/good and CATEGORY/test/TYPE in it, or a category."


def image_level(folder: Path) -> list[dict[str, str]]:
    """A row a photo with the values of `TREE_COLUMNS`; paths are relative to the folder, with forward slashes."""
    rows = []
    for category, tree in _categories(_tree_below(folder)).items():
        for found in _category_photos(read_layout(tree)):
            good = is_good(found.kind)
            values = (
                found.name,
                category,
                found.split,
                NON_DEFECTIVE if good else DEFECTIVE,
                "" if good else found.defect,
                tree.name(found.mask) if found.mask and not good else "",
            )
            rows.append(dict(zip(TREE_COLUMNS, values, strict=True)))
    return rows


def _category_photos(layout: Layout) -> list[FoundPhoto]:
    return [found for found in layout.files() if found.split and is_photo(found.path)]


def _check_category(root: Tree, problems: Sequence[Problem]) -> Category:
    layout, masks = read_layout(root), MaskFiles.of(root)
    own = [problem for problem in problems if problem.name.startswith(root.above)]
    photos = _category_photos(layout)
    good = Counter(found.split for found in photos if is_good(found.kind))
    bad = [found for found in photos if found.split == TEST and not is_good(found.kind)]
    oddities = (
        *(Oddity("photo", each.name, each.reason.removeprefix(each.name).strip(" .")) for each in own),
        *_structure(root, layout, good, bad),
        *_strangers(layout),
        *_masks(root, masks, bad),
        *(
            Oddity("mask", root.name(found.mask), reason)
            for found in photos
            if found.mask and is_good(found.kind) and (reason := contradiction(found.mask, good=True))
        ),
    )
    types = Counter(found.defect for found in bad)
    count = len(masks.files) - len(masks.unreadable)
    return Category(good[TRAIN], good[TEST], dict(sorted(types.items())), count, oddities)


def _structure(root: Tree, layout: Layout, good: Mapping[str, int], bad: Sequence[FoundPhoto]) -> Iterator[Oddity]:
    places = {part: parts_of(root).get(part, [part]) for part in (TRAIN, TEST)}
    for part, (place, *_) in places.items():
        if not good[part]:
            yield Oddity("structure", f"{root.above}{place}/good", "holds no photos of good parts")
    if not bad:
        yield Oddity("structure", f"{root.above}{places[TEST][0]}", "holds no photos of defective parts")
    for name in layout.parts.get(TRAIN, {}):
        if not is_good(name):
            yield Oddity("structure", f"{root.above}{places[TRAIN][0]}/{name}", "is no folder of good parts")
    for folders in parts_of(root).values():
        for name in (f"{folder}/{file}" for folder in folders for file in root.within(folder).at_top()):
            yield Oddity("structure", root.above + name, "lies outside the folders of good parts and defects")


def _strangers(layout: Layout) -> Iterator[Oddity]:
    """Files that are no photos, by their ending, their size on disk and their header."""
    for found in layout.files():
        if not is_photo(found.path) or size_of(found.path) is None:
            yield Oddity("photo", found.name, "is no photo")


def _masks(root: Tree, masks: MaskFiles, bad: Sequence[FoundPhoto]) -> Iterator[Oddity]:
    for found in bad:
        if not found.is_marked:
            yield Oddity("missing mask", found.name, f"has no mask in {GROUND_TRUTH}")
        elif found.mask:
            for reason in _mask_reasons(found.mask, found.path):
                yield Oddity("mask", root.name(found.mask), reason)
    for name in masks.unreadable:
        yield Oddity("mask", name, "cannot be read")
    for name in masks.idle:
        yield Oddity("mask", name, "belongs to no photo")
    if bad and not masks.files:
        yield Oddity("structure", f"{root.above}{GROUND_TRUTH}", "is missing")


def _mask_reasons(mask: Path, photo: Path) -> Iterator[str]:
    if reason := misfit(mask, photo):
        yield reason
        return
    found = look_at(mask)
    if reason := found.reason(good=False):
        yield reason
    elif found.soft:
        yield f"is not black and white: {found.soft} pixels are grey, and those above half of its brightest are damage"
