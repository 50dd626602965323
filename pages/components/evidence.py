"""The photo itself, without compression marks that could pass for a defect, and what stands out on it."""

import streamlit as st

from ensemble import localisation, overlays
from ensemble.previews import canvas, png
from ensemble.results import HeatMap, Region, Verdict
from pages.components import session
from pages.components.evidence_files import show_evidence_files
from pages.components.heat_controls import show_heat_legend, show_map_choice, show_opacity
from pages.components.places import show_places


@st.fragment
def show_evidence(chosen: session.Chosen | None) -> None:
    """Show the chosen photo upright, as the members see it, and once it is judged what stands out on it."""
    if chosen is None:
        return
    verdict = session.verdict_of(chosen)
    if verdict is None or not session.can_point(verdict):
        _show_picture(chosen, chosen.evidence)
        return
    picture, places, controls = st.container(), st.container(), st.container(key="heat")
    with controls:
        heat, regions = _chosen_map(verdict, show_map_choice(verdict))
        opacity = show_opacity(heat is not None)
        if heat is not None:
            show_heat_legend()
        show_evidence_files(chosen, heat, regions, demo=verdict.demo)
    with picture:
        _show_picture(chosen, _drawn(chosen, heat, regions, opacity, demo=verdict.demo))
    with places:
        show_places(regions, verdict.size, calm=heat is not None)


def _chosen_map(verdict: Verdict, member: str | None) -> tuple[HeatMap | None, tuple[Region, ...]]:
    vote = next((vote for vote in verdict.votes if vote.member == member), None)
    if vote is None:
        return verdict.heat, verdict.regions
    return vote.heat, localisation.regions([vote], vote.heat)


def _drawn(
    chosen: session.Chosen, heat: HeatMap | None, regions: tuple[Region, ...], opacity: float, *, demo: bool
) -> bytes:
    if not opacity:
        return chosen.evidence
    drawn = overlays.overlay(canvas(chosen.photo.picture), heat, regions, opacity)
    return png(overlays.stamped(drawn) if demo else drawn)


def _show_picture(chosen: session.Chosen, content: bytes) -> None:
    width, height = chosen.photo.picture.size
    st.image(content, output_format="PNG", width="stretch", alt=f"The photo {chosen.photo.name}")
    st.text(f"{chosen.photo.name} · {width} × {height} pixels")
