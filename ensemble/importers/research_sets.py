"""Sets for research whose folders do not tell good from defective: KolektorSDD and KolektorSDD2, DAGM, Real-IAD."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ensemble.imaging.masks import look_at
from ensemble.importers.listing import Lookup, Problem, Tree, is_photo_name, legible, some
from ensemble.importers.marked import BOXED, FREE, beginning, json_in, whole_text
from ensemble.importers.values import FoundPhoto, Importer, Understood
from ensemble.values.errors import MISSHAPEN, DataError
from ensemble.values.language import Message
from ensemble.values.vocabulary import WHOLE, classes_by_name, is_known, part_called, same_name

KOLEKTOR_MASK = re.compile(r"(?P<photo>.+)(_label\.bmp|_gt\.png)", re.IGNORECASE)
DAGM_PHOTO = re.compile(r"((?P<category>[^/]+)/)?(?P<part>train|test)/(?P<stem>[^/]+)\.[^./]+", re.IGNORECASE)
DAGM_MASK = re.compile(r"(.+/)?(train|test)/label/(labels\.txt|[^/]+_label\.[a-z]+)", re.IGNORECASE)
DAGM_LINE = re.compile(r"\s*\d+\s+(?P<label>[01])\s+(?P<stem>\S+)\.\w+\s+[01]\s+\S+\s*")
USUAL_LISTS = "realiad_jsons"


def _understood(entries: list[FoundPhoto], problems: list[Problem], notes: Sequence[str]) -> Understood:
    return Understood(tuple(entries), classes_by_name(each.kind for each in entries), tuple(problems), tuple(notes))


def _in_class_folders(tree: Tree) -> bool:
    return any(is_known(folder) for name in tree.files for folder in name.split("/")[:-1])


def _kolektor_masks(tree: Tree) -> tuple[list[str], dict[str, Path]]:
    """Photos, and masks by the name of their photo without its ending."""
    names = [name for name in tree.files if is_photo_name(name)]
    masks = {same_name(found["photo"]): name for name in names if (found := KOLEKTOR_MASK.fullmatch(name))}
    known = set(masks.values())
    photos = [name for name in names if name not in known]
    return photos, {key: tree.files[mask] for key, mask in masks.items()}


def why_not_kolektor(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    photos, masks = _kolektor_masks(tree)
    if _in_class_folders(tree):
        return Message("folders that name good or defective parts")
    count = sum(same_name(name.rpartition(".")[0]) in masks for name in photos)
    if not count or 2 * count < len(photos):
        return Message(
            "a mask NAME_label.bmp or NAME_GT.png beside {count} of {photos} photos", count=count, photos=len(photos)
        )
    return ""


def read_kolektor(tree: Tree, _field: str) -> Understood:
    """Photos that are defective where the mask beside marks anything."""
    photos, masks = _kolektor_masks(tree)
    entries, problems = list[FoundPhoto](), list[Problem]()
    for name in photos:
        shown, mask = tree.above + name, masks.get(same_name(name.rpartition(".")[0]))
        if mask is None:
            reason = Message("{file} has no mask beside it, so nobody knows whether it is good.", file=shown)
            problems.append(Problem(shown, reason))
            continue
        try:
            kind = BOXED if look_at(mask).damage.any() else FREE
        except DataError as error:
            problems.append(Problem(shown, error.message))
            continue
        folder = name.rpartition("/")[0].rpartition("/")[2]
        split = next(filter(None, map(part_called, name.split("/")[:-1])), WHOLE)
        part = "" if part_called(folder) else folder
        entries.append(
            FoundPhoto(tree.files[name], shown, kind, split, part=part, mask=mask if kind == BOXED else None)
        )
    note = Message("A photo is defective where the mask beside it marks anything, else good.")
    return _understood(entries, problems, [note, *tree.idle([*masks.values(), *(tree.files[name] for name in photos)])])


def why_not_dagm(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    if any(DAGM_MASK.fullmatch(name) for name in tree.files) and any(DAGM_PHOTO.fullmatch(name) for name in tree.files):
        return ""
    return Message("no Train/ or Test/ with photos and a folder Label/ in it")


def read_dagm(tree: Tree, _field: str) -> Understood:
    """Photos that Labels.txt calls defective, or without one those that have a mask in Label/."""
    files = {same_name(name): path for name, path in tree.files.items()}
    labels = {
        same_name(name): _dagm_labels(tree, name) for name in tree.files if name.casefold().endswith("/labels.txt")
    }
    entries, problems, used = list[FoundPhoto](), list[Problem](), list[Path]()
    for name, path in tree.files.items():
        if not (found := DAGM_PHOTO.fullmatch(name)) or not is_photo_name(name):
            continue
        folder, shown = name.rpartition("/")[0], tree.above + name
        stem = same_name(f"{folder}/label/{found['stem']}_label")
        mask = next((files[stem + end] for end in (".png", ".bmp") if stem + end in files), None)
        told = labels.get(same_name(f"{folder}/label/labels.txt"))
        bad = mask is not None if told is None else told.get(found["stem"].casefold())
        used += filter(None, (path, mask))
        if bad is None or (mask is not None and not bad):
            reason = Message("{file} is not in Labels.txt, or good there and with a mask in Label/.", file=shown)
            problems.append(Problem(shown, reason))
            continue
        entry = FoundPhoto(path, shown, BOXED if bad else FREE, part_called(found["part"]), mask=mask)
        entries.append(replace(entry, category=found["category"] or ""))
    used += (tree.files[name] for name in tree.files if same_name(name) in labels)
    return _understood(entries, problems, [Message("Defective photos are those of Label/."), *tree.idle(used)])


def _dagm_labels(tree: Tree, name: str) -> dict[str, bool]:
    lines = whole_text(tree.files[name], tree.above + name).splitlines()
    return {line["stem"].casefold(): line["label"] == "1" for line in map(DAGM_LINE.fullmatch, lines) if line}


def _real_iad_lists(tree: Tree) -> dict[str, list[str]]:
    """The JSON files that list photos, by the folder that they lie in."""
    found: dict[str, list[str]] = {}
    for name, path in tree.files.items():
        folder = name.rpartition("/")[0]
        if name.casefold().endswith(".json") and (not folder or "json" in folder.casefold()):
            start = beginning(path)
            if b'"anomaly_class"' in start and b'"image_path"' in start:
                found.setdefault(folder, []).append(name)
    return found


def why_not_real_iad(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    return "" if _real_iad_lists(tree) else Message("no JSON files with anomaly_class and image_path")


def read_real_iad(tree: Tree, field: str) -> Understood:
    """The photos that the JSON files of one folder list, for the categories that are here."""
    lists = _real_iad_lists(tree)
    chosen = field or (USUAL_LISTS if USUAL_LISTS in lists else next(iter(lists)))
    if chosen not in lists:
        raise DataError(
            "{folder} has no lists in {field}. There are {lists}.", folder=tree.root, field=field, lists=some(lists)
        )
    lookup, entries, problems = Lookup(tree), dict[Path, FoundPhoto](), list[Problem]()
    here = {folder for name in tree.files if is_photo_name(name) for folder in name.split("/")[:-1]}
    absent: dict[str, None] = {}
    for name in lists[chosen]:
        shown = tree.above + name
        try:
            rows = list(_real_iad_rows(json_in(whole_text(tree.files[name], shown), shown)))
        except MISSHAPEN as error:
            found = legible(f"{type(error).__name__} {error}")
            said = Message(
                "{file}: expected meta, train and test as Real-IAD has them, found {found}.", file=shown, found=found
            )
            problems.append(Problem(shown, said))
            continue
        for entry, image, mask in rows:
            if entry.category not in here and tree.root.name != entry.category:
                absent[entry.category] = None
                continue
            try:
                path = lookup.find_tail(image)
                entries[path] = replace(
                    entry, path=path, name=tree.name(path), mask=lookup.find_tail(mask) if mask else None
                )
            except DataError as error:
                problems.append(Problem(image, Message("{file}: {problem}", file=shown, problem=error)))
    notes = [Message("Lists are those of {chosen}; there are {lists}.", chosen=chosen or ".", lists=some(lists))]
    if absent:
        notes.append(Message("Not here: {categories}.", categories=some(absent)))
    return _understood(list(entries.values()), problems, notes)


def _real_iad_rows(document: Mapping[str, Any]) -> Iterator[tuple[FoundPhoto, str, str]]:
    meta = document["meta"]
    for name, rows in document.items():
        for row in rows if part_called(name) else ():
            kind, image = legible(str(row["anomaly_class"])), str(row["image_path"])
            good = kind == meta["normal_class"]
            where, category = str(meta.get("prefix", "")), legible(str(row["category"]))
            part = image.rpartition("/")[0]
            entry = FoundPhoto(
                Path(), "", FREE if good else BOXED, part_called(name), "" if good else kind, category, part
            )
            yield entry, where + image, where + str(row["mask_path"]) if row.get("mask_path") else ""


KOLEKTOR = Importer(
    title=Message("KolektorSDD"),
    expects=Message("a mask NAME_label.bmp or NAME_GT.png beside each photo, in kosNN/, train/ or test/."),
    refuses=why_not_kolektor,
    read=read_kolektor,
)
DAGM = Importer(
    title=Message("DAGM"),
    expects=Message("CLASS/Train and CLASS/Test with photos, and in each Label/ with Labels.txt and NAME_label.PNG."),
    refuses=why_not_dagm,
    read=read_dagm,
)
REAL_IAD = Importer(
    title=Message("Real-IAD"),
    expects=Message(
        "realiad_jsons/CATEGORY.json with category, anomaly_class, image_path and mask_path, and the photos."
    ),
    field=Message("the folder of the JSON files, such as realiad_jsons"),
    refuses=why_not_real_iad,
    read=read_real_iad,
)
