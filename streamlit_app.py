"""The only entry: `streamlit run streamlit_app.py`. Screens, guard, sidebar."""

from pathlib import Path

import streamlit as st

from ensemble.values.language import _, ask_for_language
from pages.components.common.faults import calm_faults, is_first_visit, load_again_if_lost
from pages.session import language

ask_for_language(language.reading)
calm_faults()
first_visit = is_first_visit()
# The mark first: the icons of the pages come from elsewhere. A tab has its screen's title, as the menu has it.
st.set_page_config(page_icon=Path(__file__).parent / "pages/components/common/mark.svg", layout="wide")
screen = st.navigation(
    {
        _("Inspect"): [
            st.Page(
                "pages/screens/inspect_photo.py", title=_("Inspect a photo"), icon=":material/search:", default=True
            ),
            st.Page(
                "pages/screens/inspect_batch.py", title=_("Inspect a batch"), icon=":material/stacks:", url_path="batch"
            ),
            st.Page("pages/screens/history.py", title=_("History"), icon=":material/history:", url_path="history"),
            st.Page("pages/screens/review.py", title=_("Review"), icon=":material/fact_check:", url_path="review"),
        ],
        _("Quality"): [
            st.Page("pages/screens/policies.py", title=_("Policies"), icon=":material/rule:", url_path="policies"),
            st.Page("pages/screens/replay.py", title=_("Replay"), icon=":material/replay:", url_path="replay"),
            st.Page(
                "pages/screens/performance.py",
                title=_("Performance"),
                icon=":material/monitoring:",
                url_path="performance",
            ),
            st.Page("pages/screens/members.py", title=_("Models"), icon=":material/how_to_vote:", url_path="members"),
            st.Page("pages/screens/model_card.py", title=_("Model card"), icon=":material/badge:", url_path="card"),
        ],
        _("Training"): [
            st.Page("pages/screens/data.py", title=_("Data"), icon=":material/photo_library:", url_path="data"),
            st.Page(
                "pages/screens/training.py", title=_("Training"), icon=":material/model_training:", url_path="training"
            ),
        ],
        # A blank: pages of a group without any name are moved to the top.
        " ": [st.Page("pages/screens/help.py", title=_("Help"), icon=":material/help:", url_path="help")],
    }
)
if screen.url_path:  # the first screen writes its last verdict there, which goes with it
    st.set_page_config(page_title=screen.title)
if first_visit:
    load_again_if_lost(screen)

with st.spinner(_("Starting …")):  # only here: they bring torch, and a visitor sees the menu while it loads
    from ensemble.values.errors import QuorumError
    from ensemble.values.safe_names import make_logs_legible
    from pages.components.common.frame import show_frame
    from pages.components.common.sheet import as_markdown
    from pages.session import review
    from pages.session.memory import settle_modules

INSPECTING = ("", "batch")  # addresses of the screens that judge photos

make_logs_legible()
settle_modules()
if screen.url_path != "review":
    review.leave()
try:
    show_frame(screen.title, inspects=screen.url_path in INSPECTING)
    screen.run()
except QuorumError as error:
    st.error(as_markdown(error.message))
