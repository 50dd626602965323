"""VisA (Zou et al., SPot-the-Difference Self-Supervised Pre-training for Anomaly Detection, ECCV 2022).

`split_csv/NAME.csv` says what is train and test; `CATEGORY/image_anno.csv` names the kinds of defect. Mask pixels are
numbers of kinds, so anything above 0 is damage.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ensemble.importers.listing import Tree, some
from ensemble.importers.tables import CsvTable, TableRows, read_table, titles_of
from ensemble.importers.values import FoundPhoto, Importer, Understood
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.vocabulary import classes_by_name

VISA_TITLE = "VisA"
NORMAL, ANOMALY = "normal", "anomaly"
USUAL_SPLIT = "1cls"  # the split that most published figures are measured on
SPLIT_FILE = re.compile(r"split_csv/[^/]*\.csv", re.IGNORECASE)
ANNOTATION = re.compile(r"([^/]+/)?image_anno\.csv", re.IGNORECASE)
SPLIT_COLUMNS = ("object", "split", "label", "image", "mask")
KIND_COLUMNS = ("image", "label", "mask")


def why_not_visa(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    return (
        "" if _splits(tree) or _annotations(tree) else Message("neither split_csv/NAME.csv nor CATEGORY/image_anno.csv")
    )


def read_visa(tree: Tree, field: str) -> Understood:
    """The photos that a split file names or, without one, those of every image_anno.csv."""
    rows, notes = TableRows(tree), list[str]()
    tables = [(base, read_table(tree.files[name], tree.above + name)) for base, name in _annotations(tree).items()]
    if splits := _splits(tree):
        chosen = _chosen(splits, field, tree)
        notes.append(
            Message("Splits are those of {chosen}; there are {splits}.", chosen=chosen, splits=", ".join(splits))
        )
        notes += _read_split(rows, read_table(tree.files[splits[chosen]], tree.above + splits[chosen]), tables)
    else:
        notes.append(Message("There is no split_csv/, so nothing tells training photos from test photos."))
        for base, table in tables:
            _read_annotation(rows, base, table)
    entries = tuple(rows.entries.values())
    used = [*rows.used(), *(tree.files[name] for name in (*splits.values(), *_annotations(tree).values()))]
    notes += [*rows.split_notes(), *tree.idle(used)]
    return Understood(entries, classes_by_name(entry.kind for entry in entries), tuple(rows.problems), tuple(notes))


def _splits(tree: Tree) -> dict[str, str]:
    """Names of split files without their ending, and the files."""
    return {Path(name).stem: name for name in filter(SPLIT_FILE.fullmatch, tree.files)}


def _annotations(tree: Tree) -> dict[str, str]:
    """The folders that hold an image_anno.csv, at the top or one below, and the files."""
    return {name.rpartition("/")[0]: name for name in filter(ANNOTATION.fullmatch, tree.files)}


def _chosen(splits: dict[str, str], field: str, tree: Tree) -> str:
    if field and field not in splits:
        raise DataError(
            "{root} has no split file {field}. There are {splits}.",
            root=tree.root,
            field=field,
            splits=", ".join(splits),
        )
    return field or (USUAL_SPLIT if USUAL_SPLIT in splits else next(iter(splits)))


def _read_split(rows: TableRows, table: CsvTable, tables: list[tuple[str, CsvTable]]) -> list[str]:
    """Take the rows of a split file, with the kinds of defect of the annotations; notes on what is not here."""
    defects = dict(_annotated_defects(rows, tables))
    here = {*rows.tree.folders(), rows.tree.root.name}
    absent: dict[str, int] = {}
    for number, cells in table.records(titles_of(table, SPLIT_COLUMNS, VISA_TITLE)):
        category, label = cells["object"], cells["label"].lower()
        if category not in here:
            absent[category] = absent.get(category, 0) + 1
            continue
        entry = FoundPhoto(
            Path(), cells["image"], label, rows.split(cells["split"]), category=category, mask_scale="index"
        )
        rows.add(table, number, entry, cells["mask"], category)
    for path, entry in rows.entries.items():
        if entry.kind != NORMAL and path in defects:
            rows.entries[path] = replace(entry, defect=defects[path])
    return (
        [Message("{count} photos of {products} are not here.", count=sum(absent.values()), products=some(absent))]
        if absent
        else []
    )


def _annotated_defects(rows: TableRows, tables: list[tuple[str, CsvTable]]) -> Iterator[tuple[Path, str]]:
    """Which kinds of defect the annotations name; a photo that is not there is the split file's matter."""
    for base, table in tables:
        for _, cells in table.records(titles_of(table, KIND_COLUMNS, VISA_TITLE)):
            try:
                yield rows.lookup.find(cells["image"], base), _defect(cells["label"])
            except DataError:
                continue


def _read_annotation(rows: TableRows, base: str, table: CsvTable) -> None:
    category = base or rows.tree.root.name
    for number, cells in table.records(titles_of(table, KIND_COLUMNS, VISA_TITLE)):
        kind = NORMAL if cells["label"].lower() == NORMAL else ANOMALY if cells["label"] else ""
        defect = _defect(cells["label"]) if kind == ANOMALY else ""
        entry = FoundPhoto(Path(), cells["image"], kind, "", defect, category, mask_scale="index")
        rows.add(table, number, entry, cells["mask"], base)


def _defect(label: str) -> str:
    """`bent,melt` as it stands in one cell, with a blank after each comma."""
    return ", ".join(part.strip() for part in label.split(",") if part.strip())


VISA = Importer(
    title=VISA_TITLE,
    expects=Message(
        "split_csv/NAME.csv with the columns object,split,label,image,mask, or CATEGORY/image_anno.csv with "
        "image,label,mask."
    ),
    field=Message("the name of the split file, such as 1cls"),
    refuses=why_not_visa,
    read=read_visa,
)
