"""Review: what is this part, really?"""

from pages.components.review.tabs import show_review_tabs

show_review_tabs()
