"""How good are we?"""

import streamlit as st

from pages.components.obstacle import show_obstacle
from pages.components.performance_answer import show_performance_answer
from pages.components.performance_basis import show_basis
from pages.components.performance_confusion import show_confusion
from pages.components.performance_gallery import show_gallery
from pages.components.performance_tables import show_performance_tables
from pages.components.performance_tabs import show_performance_tabs

st.title("How good are we?", anchor=False)
show_obstacle()
measured = show_basis()
show_performance_answer(measured)
show_confusion(measured)
show_gallery(measured)
show_performance_tables(measured)
show_performance_tabs(measured)
