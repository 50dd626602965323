"""What is in a collection: counts by class and split, some pictures, and what was decided."""

import random
from collections import Counter
from collections.abc import Sequence
from html import escape

import streamlit as st

from ensemble.datasets.collection import UNSPLIT, CollectedPhoto, Correction, Mistake, counts
from ensemble.values.results import word
from pages.components.common.charts import picture, show_csv
from pages.components.common.sheet import as_markdown, quiet_chip, show_sheet
from pages.session import collections

NAMES = {"train": "Train", "calibration": "Validation", "test": "Test", UNSPLIT: "No split"}
ROLES = {
    "train": "training",
    "calibration": "thresholds",
    "test": "evaluation",
    UNSPLIT: "unused",
}
SHOWN, DECISIONS = 6, 12
MISTAKES = {  # one of a kind, several
    "escape": ("escape", "escapes"),
    "overkill": ("overkill", "overkills"),
    "confused": ("confused", "confused"),
    "decided": ("decided review", "decided reviews"),
}


def show_overview() -> None:
    """Show what a collection holds, what waits for somebody, and what was decided last."""
    collection = collections.collection()
    if collection is None:
        return
    photos = collection.photos()
    known = [photo for photo in photos if not photo.dropped]
    if not known:
        st.info("No photos in use. Import photos, or restore excluded ones below.", icon=":material/photo:")
    else:
        _show_tiles(known)
        _show_mistakes(collection.mistakes())
        _show_counts(known)
        _show_pictures(known)
        _show_file(photos)
    _show_decisions(collection.decisions())


def _show_tiles(known: Sequence[CollectedPhoto]) -> None:
    by_split = counts(known)
    tiles = [
        f'<div class="tile {"review" if split == UNSPLIT else "plain"}"><b>{sum(by_split[split].values())}</b>'
        f"<span>{NAMES[split]}</span><p>{ROLES[split]}</p></div>"
        for split in by_split
    ]
    st.html(f'<div class="tiles">{"".join(tiles)}</div>')
    if UNSPLIT in by_split:
        st.warning("Some photos have no split. Assign them under **Split**.", icon=":material/call_split:")
    elif "train" not in by_split or "test" not in by_split:
        st.warning(
            "Training needs photos in Train and Test. Assign them under **Split**.",
            icon=":material/call_split:",
        )


def _show_mistakes(waiting: Sequence[Mistake]) -> None:
    if not waiting:
        return
    by_kind = {kind: sum(each.kind == kind for each in waiting) for kind in MISTAKES}
    listed = ", ".join(f"{number} {MISTAKES[kind][number != 1]}" for kind, number in by_kind.items() if number)
    with st.container(border=True, key="mistakes"):
        st.markdown(
            f"**1 confirmed error** ({listed})"
            if len(waiting) == 1
            else f"**{len(waiting)} confirmed errors** ({listed})",
            help="Photos like these improve the next training most. Test photos then leave the test set.",
        )
        st.button(
            "Add to training set",
            icon=":material/move_down:",
            type="primary",
            on_click=collections.pull_mistakes,
            key="pull",
        )


def _show_counts(known: Sequence[CollectedPhoto]) -> None:
    by_split = counts(known)
    labels = sorted({photo.label for photo in known})
    rows = []
    for label in labels:
        numbers = [by_split[split].get(label, 0) for split in by_split]
        rows.append([escape(word(label)), *map(str, numbers), str(sum(numbers))])
    show_sheet(("Class", *(NAMES[split] for split in by_split), "All"), rows)
    defects = sorted(Counter(photo.defect for photo in known if photo.defect).items())
    facts = [f"Defect types: {', '.join(f'{name} {number}' for name, number in defects)}"] if defects else []
    masks = sum(photo.mask is not None for photo in known)
    facts += [f"Masks: {masks}"] if masks else []
    parts = len({(photo.category, photo.part) for photo in known if photo.part})
    facts += [f"Parts: {parts}"] if parts else []
    if facts:
        st.caption(as_markdown(" · ".join(facts)))


def _show_pictures(known: Sequence[CollectedPhoto]) -> None:
    for label in sorted({photo.label for photo in known}):
        alike = [photo for photo in known if photo.label == label]
        some = random.Random(0).sample(alike, min(SHOWN, len(alike)))  # the same ones each time
        images = "".join(picture(collections.kept_thumbnail(photo), photo.name) for photo in some)
        st.html(f'<div class="strip"><h3>{escape(word(label))}</h3><div>{images}</div></div>')


def _show_file(photos: Sequence[CollectedPhoto]) -> None:
    rows = [
        {
            "name": photo.name,
            "sha256": photo.sha256,
            "class": photo.label,
            "split": photo.split,
            "defect": photo.defect,
            "product": photo.category,
            "part": photo.part,
            "dropped": "yes" if photo.dropped else "",
            "width": photo.width,
            "height": photo.height,
            "origin": photo.origin,
            "added_at": photo.added_at,
        }
        for photo in photos
    ]
    show_csv("photos", rows, "All photos (CSV)")


def _show_decisions(decisions: Sequence[Correction]) -> None:
    st.header("History", anchor=False)
    rows = []
    for decision in decisions[:DECISIONS]:
        state = quiet_chip("undone") if decision.undone else ""
        when = decision.at[:16].replace("T", " ")
        what = f"{escape(decision.sentence())}<small>{escape(decision.reason)}</small>"
        rows.append([str(decision.number), when, what, escape(decision.author or "–"), state])
    show_sheet(("No.", "Time (UTC)", "Change", "By", ""), rows, folding=True)
    standing = [decision for decision in decisions if not decision.undone]
    if not standing:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Entry",
            standing[:DECISIONS],
            format_func=lambda decision: f"{decision.number} · {decision.sentence()}",
            key=f"take back {standing[0].number}",
            filter_mode=None,
            width=340,
        )
        st.button(
            "Undo", icon=":material/undo:", on_click=collections.take_back, args=(chosen.number,), key="take_back"
        )
