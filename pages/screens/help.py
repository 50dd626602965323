"""Help: what does all this mean?"""

from pages.components.help.text import (
    show_models_help,
    show_parts_help,
    show_photo_rules,
    show_places_help,
    show_practice,
    show_review_help,
    show_words,
)

show_words()
show_places_help()
show_photo_rules()
show_parts_help()
show_review_help()
show_practice()
show_models_help()
