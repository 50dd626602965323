"""The station beside a line: a verdict that is read from two metres, the photo, what was counted, and large keys."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ensemble import figures
from ensemble.values.language import _, worded
from ensemble.values.results import REVIEW, Classes, Verdict, word
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_html, chip
from pages.components.common.style import shape
from pages.components.common.votes import show_absent
from pages.components.common.wrong_verdict import show_correction
from pages.components.inspect.evidence import show_photo
from pages.components.inspect.photo_picker import show_photo_picker
from pages.components.inspect.verdict import show_verdict_card
from pages.session import clock, corrections, photo, products, queue, station
from pages.session.told import CONFIRMED

STYLE, SCRIPT = (Path(__file__).with_name(f"station.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))


def show_station_link() -> None:
    """Offer to make this page a station."""
    st.button(
        _("Station view"),
        icon=":material/desktop_windows:",
        on_click=station.open_station,
        key="station_on",
        type="tertiary",
    )


def show_station_frame() -> None:
    """Lay the page out as a station and have it watch its connection, before anything can end the screen."""
    st.html(f"<style>{STYLE}</style>")
    lost = as_html(_("Connection lost, trying again …"))
    st.html(
        '<div class="station-here"></div>'
        f'<div class="station-lost" role="alert">{shape("review")}<span>{lost}</span></div><script>{SCRIPT}</script>',
        unsafe_allow_javascript=True,
    )


def show_station() -> None:
    """Show the station: every photo is judged at once, and each verdict is counted and heard."""
    with st.container(key="station"):
        with st.container(key="station_verdict"):
            answer = st.empty()
        picture, side = st.container(key="station_photo"), st.container(key="station_side")
        with side:
            _show_keys()
            decide, counts = st.container(), st.container()
            chosen = show_photo_picker()
            _show_way_out()
        verdict = _judge(chosen, answer)
        with answer.container():
            _show_verdict(verdict)
        with decide:
            decided = show_told(CONFIRMED, corrections.undo_confirmed, "U")
            if chosen is not None and verdict is not None and not decided:
                show_absent(verdict.absent)
                show_correction(chosen, verdict)
        with counts:
            _show_counts(products.classes())
        with picture, st.container(key="evidence"):
            show_photo(chosen)


def _judge(chosen: photo.Chosen | None, answer: DeltaGenerator) -> Verdict | None:
    """The verdict on the photo; while it is being judged, nothing of the one before is to be seen."""
    verdict = photo.verdict_of(chosen) if chosen else None
    if chosen is None or verdict is not None:
        return verdict
    with answer.container():
        _show_waiting(as_html(_("Analyzing …")))
    try:
        photo.analyze(chosen)
    except Exception:  # whatever it is, the page says it: here nothing may seem to go on
        with answer.container():
            _show_waiting(as_html(_("This photo has no verdict.")))
        raise
    verdict = photo.verdict_of(chosen)
    if verdict is not None:
        station.count(verdict)
    return verdict


def _show_verdict(verdict: Verdict | None) -> None:
    titled = _("{verdict} · Inspect a photo", verdict=verdict.word) if verdict else _("Inspect a photo")
    st.set_page_config(page_title=titled)
    if verdict is not None:
        show_verdict_card(verdict, focus=True)
        news = station.news()
        tone = figures.tone(news.label, verdict.classes)
        st.html(
            f"<style>.st-key-station {{ --letters: {max(len(worded(verdict.word)), 3)} }}</style>"
            f'<div class="station-news" data-mark="{as_html(news.mark)}" data-tone="{tone}"></div>'
        )
    elif queue.queue() is None:
        _show_waiting(as_html(_("Ready for the next photo.")) + _past())
    else:
        _show_waiting(as_html(_("This photo cannot be read.")))


def _show_waiting(said: str) -> None:
    st.html(f'<div class="waiting" role="status"><div>{said}</div></div>')


def _past() -> str:
    """The last verdict as HTML, from before a reload or a pause; empty where there was none."""
    last, classes = station.tally(), products.classes()
    if last.label not in (*classes.names, REVIEW):
        return ""
    time = clock.local_time(last.at)
    said = as_html(_("Last verdict, {time}, {photo}:", time=time, photo=last.photo))
    return f'<div class="past"><span>{said}</span>{chip(last.label, classes)}</div>'


def _show_keys() -> None:
    start, told = as_html(_("Start")), as_html(_("Turns the sound on and keeps the screen on."))
    st.html(f'<button type="button" class="station-start" data-station="start">{start}<small>{told}</small></button>')
    asleep = as_html(_("This browser does not keep the screen on. Switch off its screen saver."))
    st.html(f'<p class="station-awake">{asleep}</p>')
    following, space = as_html(_("Next photo")), as_html(_("Space"))
    st.html(f'<button type="button" class="station-next" data-station="next">{following} <kbd>{space}</kbd></button>')


def _show_counts(classes: Classes) -> None:
    found = station.tally()
    tiles = "".join(_tile(label, classes, found.counts.get(label, 0)) for label in (*classes.names, REVIEW))
    st.html(f'<div class="tiles">{tiles}</div>{station.tally_to_keep()}', unsafe_allow_javascript=True)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(_("Verdicts since {time}", time=clock.local_time(found.since)), width="content")
        if station.can_undo_reset():
            st.button(_("Undo reset"), icon=":material/undo:", on_click=station.undo_reset, key="station_reset_undo")
        else:
            st.button(_("Reset counters"), icon=":material/restart_alt:", on_click=station.reset, key="station_reset")


def _tile(label: str, classes: Classes, count: int) -> str:
    look = figures.tone(label, classes)
    return f'<div class="tile {look}"><b>{count}</b><span>{shape(look)}{as_html(word(label))}</span></div>'


def _show_way_out() -> None:
    mute, loud = as_html(_("Mute sound")), as_html(_("Sound is off: turn on"))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(
            f'<button type="button" class="station-mute" data-station="mute"><span class="mute">{mute}</span>'
            f'<span class="loud">{loud}</span><kbd>M</kbd></button>',
            width="content",
        )
        label, icon = _("Leave station view"), ":material/close_fullscreen:"
        st.button(label, icon=icon, on_click=station.leave_station, key="station_off", type="tertiary")
