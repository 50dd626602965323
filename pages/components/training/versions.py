"""Every version of the chosen product, and the way back to one."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from ensemble.store.versions import FOUND, Summary
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, NumberText, _, worded
from pages.components.common.person import show_name_field
from pages.components.common.sheet import as_html, as_markdown, quiet_chip, show_sheet
from pages.components.training.policies import ask_about_policies
from pages.session import candidates, products, replays, trainings
from pages.session.clock import local_time

# What a folder's versions say of themselves, in the words of a screen; others stand as they are.
REASONS = {FOUND: Message("Original")}
SHOWN = 6  # versions; earlier ones open on demand
WORDS = {"published": "", "candidate": Message("not published"), "discarded": Message("discarded")}


def show_versions() -> None:
    """Show the versions of the product of the sidebar, the newest first, and roll back to one by one click."""
    store = products.store()
    if interrupted := trainings.interruption():
        st.warning(as_markdown(interrupted), icon=":material/build:")
        st.button(_("Understood"), on_click=trainings.acknowledge_interruption, key="interrupted")
    try:
        found = trainings.versions_of(store)
    except QuorumError as error:
        st.error(as_markdown(worded(error)), icon=":material/report:")
        return
    if len(products.products()) > 1:
        st.caption(as_markdown(_("Product: {name}", name=store.product_name())))
    if not found:
        product = store.product_name()
        came = _("The models of {product} came with it. The next training adds a version.", product=product)
        st.caption(as_markdown(came if products.has_members() else _("No versions of {product} yet.", product=product)))
        return
    _show_rows(found[:SHOWN])
    if earlier := found[SHOWN:]:
        with st.expander(_("Earlier versions ({count})", count=len(earlier)), icon=":material/history:"):
            _show_rows(earlier)
    _show_way_back(found)


def _show_rows(found: Sequence[Summary]) -> None:
    rows = []
    for each in found:
        state = quiet_chip(_("active")) if each.current else as_html(WORDS[each.state])
        best = max((figures.get("accuracy") or 0.0 for figures in each.members.values()), default=0.0)
        rows.append(
            [
                f"{each.number} {state}",
                local_time(each.at),
                escape(each.author or "–"),
                as_html(REASONS.get(each.reason, each.reason)),
                str(len(each.members)),
                worded(NumberText(f"{best:.3f}")) if best else "–",
            ]
        )
    show_sheet(
        (_("Version"), _("Created"), _("By"), _("Reason"), _("Models"), _("Best model accuracy")),
        rows,
        folding=True,
    )


def show_trying(number: int) -> None:
    """Offer to try a version on kept photos."""
    st.page_link(
        "pages/screens/replay.py",
        label=_("Try version {number} on kept photos", number=number),
        icon=":material/replay:",
        query_params={replays.WITH: replays.VERSION, candidates.VERSION: str(number)},
    )


def _show_way_back(found: Sequence[Summary]) -> None:
    store = products.store()
    back = [each.number for each in found if not each.current and each.state != "discarded"]
    if not back:
        return
    number = st.selectbox(_("Version"), back, key=f"version {found[0].number}", filter_mode=None, width=140)
    set_aside = ask_about_policies(store, number, "roll back")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        author = show_name_field("version_author", width=240)
        pressed = st.button(
            _("Activate version {number}", number=number),
            icon=":material/undo:",
            key="roll_back",
            disabled=set_aside is None,
        )
    show_trying(number)
    if pressed:  # no callback: it would get the name as it was when the page was last shown
        waits = next(each.state for each in found if each.number == number) == "candidate"
        reason = "Published from the list." if waits else f"Rolled back to version {number}."
        trainings.publish_version(store, number, author, reason, set_aside=set_aside or ())
        st.rerun()
