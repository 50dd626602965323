"""How the photos of a product are looked at: drawn on a photo of a good part, seen on another one, then kept."""

from dataclasses import replace

import streamlit as st

from ensemble.datasets.collection import CollectedPhoto
from ensemble.imaging.aligning import AS_IT_LIES
from ensemble.values.language import Message, _
from ensemble.values.results import word
from ensemble.values.view import TILE_SIDES, Alignment, Tiles, View
from pages.components.common.charts import picture
from pages.components.common.drawing import Kind, show_drawing
from pages.components.common.sheet import as_html, as_markdown, refusals_shown
from pages.components.data.steps import show_import_button
from pages.session import collections, view_drafts
from pages.session.view_drafts import IGNORED, KEPT, REGION, Draft

KINDS = {
    REGION: Kind(
        {"rectangle": Message("Region: rectangle"), "polygon": Message("Region: polygon")},
        Message("Region"),
        "region",
        single=True,
    ),
    IGNORED: Kind(
        {"rectangle": Message("Ignore: rectangle"), "polygon": Message("Ignore: polygon")},
        Message("Ignored"),
        "ignored",
    ),
}


def show_view() -> None:
    """Show the view that is kept, the photo to draw on, what the drawing does to another photo, and how to keep it."""
    collection = collections.collection()
    if collection is None:
        return
    photos = view_drafts.photos_to_draw_on(collection)
    if not photos:
        st.info(_("No photos to draw on. Import photos first."), icon=":material/photo:")
        show_import_button()
        return
    drawn = view_drafts.draft(collection)
    state = st.empty()
    with st.container(key="view_step"):
        with st.container(key="view_photo"):
            _show_reference(drawn, photos)
            shapes = show_drawing(
                drawn.jpeg, drawn.reference["size"], _("Reference photo"), KINDS, drawn.start, drawn.name
            )
        with st.container(key="view_settings"):
            alignment = _show_alignment(drawn)
            tiles = _show_tiles(drawn)
            scale = _show_scale(drawn)
    view = drawn.kept
    with refusals_shown():
        view = drawn.drawn(shapes, alignment, tiles, scale)
        with state:
            _show_state(drawn, view)
        if view.reference or view.tiles:
            _show_effect(drawn, view, photos)
        _show_keys(drawn, view)


def _show_state(drawn: Draft, view: View) -> None:
    """Say what holds now: nothing, what is in use, or what waits for a training."""
    product = as_markdown(drawn.product)
    if view is not drawn.kept:
        st.warning(_("Not kept yet. See the effect on a photo below, then keep the view."), icon=":material/edit:")
    elif drawn.waits:
        st.info(
            _("Kept for the next training of {product}. Models of before do not use it: train again.", product=product),
            icon=":material/schedule:",
        )
    elif drawn.kept.reference or drawn.kept.tiles:
        st.success(_("In use: the models of {product} see photos this way.", product=product), icon=":material/check:")
    else:
        st.info(
            _("{product} looks at whole photos, as they are. Draw what matters, or what to ignore.", product=product),
            icon=":material/crop_free:",
        )


def _show_reference(drawn: Draft, photos: tuple[CollectedPhoto, ...]) -> None:
    """Show the picker of the photo that is drawn on: a good part, well placed and well lit."""
    named = {photo.sha256: photo for photo in photos}
    options = [*([KEPT] if drawn.kept.reference and drawn.kept.reference not in named else []), *named]
    start = drawn.photo if drawn.photo is not None else drawn.kept.reference
    chosen = st.selectbox(
        _("Reference photo"),
        options,
        index=options.index(start) if start in options else 0,
        format_func=lambda each: _titled(named[each]) if each else _("The photo of this view"),
        help=_("A good part, well placed and well lit. All photos must have its size."),
        key=f"view_reference {drawn.name}",
    )
    if chosen == KEPT:
        drawn.draw_on(KEPT, drawn.kept.photo, "reference")
    elif chosen != drawn.photo:
        drawn.draw_on(chosen, named[chosen].path.read_bytes(), named[chosen].name)


def _titled(photo: CollectedPhoto) -> str:
    return _("{name} · {label}", name=photo.name, label=word(photo.label))


def _show_alignment(drawn: Draft) -> Alignment | None:
    known = drawn.kept.alignment
    on = st.toggle(
        _("Align each photo"),
        value=known is not None,
        help=_("Lays each part over the reference first, for parts that lie shifted or turned."),
        key=f"view_align {drawn.name}",
        persist_state="session",
    )
    if not on:
        return None
    bounds = known or Alignment()
    shift = _bound(drawn, _("Shifted by up to (% of the photo)"), "shift", bounds.shift, 50, 100)
    turn = _bound(drawn, _("Turned by up to (degrees either way)"), "turn", bounds.turn, 180, 1)
    zoom = _bound(drawn, _("Larger or smaller by up to (%)"), "zoom", bounds.scale - 1, 50, 100)
    st.caption(_("A part that lies further off is REVIEW."))
    return Alignment(shift, turn, bounds.scale if zoom == bounds.scale - 1 else 1 + zoom)


def _bound(drawn: Draft, label: str, name: str, value: float, most: int, unit: int) -> float:
    """Show a bound in whole units; gives it as it was, to the last digit, where nobody has moved it."""
    start = round(value * unit)
    given = st.slider(label, 0, most, start, key=f"view_{name} {drawn.name}", persist_state="session")
    return value if given == start else given / unit


def _show_tiles(drawn: Draft) -> Tiles | None:
    known = drawn.kept.tiles
    on = st.toggle(
        _("Look in tiles"),
        value=known is not None,
        help=_("For small defects on large photos: nothing is made smaller, and the hottest tile decides. Slower."),
        key=f"view_tiles {drawn.name}",
        persist_state="session",
    )
    if not on:
        return None
    usual = known or Tiles()
    least, most = TILE_SIDES
    side = st.number_input(
        _("Pixels per side of a tile"),
        least,
        most,
        usual.side,
        key=f"view_tile_side {drawn.name}",
        persist_state="session",
    )
    st.caption(_("Only patch memory and feature reconstruction learn from tiles."))
    return replace(usual, side=int(side))


def _show_scale(drawn: Draft) -> float | None:
    given: float | None = st.number_input(
        _("Millimetres per pixel (optional)"),
        min_value=0.0,
        value=drawn.kept.mm_per_pixel,
        step=0.001,
        format="%.4f",
        help=_("For sizes of defects in millimetres."),
        key=f"view_scale {drawn.name}",
        persist_state="session",
    )
    return given or None


def _show_effect(drawn: Draft, view: View, photos: tuple[CollectedPhoto, ...]) -> None:
    """Show one photo as it came and as the models would see it, or why it would be REVIEW."""
    st.header(_("Effect on a photo"), anchor=False)
    others = [photo for photo in photos if photo.sha256 != view.reference] or list(photos)
    photo = st.selectbox(_("Photo"), others, format_func=_titled, key=f"view_try {drawn.name}", persist_state="session")
    with refusals_shown():
        effect = view_drafts.effect_on(drawn.judged(view), photo)
        if effect.doubt:
            st.warning(as_markdown(_("REVIEW: {reason}.", reason=effect.doubt)), icon=":material/help:")
        else:
            st.success(_("This photo fits the view."), icon=":material/check:")
        shown = ((effect.before, _("As it came; dark: not looked at")), (effect.after, _("As the models see it")))
        figures = "".join(
            f'<figure class="kept plain">{picture(jpeg, title)}<figcaption>{as_html(title)}</figcaption></figure>'
            for jpeg, title in shown
        )
        if effect.tiles:
            st.caption(_("Looked at in {count} tile.", "Looked at in {count} tiles.", count=effect.tiles))
        st.html(f'<div class="kept-grid pair view-effect">{figures}</div>')
        if effect.residual is not None and effect.placement != AS_IT_LIES:
            at = effect.placement
            st.caption(
                _(
                    "Turned by {turn:.1f}°, shifted by {across:.0f} and {down:.0f} pixels, {scale:.2f} times as large. "
                    "Difference from the reference (residual): {residual:.3f}.",
                    turn=at.turn,
                    across=at.x,
                    down=at.y,
                    scale=at.scale,
                    residual=effect.residual,
                )
            )


def _show_keys(drawn: Draft, view: View) -> None:
    changed = view is not drawn.kept
    with st.container(horizontal=True, vertical_alignment="center", key="view_keys"):
        pressed = st.button(  # no callback: it would get what was drawn when the page was last shown
            _("Keep for the next training"),
            type="primary",
            icon=":material/save:",
            disabled=not changed,
            key="keep_view",
        )
        if changed:
            st.button(
                _("Discard changes"),
                icon=":material/undo:",
                on_click=view_drafts.begin_anew,
                args=(drawn.folder,),
                key="discard_view",
            )
        if drawn.kept.reference or drawn.kept.tiles:
            st.button(
                _("Remove the view"),
                icon=":material/delete:",
                on_click=view_drafts.remove_view,
                args=(drawn,),
                key="remove_view",
            )
        if drawn.waits and not changed:
            st.page_link("pages/screens/training.py", label=_("Train"), icon=":material/model_training:")
    if pressed:
        view_drafts.keep_drawn(drawn, view)
        st.rerun()
