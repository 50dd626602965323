"""From which length on a mark is a defect, and from which one it decides by itself."""

from dataclasses import replace

import streamlit as st

from ensemble.policies import Policy
from ensemble.policies.counting import MM, PIXELS_UNIT, SIZE_LIMITS, SizeLimit
from ensemble.values.language import Message, _, worded
from pages.session import drafts, products

LABELS = {
    "smallest_defect": Message("Smallest defect ({unit})"),
    "large_defect": Message("Large defect ({unit})"),
}
HELP = {
    "smallest_defect": Message(
        "OK if every mark on the photo is shorter, and all models that speak against the part say where. "
        "A mark is longer than the defect under it. Empty: no such rule."
    ),
    "large_defect": Message("A mark of this length decides, whatever the votes say. Empty: no such rule."),
}


def show_policy_sizes(moved: Policy, base: Policy, photos: str) -> tuple[Policy, tuple[str, ...]]:
    """Show the lengths of marks that count; nothing where the product has no view to measure them by.

    Gives the policy with them, and the keys of what can be moved. Areas stand in the file alone.
    """
    view = products.view()
    unit = PIXELS_UNIT if view.mm_per_pixel is None else MM
    limits: dict[str, SizeLimit | None] = {name: getattr(base, name) for name in SIZE_LIMITS}
    lengths = all(limit is None or (limit.unit == unit and limit.length is not None) for limit in limits.values())
    if not view.reference or products.classes().defect is None or not lengths:
        return moved, ()
    with st.container(horizontal=True, gap="medium"):
        found = {name: _length(name, base, unit, photos) for name in SIZE_LIMITS}
    keys = tuple(_key(name, base) for name in SIZE_LIMITS)
    small, large = (_limit(limits[name], unit, found[name]) for name in SIZE_LIMITS)
    if small and large and small.value > large.value:
        st.error(_("The smallest defect must not be longer than a large one."), icon=":material/block:")
        return moved, keys
    return replace(moved, smallest_defect=small, large_defect=large), keys


def _length(name: str, base: Policy, unit: str, photos: str) -> float | None:
    limit: SizeLimit | None = getattr(base, name)
    key = _key(name, base)
    found: float | None = st.number_input(
        worded(Message(LABELS[name], unit=unit)),
        0.001,
        None,
        limit.length if limit else None,
        0.1 if unit == MM else 1.0,
        "%g",
        key,
        help=worded(HELP[name]),
        on_change=drafts.note_move,
        args=(key, photos),
        placeholder=_("None"),
        persist_state="page",
        width=200,
    )
    return found


def _limit(known: SizeLimit | None, unit: str, length: float | None) -> SizeLimit | None:
    if length is None:
        return None
    return replace(known, length=length) if known else SizeLimit(unit, length)


def _key(name: str, base: Policy) -> str:
    return f"cuts of {base.name} {name} {getattr(base, name)}"
