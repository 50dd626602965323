"""Which photos teach, which choose thresholds, which only measure; and dealing them out anew."""

import streamlit as st

from ensemble.datasets import workbench
from ensemble.datasets.collection import UNSPLIT, Collection, counts
from ensemble.datasets.splits import STEP
from ensemble.values.language import _
from pages.components.common.sheet import as_html, as_markdown, quiet_chip
from pages.components.data.kept import NAMES
from pages.session import collections


def show_splits() -> None:
    """Show what belongs together and was torn apart, the shares to deal out by, and the button."""
    collection = collections.collection()
    if collection is None:
        return
    known = [photo for photo in collection.photos() if not photo.dropped]
    if not known:
        st.info(_("No photos to split. Import photos first."), icon=":material/photo:")
        st.button(
            _("Import photos"),
            type="primary",
            icon=":material/move_to_inbox:",
            on_click=collections.go_on,
            args=(collections.BRING_IN,),
            key="go_import",
        )
        return
    by_split = counts(known)
    now = {name: sum(numbers.values()) for name, numbers in by_split.items()}
    chips = [quiet_chip(_("{split}: {count}", split=NAMES[name], count=now[name])) for name in now]
    st.html(f'<div class="difference">{as_html(_("Now:"))} {" ".join(chips)}</div>')
    _show_torn(collection)
    until_train, until_calibration = st.slider(
        "Train / Validation / Test (%)",
        0,
        100,
        (60, 80),
        STEP,
        key="split_shares",
    )
    shares = {
        "train": until_train,
        "calibration": until_calibration - until_train,
        "test": 100 - until_calibration,
    }
    chips = [quiet_chip(_("{split}: {share} %", split=NAMES[name], share=share)) for name, share in shares.items()]
    st.html(f'<div class="difference">{as_html(_("After the split:"))} {" ".join(chips)}</div>')
    if not shares["calibration"]:
        st.caption("Without validation photos, thresholds come from cross-validation on the training photos.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input("Seed", 0, 10_000, 0, key="split_seed", width=140)
        copies = st.toggle(
            "Keep duplicates in one split", value=True, key="split_copies", disabled=not collection.looked_at()
        )
    if not collection.looked_at():
        st.caption("Duplicates are known after **Check**.")
    pressed = st.button(  # no callback: it would get what was chosen when the page was last shown
        "Split 1 photo" if len(known) == 1 else f"Split {len(known)} photos",
        type="primary",
        icon=":material/call_split:",
        disabled=not shares["train"] or not shares["test"],
        key="split",
    )
    if pressed:
        collections.split_anew(shares, int(seed), copies_together=copies)
        st.rerun()
    if UNSPLIT not in by_split:
        st.caption("All photos have a split. Results before and after another split cannot be compared.")


def _show_torn(collection: Collection) -> None:
    torn = workbench.torn(collection)
    if not torn:
        st.success("No leakage between splits.", icon=":material/check:")
        return
    photos = {photo.sha256: photo.name for photo in collection.photos()}
    example = ", ".join(photos[digest] for digest in torn[0][:3])
    st.warning(
        f"**Leakage: {len(torn)} groups of duplicates, or of photos of one part, lie in several splits**, such as "
        f"{as_markdown(example)}. Results are too optimistic. Split again, or move the photos under **Check**.",
        icon=":material/call_split:",
    )
