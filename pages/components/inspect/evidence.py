"""The photo itself, without compression marks that could pass for a defect, and what stands out on it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st
from PIL import Image

from ensemble.imaging import masks, overlays
from ensemble.imaging.overlays import RAMP, canvas, png
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.results import MAP_THRESHOLD, AnomalyMap, Region, Verdict
from ensemble.values.titles import model_title
from pages.components.common.charts import show_file
from pages.components.common.places import show_places
from pages.components.common.sheet import as_html
from pages.components.common.style import data_address
from pages.components.inspect.zoom import show_zoom
from pages.session import photo


@st.fragment
def show_evidence(chosen: photo.Chosen | None) -> None:
    """Show the chosen photo upright, as the models see it, and once it is judged what stands out on it."""
    if chosen is None:
        _show_invitation()
        return
    verdict = photo.verdict_of(chosen)
    good = photo.reference_of(verdict) if verdict else None
    if verdict is None or not photo.can_point(verdict):
        _show_picture(chosen, chosen.evidence, good)
        return
    picture, places, controls = st.container(), st.container(), st.container(key="heat")
    with controls:
        anomaly_map, regions = _chosen_map(verdict, show_map_choice(verdict))
        percent = show_overlay_controls()
        if anomaly_map is not None:
            show_anomaly_map_legend()
        show_evidence_files(chosen, anomaly_map, regions, demo=verdict.demo)
    with picture:
        _show_picture(chosen, _drawn(chosen, anomaly_map, regions, percent / 100, demo=verdict.demo), good)
    with places:
        calm, own = anomaly_map is not None, chosen.photo.picture
        scale = verdict.mm_per_pixel
        show_places(regions, verdict.size, calm=calm, picture=own, demo=verdict.demo, scale=scale)
        if verdict.anomaly_map is not None and all(vote.anomaly_map is None for vote in verdict.votes):
            st.caption(_("The heat map comes from models whose vote was not needed. It does not change the verdict."))


@st.fragment
def show_photo(chosen: photo.Chosen | None) -> None:
    """Show the photo alone, with what stands out on it and the keys that zoom it and hide the rest."""
    if chosen is None:
        _show_invitation()
        return
    verdict = photo.verdict_of(chosen)
    picture = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        show_zoom(chosen.photo.picture.width)
        shown = verdict is not None and photo.can_point(verdict) and _show_overlay_key()
    content = chosen.evidence
    if verdict is not None and shown:
        content = _drawn(chosen, verdict.anomaly_map, verdict.regions, OPACITY / 100, demo=verdict.demo)
    picture.image(content, output_format="PNG", width="stretch", alt=_("The photo {photo}", photo=chosen.photo.name))


def _show_invitation() -> None:
    invitation = as_html(_("Upload or take a photo"))
    st.html(f'<div class="waiting hero"><span>{invitation}</span></div>')


def _chosen_map(verdict: Verdict, member: str | None) -> tuple[AnomalyMap | None, tuple[Region, ...]]:
    vote = next((vote for vote in verdict.votes if vote.member == member), None)
    if vote is None:
        return verdict.anomaly_map, verdict.regions
    return vote.anomaly_map, masks.regions([vote], vote.anomaly_map)


def _drawn(
    chosen: photo.Chosen, anomaly_map: AnomalyMap | None, regions: tuple[Region, ...], opacity: float, *, demo: bool
) -> bytes:
    if not opacity:
        return chosen.evidence
    drawn = overlays.overlay(canvas(chosen.photo.picture), anomaly_map, regions, opacity)
    return png(overlays.stamped(drawn) if demo else drawn)


def _show_picture(chosen: photo.Chosen, content: bytes, good: bytes | None = None) -> None:
    width, height = chosen.photo.picture.size
    beside = good if st.session_state.get(GOOD_PART) else None
    place, other = st.columns(2, gap="small") if beside else (st.container(), None)
    with place:
        st.image(content, output_format="PNG", width="stretch", alt=_("The photo {photo}", photo=chosen.photo.name))
    if other and beside:
        with other:
            show_good_part(beside)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        show_zoom(width)
        if good:
            st.button(
                _("Hide good part") if beside else _("Show good part"),
                icon=":material/compare:",
                on_click=_turn_key,
                args=(GOOD_PART,),
                key="good_part",
                shortcut="G",
            )
        told = _("{photo} · {width} × {height} pixels", photo=chosen.photo.name, width=width, height=height)
        st.text(told, width="content")


def show_good_part(content: bytes) -> None:
    """Show a good part to compare the photo with."""
    told = as_html(_("A good part: of the training photos kept, the one most like this part"))
    caption = as_html(_("A good part, from training"))
    st.html(
        f'<figure class="good-part"><img src="{data_address("png", content)}" alt="{told}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


GREY = "8-bit grey; 128 = threshold."  # files speak English
OUTLINED = "Every pixel that is not under an outline is the photo's own."


def show_evidence_files(
    chosen: photo.Chosen, anomaly_map: AnomalyMap | None, regions: tuple[Region, ...], *, demo: bool
) -> None:
    """Offer the photo with outlines and the heat map as PNG, made on demand at the photo's own size."""
    picture = chosen.photo.picture
    about = Path(chosen.photo.name).stem
    with st.container(horizontal=True):
        if regions:
            outlined = partial(_file, partial(overlays.outlined, picture, regions), OUTLINED, demo)
            show_file(outlined, "outlines", ".png", _("Photo with outlines (PNG)"), about=about, quiet=False)
        if anomaly_map is not None:
            heat = partial(_file, partial(overlays.anomaly_map_picture, anomaly_map, picture.size), GREY, demo)
            show_file(heat, "heat", ".png", _("Heat map (PNG)"), about=about, quiet=False)
    if anomaly_map is not None:
        st.caption(_("Heat map: 8-bit grey; 128 = threshold."))


def _file(draw: Callable[[], Image.Image], meaning: str, demo: bool) -> bytes:
    picture = draw()
    return png(overlays.stamped(picture), "DEMO: random results, no model looked.") if demo else png(picture, meaning)


OPACITY, HIDDEN, GOOD_PART = 60, "overlay_hidden", "good_part_shown"


def show_overlay_controls() -> int:
    """Show how strong the overlay is, in percent, and the key that takes it off the photo and puts it back."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        percent: int = st.slider(_("Overlay opacity"), 0, 100, OPACITY, 10, format="%d %%", key="opacity")
        return percent if _show_overlay_key() else 0


def _show_overlay_key() -> bool:
    hidden = bool(st.session_state.get(HIDDEN))
    st.button(
        _("Show overlay") if hidden else _("Hide overlay"),
        icon=":material/visibility:" if hidden else ":material/visibility_off:",
        on_click=_turn_key,
        args=(HIDDEN,),
        key="overlay",
        shortcut="H",
    )
    return not hidden


def _turn_key(key: str) -> None:
    st.session_state[key] = not st.session_state.get(key)


ALL = Message("All models")


def show_map_choice(verdict: Verdict) -> str | None:
    """Show whose map can be seen where several members have one; None means all together."""
    own = [vote.member for vote in verdict.votes if vote.anomaly_map is not None or vote.regions]
    if len(own) < 2:
        return None
    chosen = st.selectbox(_("Heat map of"), [ALL, *own], format_func=_shown_as, key="map", filter_mode=None)
    return None if chosen == ALL else chosen


def _shown_as(choice: str) -> str:
    return worded(ALL if choice == ALL else model_title(choice))


def show_anomaly_map_legend() -> None:
    """Show the fixed scale of the heat, which is the same for every photo of the product."""
    stops = ", ".join(f"rgb({r} {g} {b} / {share:.0%}) {at:.1%}" for at, (r, g, b), share in RAMP)
    threshold = NumberText(MAP_THRESHOLD)
    described = as_html(_("Heat from 0 to 1; anomaly from {threshold} on.", threshold=threshold))
    normal, anomaly = as_html(_("normal")), as_html(_("anomaly"))
    st.html(
        f'<div class="heat-scale" role="img" aria-label="{described}">'
        f'<i style="background-image: linear-gradient(to right, {stops})"></i>'
        f'<span><b>0</b></span><span style="left: {MAP_THRESHOLD:.0%}"><b>{worded(threshold)}</b></span>'
        "<span><b>1</b></span>"
        f"<div><em>{normal}</em><em>{anomaly}</em></div></div>"
    )
