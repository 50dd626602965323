"""What do we learn from?"""

import streamlit as st

from pages.components import session
from pages.components.data_cleaning import show_cleaning
from pages.components.data_import import show_import
from pages.components.data_overview import show_overview
from pages.components.data_splits import show_splits
from pages.components.data_steps import show_steps

st.title("What do we learn from?", anchor=False)
step = show_steps()
if step == session.OVERVIEW:
    show_overview()
elif step == session.BRING_IN:
    show_import()
elif step == session.CLEAN:
    show_cleaning()
else:
    show_splits()
