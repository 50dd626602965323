"""Model card: what is this product, and where are its limits?"""

from pages.components.model_card.glance import show_card_basis, show_glance
from pages.components.model_card.sections import show_sections

card = show_card_basis()
show_glance(card)
show_sections(card)
