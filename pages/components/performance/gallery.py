"""The parts that went wrong, as pictures: what each member said of them, and why the verdict fell so."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from ensemble import figures
from ensemble.evaluation.performance import CaseKind, failures, kinds
from ensemble.metrics import costs
from ensemble.policies.cases import Case
from ensemble.values.language import Message, _, worded
from ensemble.values.results import Verdict, Vote, word
from ensemble.values.titles import model_title
from pages.components.common.charts import case_facts, show_csv
from pages.components.common.choices import show_choice, show_page
from pages.components.common.sheet import as_html, breakable, chip
from pages.components.common.style import shape
from pages.components.common.wrong_verdict import show_told_of_confirmed
from pages.components.performance.basis import Measured, without_review
from pages.session import corrections, products

PAGE, PICTURE_SIDE = 5, 560  # photos: a row, so that the screen stays short; pixels, as an opened one is shown
TITLES: Mapping[CaseKind, Message] = {
    "escapes": Message("Escapes"),
    "overkills": Message("Overkills"),
    "mistakes": Message("Errors"),
    "reviews": Message("Reviews"),
}
# What is said where there are none: of parts that could have been one, and where there is no such part.
NOTHING: Mapping[CaseKind, tuple[Message, Message]] = {
    "escapes": (
        Message("No escapes. Upper limit {limit} ({sure})."),
        Message("No defective parts in the test set."),
    ),
    "overkills": (
        Message("No overkills. Upper limit {limit} ({sure})."),
        Message("No good parts in the test set."),
    ),
    "mistakes": (Message("No errors. Upper limit {limit} ({sure})."), Message("No photos in the test set.")),
    "reviews": (Message("No reviews. Upper limit {limit} ({sure})."), Message("No photos in the test set.")),
}
COLUMNS = ("what", "photo", "truth", "defect", "verdict", "reason")


def show_gallery(measured: Measured) -> None:
    """Show escapes, overkills or reviews, some at a time, and offer all of them as a file."""
    st.header(_("Errors"), anchor=False)
    found = failures(measured.known, measured.verdicts, measured.policy, measured.classes)
    offered = kinds(measured.classes)
    kind = show_choice(
        _("Show"),
        offered,
        "performance_kind",
        lambda name: _("{what} ({count})", what=TITLES[name], count=len(found[name])),
    )
    if found[kind]:
        part = show_page(found[kind], PAGE, f"performance_page {kind} {measured.policy.name}")
        st.html(f'<div class="parts">{"".join(_card(case, _verdict(case, measured)) for case in part)}</div>')
        _show_confirm(part, kind, measured)
    else:
        st.info(_nothing(kind, measured), icon=":material/check:")
    if any(found.values()):
        _show_file(found, measured)


def _show_confirm(part: Sequence[Case], kind: CaseKind, measured: Measured) -> None:
    """Let a person confirm shown mistakes, so that the next training can learn from them."""
    show_told_of_confirmed()
    if products.is_demo() or kind == "reviews":
        return
    with st.popover(_("Confirm errors"), icon=":material/flag:"):
        names = {case.photo: case for case in part}
        chosen = st.multiselect(
            _("Confirmed errors"),
            list(names),
            default=list(names),
            format_func=lambda photo: Path(photo).name,
            key=f"wrong {kind}",
        )
        st.button(
            _("Confirm ({count})", count=len(chosen)),
            type="primary",
            disabled=not chosen,
            on_click=corrections.confirm_cases,
            args=([(names[photo], _verdict(names[photo], measured).label) for photo in chosen],),
            key=f"confirm {kind}",
        )
        st.caption(
            _(
                "Saved to the collection of this product. Add them to the training set under **Data**. They then "
                "leave the test set."
            )
        )


def _nothing(kind: CaseKind, measured: Measured) -> str:
    nothing, unknown = NOTHING[kind]
    counts = measured.decided().counts
    photos = len(measured.known)
    seen = {"escapes": counts.defective, "overkills": counts.good}.get(kind, photos) if counts else photos
    if not seen:
        return worded(unknown)
    if kind == "reviews" and not measured.policy.asks_a_person:
        return without_review(measured.policy)
    return _(nothing.text, limit=costs.highest(0, seen), sure=costs.percent(costs.CONFIDENCE_LEVEL))


def _verdict(case: Case, measured: Measured) -> Verdict:
    return case.decided_by(measured.policy, measured.classes)


def _card(case: Case, verdict: Verdict) -> str:
    votes = "".join(_vote(vote, verdict) for vote in verdict.votes)
    absent = "".join(
        f"<li><span>{as_html(model_title(each.member))}</span><i>{as_html(_('not available'))}</i></li>"
        for each in verdict.absent
    )
    predicted = _("predicted {verdict}", verdict=chip(verdict.label, verdict.classes))
    return (
        f'<details class="part"><summary>{case_facts(case, predicted, PICTURE_SIDE)}'
        f'<span class="more">{as_html(_("Details"))}</span></summary>'
        f"<div><p>{breakable(verdict.reason)}</p><ul>{votes}{absent}</ul></div></details>"
    )


def _vote(vote: Vote, verdict: Verdict) -> str:
    look = figures.tone(vote.label, verdict.classes)
    said = f'<b class="{look}">{shape(look)}{as_html(word(vote.label))}</b> {figures.vote_texts(vote)[0]}'
    return f"<li><span>{as_html(model_title(vote.member))}</span><i>{said}</i></li>"


def _show_file(found: Mapping[CaseKind, Sequence[Case]], measured: Measured) -> None:
    rows = [
        {
            "what": kind,
            "photo": case.photo,
            "truth": case.label,
            "defect": case.defect,
            "verdict": verdict.label,
            "reason": verdict.reason,
            **{vote.member: round(vote.score, 6) for vote in verdict.votes},
        }
        for kind, known in found.items()
        for case in known
        for verdict in [_verdict(case, measured)]
    ]
    show_csv("failures", rows, columns=(*COLUMNS, *measured.members))
