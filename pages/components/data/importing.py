"""Bringing photos in: what was understood, what each kind means, where they go, and what came of it."""

import streamlit as st

from ensemble.datasets.collection import SPLITS, UNSPLIT, Added, find_collection
from ensemble.datasets.workbench import Preview, Reading
from ensemble.importers import IMPORTERS, Problem
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, _, paragraph, worded
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE
from pages.components.common.charts import picture, show_csv
from pages.components.common.choices import PHOTO_TYPES, show_uploader, show_ways
from pages.components.common.person import show_name_field
from pages.components.common.progress import show_work
from pages.components.common.sheet import as_html, as_markdown, refusals_shown, show_sheet
from pages.components.data.kept import NAMES
from pages.session import background, collections, owners, products, sources

AUTOMATIC, OUT, NEW = Message("Automatic"), "exclude", Message("New collection")
AS_THEY_ARE = "as they are"
PLACES = (AS_THEY_ARE, "train", "test", UNSPLIT)
FIRST = 6  # problems that are listed; the file has them all


def show_import() -> None:
    """Show where photos come from, what is understood of them, and the button that brings them in."""
    target = collections.collection()
    key = f"import {target.folder}" if target else ""
    work = background.work(key)
    if work is not None:
        if (done := show_work(key)) is not None:
            _show_result(done.result, key)
        return
    source = show_source()
    if source is None:
        st.caption(
            _(
                "For example a ZIP with a folder of good parts (`ok`) and one of defective parts (`nok`). Then train "
                "under **{training}**.",
                training=_("Training"),
            )
        )
        _show_layouts()
        return
    reading = _show_reading()
    try:
        preview = sources.previewed(source, reading)
    except QuorumError as error:
        st.error(as_markdown(error.message), icon=":material/report:")
        _show_layouts()
        return
    _show_preview(preview)
    meaning = _show_meaning(preview, source.key)
    _show_button(source, reading, preview, meaning)


def _show_layouts() -> None:
    with st.expander(_("Supported layouts"), icon=":material/info:"):
        rows = [[as_html(importer.title), as_html(importer.expects)] for importer in IMPORTERS.values()]
        show_sheet((_("Layout"), _("Expected")), rows)


def _show_reading() -> Reading:
    with st.expander(_("Import options"), icon=":material/tune:"):
        layout = st.selectbox(
            _("Layout"),
            [AUTOMATIC, *IMPORTERS],
            format_func=lambda name: worded(name if name == AUTOMATIC else IMPORTERS[name].title),
            filter_mode=None,
            key="data_layout",
        )
        field = st.text_input(_("JSON field with the class"), placeholder="data.subCategory.typeName", key="data_field")
        table = st.text_area(
            _("Class names, one line each; other values are excluded"),
            placeholder="Topwear = topwear\nJeans = bottomwear",
            key="data_table",
        )
    return sources.as_reading(None if layout == AUTOMATIC else layout, field, table)


def _show_preview(preview: Preview) -> None:
    counted = Message("{count} photo", "{count} photos", count=preview.photos())
    classes = Message("{count} class", "{count} classes", count=len(preview.meaning))
    found = _("{photos} in {classes}", photos=counted, classes=classes)
    facts = paragraph(
        _("Layout: {layout}.", layout=preview.layout),
        _("Masks: {masks}.", masks=preview.masks) if preview.masks else "",
        _("Parts: {parts}.", parts=preview.parts) if preview.parts else "",
        _("Preview only."),
    )
    st.html(f'<div class="understood"><b>{as_html(found)}</b><small>{as_html(facts)}</small></div>')
    for note in preview.notes:
        st.caption(as_markdown(note))
    if preview.problems:
        _show_problems(
            preview.problems, _("Not readable ({count})", count=len(preview.problems)), "refused before import"
        )


def _show_problems(problems: tuple[Problem, ...], title: str, kind: str) -> None:
    lines = [as_markdown(problem.reason) for problem in problems[:FIRST]]
    if len(problems) > FIRST:
        lines.append(_("… {count} more", count=len(problems) - FIRST))
    listed = "\n".join(f"- {line}" for line in lines)
    st.warning(f"**{as_markdown(title)}**\n\n{listed}", icon=":material/broken_image:")
    rows = [{"file": problem.name, "reason": problem.reason} for problem in problems]
    show_csv(kind, rows, _("Full list (CSV)"))


def _show_meaning(preview: Preview, key: str) -> dict[str, str | None]:
    """Show each kind of the source with some of its photos, and ask what it is here."""
    st.header(_("Map classes"), anchor=False)
    names = dict.fromkeys((NON_DEFECTIVE, DEFECTIVE, *preview.meaning, *filter(None, preview.meaning.values()), OUT))
    meaning: dict[str, str | None] = {}
    with st.container(key="meaning"):
        for kind, proposed in preview.meaning.items():
            with st.container(border=True, key=f"kind {kind}"):
                chosen = st.selectbox(
                    as_markdown(_("{name} ({count})", name=kind, count=preview.of_kind(kind))),
                    list(names),
                    index=list(names).index(proposed or OUT),
                    format_func=_meaning,
                    accept_new_options=True,
                    key=f"means {kind} {key} {preview.layout}",
                )
                images = "".join(picture(jpeg, kind) for jpeg in preview.pictures.get(kind, ()))
                st.html(f'<div class="kept-grid">{images}</div>')
                if said := _splits(preview, kind):
                    st.caption(as_markdown(said))
            meaning[kind] = None if chosen == OUT else chosen
    return meaning


def _meaning(name: str) -> str:
    if name == NON_DEFECTIVE:
        return _("OK (good part)")
    if name == DEFECTIVE:
        return _("NOK (defective part)")
    return _("Exclude") if name == OUT else name


def _splits(preview: Preview, kind: str) -> str:
    """How many photos of a kind the source itself puts into each split; empty where it says nothing of it."""
    numbers = {name: number for (of, name), number in preview.counts.items() if of == kind and name in SPLITS}
    return paragraph(*(_("{split}: {count}.", split=NAMES[name], count=numbers[name]) for name in numbers))


def _show_button(source: sources.Source, reading: Reading, preview: Preview, meaning: dict[str, str | None]) -> None:
    st.header(_("Destination"), anchor=False)
    names = collections.collection_names()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = collections.import_target()
        default = 1 + names.index(target.name) if target else 0
        chosen = (
            st.selectbox(
                _("Target collection"),
                [NEW, *names],
                format_func=worded,
                index=default,
                key=f"data_target {owners.product_called()} {default}",  # under one key it would keep its old choice
                filter_mode=None,
                width=300,
            )
            if names
            else NEW
        )
        name = (
            st.text_input(_("Collection name"), value=source.title, key=f"data_name {source.key}", width=300)
            if chosen == NEW
            else chosen
        )
        place = st.selectbox(
            _("Split of the photos"), PLACES, format_func=_place, key="data_place", filter_mode=None, width=220
        )
    _show_owner(name)
    author = show_name_field("data_author", required=False, width=300)
    coming = sum(preview.of_kind(kind) for kind, label in meaning.items() if label)
    pressed = st.button(  # no callback: it would get what was chosen when the page was last shown
        _("Import {count} photo", "Import {count} photos", count=coming),
        type="primary",
        icon=":material/move_to_inbox:",
        disabled=not coming or not name.strip(),
        key="bring_in",
    )
    if pressed:
        with refusals_shown():
            collections.bring_in(source, reading, meaning, name, None if place == AS_THEY_ARE else place, author)
            st.rerun()


def _place(split: str) -> str:
    if split == AS_THEY_ARE:
        return _("As in the folders")
    if split == UNSPLIT:
        return worded(NAMES[UNSPLIT])
    return _("All to Train") if split == "train" else _("All to Test")


def _show_owner(name: str) -> None:
    """Say whose photos the collection of this name holds, where there is a product that they could be mixed up with."""
    product = owners.product_called()
    if product not in products.products():
        return
    known = find_collection(owners.collections_root(), name)
    owner = owners.owner_of(known) if known else owners.owner_of_new(name)
    if not known and not owner:
        st.caption(_("The new collection gets its product with the first training."))
        return
    name = known.name if known else name
    if owner == product:
        st.caption(as_markdown(_("{name} belongs to the product {owner}.", name=name, owner=owner)))
        return
    said = _("{name} belongs to no known product, but {product} is selected.", name=name, product=product)
    if owner:
        said = _(
            "{name} belongs to the product {owner}, but {product} is selected.", name=name, owner=owner, product=product
        )
    st.warning(as_markdown(said), icon=":material/call_split:")


def _show_result(added: Added, key: str) -> None:
    st.success(_("**{count} imported**", count=added.added), icon=":material/check:")
    for note in added.notes:
        st.caption(as_markdown(note))
    if added.known:
        _show_problems(added.known, _("Duplicates ({count})", count=len(added.known)), "known photos")
    if added.refused:
        _show_problems(added.refused, _("Not imported ({count})", count=len(added.refused)), "refused photos")
    with st.container(horizontal=True):
        st.button(
            _("Check data quality"),
            type="primary",
            icon=":material/cleaning_services:",
            on_click=collections.go_on,
            args=(collections.CLEAN, key),
            key="go_clean",
        )
        st.button(_("Import more"), on_click=background.forget_work, args=(key,), key="more")


FILES, FOLDER, HERE = Message("ZIP or files"), Message("Folder"), Message("Path")
ICONS: dict[str, str] = {FILES: ":material/folder_zip:", FOLDER: ":material/folder_open:", HERE: ":material/dns:"}
FORMATS = Message("Photos, ZIP, CSV, JSON, XML, TXT or YAML")
TYPES = [*PHOTO_TYPES, "zip", "csv", "json", "jsonl", "manifest", "xml", "txt", "yaml"]


def show_source() -> sources.Source | None:
    """Show the ways in; gives the chosen source, None while there is none."""
    way = show_ways(_("Photos from"), ICONS, "data_way")
    if way == HERE:
        return _show_path()
    if way == FOLDER:
        label = _("Folder with one subfolder per class")
        files = show_uploader(label, TYPES, "data_folder", folder=True, formats=FORMATS)
    else:
        label = _("ZIP with one folder per class, or photos with a CSV / JSON label file")
        files = show_uploader(label, TYPES, "data_files", folder=False, formats=FORMATS)
    return sources.upload_source(files) if files else None


def _show_path() -> sources.Source | None:
    text = st.text_input(_("Folder or ZIP on the server"), placeholder="data", key="data_path")
    if not text.strip():
        return None
    with refusals_shown():
        return sources.folder_source(text)
    return None
