"""How folders of photos are laid out: parts, class folders and what their names mean, masks, trees of categories.

| folders | are |
|---|---|
| `train/CLASS`, `test/CLASS` | both parts of a product |
| `CLASS` | a product without a test part |
| `train/good`, `test/good`, `test/TYPE`, `ground_truth/TYPE/NAME_mask.png` | an MVTec AD category |
| `CATEGORY/train/good` … | an MVTec AD tree: one product over all categories |
| `good` or `train/good` alone | good parts only |
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.errors import DataError
from ensemble.ground_truth import GROUND_TRUTH, GroundTruth
from ensemble.results import DEFECTIVE, NON_DEFECTIVE

GOOD_NAMES = frozenset(
    (
        *("non_defective", "nondefective", "not_defective", "non_defect", "no_defect", "nodefect", "defect_free"),
        *("ok", "okay", "ok_front", "io", "good", "normal", "pass", "passed", "fine", "free", "mt_free", "clean"),
        *("undamaged", "negative"),
    )
)
BAD_NAMES = frozenset(
    (
        *("defective", "defect", "def", "def_front", "nok", "not_ok", "nio", "ng", "bad", "anomaly", "anomalous"),
        *("abnormal", "fail", "failed", "faulty", "damaged", "broken", "reject", "rejected", "positive"),
    )
)
TRAIN, TEST, WHOLE = "train", "test", ""
PARTS = (TRAIN, TEST)


@dataclass(frozen=True, slots=True)
class Found:
    """A file below a class folder: what its folders call its kind, its mask, and in a tree, its category."""

    path: Path
    kind: str
    mask: Path | None
    category: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """What lies where: for `train`, `test` or, without parts, the whole, the files of every class folder."""

    parts: Mapping[str, Mapping[str, Sequence[Found]]]
    has_masks: bool
    notes: tuple[str, ...]

    def names(self) -> list[str]:
        """The names of all class folders."""
        return sorted({name for folders in self.parts.values() for name in folders})


def is_good(name: str) -> bool:
    """Whether a folder's name is known to mean good parts."""
    return _plain(name) in GOOD_NAMES


def is_bad(name: str) -> bool:
    """Whether a folder's name is known to mean defective parts."""
    return _plain(name) in BAD_NAMES


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def categories(folder: Path, depth: int = 2, among: Container[Path] | None = None) -> dict[str, Path]:
    """Folders with a `train` or `test` part at or below a folder, by their path from there; its own name for itself."""
    if parts_of(folder, among):
        return {folder.resolve().name: folder}
    found: dict[str, Path] = {}
    for child in _folders(folder, among) if depth else ():
        if parts_of(child, among):
            found[child.name] = child
        else:
            found |= {f"{child.name}/{name}": path for name, path in categories(child, depth - 1, among).items()}
    return found


def parts_of(folder: Path, among: Container[Path] | None = None) -> tuple[str, ...]:
    """Which of `train` and `test` a folder has."""
    return tuple(part for part in PARTS if _may_see(folder / part, among) and (folder / part).is_dir())


def _may_see(path: Path, among: Container[Path] | None) -> bool:
    return among is None or path in among


def read_layout(folder: Path, among: Container[Path] | None = None) -> Layout:
    """Every file below the class folders of a folder; of a tree of MVTec AD categories, below those of all.

    Where `among` is given, files and folders that are not in it are not there: neither opened nor followed.
    """
    roots = {"": folder} if parts_of(folder, among) else _tree(folder, among) or {"": folder}
    parts: dict[str, dict[str, list[Found]]] = {}
    notes, masks = [], 0
    if "" not in roots:
        notes.append(f"{folder} holds {len(roots)} categories, taken as one product: {', '.join(roots)}.")
    for category, root in roots.items():
        truth = GroundTruth.below(root, among)
        masks += len(truth.masks)
        places = parts_of(root, among) or (WHOLE,)
        used: set[Path] = set()
        for part in places:
            folders = parts.setdefault(part, {})
            last = part == places[-1]
            for name, found in _found(root / part, part, category, truth, among, last=last).items():
                folders.setdefault(name, []).extend(found)
                used |= {entry.mask for entry in found if entry.mask}
        notes += _mask_notes(truth, used, root)
    return Layout(parts, masks > 0, tuple(notes))


def _found(
    place: Path, part: str, category: str, truth: GroundTruth, among: Container[Path] | None, *, last: bool
) -> dict[str, list[Found]]:
    return {
        child.name: [
            Found(
                path,
                _kind(path.relative_to(place), category),
                truth.of(part, path.relative_to(place), last=last),
                category,
            )
            for path in sorted(child.rglob("*"))
            if _may_see(path, among) and path.is_file() and not path.name.startswith(".")
        ]
        for child in _folders(place, among)
    }


def _kind(inner: Path, category: str) -> str:
    """`scratch` for both defective/scratch/NAME and scratch/NAME; in a tree, with the category before it."""
    folders = inner.parts[:-1]
    named = folders[1:] if len(folders) > 1 and is_bad(folders[0]) else folders
    return "/".join((*((category,) if category else ()), *named))


def _folders(folder: Path, among: Container[Path] | None) -> list[Path]:
    return [
        child
        for child in sorted(folder.iterdir())
        if _may_see(child, among) and child.is_dir() and not child.name.startswith(".") and child.name != GROUND_TRUTH
    ]


def _tree(folder: Path, among: Container[Path] | None) -> dict[str, Path]:
    """The MVTec AD categories below a folder that has no parts of its own; a DataError where one of them is none."""
    found = categories(folder, among=among)
    for root in found.values():
        names = [child.name for child in _folders(root / TRAIN, among)] if TRAIN in parts_of(root, among) else []
        if len(names) != 1 or not is_good(names[0]):
            raise DataError(
                f"{folder} holds {', '.join(found)}, each with parts of its own, but {root / TRAIN} does not hold "
                "good parts alone, so they are no MVTec AD tree. Name one of them."
            )
    return found


def _mask_notes(truth: GroundTruth, used: set[Path], root: Path) -> list[str]:
    notes = []
    if truth.unreadable:
        notes.append(
            f"{len(truth.unreadable)} masks in {root / GROUND_TRUTH} cannot be read and are left out, such as "
            f"{truth.unreadable[0].name}. Export them again as grey PNG."
        )
    if idle := sorted(set(truth.masks.values()) - used):
        example = idle[0].relative_to(root / GROUND_TRUTH).as_posix()
        notes.append(f"{len(idle)} masks in {root / GROUND_TRUTH} belong to no photo, such as {example}.")
    return notes


def meaning(folder: Path, layout: Layout) -> dict[str, str]:
    """What the class folders mean: good and defective where their names say so, else classes by their own names."""
    names = layout.names()
    if not names:
        raise DataError(
            f"{folder} holds no class folders. Expected train/CLASS/PHOTO and test/CLASS/PHOTO, "
            "such as train/ok and train/nok."
        )
    learnt = list(layout.parts.get(TRAIN) or layout.parts.get(WHOLE) or ())
    if len(learnt) == 1 and is_good(learnt[0]):
        return {name: NON_DEFECTIVE if is_good(name) else DEFECTIVE for name in names}
    good, bad = [name for name in names if is_good(name)], [name for name in names if is_bad(name)]
    if len(names) == 1 and bad:
        raise DataError(f"{folder} holds defective parts only ({names[0]}). Add photos of good parts in a folder good.")
    if len(names) == 1 and not good:
        raise DataError(
            f"{folder} holds one class only, {names[0]}. If these are good parts, call the folder good; otherwise add "
            "a folder for each other class."
        )
    if len(names) == 1 or (len(names) == 2 and (len(good) == 1 or len(bad) == 1) and good != bad):
        fine = good[0] if good else next(name for name in names if name not in bad)
        return {name: NON_DEFECTIVE if name == fine else DEFECTIVE for name in names}
    return {name: name for name in names}
