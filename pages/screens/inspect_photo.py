"""Inspect a photo: what is this part?"""

import streamlit as st

from pages.components.common.frame import show_trial_band
from pages.components.common.kept import show_kept
from pages.components.common.obstacle import show_obstacle
from pages.components.inspect.evidence import show_evidence
from pages.components.inspect.part import show_part_so_far
from pages.components.inspect.photo_picker import show_analyze_button, show_photo_picker
from pages.components.inspect.verdict import show_answer, show_details, show_last_verdicts
from pages.components.station.station import show_station, show_station_frame, show_station_link
from pages.session.station import is_station

if is_station():
    show_station_frame()
show_obstacle()
show_trial_band()
if is_station():
    show_station()
else:
    with st.container(key="workbench"):
        with st.container(key="pick"):
            chosen = show_photo_picker()
            asked = show_analyze_button(chosen)
        with st.container(key="answer"):
            show_answer(chosen, asked=asked)
            show_part_so_far(chosen)
        with st.container(key="evidence"):
            show_evidence(chosen)
        with st.container(key="details"):
            show_details(chosen)
            show_kept()
    show_last_verdicts()
    show_station_link()
