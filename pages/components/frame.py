"""What is the same around every screen."""

from pages.components.demo_band import show_demo_band
from pages.components.mark import show_mark
from pages.components.sidebar import show_sidebar
from pages.components.style import show_style


def show_frame() -> None:
    """Show the style, the mark, the sidebar and, where it is due, the DEMO band."""
    show_style()
    show_mark()
    show_sidebar()
    show_demo_band()
