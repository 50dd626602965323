"""What is this model?"""

import streamlit as st

from pages.components.model_card.glance import show_card_basis, show_glance
from pages.components.model_card.sections import show_sections

st.title("What is this model?", anchor=False)
card = show_card_basis()
show_glance(card)
show_sections(card)
