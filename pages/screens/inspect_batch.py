"""Inspect a batch: which of these parts need attention?"""

from pages.components.batch.picker import show_batch_picker
from pages.components.batch.results import show_batch_results
from pages.components.common.frame import show_trial_band
from pages.components.common.obstacle import show_obstacle

show_obstacle()
show_trial_band()
show_batch_picker()
show_batch_results()
