"""The only entry: `streamlit run streamlit_app.py`. Guard, sidebar, screens."""

import streamlit as st

from ensemble.errors import QuorumError
from pages.components.demo_band import show_demo_band
from pages.components.mark import MARK, show_mark
from pages.components.sidebar import show_sidebar
from pages.components.style import show_style

st.set_page_config(page_title="Quorum", page_icon=MARK, layout="wide")
show_style()
show_mark()
screen = st.navigation(
    [
        st.Page("pages/screens/inspect_photo.py", title="Inspect a photo", icon=":material/search:", default=True),
        st.Page("pages/screens/inspect_batch.py", title="Inspect a batch", icon=":material/stacks:", url_path="batch"),
        st.Page("pages/screens/members.py", title="Members", icon=":material/how_to_vote:", url_path="members"),
        st.Page("pages/screens/help.py", title="Help", icon=":material/help:", url_path="help"),
    ]
)
try:
    show_sidebar()
    show_demo_band()
    screen.run()
except QuorumError as error:
    st.error(str(error))
