"""What would have been decided otherwise: by another policy on kept votes, or by another version on kept photos."""

import streamlit as st

from ensemble.inspection.time_machine import Reproduction
from ensemble.values.errors import RecordsError
from ensemble.values.language import Message, _, worded
from ensemble.values.titles import policy_title
from pages.components.common.choices import show_choice
from pages.components.common.progress import show_work
from pages.components.common.sheet import refusals_shown
from pages.components.replay.candidate import show_candidate
from pages.components.replay.outcome import show_changed, show_changed_csv, show_deviations, show_what_if
from pages.components.replay.stretch import show_span
from pages.session import products, replays

WAYS = {replays.POLICY: Message("Policy"), replays.VERSION: Message("Model version")}


def show_replay() -> None:
    """Show what can be chosen, and what came of it."""
    if products.is_demo():
        st.info(_("A demo keeps nothing. Turn demo mode off to replay the history."), icon=":material/history:")
        return
    way = show_choice(
        _("Replay with another"),
        WAYS,
        "replay_way",
        lambda name: worded(WAYS[name]),
        start=replays.wished_way(),
        label_visibility="visible",
    )
    replays.keep_way(way)
    if way == replays.VERSION:
        show_candidate()
    else:
        _show_policy()


def _show_policy() -> None:
    st.markdown(_("What would another policy have decided? It decides again on the kept votes; no model runs."))
    with refusals_shown(errors=(RecordsError,)):
        _show_form()
    if (found := show_work(replays.key())) is None:
        return
    what_if, reproduction = found.result.what_if, found.result.reproduction
    show_what_if(what_if, Message("by {policy}", policy=policy_title(found.result.policy.name)))
    show_changed(what_if)
    show_changed_csv(what_if, "replay")
    if what_if.deviations:
        show_deviations(_("This policy cannot decide on some of these votes:"), what_if.deviations)
    _show_reproduction(reproduction)


def _show_form() -> None:
    known = replays.policies()
    titles = {name: worded(name) for name in known}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            _("Policy"), list(known), format_func=titles.__getitem__, key="replay_policy", filter_mode=None, width=280
        )
        span = show_span()
    count = replays.count(span)
    if not count:
        st.info(_("No inspections are kept of this time. Inspect photos, or choose a longer time."))
        return
    st.button(
        _("Replay {count} inspection", "Replay {count} inspections", count=count),
        type="primary",
        icon=":material/history:",
        on_click=replays.start,
        args=("replay_policy",),
        key="start_replay",
    )


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
    show_deviations(
        _(
            "{count} of {total} kept verdicts does not come out as it was:",
            "{count} of {total} kept verdicts do not come out as they were:",
            count=len(found.deviations),
            total=found.inspections,
        ),
        found.deviations,
    )
