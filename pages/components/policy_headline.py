"""Which policy is in force, what it does, and what it risks."""

from html import escape

import streamlit as st

from ensemble import risk
from ensemble.cases import Evidence, truth
from ensemble.policies import Policy
from ensemble.policy_making import unsafe_name
from ensemble.results import REVIEW
from pages.components import session
from pages.components.policy_words import rule_in_words
from pages.components.sheet import as_markdown


def show_policy_headline(active: Policy, evidence: Evidence | None) -> None:
    """Show the active policy's name, its rule and its honest risk on the test photos."""
    known = "" if evidence is None else "".join(f"<li>{escape(each)}</li>" for each in _risk(active, evidence))
    st.html(
        f'<div class="in-force"><small>In force</small><div class="word">{escape(active.name)}</div>'
        f"<p>{escape(rule_in_words(active, session.classes()))}</p><ul>{known}</ul></div>"
    )
    if why := unsafe_name(active):
        st.warning(
            f"**{as_markdown(active.name)} may not be called SAFE.** {as_markdown(why)}", icon=":material/gpp_maybe:"
        )


def _risk(active: Policy, evidence: Evidence) -> list[str]:
    if not evidence.test:
        return ["No test photos are kept with this product: nothing is known of its risk."]
    labels = session.labels(active, evidence.test)
    looks = f"{labels.count(REVIEW)} of {len(labels)} test photos go to a person (REVIEW)."
    if evidence.classes.defect is None:
        right = sum(said == true for said, true in zip(labels, truth(evidence.test), strict=True))
        decided = sum(said != REVIEW for said in labels)
        return [f"{right} of the {decided} decided test photos are given their true class.", looks]
    counts = session.counts(active, evidence.test)
    return [
        risk.escape_sentence(counts.escapes, counts.defective),
        risk.overkill_sentence(counts.overkills, counts.good),
        looks,
    ]
