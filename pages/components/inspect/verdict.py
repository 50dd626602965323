"""The answer: the word that can be read from two metres, and why for those who ask."""

from html import escape
from pathlib import Path

import streamlit as st

from ensemble import figures
from ensemble.imaging import overlays
from ensemble.imaging.overlays import canvas, png
from ensemble.inspection import exports
from ensemble.policies import reasons
from ensemble.values.language import _, worded
from ensemble.values.results import Verdict, Vote, word
from ensemble.values.titles import model_title, policy_title
from pages.components.common.charts import show_file
from pages.components.common.lessons import show_lesson, show_outside
from pages.components.common.sheet import as_html, as_markdown, tied
from pages.components.common.style import data_address, shape
from pages.components.common.votes import show_absent, show_defect_score, show_reason, show_votes
from pages.components.common.wrong_verdict import show_correction, show_told_of_confirmed
from pages.session import photo


def show_answer(chosen: photo.Chosen | None, *, asked: bool) -> None:
    """Show the verdict on the chosen photo and never that on another one; where it is asked for, have it judged first.

    While a photo is judged, nothing of the verdict before stands in this place, not even pale.
    """
    place = st.empty()
    if chosen is not None and asked:
        place.html(f'<div class="waiting" role="status"><span>{as_html(_("Analyzing …"))}</span></div>')
        photo.analyze(chosen)
    with place.container():
        _show_answer(chosen)


def _show_answer(chosen: photo.Chosen | None) -> None:
    verdict = photo.verdict_of(chosen) if chosen else None
    if verdict is None:
        st.set_page_config(page_title=_("Inspect a photo"))  # whatever the tab has said of the photo before
        if chosen is not None:
            ready = _("Ready. Press <b>Analyze</b>.")
            st.html(f'<div class="waiting"><span>{ready}</span></div>')
        show_told_of_confirmed()  # of the photo before
        return
    st.set_page_config(page_title=_("{verdict} · Inspect a photo", verdict=verdict.word))  # what a tab says
    show_verdict_card(verdict, focus=True)
    if verdict.not_kept:
        st.warning(as_markdown(verdict.not_kept), icon=":material/history_toggle_off:")
    show_absent(verdict.absent)
    if chosen is not None:
        show_correction(chosen, verdict)
    if verdict.id:
        st.page_link(
            "pages/screens/history.py",
            label=_("Open in the history"),
            icon=":material/history:",
            query_params={"inspection": verdict.id},
        )


def show_details(chosen: photo.Chosen | None) -> None:
    """Show what the verdict rests on, once somebody asks why, and the same as a file."""
    verdict = photo.verdict_of(chosen) if chosen else None
    if chosen is None or verdict is None:
        return
    show_defect_score(verdict)
    show_lesson(verdict)
    with st.expander(_("Why?"), icon=":material/help:", key="why"):
        show_reason(verdict)
        show_votes(verdict)
        show_outside(verdict)
    show_look(chosen, verdict)
    about = f"{Path(chosen.photo.name).stem}_{verdict.word}"
    label = _("Download the result (JSON)")
    at = verdict.origin.time
    show_file(exports.verdict_json(verdict), exports.VERDICT, ".json", label, about=about, at=at, quiet=False)


# Keys are for nobody while a field has the focus; a screen reader reads what gets it.
FOCUS = "<script>document.querySelector('.verdict').focus()</script>"


def show_verdict_card(verdict: Verdict, *, focus: bool = False) -> None:
    """Show word, shape and colour together, with one line on what decided; with `focus` a new one is gone to."""
    look = figures.tone(verdict.label, verdict.classes)
    stamp = '<div class="demo">DEMO</div>' if verdict.demo else ""
    st.html(
        f'<div class="verdict {look}" role="status" tabindex="-1">{shape(look)}<div>'
        f'<div class="word">{as_html(verdict.word)}</div><div class="reason">{tied(reasons.headline(verdict))}</div>'
        f'<div class="facts">{as_html(_facts(verdict))}</div></div>{stamp}</div>{FOCUS if focus else ""}',
        unsafe_allow_javascript=focus,
    )


def _facts(verdict: Verdict) -> str:
    known = {"seconds": verdict.seconds, "policy": policy_title(verdict.policy)}
    skipped = sum(each.weight > 0 for each in verdict.unasked)
    if not skipped:
        return _("{seconds:.2f} s · policy {policy}", **known)
    return _(
        "{count} skipped · {seconds:.2f} s · policy {policy}",
        "{count} skipped · {seconds:.2f} s · policy {policy}",
        count=skipped,
        **known,
    )


def show_last_verdicts() -> None:
    """Show the last photos as a film strip, each in the colour and with the word of its verdict."""
    last = photo.last_verdicts()
    if len(last) < 2:  # one alone is on the screen already
        return
    frames = "".join(
        f'<figure class="{figures.tone(each.label, each.classes)}">'
        f'<img src="{data_address("jpeg", each.thumbnail)}" alt="{escape(each.name)}">'
        f"<figcaption>{'DEMO ' if each.demo else ''}{as_html(word(each.label))}</figcaption></figure>"
        for each in last
    )
    label = as_html(_("Last verdicts"))
    st.html(f'<div class="film" role="group" aria-label="{label}">{frames}</div>')


def show_look(chosen: photo.Chosen, verdict: Verdict) -> None:
    """Offer to ask each member that learns from all classes; the others point at places by themselves."""
    asked = [vote for vote in verdict.votes if photo.learns_from_all(vote.member)]
    if verdict.demo or not asked:
        return
    box = st.expander(_("Explain a model"), icon=":material/visibility:", on_change="rerun", key="look")
    if box.open:
        with box:
            _show_choice(chosen, asked)


def _show_choice(chosen: photo.Chosen, asked: list[Vote]) -> None:
    votes = {vote.member: vote for vote in asked}
    name = st.selectbox(
        _("Model"), list(votes), format_func=lambda member: worded(model_title(member)), key="looker", filter_mode=None
    )
    vote = votes[name]
    if st.button(_("Show attention map"), key="look_at", icon=":material/visibility:"):
        with st.spinner(_("Computing the attention map …")):
            photo.look(chosen, vote)
    found = photo.look_of(chosen, vote)
    if found is None:
        return
    if not found.values.any():
        st.info(
            _(
                "No single region made {model} predict {label}: it went by the whole image.",
                model=as_markdown(model_title(name)),
                label=as_markdown(word(vote.label)),
            )
        )
        return
    drawn = overlays.looked_at(canvas(chosen.photo.picture), found.values)
    st.image(
        png(drawn),
        output_format="PNG",
        width="stretch",
        alt=_("Attention map of {model} on {photo}", model=model_title(name), photo=chosen.photo.name),
    )
    low, high = as_html(_("low influence")), as_html(_("high influence"))
    meaning = _(
        "<b>Attention, not a defect.</b> Where it is bright, smoothing the image would make "
        "the model less sure of its vote. Brightness is relative to this photo."
    )
    st.html(f'<div class="look-scale"><i></i><span>{low}</span><span>{high}</span></div><p class="calm">{meaning}</p>')
