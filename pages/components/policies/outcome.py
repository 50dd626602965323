"""What a draft would do to parts with a known truth: counts, their bounds, money, beside the active policy."""

from collections.abc import Sequence

import streamlit as st

from ensemble import figures
from ensemble.metrics import costs
from ensemble.metrics.costs import PARTS_TOLD, Line, expected_costs
from ensemble.policies import Policy
from ensemble.policies.cases import Case
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.results import REVIEW, word
from pages.components.common.charts import show_chart, show_csv
from pages.components.common.sheet import as_html, as_markdown, show_sheet
from pages.components.common.turns import compared_tile
from pages.components.common.votes import show_votes
from pages.components.policies.words import money, reviews
from pages.session import drafts, policy_evidence, products


def show_policy_outcome(draft: Policy, active: Policy, known: Sequence[Case], line: Line) -> None:
    """Show escapes, overkills, reviews and money of a draft."""
    now, then = policy_evidence.counts(draft, known), policy_evidence.counts(active, known)
    defective = Message("of {count} defective", count=now.defective), costs.at_most(now.escapes, now.defective)
    good = Message("of {count} good", count=now.good), costs.at_most(now.overkills, now.good)
    parts = (Message("of {count} parts", count=now.good + now.defective),)
    tiles = [
        _tile("nok", now.escapes, Message("Escapes"), defective, then.escapes),
        _tile("plain", now.overkills, Message("Overkill"), good, then.overkills),
        _tile("review", reviews(now), Message("Reviews"), parts, reviews(then)),
    ]
    cost, before = (money(expected_costs(counts, line).money) for counts in (now, then))
    tiles.append(_tile("none", cost, Message("Cost per {parts} parts", parts=PARTS_TOLD), (), before))
    st.html(f'<div class="tiles draft" role="status">{"".join(tiles)}</div>')


def _tile(look: str, number: int | str, name: str, of: Sequence[str], active: int | str) -> str:
    lines = (*of, Message("active: {number}", number=active))
    return compared_tile(look if number else f"{look} none", worded(number), name, lines)


MOST = 24  # each is a small picture to send, every time a threshold moves


def show_policy_escapes(draft: Policy, known: Sequence[Case]) -> None:
    """Show every defective part that the draft would pass as OK, and on demand how each model voted on it."""
    classes = products.classes()
    labels = policy_evidence.labels(draft, known)
    found = [
        case
        for case, label in zip(known, labels, strict=True)
        if case.label == classes.defect and label == classes.good
    ]
    st.markdown(_("**Escapes ({count})**", count=len(found)))
    if not found:
        st.html(f'<p class="calm">{as_html(Message("No escape on these photos."))}</p>')
        return
    chosen = next((case for case in found if case.photo == drafts.looked_into()), None)
    with st.container(horizontal=True, gap="small", key="escapes"):
        for number, case in enumerate(found[:MOST]):
            with st.container(width=136, gap=None):
                _show_photo(case)
                st.button(
                    as_markdown(_name(case)),
                    key=f"escape {number}",
                    on_click=drafts.look_into,
                    args=(case.photo,),
                    type="primary" if case is chosen else "secondary",
                    width="stretch",
                )
    if len(found) > MOST:
        st.caption(_("First {shown} of {count}.", shown=MOST, count=len(found)))
    if chosen is None:
        st.caption(_("Select a photo for details."))
    else:
        _show_case(draft, chosen)


def _show_photo(case: Case) -> None:
    """Show a small copy of a case's photo; a grey tile with its name where the photo is gone."""
    picture = policy_evidence.case_thumbnail(case)
    if picture is None:
        gone = as_html(Message("photo not available"))
        st.html(f'<div class="photo-gone">{as_html(_name(case))}<small>{gone}</small></div>')
    else:
        st.image(picture, width=136, alt=_("Photo {name}", name=_name(case)))


def _show_case(draft: Policy, case: Case) -> None:
    verdict = case.decided_by(draft, products.classes())
    kind = f" · {case.defect}" if case.defect not in ("", case.label) else ""
    with st.container(border=True, key="escaped"):
        st.markdown(f"**{as_markdown(case.photo)}**{as_markdown(kind)}")
        st.text(worded(verdict.reason))
        show_votes(verdict, key="escape votes")


def _name(case: Case) -> str:
    return case.photo.rpartition("/")[2].rpartition(".")[0] or case.photo


def show_policy_histogram(draft: Policy, known: Sequence[Case]) -> None:
    """Show the defect scores of both classes, by the name of what the rule counts, about the thresholds."""
    good, defective = policy_evidence.given_scores(draft, known)
    rule = draft.voting
    thresholds = draft.review_from, draft.reject_from
    if draft.rule == "any":
        thresholds = (1 / max(1, *(len(case.scores) for case in known)),) * 2  # one vote
    chart = figures.score_histogram(good, defective, *thresholds, products.scheme(), axis=rule.quantity)
    st.markdown(_("**Score distribution**"))
    show_chart(chart, "scores")


def show_policy_confusion(draft: Policy, known: Sequence[Case]) -> None:
    """Show how often each true class is given each verdict."""
    confusion = policy_evidence.quality(draft, known)["confusion"]
    st.markdown(_("**Confusion matrix**"))
    show_chart(figures.confusion(confusion, products.classes(), products.scheme()), "confusion")


CLASS_HEAD = (Message("Class"), Message("Photos"), Message("Precision"), Message("Recall"), Message("Reviews"))


def show_policy_classes(draft: Policy, known: Sequence[Case]) -> None:
    """Show precision, recall and reviews of each class, and the confusion."""
    confusion, classes = policy_evidence.quality(draft, known)["confusion"], products.classes()
    rows = [_row(name, confusion) for name in classes.names]
    cells = [[as_html(word(str(name))), *map(_shown, values)] for name, *values in (row.values() for row in rows)]
    show_sheet(CLASS_HEAD, cells, folding=True)
    st.caption(
        _("Precision: correct share of the parts predicted as this class. Recall: share of its parts that were found.")
    )
    show_csv("classes", rows, _("Figures (CSV)"))
    show_chart(figures.confusion(confusion, classes, products.scheme()), "confusion")


def _row(name: str, confusion: dict[str, dict[str, int]]) -> dict[str, object]:
    right, photos = confusion[name][name], sum(confusion[name].values())
    given = sum(row[name] for row in confusion.values())
    return {
        "class": name,
        "photos": photos,
        "precision": round(right / given, 4) if given else "",
        "recall": round(right / photos, 4) if photos else "",
        "reviews": confusion[name].get(REVIEW, 0),
    }


def _shown(value: object) -> str:
    return as_html(NumberText(f"{value:.1%}")) if isinstance(value, float) else str(value if value != "" else "–")
