"""The answer: the word that can be read from two metres, and below it why."""

from html import escape

import streamlit as st

from ensemble import figures
from ensemble.imaging import overlays
from ensemble.imaging.overlays import canvas, png
from ensemble.inspection import exports
from ensemble.values.results import Verdict, Vote, word
from pages.components.common.charts import show_file
from pages.components.common.lessons import show_lesson, show_outside
from pages.components.common.sheet import as_markdown, breakable
from pages.components.common.style import shape
from pages.components.common.votes import show_absent, show_defect_score, show_votes
from pages.components.common.wrong_verdict import show_wrong_verdict
from pages.session import photo


def show_answer(chosen: photo.Chosen | None) -> None:
    """Show the verdict on the chosen photo and never that on another one."""
    verdict = photo.verdict_of(chosen) if chosen else None
    if verdict is None:
        text = "Choose a photo of a part." if chosen is None else "Press <b>Analyze image</b>: no verdict yet."
        st.html(f'<div class="waiting"><span>{text}</span></div>')
        return
    show_verdict_card(verdict)


def show_details(chosen: photo.Chosen | None) -> None:
    """Show what the verdict rests on: who is absent, the score that decided, the votes, and the same as a file."""
    verdict = photo.verdict_of(chosen) if chosen else None
    if chosen is not None and verdict is not None:
        show_absent(verdict.absent)
        show_lesson(verdict)
        show_defect_score(verdict)
        show_votes(verdict)
        show_outside(verdict)
        show_look(chosen, verdict)
        show_file(exports.verdict_json(verdict), "verdict", ".json", "Download the result (JSON)", quiet=False)
        show_wrong_verdict(chosen, verdict)


def show_verdict_card(verdict: Verdict) -> None:
    """Show word, shape and colour together, with the reason and what it rests on."""
    look = figures.tone(verdict.label, verdict.classes)
    facts = [figures.votes_count(verdict), f"{verdict.seconds:.2f} s", f"policy {verdict.policy}"]
    if spared := [each for each in verdict.unasked if each.weight]:
        facts.insert(1, f"{len(spared)} skipped")
    stamp = '<div class="demo">DEMO</div>' if verdict.demo else ""
    st.html(
        f'<div class="verdict {look}" role="status">{shape(look)}<div>'
        f'<div class="word">{escape(verdict.word)}</div><div class="reason">{breakable(verdict.reason)}</div>'
        f'<div class="facts">{escape(" · ".join(facts))}</div></div>{stamp}</div>'
    )


def show_look(chosen: photo.Chosen, verdict: Verdict) -> None:
    """Offer to ask each member that learns from all classes; the others point at places by themselves."""
    asked = [vote for vote in verdict.votes if photo.learns_from_all(vote.member)]
    if verdict.demo or not asked:
        return
    box = st.expander("What did a model look at?", icon=":material/visibility:", on_change="rerun", key="look")
    if box.open:
        with box:
            _show_choice(chosen, asked)


def _show_choice(chosen: photo.Chosen, asked: list[Vote]) -> None:
    votes = {vote.member: vote for vote in asked}
    name = st.selectbox("Member", list(votes), key="looker", filter_mode=None)
    vote = votes[name]
    if st.button("Show what it looked at", key="look_at", icon=":material/visibility:"):
        with st.spinner("The member looks at the photo again, without one place after the other …"):
            photo.look(chosen, vote)
    found = photo.look_of(chosen, vote)
    if found is None:
        return
    if not found.values.any():
        st.info(
            f"No single place made {as_markdown(name)} say {as_markdown(word(vote.label))}; it went by the whole photo."
        )
        return
    drawn = overlays.looked_at(canvas(chosen.photo.picture), found.values)
    st.image(png(drawn), output_format="PNG", width="stretch", alt=f"What {name} looked at on {chosen.photo.name}")
    st.html(
        '<div class="look-scale"><i></i><span>did not matter</span><span>mattered most</span></div>'
        '<p class="calm"><b>What the model looked at, not a defect.</b> Bright: with this place smoothed, it would be '
        "less sure of its vote. The brightness is relative to this photo.</p>"
    )
