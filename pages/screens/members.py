"""Models: what may vote?"""

from pages.components.common.obstacle import show_missing_members
from pages.components.members.extending import show_extending
from pages.components.members.members import (
    show_demo_members,
    show_how_to_add,
    show_member_details,
    show_members,
    show_quarantine,
)
from pages.components.members.runtime import show_runtime
from pages.session import products

show_demo_members()
show_quarantine()
if products.has_members():
    show_members()
    show_member_details()
    show_extending()
    show_runtime()
else:
    show_missing_members()
show_how_to_add()
