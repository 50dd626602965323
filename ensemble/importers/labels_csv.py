"""A CSV file beside photos: a column that names the file, one that says what it shows, others where there are any."""

from pathlib import Path

from ensemble.importers.listing import Tree, legible, some
from ensemble.importers.tables import CsvTable, TableRows, read_table
from ensemble.importers.values import FoundPhoto, Importer, Understood
from ensemble.values.errors import DataError
from ensemble.values.language import Message, paragraph
from ensemble.values.vocabulary import classes_by_name

FILE, LABEL = "file", "label"
COLUMN_NAMES: dict[str, tuple[str, ...]] = {
    FILE: (
        *("file", "filename", "file_name", "filepath", "file_path", "path", "image", "image_path", "image_name"),
        *("image_file", "image_id", "img", "photo", "picture", "name", "nom", "datei", "dateiname", "bild"),
        *("bilddatei", "bildname", "foto", "fichier", "nom_de_fichier", "archivo", "imagen", "immagine", "plik", "id"),
    ),
    LABEL: (
        *("label", "labels", "class", "class_name", "target", "verdict", "result", "klasse", "classe", "clase"),
        *("klasa", "etikett", "etiquette", "etiqueta", "bewertung", "ergebnis", "befund", "urteil", "resultat"),
        *("resultado", "status", "category"),
    ),
    "split": ("split", "subset", "set", "partition", "fold"),
    "defect": ("defect", "defect_type", "defect_class", "anomaly_type", "fehler", "fehlerart", "defaut"),
    "part": ("part", "part_id", "part_number", "group", "group_id", "serial", "serial_number", "teil", "piece"),
    "mask": ("mask", "mask_path", "mask_file", "ground_truth", "maske"),
    "category": ("category", "product", "object", "produkt", "produit"),
}


def why_not_labels_csv(tree: Tree, field: str) -> str:
    """Why a tree is not laid out so."""
    usable, reasons = _usable(tree, field)
    return "" if usable else "; ".join(reasons) or Message("no CSV file at the top")


def read_labels_csv(tree: Tree, field: str) -> Understood:
    """The photos that the CSV file names."""
    usable, _ = _usable(tree, field)
    if len(usable) > 1:
        raise DataError(
            "{folder} holds {files}, and each may be the labels. Leave one of them there.",
            folder=tree.root,
            files=some(usable),
        )
    ((name, columns),) = usable.items()
    table = read_table(tree.files[name], tree.above + name)
    rows = TableRows(tree)
    for number, cells in table.records(columns):
        defect, category, part = (legible(cells.get(name, "")) for name in ("defect", "category", "part"))
        split = rows.split(cells.get("split", ""))
        entry = FoundPhoto(Path(), cells[FILE], legible(cells[LABEL]), split, defect, category, part)
        rows.add(table, number, entry, cells.get("mask", ""))
    entries = tuple(rows.entries.values())
    read_as = ", ".join(f"{meaning} = {legible(title)}" for meaning, title in columns.items())
    unread = [title for title in table.header if title not in columns.values()]
    columns_read = Message("Columns of {table}: {columns}.", table=table.name, columns=read_as)
    notes: list[str] = [
        paragraph(columns_read, Message("Not read: {columns}.", columns=some(unread)) if unread else "")
    ]
    notes += [*table.notes, *rows.split_notes(), *tree.idle([*rows.used(), tree.files[name]])]
    return Understood(entries, classes_by_name(entry.kind for entry in entries), tuple(rows.problems), tuple(notes))


def _usable(tree: Tree, field: str) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The CSV files that name files and labels, each with its columns by what they mean; why the others do not."""
    usable, reasons = {}, []
    for name in tree.at_top():
        if not name.lower().endswith(".csv"):
            continue
        try:
            usable[name] = _columns_by_use(read_table(tree.files[name], name, only_header=True), field)
        except DataError as error:
            reasons.append(str(error).removesuffix("."))
    return usable, reasons


def _columns_by_use(table: CsvTable, field: str) -> dict[str, str]:
    """Which column means what; each is used once, and a DataError says where file or label is missing."""
    found: dict[str, str] = {}
    for meaning, names in COLUMN_NAMES.items():
        wanted = (field,) if field and meaning == LABEL else names
        title = table.column([name for name in wanted if table.column((name,)) not in found.values()])
        if title is not None:
            found[meaning] = title
    if missing := [meaning for meaning in (FILE, LABEL) if meaning not in found]:
        columns = some(table.header)
        if field and missing == [LABEL]:
            raise DataError(
                "{table} has no column {field}, but the columns {columns}.",
                table=table.name,
                field=field,
                columns=columns,
            )
        raise DataError(
            "{table} has no column for the {missing}, but the columns {columns}.",
            table=table.name,
            missing=" and the ".join(missing),
            columns=columns,
        )
    return found


LABELS_CSV = Importer(
    title=Message("Labels in a CSV file"),
    expects=Message(
        "one CSV file at the top with a column for the file (file, image, path, …) and one for the label (label, "
        "class, …); split, defect, part, mask and category where there are any."
    ),
    field=Message("the column that holds the label"),
    refuses=why_not_labels_csv,
    read=read_labels_csv,
)
