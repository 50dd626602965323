"""The empty state of the policy desk: no photos with a known truth."""

import streamlit as st

from ensemble.evaluation.performance import SHUFFLES, Decided, clear_saving
from ensemble.metrics import costs
from ensemble.metrics.costs import PARTS_TOLD, Line
from ensemble.policies import Policy
from ensemble.policies.cases import Evidence
from ensemble.policies.making import unsafe_name
from ensemble.values.errors import StoreError
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.titles import policy_title
from pages.components.common.obstacle import train_command
from pages.components.common.sheet import as_html, as_markdown
from pages.components.policies.words import UNPROVEN, money, rule_in_words
from pages.session import drafts, policy_evidence, products


def show_policy_evidence() -> Evidence:
    """Show what is in force and give the photos with a known truth; without these say what to do and end the screen."""
    active = products.policies()[0]
    try:
        evidence = policy_evidence.evidence()
    except StoreError as error:
        show_policy_headline(active, None)
        with st.container(border=True, key="no_evidence"):
            st.header(_("No test results yet"), anchor=False)
            st.error(as_markdown(error.message), icon=":material/report:")
            st.markdown(_("Train the product: {command}", command=train_command()))
            if not products.is_demo():
                st.markdown(_("Or look around first with random results, marked DEMO."))
                st.button(_("Switch demo mode on"), on_click=products.switch_demo, args=(True,), key="demo_on")
        st.stop()
    show_policy_headline(active, evidence)
    return evidence


def show_policy_headline(active: Policy, evidence: Evidence | None) -> None:
    """Show the active policy's name, its rule and its honest risk on the test photos."""
    known = "" if evidence is None else "".join(f"<li>{as_html(each)}</li>" for each in _risk(active, evidence))
    st.html(
        f'<div class="in-force"><small>{as_html(Message("Active policy"))}</small>'
        f'<div class="word">{as_html(policy_title(active.name))}</div>'
        f"<p>{as_html(rule_in_words(active, products.classes()))}</p><ul>{known}</ul></div>"
    )
    if why := unsafe_name(active):
        st.warning(
            _(UNPROVEN.text, policy=as_markdown(policy_title(active.name)), why=as_markdown(why)),
            icon=":material/gpp_maybe:",
        )


def _risk(active: Policy, evidence: Evidence) -> list[str]:
    if not evidence.test:
        return [Message("No test photos: the risk is unknown.")]
    found = Decided.of(evidence.test, policy_evidence.labels(active, evidence.test), evidence.classes)
    looks = Message("Reviews: {count} of {photos}", count=found.reviews, photos=found.photos)
    counts = found.counts
    if counts is None:
        right = Message("Correct: {right} of {count} decided test photos", right=found.right, count=found.decided)
        return [right, looks]
    return [
        costs.escape_sentence(counts.escapes, counts.defective),
        costs.overkill_sentence(counts.overkills, counts.good),
        looks,
    ]


HOW = Message(
    "At the prices and the defect rate under Costs. Shown where chance alone would give such a saving in fewer than 5 "
    "of 100 cases: paired permutation test on the parts ({draws:,} draws), one-sided, Bonferroni-corrected. The "
    "thresholds were chosen on the same photos, so expect a smaller saving in production.",
    draws=SHUFFLES,
)


def show_policy_cheaper(active: str, evidence: Evidence, line: Line) -> None:
    """Say which policy would clearly cost less on the validation photos, and offer to show what it would change."""
    known = evidence.held_out
    if evidence.classes.defect is None or not known:
        return
    verdicts = {policy.name: policy_evidence.labels(policy, known) for policy in products.policies()}
    found = clear_saving(active, verdicts, known, evidence.classes, line)
    if found is None:
        return
    title = policy_title(found.policy)
    p = Message("p < 0.001") if found.p < 0.001 else Message("p = {p}", p=NumberText(f"{found.p:.2g}"))
    with st.container(border=True, key="cheaper"):
        st.markdown(
            _(
                "**{policy} costs less than {active}**: {money} instead of {before} per {parts} parts "
                "({photos} validation photos, {p}).",
                policy=as_markdown(title),
                active=as_markdown(policy_title(active)),
                money=money(found.money),
                before=money(found.active),
                parts=PARTS_TOLD,
                photos=len(known),
                p=p,
            ),
            help=worded(HOW),
        )
        st.button(
            as_markdown(Message("Choose {policy}", policy=title)),
            icon=":material/difference:",
            on_click=drafts.choose,
            args=(found.policy,),
            help=_("Shows under Activate which verdicts would change. Does not activate."),
            key="choose_cheaper",
        )
