"""What is the same around every screen."""

from pages.components.demo_band import show_demo_band
from pages.components.mark import show_mark
from pages.components.policy_problem import show_policy_problem
from pages.components.sidebar import show_sidebar
from pages.components.style import show_style


def show_frame() -> None:
    """Show the style, the mark, the sidebar and, where they are due, the DEMO band and what is wrong with policies."""
    show_style()
    show_mark()
    show_sidebar()
    show_demo_band()
    show_policy_problem()
