"""The empty state of the policy desk: no photos with a known truth."""

from html import escape

import streamlit as st

from ensemble.evaluation.performance import SHUFFLES, Decided, clear_saving
from ensemble.metrics import costs
from ensemble.metrics.costs import PARTS_TOLD, Line
from ensemble.policies import Policy
from ensemble.policies.cases import Evidence
from ensemble.policies.making import unsafe_name
from ensemble.values.errors import StoreError
from ensemble.values.titles import policy_title
from pages.components.common.obstacle import train_command
from pages.components.common.sheet import as_markdown
from pages.components.policies.words import money, rule_in_words
from pages.session import drafts, policy_evidence, products


def show_policy_evidence() -> Evidence:
    """Show what is in force and give the photos with a known truth; without these say what to do and end the screen."""
    active = products.policies()[0]
    try:
        evidence = policy_evidence.evidence()
    except StoreError as error:
        show_policy_headline(active, None)
        with st.container(border=True, key="no_evidence"):
            st.header("No test results yet", anchor=False)
            st.error(as_markdown(str(error)), icon=":material/report:")
            st.markdown(f"Train the product: {train_command()}")
            if not products.is_demo():
                st.markdown("Or look around first with random results, marked DEMO.")
                st.button("Switch demo mode on", on_click=products.switch_demo, args=(True,), key="demo_on")
        st.stop()
    show_policy_headline(active, evidence)
    return evidence


def show_policy_headline(active: Policy, evidence: Evidence | None) -> None:
    """Show the active policy's name, its rule and its honest risk on the test photos."""
    known = "" if evidence is None else "".join(f"<li>{escape(each)}</li>" for each in _risk(active, evidence))
    st.html(
        f'<div class="in-force"><small>Active policy</small><div class="word">{escape(policy_title(active.name))}</div>'
        f"<p>{escape(rule_in_words(active, products.classes()))}</p><ul>{known}</ul></div>"
    )
    if why := unsafe_name(active):
        title = as_markdown(policy_title(active.name))
        st.warning(f"**{title} is not proven safe.** {as_markdown(why)}", icon=":material/gpp_maybe:")


def _risk(active: Policy, evidence: Evidence) -> list[str]:
    if not evidence.test:
        return ["No test photos: the risk is unknown."]
    found = Decided.of(evidence.test, policy_evidence.labels(active, evidence.test), evidence.classes)
    looks, counts = f"Reviews: {found.reviews} of {found.photos}", found.counts
    if counts is None:
        return [f"Correct: {found.right} of {found.decided} decided test photos", looks]
    return [
        costs.escape_sentence(counts.escapes, counts.defective),
        costs.overkill_sentence(counts.overkills, counts.good),
        looks,
    ]


HOW = (
    "At the prices and the defect rate under Costs. Shown where chance alone would give such a saving in fewer than 5 "
    f"of 100 cases: paired permutation test on the parts ({SHUFFLES:,} draws), one-sided, Bonferroni-corrected. The "
    "thresholds were chosen on the same photos, so expect a smaller saving in production."
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
    p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.2g}"
    with st.container(border=True, key="cheaper"):
        st.markdown(
            f"**{as_markdown(title)} costs less than {as_markdown(policy_title(active))}**: {money(found.money)} "
            f"instead of {money(found.active)} per {PARTS_TOLD} parts ({len(known)} validation photos, {p}).",
            help=HOW,
        )
        st.button(
            as_markdown(f"Choose {title}"),
            icon=":material/difference:",
            on_click=drafts.choose,
            args=(found.policy,),
            help="Shows under Activate which verdicts would change. Does not activate.",
            key="choose_cheaper",
        )
