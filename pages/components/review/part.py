"""The part in hand: its photo as large as it goes, why it is looked at, and a good part to compare it with."""

import streamlit as st

from ensemble.imaging import overlays
from ensemble.policies import reasons
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, _
from pages.components.common.sheet import as_html, as_markdown, chip, tied
from pages.components.inspect.evidence import OPACITY, show_anomaly_map_legend, show_good_part
from pages.components.inspect.zoom import show_zoom
from pages.session import history, review

WHY = {
    "review": Message("The verdict is left to a person."),
    "disagreement": Message("The models disagree."),
    "threshold": Message("The defect score is close to the limit."),
}
# A key that is held down would settle parts that nobody has seen.
ONCE = """<script>(() => {
if (window.reviewKeys) return;
window.reviewKeys = true;
window.addEventListener('keydown', (event) => {
  const typing = event.target instanceof Element && event.target.closest('input, textarea');
  if (event.repeat && event.key.length === 1 && !typing && document.querySelector('.st-key-review_say'))
    event.stopImmediatePropagation();
}, true);
})()</script>"""


@st.fragment
def show_part(held: review.Hand) -> None:
    """Show the photo, with the heat map where the visitor wants it and nothing forbids it, and the keys that zoom."""
    picture, name = held.chosen.photo.picture, held.number
    place = st.container()
    verdict = None
    with st.container(horizontal=True, vertical_alignment="center"):
        show_zoom(picture.width)
        if _show_heat_key(held):
            verdict = history.verdict_then(held.part.inspection)
    content = held.chosen.evidence
    if verdict is not None:
        drawn = overlays.overlay(overlays.canvas(picture), verdict.anomaly_map, verdict.regions, OPACITY / 100)
        content = overlays.png(drawn)
        show_anomaly_map_legend()
    with place:
        # By its number alone: names of files may say what the part is.
        st.image(content, output_format="PNG", width="stretch", alt=_("The photo of part {number}", number=name))
    st.html(ONCE, unsafe_allow_javascript=True)


def _show_heat_key(held: review.Hand) -> bool:
    has = bool(held.part.inspection.stored["heat_map"]) and not held.by_chance
    shown = has and review.is_heat_shown()
    st.button(
        _("Hide heat map") if shown else _("Heat map"),
        icon=":material/visibility_off:" if shown else ":material/visibility:",
        disabled=not has,
        on_click=review.turn_heat,
        key="review_heat",
        shortcut="H",
    )
    return shown


def show_why(held: review.Hand) -> None:
    """Say why the part is looked at, with its verdict; of one that chance chose nothing that could sway anybody."""
    if held.by_chance:
        said, why = as_html(_("Chosen by chance.")), as_html(_("You see the photo alone, so that nothing sways you."))
        st.html(f'<div class="review-why"><b>{said}</b><p>{why}</p></div>')
        return
    inspection = held.part.inspection
    try:
        verdict = history.verdict_then(inspection, with_map=False)
    except QuorumError as error:
        st.warning(as_markdown(error.message), icon=":material/history_toggle_off:")
        return
    said = as_html(WHY[held.part.way])
    st.html(
        f'<div class="review-why"><b>{said}</b>{chip(verdict.label, verdict.classes)}'
        f"<p>{tied(reasons.headline(verdict))}</p></div>"
    )


def show_good_part_beside(held: review.Hand) -> None:
    """Show the good part that looks most like the part in hand, where the product keeps any."""
    if content := review.good_part(held):
        show_good_part(content)
