"""Which views every part of a product must have, how file names tell them, and fields that change it."""

import streamlit as st

from ensemble.store.expected_views import LONGEST_PATTERN, ExpectedViews
from ensemble.values.errors import StoreError
from ensemble.values.language import _
from pages.components.common.sheet import as_markdown
from pages.session import part_views, products
from pages.session.history_address import TEXTS

MOST_LETTERS = 500  # of all names together
SUGGESTED = "{part}_{view}"


def show_expected_views() -> None:
    """Show which views the chosen product expects of each part, and let a person change it."""
    if products.is_demo() or not products.products():
        return
    with st.expander(_("Views of a part"), icon=":material/view_carousel:", key="expected_views"):
        try:
            now = part_views.views_expected()
        except StoreError as error:
            st.error(as_markdown(error.message), icon=":material/report:")
            now = ExpectedViews()
        st.markdown(_("Product: {name}", name=as_markdown(products.product_name())))
        _show_fields(now)


def _show_fields(now: ExpectedViews) -> None:
    field = part_views.FIELD
    with st.container(horizontal=True, vertical_alignment="top"):
        st.text_input(
            _("Views that every part must have"),
            value=", ".join(now.names),
            placeholder=_("front, back, side"),
            help=_("Names with commas between them. Leave it empty where each photo is a part of its own."),
            max_chars=MOST_LETTERS,
            key=f"{field}names",
            width=320,
        )
        st.text_input(
            _("Pattern of file names"),
            value=now.pattern,
            placeholder=SUGGESTED,
            help=_("How a file name tells part and view. It may have serial, lot, station and shift too."),
            max_chars=LONGEST_PATTERN,
            key=f"{field}pattern",
            width=320,
        )
        example = st.text_input(
            _("Try a file name"),
            placeholder=_("A-7_front.jpg"),
            max_chars=LONGEST_PATTERN,
            key=f"{field}example",
            width=320,
        )
    try:
        typed = part_views.views_typed()
    except StoreError as error:
        st.error(as_markdown(error.message), icon=":material/report:")
        return
    if example and typed.pattern:
        _show_preview(typed, example)
    rule = _(
        "A part is OK only where every view is there and OK. A missing view is REVIEW, else the worst view decides."
    )
    st.caption(rule)
    st.button(
        _("Change the views"),
        type="primary",
        disabled=typed == now,
        on_click=part_views.change_views,
        key="views_save",
    )


def _show_preview(typed: ExpectedViews, example: str) -> None:
    """What the pattern reads from the example."""
    read = typed.named_in(example)
    if not read:
        st.warning(_("This name does not follow the pattern: it tells no part."), icon=":material/label_off:")
        return
    rows = [_("{filter}: {value}", filter=TEXTS[name][1], value=value) for name, value in read.items()]
    st.info(as_markdown("  ·  ".join(rows)), icon=":material/label:")
    known = {name.lower() for name in typed.names}
    if (view := read.get("view", "")) and view.lower() not in known:
        st.warning(_("{view} is not an expected view.", view=as_markdown(view)), icon=":material/label_off:")
