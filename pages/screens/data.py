"""Data: what do we learn from?"""

from pages.components.data.cleaning import show_cleaning
from pages.components.data.importing import show_import
from pages.components.data.marking import show_marking
from pages.components.data.overview import show_overview
from pages.components.data.splits import show_splits
from pages.components.data.steps import show_steps
from pages.components.data.view import show_view
from pages.session import collections

step = show_steps()
if step == collections.OVERVIEW:
    show_overview()
elif step == collections.BRING_IN:
    show_import()
elif step == collections.CLEAN:
    show_cleaning()
elif step == collections.MARK:
    show_marking()
elif step == collections.SPLIT:
    show_splits()
else:
    show_view()
