"""What may vote?"""

import streamlit as st

from pages.components import session
from pages.components.member_intro import show_demo_members, show_how_to_add
from pages.components.members import show_member_details, show_members, show_quarantine
from pages.components.obstacle import show_missing_members

st.title("What may vote?", anchor=False)
show_demo_members()
show_quarantine()
if session.has_members():
    show_members()
    show_member_details()
else:
    show_missing_members()
show_how_to_add()
