"""Which of these?"""

import streamlit as st

from pages.components.batch.picker import show_batch_picker
from pages.components.batch.results import show_batch_results
from pages.components.common.obstacle import show_obstacle

st.title("Which of these parts?", anchor=False)
show_obstacle()
show_batch_picker()
show_batch_results()
