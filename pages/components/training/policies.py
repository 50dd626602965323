"""What becomes of the policies when a version is published, and what a person must decide about those tuned by hand."""

from html import escape

import streamlit as st

from ensemble.evaluation.publication import Effects, PolicyEffect
from ensemble.store import ModelStore
from ensemble.values.errors import QuorumError
from ensemble.values.results import Classes
from ensemble.values.titles import policy_title
from pages.components.common.sheet import as_markdown, show_sheet
from pages.session import trainings

KEEP, SET_ASIDE = "Keep", "Set aside"


def ask_about_policies(store: ModelStore, number: int, key: str) -> tuple[str, ...] | None:
    """Show every policy before and after a publication; gives those to set aside, None while that is not decided."""
    try:
        effects = trainings.effects_of_version(store, number)
    except QuorumError as error:  # a damaged version cannot be published, and can still be discarded
        st.error(as_markdown(str(error)), icon=":material/report:")
        return None
    with st.expander("Policies before and after", icon=":material/rule:", expanded=bool(effects.hand_tuned)):
        _show_table(effects)
    if not effects.hand_tuned:
        return ()
    names = tuple(each.name for each in effects.hand_tuned)
    st.warning(
        f"Thresholds tuned by hand on other models: **{as_markdown(', '.join(map(policy_title, names)))}**.",
        icon=":material/rule:",
    )
    chosen = st.radio(
        "Hand-tuned policies",
        (KEEP, SET_ASIDE),
        index=None,
        key=f"hand_tuned {key} {number}",
        captions=("Used with the new models.", "Back when another version is published."),
    )
    return None if chosen is None else names if chosen == SET_ASIDE else ()


def _show_table(effects: Effects) -> None:
    defect = effects.classes.defect is not None
    figures = ("Escapes", "Overkills", "Reviews") if defect else ("Errors", "Reviews")
    rows = [_cells(each, effects.classes) for each in effects.policies]
    show_sheet(("Policy", "Thresholds from", *figures), rows, folding=True)
    known = next((each.after for each in effects.policies if each.after), None)
    if known is None:
        st.caption("Effect unknown: no validation photos are kept with this version.")
    elif effects.shared:
        st.caption(f"Now → with version {effects.version}, on the same {effects.shared} validation photos.")
    else:
        st.caption(f"With version {effects.version}, on its own {known.photos} validation photos.")


def _cells(effect: PolicyEffect, classes: Classes) -> list[str]:
    name = f"{escape(policy_title(effect.name))}{' <small>active</small>' if effect.active else ''}"
    names = ("escapes", "overkills", "reviews") if classes.defect is not None else ("wrong", "reviews")
    return [name, _origin(effect), *(_change(effect, figure) for figure in names)]


def _origin(effect: PolicyEffect) -> str:
    if not effect.is_hand_tuned:
        return f"training of version {effect.tuned_on}"
    if effect.tuned_on:
        return f"{escape(effect.author)}, on version {effect.tuned_on}"
    return f"{escape(effect.author)}, on an earlier model"


def _change(effect: PolicyEffect, figure: str) -> str:
    if effect.after is None:
        return "–"
    after = getattr(effect.after, figure)
    if effect.before is None:
        return str(after)
    before = getattr(effect.before, figure)
    worse = figure in {"escapes", "wrong"} and after > before
    return f"{before} → {f'<b>{after}</b>' if worse else after}"
