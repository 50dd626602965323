"""Training: how do we get better?"""

import streamlit as st

from pages.components.training.form import show_training_form
from pages.components.training.progress import show_running_trainings
from pages.components.training.results import show_training_results
from pages.components.training.versions import show_versions
from pages.session.trainings import see_news

see_news()
show_running_trainings()
show_training_results()
st.header("Train", anchor=False)
show_training_form()
st.header("Versions", anchor=False)
show_versions()
