"""What the figures rest on: photos of the test part, which members have not learnt from and nobody has chosen by."""

from dataclasses import dataclass

import streamlit as st

from ensemble.evaluation.performance import Decided
from ensemble.policies import Policy
from ensemble.policies.cases import Case
from ensemble.values.digits import many
from ensemble.values.errors import StoreError
from ensemble.values.results import Classes
from pages.components.common.obstacle import train_command
from pages.components.common.sheet import as_markdown
from pages.session import policy_evidence, products


@dataclass(frozen=True, slots=True)
class Measured:
    """The chosen policy on the test photos: what it says of each of them."""

    policy: Policy
    classes: Classes
    known: tuple[Case, ...]
    verdicts: list[str]
    members: tuple[str, ...]

    def decided(self) -> Decided:
        """The counts."""
        return Decided.of(self.known, self.verdicts, self.classes)


def without_review(policy: Policy) -> str:
    """What is left for a person where a policy never asks for one."""
    return (
        f"{policy.name} has no REVIEW: a person must look only where a model is missing or the photo may not show this "
        "part."
    )


def show_basis() -> Measured:
    """Say which policy was measured on which photos; where there are none, why, and end the screen."""
    try:
        evidence = policy_evidence.evidence()
    except StoreError as error:
        st.error(as_markdown(str(error)), icon=":material/report:")
        _show_how()
        st.stop()
    if not evidence.test:
        st.info("No photo has been left to measure on: the data has no test part.", icon=":material/report:")
        _show_how()
        st.stop()
    policy, classes = products.policy(), products.classes()
    st.caption(f"Policy **{as_markdown(policy.name)}** on {_photos(evidence.test, evidence.folder)}")
    spoken = {score.member for case in evidence.test for score in case.scores}
    members = tuple(member for member in evidence.members() if member in spoken)
    return Measured(policy, classes, evidence.test, policy_evidence.labels(policy, evidence.test), members)


def _show_how() -> None:
    st.markdown(f"Training measures on the photos below `test/`: {train_command()}")


def _photos(known: tuple[Case, ...], folder: str) -> str:
    number = many(len(known), "test photo")
    if products.is_demo():
        return f"{number} that do not exist: all of this is made up."
    place = as_markdown(products.shown_path(products.store().folder / folder))
    digest = products.manifest().evidence[:8]
    apart = "No member has learnt from them, and training has chosen no cut by them."
    return f"{number} below {place}/ (evidence {digest}). {apart}"
