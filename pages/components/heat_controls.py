"""How the heat is laid over the photo: whose, how strong, and what its colours mean."""

import streamlit as st

from ensemble.overlays import RAMP
from ensemble.results import HEAT_CUT, Verdict

ALL = "All members together"


def show_map_choice(verdict: Verdict) -> str | None:
    """Show whose map can be seen where several members have one; None means all together."""
    own = [vote.member for vote in verdict.votes if vote.heat is not None or vote.regions]
    if len(own) < 2:
        return None
    chosen = st.selectbox("Whose map", [ALL, *own], key="map", filter_mode=None)
    return None if chosen == ALL else chosen


def show_opacity(heat: bool) -> float:
    """Show the slider, in percent; at 0 the photo is shown as it is."""
    label = "Heat on the photo" if heat else "Marks on the photo"
    return float(st.slider(label, 0, 100, 60, 10, format="%d %%", key="opacity")) / 100


def show_heat_legend() -> None:
    """Show the fixed scale of the heat, which is the same for every photo of the product."""
    stops = ", ".join(f"rgb({r} {g} {b} / {share:.0%}) {at:.1%}" for at, (r, g, b), share in RAMP)
    st.html(
        f'<div class="heat-scale" role="img" aria-label="Heat from 0 to 1; a good part stays below {HEAT_CUT}.">'
        f'<i style="background-image: linear-gradient(to right, {stops})"></i>'
        f'<span><b>0</b></span><span style="left: {HEAT_CUT:.0%}"><b>{HEAT_CUT}</b></span><span><b>1</b></span>'
        "<div><em>a good part stays here</em><em>unlike a good part</em></div></div>"
    )
