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
            st.subheader("Nothing to weigh risks by yet", anchor=False)
            st.error(as_markdown(str(error)), icon=":material/report:")
            st.markdown(f"Training keeps them: {train_command()}")
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
        f'<div class="in-force"><small>In force</small><div class="word">{escape(active.name)}</div>'
        f"<p>{escape(rule_in_words(active, products.classes()))}</p><ul>{known}</ul></div>"
    )
    if why := unsafe_name(active):
        st.warning(
            f"**{as_markdown(active.name)} may not be called SAFE.** {as_markdown(why)}", icon=":material/gpp_maybe:"
        )


def _risk(active: Policy, evidence: Evidence) -> list[str]:
    if not evidence.test:
        return ["No test photos are kept with this product: nothing is known of its risk."]
    found = Decided.of(evidence.test, policy_evidence.labels(active, evidence.test), evidence.classes)
    looks, counts = f"{found.reviews} of {found.photos} test photos go to a person (REVIEW).", found.counts
    if counts is None:
        return [f"{found.right} of the {found.decided} decided test photos are given their true class.", looks]
    return [
        costs.escape_sentence(counts.escapes, counts.defective),
        costs.overkill_sentence(counts.overkills, counts.good),
        looks,
    ]


HOW = (
    "Prices and share of defects are those below. Clear is a saving that is found by chance in fewer than 5 of 100 "
    f"cases: paired permutation test on the parts ({SHUFFLES:,} draws), one-sided, Bonferroni-corrected. Thresholds "
    "were chosen on these photos too, so expect a somewhat smaller saving on the line."
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
    p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.2g}"
    with st.container(border=True, key="cheaper"):
        st.markdown(
            f"**{as_markdown(found.policy)} is clearly cheaper than {as_markdown(active)}**: {money(found.money)} "
            f"instead of {money(found.active)} per {PARTS_TOLD} parts on {len(known)} validation photos ({p}).",
            help=HOW,
        )
        st.button(
            as_markdown(f"Choose {found.policy}"),
            icon=":material/difference:",
            on_click=drafts.choose,
            args=(found.policy,),
            help="Shows below, under Put in force, which parts would change their verdict. Nothing is in force yet.",
            key="choose_cheaper",
        )
