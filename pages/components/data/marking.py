"""Where the defect is: boxes and polygons on one defective photo after the other."""

import streamlit as st

from ensemble.datasets.collection import CollectedPhoto
from ensemble.values.language import Message, _
from ensemble.values.results import word
from pages.components.common.drawing import Kind, show_drawing
from pages.components.common.sheet import refusals_shown
from pages.components.data.steps import show_import_button
from pages.session import collections, marks
from pages.session.marks import DEFECT

KINDS = {
    DEFECT: Kind(
        {"rectangle": Message("Defect: rectangle"), "polygon": Message("Defect: polygon")}, Message("Defect"), "defect"
    )
}


def show_marking() -> None:
    """Show how many photos are marked, the next one to draw on, and the buttons that keep or remove its mark."""
    collection = collections.collection()
    if collection is None:
        return
    photos = marks.photos_to_mark(collection)
    if not photos:
        st.info(_("No defective photos to mark. Import some first."), icon=":material/photo:")
        show_import_button()
        return
    marked = sum(photo.mask is not None for photo in photos)
    st.markdown(
        _(
            "**{marked} of {count} defective photo marked**",
            "**{marked} of {count} defective photos marked**",
            marked=marked,
            count=len(photos),
        ),
        help=_("Models that learn where defects are, such as the patch classifier, need marks."),
    )
    turn = len(collection.decisions()) - sum(decision.undone for decision in collection.decisions())
    photo = st.selectbox(  # once a mark is kept, the next photo without one is first
        _("Photo"), photos, format_func=_titled, key=f"mark_photo {collection.folder} {turn}"
    )
    with refusals_shown():
        _show_photo(photo)


def _titled(photo: CollectedPhoto) -> str:
    if photo.mask is None:
        return _("{name} · {label}", name=photo.name, label=word(photo.label))
    return _("{name} · {label} · marked", name=photo.name, label=word(photo.label))


def _show_photo(photo: CollectedPhoto) -> None:
    boxes = marks.marked_boxes(photo)
    if photo.mask and not boxes:
        st.caption(_("Its mark is bright here. What you draw takes its place."))
    name = f"{photo.sha256[:16]} {photo.mask.parent.name[:16] if photo.mask else ''}"
    size = (photo.width, photo.height)
    shapes = show_drawing(marks.picture_to_mark(photo), size, photo.name, KINDS, boxes, name)
    with st.container(horizontal=True, key="mark_keys"):
        pressed = st.button(  # no callback: it would get what was drawn when the page was last shown
            _("Keep the mark"),
            type="primary",
            icon=":material/save:",
            disabled=not shapes or shapes == boxes,
            key="keep_mark",
        )
        if photo.mask:
            removed = (photo.sha256, marks.outlines_of(()))
            st.button(
                _("Remove the mark"),
                icon=":material/delete:",
                on_click=collections.mark,
                args=removed,
                key="remove_mark",
            )
    if pressed:
        collections.mark(photo.sha256, marks.outlines_of(shapes))
        st.rerun()
