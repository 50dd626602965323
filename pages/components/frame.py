"""What is the same around every screen."""

from pages.components import session
from pages.components.demo_band import show_demo_band
from pages.components.lost import show_lost
from pages.components.mark import show_mark
from pages.components.policy_problem import show_policy_problem
from pages.components.sidebar import show_sidebar
from pages.components.style import show_style


def show_frame(title: str) -> None:
    """Show what stands around the screen of this title: style, mark, sidebar, and where they are due the DEMO band and
    what is wrong with policies.

    Where the product or the policy that was picked is gone, the screen ends here.
    """
    session.show_table_in_address()  # another screen has another address
    show_style()
    show_mark()
    lost = show_sidebar()
    show_demo_band()
    show_policy_problem()
    if lost:
        show_lost(lost, title)
