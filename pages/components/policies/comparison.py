"""All policies side by side on the same photos, which none of them was chosen on."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ensemble import figures
from ensemble.metrics import costs
from ensemble.metrics.costs import PARTS_TOLD, DecisionCounts, Line, Prices, expected_costs, percent
from ensemble.policies import Policy
from ensemble.policies.cases import Evidence
from ensemble.policies.making import unsafe_name
from ensemble.values.errors import PolicyError
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.titles import policy_title
from pages.components.common.charts import show_chart, show_csv
from pages.components.common.sheet import as_html, as_markdown, quiet_chip, show_sheet
from pages.components.policies.words import UNKNOWN, UNPROVEN, money, reviews
from pages.session import drafts, policy_evidence, products

HEAD = (
    Message("Policy"),
    Message("Escapes"),
    Message("Overkill"),
    Message("Reviews"),
    Message("Cost / {parts}", parts=PARTS_TOLD),
    Message("Precision"),
    Message("Reviews / h"),
)
PRICES = {
    "escape": Message("Cost of an escape"),
    "overkill": Message("Cost of an overkill"),
    "review": Message("Cost of a review"),
}


def show_policy_comparison(evidence: Evidence, line: Line) -> None:
    """Show a table of all policies on the test photos, what they cost, and the same as a file."""
    if not evidence.test:
        st.info(_("No test photos, so policies cannot be compared. Train with a test set."))
        return
    policies = products.policies()
    if evidence.classes.defect is None:
        _show_accuracy(policies, evidence)
        return
    counts = {policy.name: policy_evidence.counts(policy, evidence.test) for policy in policies}
    show_sheet(HEAD, [_cells(policy, policies[0], counts[policy.name], line) for policy in policies], folding=True)
    st.caption(
        _(
            "Test set: {photos} photos. 'up to': upper limit at {sure} confidence.",
            photos=len(evidence.test),
            sure=percent(costs.CONFIDENCE_LEVEL),
        )
    )
    for policy in policies:
        if why := unsafe_name(policy):
            st.caption(_(UNPROVEN.text, policy=as_markdown(policy_title(policy.name)), why=as_markdown(why)))
    rows = [_row(policy, policies[0], evidence, line, counts[policy.name]) for policy in policies]
    show_csv("policies", rows, _("Comparison (CSV)"))
    chart = figures.policy_costs(
        [(policy.name, *_parts(counts[policy.name], line)) for policy in policies],
        products.scheme(),
        unit=_("cost per {parts} parts", parts=PARTS_TOLD),
        active=policies[0].name,
    )
    show_chart(chart, "costs")


def _cells(policy: Policy, active: Policy, counts: DecisionCounts, line: Line) -> list[str]:
    told = expected_costs(counts, line)
    parts = counts.good + counts.defective
    return [
        _named(policy.name, active),
        _count(counts.escapes, counts.defective),
        _count(counts.overkills, counts.good),
        as_html(_some_of(reviews(counts), parts)),
        as_html(money(told.money)),
        UNKNOWN if told.precision is None else as_html(percent(told.precision)),
        UNKNOWN if told.reviews_per_hour is None else f"{told.reviews_per_hour:.0f}",
    ]


def _named(name: str, active: Policy) -> str:
    title = as_html(policy_title(name))
    return f"{title} {quiet_chip(Message('active'))}" if name == active.name else title


def _count(events: int, parts: int) -> str:
    """A count of so many with the highest rate that it still allows."""
    count, bound = Message("none tested"), ""
    if parts:
        count, bound = _some_of(events, parts), costs.at_most(events, parts)
    return f"<span>{as_html(count)}<small>{as_html(bound)}</small></span>"


def _some_of(count: int, total: int) -> Message:
    return Message("{count} of {total}", count=count, total=total)


def _parts(counts: DecisionCounts, line: Line) -> tuple[float | None, float | None, float | None]:
    told, prices = expected_costs(counts, line), line.prices
    amounts = ((told.escapes, prices.escape), (told.overkills, prices.overkill), (told.reviews, prices.review))
    escapes, overkills, looks = (None if number is None else number * price for number, price in amounts)
    return escapes, overkills, looks


def _row(
    policy: Policy, active: Policy, evidence: Evidence, line: Line, counts: DecisionCounts
) -> Mapping[str, object]:
    told, quality = expected_costs(counts, line), policy_evidence.quality(policy, evidence.test)
    return {
        "policy": policy.name,
        "active": "yes" if policy.name == active.name else "no",
        "photos": len(evidence.test),
        "good": counts.good,
        "defective": counts.defective,
        "escapes": counts.escapes,
        "escape_rate": quality["escape_rate"],
        "escape_rate_upper": costs.upper_bound(counts.escapes, counts.defective),
        "overkills": counts.overkills,
        "overkill_rate": quality["overkill_rate"],
        "overkill_rate_upper": costs.upper_bound(counts.overkills, counts.good),
        "reviews": reviews(counts),
        **{name: quality[name] for name in ("review_rate", "decided", "right_of_decided", "accuracy", "f1", "f2")},
        "money_per_1000": told.money,
        "precision_on_the_line": told.precision,
        "reviews_per_hour": told.reviews_per_hour,
        "may_be_called_safe": unsafe_name(policy) or "",
    }


def _show_accuracy(policies: Sequence[Policy], evidence: Evidence) -> None:
    rows = [{"policy": policy.name, **policy_evidence.quality(policy, evidence.test)} for policy in policies]
    show_sheet(
        (Message("Policy"), Message("Correct"), Message("Reviews"), Message("F1")),
        [
            [
                _named(str(row["policy"]), policies[0]),
                as_html(_some_of(row["right"], row["decided"])),
                str(len(evidence.test) - row["decided"]),
                as_html(NumberText(f"{row['f1']:.3f}")),
            ]
            for row in rows
        ],
        folding=True,
    )
    st.caption(_("Test set: {photos} photos.", photos=len(evidence.test)))
    columns = ("policy", "right", "decided", "right_of_decided", "accuracy", "review_rate", "f1")
    show_csv("policies", rows, _("Comparison (CSV)"), columns)


LIMIT = 10.0  # percent


def show_policy_line(evidence: Evidence) -> Line:
    """Show the prices, the real share of defects and the pace of the line, each part of the page's address, and how to
    have a policy chosen by them.

    Without a defect among the classes there is no escape to have a price, and nothing is shown.
    """
    if evidence.classes.defect is None:
        return Line()
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="costs_line"):
        with st.popover(_("Costs …"), icon=":material/payments:", key="costs"):
            prices = Prices(*(_price(name) for name in ("escape", "overkill", "review")))
            share = _number(
                _("Defect rate in production, %"),
                "defects",
                None,
                0.1,
                max_value=100.0,
                placeholder=_("same as test set"),
            )
            pace = _number(_("Parts per hour"), "pace", None, 100.0, format="%.0f", placeholder=_("not set"))
        line = Line(prices, None if share is None else share / 100, pace or 0.0)
        _show_choice(evidence, line)
        _show_price_basis(evidence, line)
    return line


def _show_price_basis(evidence: Evidence, line: Line) -> None:
    """Say which share of defective parts all costs rest on, and what each event costs."""
    known = evidence.test or evidence.held_out
    prices = {name: getattr(line.prices, name) for name in PRICES}
    if line.share is not None:
        told = _(
            "Costs and precision for {share} defective parts in production: escape {escape:g}, overkill {overkill:g}, "
            "review {review:g}.",
            share=percent(line.share),
            **prices,
        )
    elif known:
        told = _(
            "Costs and precision for {share} defective parts, as in these photos: escape {escape:g}, overkill "
            "{overkill:g}, review {review:g}.",
            share=percent(sum(case.label == evidence.classes.defect for case in known) / len(known)),
            **prices,
        )
    else:
        return
    st.caption(told, width="stretch")  # beside the buttons, in as many lines as it needs


def _show_choice(evidence: Evidence, line: Line) -> None:
    """Show the limit and the button; what is chosen on validation photos becomes what the draft starts from."""
    with st.popover(_("Find cheapest policy …"), icon=":material/savings:", key="cheapest"):
        limit = _number(_("Escape limit, %"), "limit", LIMIT, 1.0, min_value=0.1, max_value=100.0)
        limit = LIMIT if limit is None else limit  # an emptied field
        st.caption(
            _(
                "Cheapest policy with an escape rate below {limit} ({sure} confidence). It becomes the draft.",
                limit=percent(limit / 100),
                sure=percent(costs.CONFIDENCE_LEVEL),
            )
        )
        if st.button(_("Find cheapest policy"), icon=":material/savings:", key="choose"):
            try:
                with st.spinner(_("Searching …")):
                    drafts.choose_by_cost(evidence.held_out, line, limit / 100)
            except PolicyError as error:
                st.warning(as_markdown(error.message), icon=":material/money_off:")
        chosen = drafts.chosen_by_cost()
        if chosen is not None:
            st.caption(
                _(
                    "{policy}: {money} per {parts} parts on validation photos. The draft starts from it.",
                    policy=as_markdown(policy_title(chosen.policy.name)),
                    money=money(chosen.money),
                    parts=PARTS_TOLD,
                )
            )


def _price(name: str) -> float:
    usual = float(getattr(Prices(), name))
    found = _number(worded(PRICES[name]), f"{name}_price", usual, 0.5, format="%.2f")
    return usual if found is None else found  # an emptied field


def _number(label: str, key: str, usual: float | None, step: float, **look: Any) -> float | None:
    """Show the field of a number that is part of the page's address; None where it is empty."""
    settings = {"min_value": 0.0, "bind": "query-params", "width": 190, **look}
    found: float | None = st.number_input(label, value=usual, step=step, key=key, **settings)
    return found
