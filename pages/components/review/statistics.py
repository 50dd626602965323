"""What reviews tell: how many defects pass, how far people and verdicts agree, and how quick people are."""

from collections.abc import Sequence

import streamlit as st

from ensemble.metrics.agreement import Estimated
from ensemble.metrics.costs import percent
from ensemble.metrics.escapes import limits_in_words, sampled_sentence
from ensemble.records.review_statistics import Agreement, Escapes, Reviewer, ReviewStatistics
from ensemble.values.errors import RecordsError
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.results import REVIEW, word
from pages.components.common.choices import show_choice
from pages.components.common.sheet import as_html, refusals_shown, show_sheet, tied
from pages.components.common.turns import compared_tile
from pages.session import products
from pages.session import review_statistics as session

NONE = "–"


def show_statistics() -> None:
    """Show which stretch is meant, and what its reviews tell."""
    if products.is_demo():
        st.info(_("A demo keeps nothing. Turn demo mode off to see statistics."), icon=":material/monitoring:")
        return
    show_choice(
        _("Time"),
        session.SPANS,
        session.FIELD,
        lambda name: worded(session.SPANS[name]),
        start=session.span(),
        label_visibility="visible",
        on_change=session.keep_span,
    )
    with refusals_shown(errors=(RecordsError,)):
        found = session.statistics()
        if found is None or not (found.parts or (found.escapes and found.escapes.sample)):
            st.info(
                _("Nobody has reviewed a part of this time. Review some, or choose a longer time."),
                icon=":material/fact_check:",
            )
            return
        with st.container(key="review_statistics"):
            _show_escapes(found)
            _show_people(found)
            _show_agreement(found)


def _show_escapes(found: ReviewStatistics) -> None:
    escapes = found.escapes
    if escapes is None:
        st.caption(_("No escapes: none of the classes is the defect."))
        return
    said = as_html(sampled_sentence(escapes.sample))
    st.html(f'<div class="difference" role="status"><p class="word">{said}</p></div>')
    if escapes.rate is None:
        st.caption(
            _(
                "Chance chooses accepted parts for a second look; how many, stands under *Waiting parts*, *Random "
                "sample and name*."
            )
        )
        return
    st.html(f'<div class="tiles draft">{"".join(_tiles(escapes))}</div>')
    st.caption(
        _(
            "Only accepted parts that chance has chosen are counted, each for the parts that it stands for. Limits: "
            "95% confidence."
        )
    )


def _tiles(escapes: Escapes) -> Sequence[str]:
    drawn, seen = (sum(getattr(each, name) for each in escapes.sample) for name in ("drawn", "seen"))
    waiting = Message("{count:,} waits", "{count:,} wait", count=escapes.waiting)
    of = Message("of {count:,} chosen by chance", "of {count:,} chosen by chance", count=drawn)
    caught = Message("{count:,} caught", "{count:,} caught", count=escapes.caught)
    missed = Message("Missed defects"), escapes.of_defective, escapes.why_not_of_defective
    corrected = Message("Corrected for errors of reviewers"), escapes.corrected, escapes.why_not_corrected
    known = escapes.of_defective is not None
    return [
        _rate_tile(Message("Escapes"), escapes.rate, None, Message("of accepted parts")),
        _rate_tile(*missed, Message("of defective parts"), *([caught] if known else [])),
        _rate_tile(*corrected, Message("of accepted parts")),
        compared_tile("none", NumberText(f"{seen:,}"), Message("Looked at"), [of, waiting]),
    ]


def _rate_tile(name: str, rate: Estimated | None, why: Message | None, of: str, *more: str) -> str:
    if rate is None:
        return compared_tile("none", NONE, name, [why] if why else [])
    words = limits_in_words(rate)
    limits = Message("{low} to {high}", low=words["low"], high=words["high"])
    return compared_tile("nok" if rate.low > 0 else "plain", words["rate"], name, [limits, of, *more])


def _show_people(found: ReviewStatistics) -> None:
    if not found.people:
        return
    st.subheader(_("People"), anchor=False)
    columns = (_("Name"), _("Parts"), _("Parts an hour"), _("Agreement with others"), _("Agreement with verdicts"))
    show_sheet(columns, [_person_row(each) for each in found.people], folding=True)
    if len(found.pairs) > 1:
        with st.expander(_("Two people at a time"), icon=":material/group:"):
            rows = [(as_html(each.first), as_html(each.second), *_pair_cells(each)) for each in found.pairs]
            show_sheet((_("Name"), _("Other name"), _("Agreement"), _("Same label")), rows, folding=True)


def _person_row(person: Reviewer) -> Sequence[str]:
    name = as_html(person.who or Message("no name given"))
    pace = NONE if person.an_hour is None else as_html(NumberText(f"{person.an_hour:,.0f}"))
    parts = as_html(NumberText(f"{person.parts:,}"))
    return name, parts, pace, _kappa_cell(person.with_others), _kappa_cell(person.with_verdicts)


def _pair_cells(pair: Agreement) -> Sequence[str]:
    same = pair.kappa.same
    return _kappa_cell(pair), NONE if same is None else tied(percent(same))


def _kappa_cell(agreement: Agreement) -> str:
    """Kappa as HTML, with its limits and of how many parts; else why there is none."""
    found = agreement.kappa
    if found.kappa is None:
        return f"{NONE} <small>{as_html(found.why)}</small>" if found.parts else NONE
    return f"{as_html(_number(found.kappa.value))} <small>{as_html(_limits(agreement))}</small>"


def _limits(agreement: Agreement) -> Message:
    found = agreement.kappa
    assert found.kappa is not None
    return Message(
        "{low} to {high}, {count:,} part",
        "{low} to {high}, {count:,} parts",
        low=_number(found.kappa.low),
        high=_number(found.kappa.high),
        count=found.parts,
    )


def _number(kappa: float) -> NumberText:
    shown = f"{kappa:.2f}"
    return NumberText("0.00" if float(shown) == 0 else shown.replace("-", "\N{MINUS SIGN}"))


def _show_agreement(found: ReviewStatistics) -> None:
    st.subheader(_("Agreement"), anchor=False)
    st.markdown(
        _(
            "Cohen's kappa: 1 is always the same label, 0 no more than by chance. With few parts or rare defects its "
            "limits lie far apart."
        )
    )
    between, verdicts = found.between_people, found.with_verdicts
    rows = [
        (as_html(Message("People with each other, by blind second looks")), *_pair_cells(between)),
        (as_html(Message("People with the verdicts OK and NOK")), *_pair_cells(verdicts)),
    ]
    show_sheet((_("Who"), _("Agreement"), _("Same label")), rows, folding=True)
    for agreement, rows_are, columns_are in (
        (between, Message("First look"), Message("Second look")),
        (verdicts, Message("Person"), Message("Verdict")),
    ):
        if agreement.kappa.parts:
            with st.expander(_("{rows} and {columns}", rows=rows_are, columns=columns_are)):
                _show_table(agreement, rows_are, columns_are)
    st.caption(
        _(
            "People mostly look at parts that are difficult: with the verdicts of all parts they agree more often than "
            "here."
        )
    )


def _show_table(agreement: Agreement, rows_are: str, columns_are: str) -> None:
    words = [worded(word(label)) for label in agreement.labels if label != REVIEW]
    head = [_("{judge}: {label}", judge=columns_are, label=label) for label in words]
    rows = [
        (as_html(Message("{judge}: {label}", judge=rows_are, label=label)), *(f"{count:,}" for count in counts))
        for label, counts in zip(words, agreement.table, strict=True)
    ]
    show_sheet(("", *head), rows)
