"""Training: how do we get better?"""

from ensemble.values.language import _
from pages.components.training.form import show_training_form
from pages.components.training.progress import show_running_trainings
from pages.components.training.results import section, show_training_results
from pages.components.training.versions import show_versions
from pages.session.trainings import see_news

see_news()
show_running_trainings()
waits = show_training_results()
with section(_("Train models"), ":material/model_training:", folded=waits):
    show_training_form()
with section(_("Versions"), ":material/history:", folded=waits):
    show_versions()
