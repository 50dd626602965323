"""Review: what is this part, really?"""

from pages.components.review.desk import show_desk

show_desk()
