"""What becomes of the policies when a version is published, and what a person must decide about those tuned by hand."""

import streamlit as st

from ensemble.evaluation.publication import Effects, PolicyEffect
from ensemble.store import ModelStore
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, _, worded
from ensemble.values.results import Classes
from ensemble.values.titles import policy_title
from pages.components.common.sheet import as_html, as_markdown, show_sheet
from pages.session import trainings

KEEP, SET_ASIDE = Message("Keep"), Message("Set aside")


def ask_about_policies(store: ModelStore, number: int, key: str) -> tuple[str, ...] | None:
    """Show every policy before and after a publication; gives those to set aside, None while that is not decided."""
    try:
        effects = trainings.effects_of_version(store, number)
    except QuorumError as error:  # a damaged version cannot be published, and can still be discarded
        st.error(as_markdown(worded(error)), icon=":material/report:")
        return None
    with st.expander(_("Policies before and after"), icon=":material/rule:", expanded=bool(effects.hand_tuned)):
        _show_table(effects)
    if not effects.hand_tuned:
        return ()
    names = tuple(each.name for each in effects.hand_tuned)
    titles = as_markdown(", ".join(worded(policy_title(name)) for name in names))
    st.warning(_("Thresholds tuned by hand on other models: **{policies}**.", policies=titles), icon=":material/rule:")
    chosen = st.radio(
        _("Hand-tuned policies"),
        (KEEP, SET_ASIDE),
        format_func=worded,
        index=None,
        key=f"hand_tuned {key} {number}",
        captions=(_("Used with the new models."), _("Back when another version is published.")),
    )
    return None if chosen is None else names if chosen == SET_ASIDE else ()


def _show_table(effects: Effects) -> None:
    defect = effects.classes.defect is not None
    figures = (_("Escapes"), _("Overkills"), _("Reviews")) if defect else (_("Errors"), _("Reviews"))
    rows = [_cells(each, effects.classes) for each in effects.policies]
    show_sheet((_("Policy"), _("Thresholds from"), *figures), rows, folding=True)
    known = next((each.after for each in effects.policies if each.after), None)
    if known is None:
        st.caption(_("Effect unknown: no validation photos are kept with this version."))
    elif effects.shared:
        st.caption(
            _(
                "Now → with version {version}, on the same {count} validation photo.",
                "Now → with version {version}, on the same {count} validation photos.",
                version=effects.version,
                count=effects.shared,
            )
        )
    else:
        st.caption(
            _(
                "With version {version}, on its own {count} validation photo.",
                "With version {version}, on its own {count} validation photos.",
                version=effects.version,
                count=known.photos,
            )
        )


def _cells(effect: PolicyEffect, classes: Classes) -> list[str]:
    name = as_html(policy_title(effect.name))
    if effect.active:
        name += f" <small>{as_html(_('active'))}</small>"
    names = ("escapes", "overkills", "reviews") if classes.defect is not None else ("wrong", "reviews")
    return [name, _origin(effect), *(_change(effect, figure) for figure in names)]


def _origin(effect: PolicyEffect) -> str:
    if not effect.is_hand_tuned:
        return as_html(_("training of version {version}", version=effect.tuned_on))
    if effect.tuned_on:
        return as_html(_("{author}, on version {version}", author=effect.author, version=effect.tuned_on))
    return as_html(_("{author}, on an earlier model", author=effect.author))


def _change(effect: PolicyEffect, figure: str) -> str:
    if effect.after is None:
        return "–"
    after = getattr(effect.after, figure)
    if effect.before is None:
        return str(after)
    before = getattr(effect.before, figure)
    worse = figure in {"escapes", "wrong"} and after > before
    return f"{before} → {f'<b>{after}</b>' if worse else after}"
