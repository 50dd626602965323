"""What decisions made again come to: how many verdicts change, tiles of then and now, photos by what changes."""

from collections.abc import Callable, Sequence

import streamlit as st

from ensemble.inspection.time_machine import DecidedAgain, Deviation, WhatIf
from ensemble.metrics.costs import PARTS_TOLD, DecisionCounts, Line, at_most, expected_costs
from ensemble.values.language import Message, _
from ensemble.values.results import NON_DEFECTIVE, Classes, word
from pages.components.common.charts import show_csv
from pages.components.common.sheet import as_html, as_markdown
from pages.components.common.turns import compared_tile, show_turn, turn_frame
from pages.components.policies.words import money
from pages.session import replays

MOST, MOST_NAMED = 60, 10  # photos shown; deviations named
Mark = Callable[[DecidedAgain], str]  # what else is shown of a changed verdict, as HTML


def unmarked(_: DecidedAgain) -> str:
    """Nothing else."""
    return ""


def show_what_if(found: WhatIf, by: str) -> None:
    """Show how many verdicts would change, and what that comes to; `by` says who decides again."""
    said = Message(
        "{count} of {total} verdicts would change",
        "{count} of {total} verdicts would change",
        count=found.changed,
        total=found.inspections,
    )
    st.html(
        f'<div class="difference" role="status"><p class="word">{as_html(said)}<small>{as_html(by)}</small></p></div>'
    )
    st.html(f'<div class="tiles draft">{"".join(_tiles(found))}</div>')
    if found.known_after is not None:
        st.caption(_("Escapes and overkill: of the parts that a person has reviewed."))


def _tiles(found: WhatIf) -> list[str]:
    tiles = [_tile("review", Message("Reviews"), *(_looks(found, after=after) for after in (True, False)))]
    before, after = found.known_before, found.known_after
    if before is None or after is None:
        return tiles
    escapes = Message("of {count} defective", count=after.defective), at_most(after.escapes, after.defective)
    overkill = Message("of {count} good", count=after.good), at_most(after.overkills, after.good)
    return [
        _tile("nok", Message("Escapes"), str(after.escapes), str(before.escapes), escapes),
        _tile("plain", Message("Overkill"), str(after.overkills), str(before.overkills), overkill),
        *tiles,
        _tile("none", Message("Cost per {parts} parts", parts=PARTS_TOLD), _cost(after), _cost(before)),
    ]


def _looks(found: WhatIf, *, after: bool) -> str:
    count = found.reviews(after=after)
    if found.hours < 1:
        return str(count)
    return Message("{count} ({rate:.1f} an hour)", count=count, rate=count / found.hours)


def _cost(counts: DecisionCounts) -> str:
    return money(expected_costs(counts, Line()).money)


def _tile(look: str, name: str, now: str, then: str, of: Sequence[str] = ()) -> str:
    return compared_tile(look, now, name, (*of, Message("as decided then: {number}", number=then)))


def show_changed(found: WhatIf, mark: Mark = unmarked) -> None:
    """Show the photos whose verdict changes, grouped by what it becomes."""
    if not found.changes or found.classes is None:
        return
    groups: dict[tuple[str, str], list[DecidedAgain]] = {}
    for change in found.changes[:MOST]:
        groups.setdefault((change.before, change.after), []).append(change)
    for (before, after), group in sorted(groups.items(), key=lambda each: each[0][1] != NON_DEFECTIVE):
        frames = [_moved_frame(change, found.classes, mark(change)) for change in group]
        show_turn(before, after, frames, found.moves[before, after], found.classes)
    if found.changed > MOST:
        st.caption(_("First {shown} of {count} changed verdicts.", shown=MOST, count=found.changed))


def show_changed_csv(found: WhatIf, kind: str) -> None:
    """Offer the changed verdicts as a file."""
    rows = [
        {"inspection": each.id, "photo": each.photo, "before": each.before, "after": each.after, "truth": each.truth}
        for each in found.changes
    ]
    if rows:
        show_csv(kind, rows, _("Changed verdicts (CSV)"))


def _moved_frame(change: DecidedAgain, classes: Classes, mark: str) -> str:
    truth = Message("a person says {label}", label=word(change.truth)) if change.truth else Message("not reviewed")
    return turn_frame(change.photo, replays.small_copy(change.thumbnail), change.after, truth, classes, mark)


def show_deviations(said: str, deviations: Sequence[Deviation]) -> None:
    """Name inspections that could not be decided again, or come out otherwise, and why."""
    lines = "\n".join(f"- {as_markdown(each.photo)}: {as_markdown(each.why)}" for each in deviations[:MOST_NAMED])
    st.error(f"{said}\n\n{lines}", icon=":material/report:")
    if len(deviations) > MOST_NAMED:
        st.caption(_("First {shown} of {count}.", shown=MOST_NAMED, count=len(deviations)))
