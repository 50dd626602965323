"""How folders of photos are laid out: parts, class folders and what their names mean, masks, trees of categories.

| folders | are |
|---|---|
| `train/CLASS`, `valid/CLASS`, `test/CLASS`, in any case | the parts of a data set |
| `CLASS` | a data set without a test part |
| `train/good`, `test/good`, `test/TYPE`, `ground_truth/TYPE/NAME_mask.png` | an MVTec AD category |
| `CATEGORY/train/good` … | an MVTec AD tree: one product over all categories |
| `good` or `train/good` alone | good parts only |
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.imaging.outlines import FileShape, Outlines
from ensemble.importers.listing import Problem, Tree, is_photo_name
from ensemble.importers.mask_files import IMAGE_FOLDERS, MaskFiles
from ensemble.importers.values import FoundPhoto
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.vocabulary import (
    CALIBRATION,
    TEST,
    TRAIN,
    WHOLE,
    WITHOUT_LABELS,
    is_bad,
    is_good,
    part_called,
    plain,
    same_name,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """What lies where: for `train`, `calibration` and `test`, or without parts for the whole, the files by class.

    The `kind` of a file is its class folder, its `defect` what the folders in there call it.
    """

    parts: Mapping[str, Mapping[str, Sequence[FoundPhoto]]]
    masks: frozenset[Path]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    def files(self) -> list[FoundPhoto]:
        """All files, part by part and class by class."""
        return [found for folders in self.parts.values() for files in folders.values() for found in files]

    def names(self) -> list[str]:
        """The names of all class folders."""
        return sorted({name for folders in self.parts.values() for name in folders})


def categories(tree: Tree, depth: int = 2) -> dict[str, Tree]:
    """Folders with a `train` or `test` part at or below a folder, by their path from there; its own name for itself."""
    if _is_category(tree):
        return {tree.root.resolve().name: tree}
    found: dict[str, Tree] = {}
    for child in tree.folders() if depth else ():
        below = tree.within(child)
        if _is_category(below):
            found[child] = below
        else:
            found |= {f"{child}/{name}": inner for name, inner in categories(below, depth - 1).items()}
    return found


def _is_category(tree: Tree) -> bool:
    """Whether a folder has parts with classes in them, or both: `shoes/training/NAME` alone is a kind of shoes."""
    parts = {part: folders for part, folders in parts_of(tree).items() if part in (TRAIN, TEST)}
    return len(parts) > 1 or any(tree.within(folder).folders() for folders in parts.values() for folder in folders)


def learns_from_good_alone(tree: Tree) -> bool:
    """Whether the training part of a tree has one class folder, that of good parts."""
    learnt = {name for folder in parts_of(tree).get(TRAIN, ()) for name in tree.within(folder).folders()}
    return len(set(map(same_name, learnt))) == 1 and all(map(is_good, learnt))


def parts_of(tree: Tree) -> dict[str, list[str]]:
    """The folders of each part that a tree has; several folders may be of one part."""
    found: dict[str, list[str]] = {}
    for folder in tree.folders():
        if part := part_called(folder):
            found.setdefault(part, []).append(folder)
    return found


def read_layout(tree: Tree) -> Layout:
    """Every file below the class folders of a tree; of a tree of MVTec AD categories, below those of all."""
    roots = {"": tree} if parts_of(tree) else _tree(tree) or {"": tree}
    parts: dict[str, dict[str, list[FoundPhoto]]] = {}
    notes, problems = list[str](), list[Problem]()
    masks: frozenset[Path] = frozenset()
    if "" not in roots:
        notes.append(
            Message(
                "{folder} holds {count} category, taken as one product: {categories}.",
                "{folder} holds {count} categories, taken as one product: {categories}.",
                folder=tree.root,
                count=len(roots),
                categories=", ".join(roots),
            )
        )
    for category, root in roots.items():
        known = MaskFiles.of(root)
        masks |= known.files
        places, out = _class_places(root, known)
        problems += root.folder_problems(out)
        for part, folder in places:
            folders = parts.setdefault(part, {})
            away = frozenset(out) if not folder else frozenset()
            for name, found in _found(root.within(folder), part, category, known, away).items():
                folders.setdefault(name, []).extend(found)
        notes += known.notes(root)
        problems += _loose(root, parts, masks, tuple(f"{root.above}{folder}/" for folder in out))
    return Layout(parts, masks, tuple(problems), tuple(notes))


def _loose(
    tree: Tree, parts: Mapping[str, Mapping[str, Sequence[FoundPhoto]]], masks: frozenset[Path], away: tuple[str, ...]
) -> Iterator[Problem]:
    """Photos that lie in no class folder, by the folder that they lie in; those in folders `away` are named already."""
    used = {found.path for folders in parts.values() for files in folders.values() for found in files} | masks
    loose: dict[str, list[str]] = {}
    for inner, path in tree.files.items():
        name = tree.above + inner
        if is_photo_name(name) and path not in used and not name.startswith(away):
            loose.setdefault(name.rpartition("/")[0], []).append(name)
    for folder, names in loose.items():
        if len(names) == 1:
            reason = Message(
                "{file} lies in no class folder. Put it into one, such as train/ok or train/nok.", file=names[0]
            )
            yield Problem(names[0], reason)
        else:
            where = f"{folder}/" if folder else Message("the top")
            reason = Message(
                "{count} photos in {folder} lie in no class folder. Put them into one, such as train/ok or train/nok.",
                count=len(names),
                folder=where,
            )
            yield Problem(where, reason)


def _class_places(tree: Tree, masks: MaskFiles) -> tuple[list[tuple[str, str]], list[str]]:
    """The folders that hold class folders, each with its part, and the folders with photos that take no part.

    Class folders beside `test/` or `validation/` are the training part, where there is no other and their names are
    known or occur there too.
    """
    parts = parts_of(tree)
    places = [(part, folder) for part, folders in parts.items() for folder in folders]
    rest = [folder for folder in tree.folders() if not part_called(folder) and _has_photos(tree, folder, masks)]
    names = {same_name(name) for _, folder in places for name in tree.within(folder).folders()}
    known = [folder for folder in rest if same_name(folder) in names or is_good(folder) or is_bad(folder)]
    if parts and (TRAIN in parts or not known):
        return sorted(places, key=_by_part), rest
    out = [folder for folder in rest if (parts and folder not in known) or plain(folder) in WITHOUT_LABELS]
    return [(TRAIN if parts else WHOLE, ""), *sorted(places, key=_by_part)], out


def _by_part(place: tuple[str, str]) -> tuple[int, str]:
    return (TRAIN, CALIBRATION, TEST).index(place[0]), place[1]


def _has_photos(tree: Tree, folder: str, masks: MaskFiles) -> bool:
    return any(is_photo_name(name) and path not in masks.files for name, path in tree.below_folder(folder).items())


def _found(
    place: Tree, part: str, category: str, masks: MaskFiles, away: frozenset[str]
) -> dict[str, list[FoundPhoto]]:
    """The files of each class folder right below a place, but for masks and the folders that take no part."""
    found: dict[str, list[FoundPhoto]] = {}
    for name, path in place.files.items():
        top, _, inner = name.partition("/")
        if not inner or path in masks.files or top in away or part_called(top):
            continue
        defect, mask = _folder_kind(name.split("/")[:-1]), masks.by_photo.get(path)
        several = Outlines(tuple(map(FileShape, masks.several[path]))) if path in masks.several else None
        entry = FoundPhoto(path, place.above + name, top, part, defect, category, mask=mask, outlines=several)
        found.setdefault(top, []).append(entry)
    return {name: files for name, files in found.items() if any(is_photo_name(file.path.name) for file in files)}


def _folder_kind(folders: Sequence[str]) -> str:
    """`scratch` for both defective/scratch/NAME and scratch/images/NAME."""
    own = [folder for folder in folders if plain(folder) not in IMAGE_FOLDERS] or folders
    return "/".join(own[1:] if len(own) > 1 and is_bad(own[0]) else own)


def _tree(tree: Tree) -> dict[str, Tree]:
    """The MVTec AD categories below a folder that has no parts of its own; a DataError where one of them is none."""
    found = categories(tree)
    for root in found.values():
        if not learns_from_good_alone(root):
            raise DataError(
                "{folder} holds {categories}, each with parts of its own, but {part} does not hold good parts "
                "alone, so they are no MVTec AD tree. Name one of them.",
                folder=tree.root,
                categories=", ".join(found),
                part=root.root / TRAIN,
            )
    return found
