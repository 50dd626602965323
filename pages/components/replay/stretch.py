"""Which stretch of history is replayed: a choice that stays in the address."""

from ensemble.values.language import Message, _, worded
from pages.components.common.choices import show_choice
from pages.session import replays

SPANS = {
    "1": Message("24 hours"),
    "7": Message("7 days"),
    "30": Message("30 days"),
    "all": Message("All times"),
}


def show_span() -> str:
    """Show the stretches that there are; gives the chosen one."""
    start = replays.wished_span()
    label = _("Time")
    span = show_choice(label, SPANS, "span", lambda key: worded(SPANS[key]), start=start, label_visibility="visible")
    replays.keep_span(span)
    return span
