"""Which photos teach, which choose thresholds, which only measure; and dealing them out anew."""

from collections.abc import Iterable

import streamlit as st

from ensemble.datasets import workbench
from ensemble.datasets.collection import UNSPLIT, Collection, counts
from ensemble.datasets.splits import STEP
from ensemble.values.language import _
from pages.components.common.sheet import as_html, as_markdown, quiet_chip
from pages.components.data.kept import NAMES
from pages.components.data.steps import show_import_button
from pages.session import collections


def show_splits() -> None:
    """Show what belongs together and was torn apart, the shares to deal out by, and the button."""
    collection = collections.collection()
    if collection is None:
        return
    known = [photo for photo in collection.photos() if not photo.dropped]
    if not known:
        _show_empty()
        return
    by_split = counts(known)
    _show_numbers(
        _("Now:"), [_("{split}: {count}", split=NAMES[name], count=sum(by_split[name].values())) for name in by_split]
    )
    _show_torn(collection)
    shares = _show_shares()
    if not shares["calibration"]:
        st.caption(_("Without validation photos, thresholds come from cross-validation on the training photos."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(_("Seed"), 0, 10_000, 0, key="split_seed", width=140)
        copies = st.toggle(
            _("Keep duplicates in one split"), value=True, key="split_copies", disabled=not collection.looked_at()
        )
    if not collection.looked_at():
        st.caption(_("Duplicates are known after **Check**."))
    pressed = st.button(  # no callback: it would get what was chosen when the page was last shown
        _("Split {count} photo", "Split {count} photos", count=len(known)),
        type="primary",
        icon=":material/call_split:",
        disabled=not shares["train"] or not shares["test"],
        key="split",
    )
    if pressed:
        collections.split_anew(shares, int(seed), copies_together=copies)
        st.rerun()
    if UNSPLIT not in by_split:
        st.caption(_("All photos have a split. Results before and after another split cannot be compared."))


def _show_shares() -> dict[str, int]:
    until_train, until_calibration = st.slider(
        _("Train / Validation / Test (%)"), 0, 100, (60, 80), STEP, key="split_shares"
    )
    shares = {"train": until_train, "calibration": until_calibration - until_train, "test": 100 - until_calibration}
    _show_numbers(
        _("After the split:"),
        [_("{split}: {share:.0%}", split=NAMES[name], share=shares[name] / 100) for name in shares],
    )
    return shares


def _show_empty() -> None:
    st.info(_("No photos to split. Import photos first."), icon=":material/photo:")
    show_import_button()


def _show_numbers(title: str, numbers: Iterable[str]) -> None:
    chips = " ".join(map(quiet_chip, numbers))
    st.html(f'<div class="difference">{as_html(title)} {chips}</div>')


def _show_torn(collection: Collection) -> None:
    torn = workbench.torn(collection)
    if not torn:
        st.success(_("No leakage between splits."), icon=":material/check:")
        return
    photos = {photo.sha256: photo.name for photo in collection.photos()}
    example = ", ".join(photos[digest] for digest in torn[0][:3])
    said = _(
        "**Leakage: {count} group of duplicates, or of photos of one part, lies in several splits**, such as "
        "{photos}. Results are too optimistic. Split again, or move the photos under **Check**.",
        "**Leakage: {count} groups of duplicates, or of photos of one part, lie in several splits**, such as "
        "{photos}. Results are too optimistic. Split again, or move the photos under **Check**.",
        count=len(torn),
        photos=as_markdown(example),
    )
    st.warning(said, icon=":material/call_split:")
