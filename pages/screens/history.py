"""History: what was said of which part?"""

from pages.components.history.filters import show_filters
from pages.components.history.inspection import show_inspection
from pages.components.history.keeping import show_keeping
from pages.components.history.results import show_inspections
from pages.components.history.views import show_expected_views
from pages.session import history

if history.is_one_asked():
    show_inspection()
else:
    wanted = show_filters()
    show_inspections(wanted)
    show_keeping()
    show_expected_views()
