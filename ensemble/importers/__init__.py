"""Importers: what a folder of photos means, by its layout, before anything is copied and without touching it.

A new layout is one module here and one line in `IMPORTERS`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from ensemble.importers.class_folders import CLASS_FOLDERS
from ensemble.importers.cvat import CVAT
from ensemble.importers.detection import DETECTION
from ensemble.importers.label_studio import LABEL_STUDIO
from ensemble.importers.labels_csv import LABELS_CSV
from ensemble.importers.listing import Problem, Tree, is_photo_name, not_a_photo
from ensemble.importers.magnetic_tile import MAGNETIC_TILE
from ensemble.importers.manifests import MANIFEST
from ensemble.importers.mask_files import contradiction
from ensemble.importers.metadata_json import METADATA_JSON
from ensemble.importers.research_sets import DAGM, KOLEKTOR, REAL_IAD
from ensemble.importers.values import FoundPhoto, Importer, Understood
from ensemble.importers.visa import VISA
from ensemble.values.errors import DataError
from ensemble.values.language import Message, paragraph
from ensemble.values.results import NON_DEFECTIVE, OK_NOK
from ensemble.values.vocabulary import is_known, is_review

# In order of recognition: what is told in a file goes before what only the names of folders tell.
IMPORTERS: Mapping[str, Importer] = MappingProxyType(
    {
        "visa": VISA,
        "magnetic_tile": MAGNETIC_TILE,
        "real_iad": REAL_IAD,
        "dagm": DAGM,
        "kolektor": KOLEKTOR,
        "labels_csv": LABELS_CSV,
        "metadata_json": METADATA_JSON,
        "cvat": CVAT,
        "label_studio": LABEL_STUDIO,
        "manifest": MANIFEST,
        "detection": DETECTION,
        "class_folders": CLASS_FOLDERS,
    }
)
DEEPEST_LONE = 4  # lone folders within one another that are looked into
LISTED = 12  # kinds in a note

__all__ = ["IMPORTERS", "FoundPhoto", "Importer", "Problem", "Understood", "mapping_note", "read_folder", "understand"]


def understand(
    folder: Path, *, layout: str | None = None, field: str = "", table: Mapping[str, str] | None = None
) -> Understood:
    """What a folder's photos are, by the first layout that recognises it or by the one that is named.

    `field` is what the layout says that a field is (the label column, a dotted path in the JSON files, the split
    file); `table` maps raw kinds to classes, and what is not in it is left out. A DataError where nothing fits says
    what each layout expects and what was found; a file that cannot enter is a problem of what is understood.
    """
    read = read_folder(folder, layout=layout, field=field)
    meaning = dict(read.meaning) if table is None else {kind: table.get(kind) for kind in read.meaning}
    meaning = {kind: None if name is None or is_review(name) else name for kind, name in meaning.items()}
    problems = list(read.problems)
    entries = tuple(_with_telling_mask(entry, meaning, problems) for entry in read.entries)
    notes = (*read.notes, *_taken_as(meaning, entries, table))
    return replace(read, entries=entries, meaning=meaning, problems=tuple(problems), notes=notes)


def read_folder(folder: Path, *, layout: str | None = None, field: str = "") -> Understood:
    """A folder as its layout reads it, before anybody is told what its kinds are taken for."""
    importers = _asked_importers(layout, field)
    whole = Tree.below(folder)
    if whole.problems and not any(map(is_photo_name, whole.files)):
        raise DataError(
            paragraph(
                Message("{folder} holds no photo that can be used.", folder=folder),
                _first_problem(whole.problems),
                whole.holds(),
            )
        )
    tree: Tree | None = whole
    levels: list[Tree] = []
    while tree is not None and len(levels) < DEEPEST_LONE:
        levels.append(tree)
        for importer in importers:
            if not importer.refuses(tree, field) and not (
                importer is CLASS_FOLDERS and _tells_inside(tree, importers, field)
            ):
                return _read_by(importer, tree, field)
        tree = tree.inner()
    raise DataError(_unknown(levels[-1], importers, field))


def _tells_inside(tree: Tree, importers: Sequence[Importer], field: str) -> bool:
    """Whether a lone folder of photos, such as one that is called like its zip, holds a file that says more of them."""
    inner = tree.inner()
    if inner is None or not any(map(is_photo_name, inner.at_top())) or any(map(is_known, tree.folders())):
        return False
    return any(not each.refuses(inner, field) for each in importers if each is not CLASS_FOLDERS)


def _asked_importers(layout: str | None, field: str) -> tuple[Importer, ...]:
    if layout is not None and layout not in IMPORTERS:
        raise DataError(
            "No layout is called {layout!r}. There are {layouts}.", layout=layout, layouts=", ".join(IMPORTERS)
        )
    chosen = tuple(IMPORTERS.values()) if layout is None else (IMPORTERS[layout],)
    with_field = tuple(importer for importer in chosen if importer.field)
    if field and not with_field:
        raise DataError("{title} has no fields. Leave the field {field!r} out.", title=chosen[0].title, field=field)
    return with_field if field else chosen


def _unknown(tree: Tree, importers: tuple[Importer, ...], field: str) -> Message:
    """What each layout expects, what was found instead, and what to do, in one message."""
    found = [
        Message(
            "{layout}: expected {expected} Found {found}.",
            layout=importer.title,
            expected=importer.expects,
            found=importer.refuses(tree, field),
        )
        for importer in importers
    ]
    if len(found) > 1:
        unlike = Message("{folder} is not laid out in any way that is known here.", folder=tree.root)
    else:
        unlike = Message("{folder} is not laid out in that way.", folder=tree.root)
    return paragraph(unlike, *found, tree.holds(), Message("Rearrange it or name a folder in it."))


def _read_by(importer: Importer, tree: Tree, field: str) -> Understood:
    """What an importer has read, without the files that can be no photos."""
    read = importer.read(tree, field)
    problems = [*tree.problems, *read.problems]
    entries = [entry for entry in (_without_problems(entry, tree, problems) for entry in read.entries) if entry]
    if not entries:
        raise DataError(
            paragraph(
                Message(
                    "{folder} was read as {layout}, and no photo in it can come in.",
                    folder=tree.root,
                    layout=importer.title,
                ),
                _first_problem(problems),
                tree.holds(),
            )
        )
    notes = (*tree.notes, *read.notes)
    return replace(read, layout=importer.title, entries=tuple(entries), problems=tuple(problems), notes=notes)


def _first_problem(problems: Sequence[Problem]) -> str:
    if not problems:
        return ""
    return Message("The first of {count} problems: {problem}", count=len(problems), problem=problems[0].reason)


def _without_problems(entry: FoundPhoto, tree: Tree, problems: list[Problem]) -> FoundPhoto | None:
    if reason := not_a_photo(entry.path, entry.name):
        problems.append(Problem(entry.name, reason))
        return None
    if entry.mask is not None and (reason := not_a_photo(entry.mask, tree.name(entry.mask))):
        said = Message("The mask {problem} The photo comes in without it.", problem=reason)
        problems.append(Problem(tree.name(entry.mask), said))
        return replace(entry, mask=None)
    return entry


def _with_telling_mask(entry: FoundPhoto, meaning: Mapping[str, str | None], problems: list[Problem]) -> FoundPhoto:
    """The entry without a mask that contradicts its class or, on a good part, has nothing to tell."""
    label = meaning[entry.kind]
    good = label == NON_DEFECTIVE
    if entry.mask is None or label not in OK_NOK.names:
        return replace(entry, outlines=None) if good else entry
    if reason := contradiction(entry.mask, good=good):
        root = entry.path.parents[entry.name.count("/")]
        name = entry.mask.relative_to(root).as_posix()
        said = Message("The mask {mask} {reason}. Its photo comes in without it.", mask=name, reason=reason)
        problems.append(Problem(name, said))
    return replace(entry, mask=None) if good or reason else entry


def _taken_as(
    meaning: Mapping[str, str | None], entries: Sequence[FoundPhoto], table: Mapping[str, str] | None
) -> list[str]:
    """Notes on what kinds were taken for, on those that are left out, and on a table's that no photo is of."""
    counts = Counter(entry.kind for entry in entries)
    notes = []
    if any(name is not None and kind != name for kind, name in meaning.items()):
        notes.append(mapping_note({kind: name for kind, name in meaning.items() if name is not None and kind != name}))
    if out := [f"{kind} ({counts[kind]})" for kind, name in meaning.items() if name is None]:
        notes.append(Message("Left out: {kinds}.", kinds=_first(out)))
    if idle := [kind for kind in table or () if not counts[kind]]:
        notes.append(Message("No photo is of {kinds}.", kinds=", ".join(idle[:LISTED])))
    return notes


def mapping_note(mapping: Mapping[str, str]) -> str:
    """What names were taken for, in a sentence."""
    return Message("Taken as {meanings}.", meanings=_first([f"{kind} = {name}" for kind, name in mapping.items()]))


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
