"""Performance: how good are we?"""

from pages.components.common.obstacle import show_obstacle
from pages.components.performance.answer import show_performance_answer
from pages.components.performance.basis import show_basis
from pages.components.performance.confusion import show_confusion
from pages.components.performance.gallery import show_gallery
from pages.components.performance.tabs import show_performance_tabs

show_obstacle()
measured = show_basis()
show_performance_answer(measured)
show_confusion(measured)
show_gallery(measured)
show_performance_tabs(measured)
