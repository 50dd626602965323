"""A JSON file a photo, as in a fashion catalogue: one of its fields says what the photo shows.

The JSON file has the photo's stem and lies beside it, or in a sibling folder (`styles/` beside `images/`).
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ensemble.importers.listing import Problem, Tree, is_photo_name, legible, some
from ensemble.importers.marked import json_in, whole_text
from ensemble.importers.values import FoundPhoto, Importer, Understood
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.vocabulary import classes_by_name

FIELDS = (
    "data.subCategory.typeName",
    "subCategory.typeName",
    "subCategory",
    "subcategory",
    "category",
    "label",
    "class",
)
MAX_JSON_BYTES = 1_000_000
JSON_FILES_READ = 5  # files that recognition reads


def why_not_metadata(tree: Tree, field: str) -> str:
    """Why a tree is not laid out so."""
    photos, pairs = _json_pairs(tree)
    if not pairs:
        return Message("no photo with a JSON file of the same name beside it or in a sibling folder")
    if 2 * len(pairs) < len(photos):
        return Message("a JSON file for {count} of {photos} photos only", count=len(pairs), photos=len(photos))
    few = list(dict.fromkeys(pairs.values()))[:JSON_FILES_READ]
    told, broken = _field_values(tree, few, field)
    if not told:
        return next(iter(broken.values())).removesuffix(".")
    if not _field(told.values(), field):
        keys = some(dict.fromkeys(key for path in few if path in told for key in _field_paths(_read_metadata(path))))
        return f"JSON files that mostly have no field {field or 'of these'}, but {keys or 'no text at all'}"
    return ""


def read_metadata_folder(tree: Tree, field: str) -> Understood:
    """The photos whose JSON file has the field."""
    photos, pairs = _json_pairs(tree)
    told, broken = _field_values(tree, dict.fromkeys(pairs.values()), field)
    chosen = _field(told.values(), field)
    if not chosen:
        raise DataError(
            "Most of the {count} JSON files in {folder} have no field {field}.",
            count=len(told),
            folder=tree.root,
            field=field or Message("of the usual"),
        )
    entries, problems = [], []
    for path in photos:
        name = tree.name(path)
        beside = pairs.get(path)
        if beside is None:
            reason = Message(
                "{file} has no JSON file {json} beside it or in a sibling folder.", file=name, json=f"{path.stem}.json"
            )
        elif beside in broken:
            reason = Message("{file} cannot be sorted. {problem}", file=name, problem=broken[beside])
        elif not (kind := told[beside][chosen]):
            reason = Message(
                "{file} cannot be sorted: {json} has no text in {field}.",
                file=name,
                json=tree.name(beside),
                field=chosen,
            )
        else:
            entries.append(FoundPhoto(path, name, kind))
            continue
        problems.append(Problem(name, reason))
    notes = (
        Message("What a photo shows was read from {field} of its JSON file.", field=chosen),
        *tree.idle([*photos, *pairs.values()]),
    )
    return Understood(tuple(entries), classes_by_name(entry.kind for entry in entries), tuple(problems), notes)


def _json_pairs(tree: Tree) -> tuple[list[Path], dict[Path, Path]]:
    """All photos, and for those that have one, the JSON file."""
    beside: dict[tuple[Path, str], Path] = {}
    sibling: dict[tuple[Path, str], Path] = {}
    photos = []
    for name, path in tree.files.items():
        if path.suffix.lower() == ".json":
            beside[path.parent, path.stem.lower()] = path
            if "/" in name:
                sibling.setdefault((path.parent.parent, path.stem.lower()), path)
        elif is_photo_name(name):
            photos.append(path)
    pairs = {}
    for path in photos:
        stem = path.stem.lower()
        found = beside.get((path.parent, stem)) or sibling.get((path.parent.parent, stem))
        if found is not None:
            pairs[path] = found
    return photos, pairs


def _field_values(tree: Tree, paths: Iterable[Path], asked: str) -> tuple[dict[Path, dict[str, str]], dict[Path, str]]:
    """What JSON files have in the field asked for or in the usual ones, and why others cannot be read."""
    told, broken = dict[Path, dict[str, str]](), dict[Path, str]()
    for path in paths:
        try:
            document = _read_metadata(path, tree.name(path))
        except DataError as error:
            broken[path] = error.message
            continue
        told[path] = {name: _value(document, name) for name in ((asked,) if asked else FIELDS)}
    return told, broken


def _read_metadata(path: Path, name: str = "") -> Any:
    """A small JSON file; a DataError where it is none, which calls it by this name."""
    return json_in(whole_text(path, name, MAX_JSON_BYTES), name)


def _field(told: Iterable[Mapping[str, str]], asked: str) -> str:
    """The field asked for, or the first of the usual ones, if more than half of the files have it."""
    known = list(told)
    for name in (asked,) if asked else FIELDS:
        if 2 * sum(bool(values[name]) for values in known) > len(known):
            return name
    return ""


def _value(document: Any, dotted: str) -> str:
    """The text or number at a dotted path; nothing where there is none."""
    for key in dotted.split("."):
        document = document.get(key) if isinstance(document, Mapping) else None
    if isinstance(document, str):
        return legible(document.strip())
    return json.dumps(document) if isinstance(document, int | float) else ""


def _field_paths(document: Any, above: str = "", depth: int = 3) -> list[str]:
    """The dotted paths that lead to a text or a number, not too deep."""
    if not isinstance(document, Mapping) or not depth:
        return []
    found = []
    for key, value in document.items():
        deeper = _field_paths(value, f"{above}{key}.", depth - 1)
        found += deeper or ([f"{above}{key}"] if isinstance(value, str | int | float) else [])
    return found


METADATA_JSON = Importer(
    title=Message("Metadata in a JSON file a photo"),
    expects=Message(
        "NAME.json beside NAME.jpg or in a sibling folder, with one of the fields {fields}.", fields=", ".join(FIELDS)
    ),
    field=Message("the dotted path of a field, such as data.subCategory.typeName"),
    refuses=why_not_metadata,
    read=read_metadata_folder,
)
