"""What is this model?"""

import streamlit as st

from pages.components.card_basis import show_card_basis
from pages.components.card_glance import show_glance
from pages.components.card_sections import show_sections

st.title("What is this model?", anchor=False)
card = show_card_basis()
show_glance(card)
show_sections(card)
