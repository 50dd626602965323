"""Work in the background: how far, how long yet, and a way to stop; what came of it once it is done."""

from collections.abc import Callable

import streamlit as st

from ensemble.values.language import _
from pages.components.common.sheet import as_markdown
from pages.session import background
from pages.session.told import told


def show_work(key: str) -> background.Work | None:
    """Show work of that key while it goes on, or its error; gives it once it is done and has ended well."""
    found = background.work(key)
    if found is None:
        return None
    if not found.done:
        _show_progress(key)
        return None
    if found.error:
        st.error(as_markdown(found.error), icon=":material/report:")
        st.button(_("Understood"), on_click=background.forget_work, args=(key,), key=f"forget {key}")
        return None
    return found


@st.fragment(run_every=1.0)
def _show_progress(key: str) -> None:
    found = background.work(key)
    if found is None or found.done:
        st.rerun()
        return
    text = progress_text(found.title, found.stage or _("Starting"), found.seconds_left())
    with st.container(horizontal=True, vertical_alignment="center", key=f"progress {key}"):
        st.progress(min(found.share, 1.0), text=as_markdown(text))
        st.button(
            _("Stop"), icon=":material/stop_circle:", on_click=background.stop_work, args=(key,), key=f"stop {key}"
        )
    st.caption(_("Continues in the background."))


def show_told(key: str, undo: Callable[[int], None] | None = None, shortcut: str = "Ctrl+Z") -> bool:
    """Say once what was done last, or why it was refused; gives whether it is offered to undo it."""
    last = told(key)
    if not last.sentence:
        return False
    with st.container(horizontal=True, vertical_alignment="center", key=f"told{key}", gap="small"):
        if last.wrong:
            st.error(as_markdown(last.sentence), icon=":material/report:")
        else:
            st.success(as_markdown(last.sentence), icon=":material/check:")
        if undo is None or last.decision is None:
            return False
        args, name = (last.decision,), f"undo{key}"
        st.button(_("Undo"), icon=":material/undo:", on_click=undo, args=args, key=name, shortcut=shortcut)
    return True


def progress_text(what: str, stage: str, seconds: float | None) -> str:
    """What is going on, how far it is, and how long it will take in the unit that a person would use, where known."""
    if seconds is None:
        return _("{what}: {stage}", what=what, stage=stage)
    if seconds < 90:
        return _("{what}: {stage}, about {seconds:.0f} s left", what=what, stage=stage, seconds=seconds)
    return _("{what}: {stage}, about {minutes:.0f} min left", what=what, stage=stage, minutes=seconds / 60)
