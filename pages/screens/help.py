"""How to read and use all this."""

import streamlit as st

from pages.components.help.text import show_photo_rules, show_places_help, show_practice, show_words

st.title("Help", anchor=False)
show_words()
show_places_help()
show_photo_rules()
show_practice()
