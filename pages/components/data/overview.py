"""What is in a collection: counts by class and split, some pictures, and what was decided."""

import random
from collections import Counter
from collections.abc import Sequence
from html import escape

import streamlit as st

from ensemble.datasets.collection import UNSPLIT, CollectedPhoto, Correction, Mistake, counts
from ensemble.values.language import Message, _, paragraph
from ensemble.values.results import word
from pages.components.common.charts import show_csv
from pages.components.common.choices import show_choice, show_page
from pages.components.common.sheet import as_html, as_markdown, quiet_chip, show_sheet
from pages.components.data.kept import NAMES, kept_card, show_kept
from pages.components.data.steps import show_import_button
from pages.session import collections
from pages.session.clock import local_time

ROLES = {
    "train": Message("training"),
    "calibration": Message("thresholds"),
    "test": Message("evaluation"),
    UNSPLIT: Message("unused"),
}
PAGE, DECISIONS = 10, 12
EVERY = "*"  # no class: no photo has this label, it is no safe name


def show_overview() -> None:
    """Show what a collection holds, what waits for somebody, and what was decided last."""
    collection = collections.collection()
    if collection is None:
        return
    photos = collection.photos()
    known = [photo for photo in photos if not photo.dropped]
    if not known:
        st.info(_("No photos in use. Import photos, or undo what excluded them below."), icon=":material/photo:")
        show_import_button()
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
        f"<span>{as_html(NAMES[split])}</span><p>{as_html(ROLES[split])}</p></div>"
        for split in by_split
    ]
    st.html(f'<div class="tiles">{"".join(tiles)}</div>')
    if UNSPLIT in by_split:
        _show_way_to_split(_("Some photos have no split. Assign them under **Split**."))
    elif "train" not in by_split or "test" not in by_split:
        _show_way_to_split(_("Training needs photos in Train and Test. Assign them under **Split**."))


def _show_way_to_split(said: str) -> None:
    st.warning(said, icon=":material/call_split:")
    st.button(
        _("Split photos"),
        icon=":material/call_split:",
        on_click=collections.go_on,
        args=(collections.SPLIT,),
        key="go_split",
    )


def _show_mistakes(waiting: Sequence[Mistake]) -> None:
    if not waiting:
        return
    by_kind = Counter(each.kind for each in waiting)
    with st.container(border=True, key="mistakes", horizontal=True, vertical_alignment="center"):
        st.markdown(
            _("**{count} checked photo**", "**{count} checked photos**", count=len(waiting)),
            help=_("Photos like these improve the next training most. Test photos then leave the test set."),
            width="content",
        )
        st.html(" ".join(quiet_chip(_mistakes(kind, by_kind[kind])) for kind in by_kind), width="content")
        st.button(
            _("Add to training set"),
            icon=":material/move_down:",
            type="primary",
            on_click=collections.pull_mistakes,
            key="pull",
        )


def _mistakes(kind: str, count: int) -> str:
    if kind == "escape":
        return _("{count} escape", "{count} escapes", count=count)
    if kind == "overkill":
        return _("{count} overkill", "{count} overkills", count=count)
    if kind == "confused":
        return _("{count} confused", "{count} confused", count=count)
    if kind == "agreed":
        return _("{count} right verdict", "{count} right verdicts", count=count)
    return _("{count} decided review", "{count} decided reviews", count=count)


def _show_counts(known: Sequence[CollectedPhoto]) -> None:
    by_split = counts(known)
    labels = sorted({photo.label for photo in known})
    rows = []
    for label in labels:
        numbers = [by_split[split].get(label, 0) for split in by_split]
        rows.append([as_html(word(label)), *map(str, numbers), str(sum(numbers))])
    show_sheet((_("Class"), *(NAMES[split] for split in by_split), _("All photos")), rows)
    defects = Counter(photo.defect for photo in known if photo.defect)
    masks = sum(photo.mask is not None for photo in known)
    parts = len({(photo.category, photo.part) for photo in known if photo.part})
    facts = [
        _("Parts: {parts}.", parts=parts) if parts else "",
        _("Masks: {masks}.", masks=masks) if masks else "",
        _("Defect types: {names}.", names=", ".join(f"{name} {defects[name]}" for name in sorted(defects)))
        if defects
        else "",
    ]
    if any(facts):
        st.caption(as_markdown(paragraph(*facts)))


def _show_pictures(known: Sequence[CollectedPhoto]) -> None:
    numbers = Counter(photo.label for photo in known)
    chosen = show_choice(
        _("Class"),
        [EVERY, *sorted(numbers)],
        "data_class",
        lambda label: (
            _("All photos ({count})", count=len(known))
            if label == EVERY
            else as_markdown(_("{name} ({count})", name=word(label), count=numbers[label]))
        ),
    )
    shown = [photo for photo in known if chosen in {EVERY, photo.label}]
    random.Random(0).shuffle(shown)  # classes and lots among each other, the same ones each time
    show_kept([kept_card(photo) for photo in show_page(shown, PAGE, f"data_page {chosen}")])


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
    show_csv("photos", rows, _("All photos (CSV)"))


def _show_decisions(decisions: Sequence[Correction]) -> None:
    if not decisions:
        return
    with st.expander(_("History"), icon=":material/history:"):
        rows = []
        for decision in decisions[:DECISIONS]:
            state = quiet_chip(_("undone")) if decision.undone else ""
            when = local_time(decision.at)
            what = f"{as_html(decision.sentence())}<small>{as_html(decision.reason)}</small>"
            rows.append([str(decision.number), when, what, escape(decision.author or "–"), state])
        show_sheet((_("No."), _("Time"), _("Change"), _("By"), ""), rows, folding=True)
        _show_undo([decision for decision in decisions if not decision.undone])


def _show_undo(standing: Sequence[Correction]) -> None:
    if not standing:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            _("Entry"),
            standing[:DECISIONS],
            format_func=lambda each: _("{number}: {change}", number=each.number, change=each.sentence()),
            key=f"take back {standing[0].number}",
            filter_mode=None,
            width=340,
        )
        st.button(
            _("Undo"), icon=":material/undo:", on_click=collections.take_back, args=(chosen.number,), key="take_back"
        )
