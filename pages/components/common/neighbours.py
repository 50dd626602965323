"""Buttons with keys that lead from what is looked at to what comes before and after it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from ensemble.values.language import _

Thing = TypeVar("Thing")


def show_neighbours(
    key: str, before: Sequence[Any] | None, after: Sequence[Any] | None, pick: Callable[..., None], words: Sequence[str]
) -> None:
    """Show the two buttons, called by these words; `pick` is called with what each leads to, None is nowhere."""
    ways = (("previous", "chevron_left", before, "Left"), ("next", "chevron_right", after, "Right"))
    for told, (name, icon, place, shortcut) in zip(words, ways, strict=True):
        st.button(
            told,
            icon=f":material/{icon}:",
            disabled=place is None,
            on_click=pick,
            args=tuple(place or ()),
            key=f"{key}_{name}",
            shortcut=shortcut,
        )


def show_ways(
    key: str, order: Sequence[Thing], picked: Thing, pick: Callable[[Any, Thing | None], None], owner: Any, back: str
) -> None:
    """Show the ways from what is picked among an order, back to all of it, and where that stands in it.

    `pick` is called with the owner and what a button leads to, None for all.
    """
    at = order.index(picked) if picked in order else -1
    before = (owner, order[at - 1]) if at > 0 else None
    after = (owner, order[at + 1]) if at + 1 < len(order) else None
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}_neighbours"):
        show_neighbours(key, before, after, pick, (_("Previous"), _("Next")))
        st.button(back, icon=":material/grid_view:", on_click=pick, args=(owner, None), key=f"{key}_all")
        if at >= 0:
            st.caption(_("{number} of {total}", number=at + 1, total=len(order)))
