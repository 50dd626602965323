"""What another policy would have decided: choose it and a stretch of history, and see which verdicts change."""

from collections.abc import Sequence

import streamlit as st

from ensemble.inspection.time_machine import DecidedAgain, Deviation, Reproduction, WhatIf
from ensemble.metrics.costs import PARTS_TOLD, DecisionCounts, Line, at_most, expected_costs
from ensemble.values.errors import RecordsError
from ensemble.values.language import Message, _, worded
from ensemble.values.results import NON_DEFECTIVE, Classes, word
from ensemble.values.titles import policy_title
from pages.components.common.charts import show_csv
from pages.components.common.choices import show_choice
from pages.components.common.progress import show_work
from pages.components.common.sheet import as_html, as_markdown, refusals_shown
from pages.components.common.turns import compared_tile, show_turn, turn_frame
from pages.components.policies.words import money
from pages.session import products, replays

SPANS = {
    "1": Message("24 hours"),
    "7": Message("7 days"),
    "30": Message("30 days"),
    "all": Message("All"),
}
MOST, MOST_NAMED = 60, 10  # photos shown; deviations named


def show_replay() -> None:
    """Show what can be chosen, and what came of it."""
    st.markdown(_("What would another policy have decided? It decides again on the kept votes; no model runs."))
    if products.is_demo():
        st.info(_("A demo keeps nothing. Turn demo mode off to replay the history."), icon=":material/history:")
        return
    with refusals_shown(errors=(RecordsError,)):
        _show_form()
    if (found := show_work(replays.key())) is not None:
        _show_what_if(found.result.what_if, found.result.policy.name)
        _show_reproduction(found.result.reproduction)


def _show_form() -> None:
    known = replays.policies()
    titles = {name: worded(name) for name in known}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            _("Policy"), list(known), format_func=titles.__getitem__, key="replay_policy", filter_mode=None, width=280
        )
        words = {key: worded(text) for key, text in SPANS.items()}
        span = show_choice(
            _("Inspections of the last"), SPANS, "span", words.__getitem__, start="7", label_visibility="visible"
        )
    count = replays.count(span)
    if not count:
        st.info(_("No inspections are kept of this time. Inspect photos, or choose a longer time."))
        return
    st.button(
        _("Replay {count} inspection", "Replay {count} inspections", count=count),
        type="primary",
        icon=":material/history:",
        on_click=replays.start,
        args=(known[name], span),
        key="start_replay",
    )


def _show_what_if(found: WhatIf, name: str) -> None:
    title = policy_title(name)
    said = Message(
        "{count} of {total} verdicts would change",
        "{count} of {total} verdicts would change",
        count=found.changed,
        total=found.inspections,
    )
    by = Message("by {policy}", policy=title)
    st.html(
        f'<div class="difference" role="status"><p class="word">{as_html(said)}<small>{as_html(by)}</small></p></div>'
    )
    st.html(f'<div class="tiles draft">{"".join(_tiles(found))}</div>')
    if found.known_after is not None:
        st.caption(_("Escapes and overkill: of the parts that a person has reviewed."))
    _show_changes(found)
    if found.deviations:
        _show_deviations(_("This policy cannot decide on some of these votes:"), found.deviations)


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


def _show_changes(found: WhatIf) -> None:
    if not found.changes or found.classes is None:
        return
    groups: dict[tuple[str, str], list[DecidedAgain]] = {}
    for change in found.changes[:MOST]:
        groups.setdefault((change.before, change.after), []).append(change)
    for (before, after), group in sorted(groups.items(), key=lambda each: each[0][1] != NON_DEFECTIVE):
        frames = [_moved_frame(change, found.classes) for change in group]
        show_turn(before, after, frames, found.moves[before, after], found.classes)
    if found.changed > MOST:
        st.caption(_("First {shown} of {count} changed verdicts.", shown=MOST, count=found.changed))
    rows = [
        {"inspection": each.id, "photo": each.photo, "before": each.before, "after": each.after, "truth": each.truth}
        for each in found.changes
    ]
    show_csv("replay", rows, _("Changed verdicts (CSV)"))


def _moved_frame(change: DecidedAgain, classes: Classes) -> str:
    truth = Message("a person says {label}", label=word(change.truth)) if change.truth else Message("not reviewed")
    return turn_frame(change.photo, replays.small_copy(change.thumbnail), change.after, truth, classes)


def _show_reproduction(found: Reproduction) -> None:
    """Say whether every verdict comes out as it was kept, by the very policy that gave it."""
    if not found.deviations:
        st.success(
            _(
                "{count} kept verdict comes out exactly as it was, by its own policy.",
                "All {count} kept verdicts come out exactly as they were, each by its own policy.",
                count=found.inspections,
            ),
            icon=":material/verified:",
        )
        return
    _show_deviations(
        _(
            "{count} of {total} kept verdicts does not come out as it was:",
            "{count} of {total} kept verdicts do not come out as they were:",
            count=len(found.deviations),
            total=found.inspections,
        ),
        found.deviations,
    )


def _show_deviations(said: str, deviations: Sequence[Deviation]) -> None:
    lines = "\n".join(f"- {as_markdown(each.photo)}: {as_markdown(each.why)}" for each in deviations[:MOST_NAMED])
    st.error(f"{said}\n\n{lines}", icon=":material/report:")
    if len(deviations) > MOST_NAMED:
        st.caption(_("First {shown} of {count}.", shown=MOST_NAMED, count=len(deviations)))
