"""The answer: the word that can be read from two metres, and below it why."""

from html import escape

import streamlit as st

from ensemble import exports, figures
from ensemble.results import Verdict
from pages.components import session
from pages.components.lessons import show_lesson
from pages.components.look import show_look
from pages.components.mark import shape
from pages.components.sheet import breakable
from pages.components.votes import show_absent, show_defect_score, show_votes
from pages.components.wrong_verdict import show_wrong_verdict


def show_answer(chosen: session.Chosen | None) -> None:
    """Show the verdict on the chosen photo and never that on another one."""
    verdict = session.verdict_of(chosen) if chosen else None
    if verdict is None:
        text = "Choose a photo of a part." if chosen is None else "Press <b>Analyze image</b>: no verdict yet."
        st.html(f'<div class="waiting"><span>{text}</span></div>')
        return
    show_verdict_card(verdict)


def show_details(chosen: session.Chosen | None) -> None:
    """Show what the verdict rests on: who is absent, the score that decided, the votes, and the same as a file."""
    verdict = session.verdict_of(chosen) if chosen else None
    if chosen is not None and verdict is not None:
        show_absent(verdict)
        show_lesson(verdict)
        show_defect_score(verdict)
        show_votes(verdict)
        show_look(chosen, verdict)
        show_json_download(verdict)
        show_wrong_verdict(chosen, verdict)


def show_verdict_card(verdict: Verdict) -> None:
    """Show word, shape and colour together, with the reason and what it rests on."""
    look = figures.tone(verdict.label, verdict.classes)
    facts = [figures.votes_count(verdict), f"{verdict.seconds:.2f} s", f"policy {verdict.policy}"]
    if verdict.unasked:
        facts.insert(1, f"{len(verdict.unasked)} skipped")
    stamp = '<div class="demo">DEMO</div>' if verdict.demo else ""
    st.html(
        f'<div class="verdict {look}" role="status">{shape(look)}<div>'
        f'<div class="word">{escape(verdict.word)}</div><div class="reason">{breakable(verdict.reason)}</div>'
        f'<div class="facts">{escape(" · ".join(facts))}</div></div>{stamp}</div>'
    )


def show_json_download(verdict: Verdict) -> None:
    """Offer the verdict and its votes as a file."""
    content = exports.verdict_json(verdict)
    st.download_button(
        "Download the result (JSON)",
        content,
        file_name=exports.file_name("verdict", content, ".json", demo=verdict.demo),
        mime="application/json",
        on_click="ignore",
        icon=":material/download:",
        key="json",
    )
