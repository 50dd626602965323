"""What the figures rest on: photos of the test part, which members have not learnt from and nobody has chosen by."""

from dataclasses import dataclass

import streamlit as st

from ensemble.evaluation.performance import Decided
from ensemble.policies import Policy
from ensemble.policies.cases import Case
from ensemble.values.errors import StoreError
from ensemble.values.language import _
from ensemble.values.results import Classes
from ensemble.values.titles import policy_title
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
    return _(
        "{policy} sends no part to review, unless a model is not available or the photo may not show this part.",
        policy=policy_title(policy.name),
    )


def show_basis() -> Measured:
    """Say which policy was measured on which photos; where there are none, why, and end the screen."""
    try:
        evidence = policy_evidence.evidence()
    except StoreError as error:
        st.error(as_markdown(error.message), icon=":material/report:")
        _show_how()
        st.stop()
    if not evidence.test:
        st.info(_("No test photos: the data has no test part."), icon=":material/report:")
        _show_how()
        st.stop()
    policy, classes = products.policy(), products.classes()
    basis, source = _photos(as_markdown(policy_title(policy.name)), len(evidence.test), evidence.folder)
    st.caption(basis, help=source)
    spoken = {score.member for case in evidence.test for score in case.scores}
    members = tuple(member for member in evidence.members() if member in spoken)
    return Measured(policy, classes, evidence.test, policy_evidence.labels(policy, evidence.test), members)


def _show_how() -> None:
    st.markdown(_("Put test photos below `test/`, then train: {command}", command=train_command()))


def _photos(policy: str, count: int, folder: str) -> tuple[str, str | None]:
    """What the figures rest on, and where it lies."""
    if products.is_demo():
        basis = _(
            "Policy: **{policy}** · Test set: {count} photo, random results for demonstration.",
            "Policy: **{policy}** · Test set: {count} photos, random results for demonstration.",
            policy=policy,
            count=count,
        )
        return basis, None
    basis = _(
        "Policy: **{policy}** · Test set: {count} photo, unseen in training.",
        "Policy: **{policy}** · Test set: {count} photos, unseen in training.",
        policy=policy,
        count=count,
    )
    source = _(
        "Not used for training and not for thresholds. Folder: {folder}/. Evidence: {digest}.",
        folder=as_markdown(products.shown_path(products.store().folder / folder)),
        digest=products.manifest().evidence[:8],
    )
    return basis, source
