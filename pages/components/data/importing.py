"""Bringing photos in: what was understood, what each kind means, where they go, and what came of it."""

from html import escape

import streamlit as st

from ensemble.datasets.collection import Added, find_collection
from ensemble.datasets.workbench import Preview, Reading
from ensemble.importers import IMPORTERS, Problem
from ensemble.values.errors import QuorumError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE
from pages.components.common.charts import picture, show_csv
from pages.components.common.choices import PHOTO_TYPES, show_uploader, show_ways
from pages.components.common.progress import show_work
from pages.components.common.sheet import as_markdown, refusals_shown, show_sheet
from pages.session import background, collections, owners, products, sources

AUTOMATIC, OUT, NEW = "Find out", "leave out", "A new collection"
PLACES: dict[str, str | None] = {
    "As the photos say": None,
    "All into Train": "train",
    "All into Test": "test",
    "Decide later": "",
}
MEANINGS = {NON_DEFECTIVE: "good part (OK)", DEFECTIVE: "defective part (NOK)"}
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
        _show_layouts()
        return
    reading = _show_reading()
    try:
        preview = sources.previewed(source, reading)
    except QuorumError as error:
        st.error(as_markdown(str(error)), icon=":material/report:")
        _show_layouts()
        return
    _show_preview(preview)
    meaning = _show_meaning(preview, source.key)
    _show_button(source, reading, preview, meaning)


def _show_layouts() -> None:
    with st.expander("What can be read", icon=":material/info:"):
        rows = [[escape(importer.title), escape(importer.expects)] for importer in IMPORTERS.values()]
        show_sheet(("Layout", "Expected"), rows)


def _show_reading() -> Reading:
    with st.expander("Read it differently", icon=":material/tune:"):
        layout = st.selectbox(
            "Layout",
            [AUTOMATIC, *IMPORTERS],
            format_func=lambda name: name if name == AUTOMATIC else IMPORTERS[name].title,
            filter_mode=None,
            key="data_layout",
        )
        field = st.text_input(
            "Field of the JSON files that holds the class", placeholder="data.subCategory.typeName", key="data_field"
        )
        table = st.text_area(
            "Table from values to classes, a line each; other values stay out",
            placeholder="Topwear = topwear\nJeans = bottomwear",
            key="data_table",
        )
    return sources.as_reading(None if layout == AUTOMATIC else layout, field, table)


def _show_preview(preview: Preview) -> None:
    facts = [f"read as {preview.layout}"]
    facts += [f"{preview.masks} masks"] if preview.masks else []
    facts += [f"{preview.parts} parts known by name"] if preview.parts else []
    st.html(
        f'<div class="understood"><b>{preview.photos()} photos</b> of {len(preview.meaning)} kinds'
        f"<small>{escape(' · '.join(facts))}. Nothing has been copied yet.</small></div>"
    )
    for note in preview.notes:
        st.caption(as_markdown(note))
    if preview.problems:
        _show_problems(preview.problems, "cannot come in", "refused before import")
    for kind, pictures in preview.pictures.items():
        splits = [f"{name or 'no split'} {number}" for (of, name), number in preview.counts.items() if of == kind]
        images = "".join(picture(jpeg, kind) for jpeg in pictures)
        title = f"{escape(kind)} <small>{escape(' · '.join(splits))}</small>"
        st.html(f'<div class="strip"><h4>{title}</h4><div>{images}</div></div>')


def _show_problems(problems: tuple[Problem, ...], what: str, kind: str) -> None:
    lines = "\n".join(f"- {as_markdown(problem.reason)}" for problem in problems[:FIRST])
    more = f"\n- … and {len(problems) - FIRST} more" if len(problems) > FIRST else ""
    st.warning(f"**{len(problems)} {what}:**\n\n{lines}{more}", icon=":material/broken_image:")
    rows = [{"file": problem.name, "reason": problem.reason} for problem in problems]
    show_csv(kind, rows, "All of them (CSV)")


def _show_meaning(preview: Preview, key: str) -> dict[str, str | None]:
    st.subheader("What each kind means", anchor=False)
    names = dict.fromkeys((NON_DEFECTIVE, DEFECTIVE, *preview.meaning, *filter(None, preview.meaning.values()), OUT))
    meaning: dict[str, str | None] = {}
    with st.container(key="meaning"):
        for kind, proposed in preview.meaning.items():
            chosen = st.selectbox(
                f"{as_markdown(kind)} ({preview.of_kind(kind)})",
                list(names),
                index=list(names).index(proposed or OUT),
                format_func=lambda name: MEANINGS.get(name, name),
                accept_new_options=True,
                key=f"means {kind} {key} {preview.layout}",
            )
            meaning[kind] = None if chosen == OUT else chosen
    return meaning


def _show_button(source: sources.Source, reading: Reading, preview: Preview, meaning: dict[str, str | None]) -> None:
    st.subheader("Where they go", anchor=False)
    names = collections.collection_names()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = collections.import_target()
        default = 1 + names.index(target.name) if target else 0
        chosen = (
            st.selectbox(
                "Collection to add to",
                [NEW, *names],
                index=default,
                key=f"data_target {owners.product_called()} {default}",  # under one key it would keep its old choice
                filter_mode=None,
                width=300,
            )
            if names
            else NEW
        )
        name = (
            st.text_input("Name of the new collection", value=source.title, key=f"data_name {source.key}", width=300)
            if chosen == NEW
            else chosen
        )
        place = st.selectbox("Split", list(PLACES), key="data_place", filter_mode=None, width=220)
    _show_owner(name)
    author = st.text_input("Your name (optional)", key="data_author", width=300)
    coming = sum(preview.of_kind(kind) for kind, label in meaning.items() if label)
    pressed = st.button(  # no callback: it would get what was chosen when the page was last shown
        f"Bring in {coming} photos",
        type="primary",
        icon=":material/move_to_inbox:",
        disabled=not coming or not name.strip(),
        key="bring_in",
    )
    if pressed:
        with refusals_shown():
            collections.bring_in(source, reading, meaning, name, PLACES[place], author)
            st.rerun()


def _show_owner(name: str) -> None:
    """Say whose photos the collection of this name holds, where there is a product that they could be mixed up with."""
    product = owners.product_called()
    if product not in products.products():
        return
    known = find_collection(owners.collections_root(), name)
    owner = owners.owner_of(known) if known else owners.owner_of_new(name)
    if not known and not owner:
        st.caption("A new collection belongs to no product until one is trained on it.")
        return
    holds = f"{as_markdown(known.name)} holds" if known else f"{as_markdown(name)} will hold"
    if owner == product:
        st.caption(f"{holds} the photos of the product {as_markdown(owner)}.")
    else:
        whose = f"the product {as_markdown(owner)}" if owner else "no product that is known here"
        st.warning(
            f"{holds} the photos of {whose}, and {as_markdown(product)} is the product in use.",
            icon=":material/call_split:",
        )


def _show_result(added: Added, key: str) -> None:
    parts = [f"**{added.added} photos came in.**"]
    parts += [f"{len(added.known)} were there already."] if added.known else []
    parts += [f"{len(added.refused)} could not."] if added.refused else []
    st.success(" ".join(parts), icon=":material/check:")
    for note in added.notes:
        st.caption(as_markdown(note))
    if added.known:
        _show_problems(added.known, "came a second time", "known photos")
    if added.refused:
        _show_problems(added.refused, "did not come in", "refused photos")
    with st.container(horizontal=True):
        st.button(
            "Look for what is odd",
            type="primary",
            icon=":material/cleaning_services:",
            on_click=collections.go_on,
            args=(collections.CLEAN, key),
            key="go_clean",
        )
        st.button("Bring in more", on_click=background.forget_work, args=(key,), key="more")


FILES, FOLDER, HERE = "Zip or files", "Folder", "Path"
ICONS = {FILES: ":material/folder_zip:", FOLDER: ":material/folder_open:", HERE: ":material/dns:"}
TYPES = [*PHOTO_TYPES, "zip", "csv", "json"]


def show_source() -> sources.Source | None:
    """Show the ways in; gives the chosen source, None while there is none."""
    way = show_ways("Photos from", ICONS, "data_way")
    if way == HERE:
        return _show_path()
    if way == FOLDER:
        label = "A folder with one folder a class, as a camera or a download left it"
        files = show_uploader(label, TYPES, "data_folder", folder=True)
    else:
        label = "A zip of folders, one a class; or photos with a CSV or JSON files that say what they are"
        files = show_uploader(label, TYPES, "data_files", folder=False)
    return sources.upload_source(files) if files else None


def _show_path() -> sources.Source | None:
    text = st.text_input("Folder or zip on the machine that Quorum runs on", placeholder="data", key="data_path")
    if not text.strip():
        return None
    with refusals_shown():
        return sources.folder_source(text)
    return None
