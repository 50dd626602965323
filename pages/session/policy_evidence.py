"""The policy desk: photos with a known truth, what policies make of them, and putting a policy in force."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from ensemble.datasets.loading import photo_path
from ensemble.evaluation.scoring import verdict_quality
from ensemble.evaluation.vote import VoteAndBest, beside_best
from ensemble.imaging.overlays import THUMBNAIL_SIDE
from ensemble.inspection.exports import demo_evidence
from ensemble.metrics.costs import DecisionCounts
from ensemble.policies import Policy, PolicyBook, cases, making, shipped
from ensemble.policies.cases import Case, Evidence
from ensemble.policies.files import entry_of
from ensemble.store import ModelStore, policy_history
from ensemble.store.policy_history import Published
from ensemble.values.errors import PolicyError, QuorumError
from ensemble.values.results import Classes
from pages.session.pictures import thumbnail_of
from pages.session.products import classes, is_demo, manifest, store, view


def evidence() -> Evidence:
    """The photos with a known truth that the product's figures rest on; a StoreError where there are none."""
    if is_demo():
        return demo_evidence(classes())
    return _evidence(str(store().folder), manifest().evidence)


@st.cache_resource(max_entries=4, show_spinner="Reading the test results …")
def _evidence(folder: str, digest: str) -> Evidence:
    return ModelStore(Path(folder)).evidence()


def labels(policy: Policy, known: Sequence[Case]) -> list[str]:
    """What a policy says of cases; the same question is answered once."""
    return _labels_and_classes(policy, known)[0]


def _labels_and_classes(policy: Policy, known: Sequence[Case]) -> tuple[list[str], Classes]:
    whose, kinds = _whose(known)
    return _labels(whose, _asked(policy), policy, known, kinds), kinds


@st.cache_data(max_entries=128, show_spinner=False)
def _labels(key: str, asked: str, _policy: Policy, _known: Sequence[Case], _classes: Classes) -> list[str]:
    return cases.labels_by_policy(_policy, _known, _classes)


def counts(policy: Policy, known: Sequence[Case]) -> DecisionCounts:
    """How a policy decides cases; a PolicyError where the classes have no defect."""
    return DecisionCounts.of(cases.truth(known), *_labels_and_classes(policy, known))


def quality(policy: Policy, known: Sequence[Case]) -> dict[str, Any]:
    """How good a policy's verdicts on cases are, with their confusion."""
    return verdict_quality(cases.truth(known), *_labels_and_classes(policy, known))


def given_scores(policy: Policy, known: Sequence[Case]) -> tuple[list[float], list[float]]:
    """The defect score that a policy has of the good and of the defective cases; the same question is answered once."""
    whose, kinds = _whose(known)
    return _defect_scores(whose, _asked(policy), policy, known, kinds)


@st.cache_data(max_entries=64, show_spinner=False)
def _defect_scores(
    key: str, asked: str, _policy: Policy, _known: Sequence[Case], _classes: Classes
) -> tuple[list[float], list[float]]:
    defective, values = making.defect_scores(_policy, _known, _classes)
    return values[~defective].tolist(), values[defective].tolist()


def vote_and_best(policy: Policy, known: Sequence[Case]) -> VoteAndBest | None:
    """A policy beside its best member; the same question, thousands of resamples, is answered once."""
    whose, kinds = _whose(known)
    return _vote_and_best(whose, _asked(policy), policy, known, kinds)


@st.cache_data(max_entries=64, show_spinner="Comparing with the best model …")
def _vote_and_best(
    key: str, asked: str, _policy: Policy, _known: Sequence[Case], _classes: Classes
) -> VoteAndBest | None:
    return beside_best(_policy, _known, _classes)


def _asked(policy: Policy) -> str:
    return json.dumps(entry_of(policy), sort_keys=True)


def _whose(known: Sequence[Case]) -> tuple[str, Classes]:
    """What tells these cases from all others, and their classes; a screen asks dozens of times, so one look serves."""
    if is_demo():
        digest, kinds = "demo", classes()
    else:
        product = store()
        found = product.manifest()
        digest, kinds = f"{product.folder} {found.evidence}", found.classes
    return f"{digest} {len(known)} {known[0].sha256 if known else ''}", kinds


def book() -> PolicyBook:
    """All policies of the product as its file holds them; in a demo those that ship."""
    if is_demo():
        found = shipped(classes())
        return PolicyBook(found, found[0].name)
    return store().policy_book()


def history() -> tuple[Published, ...]:
    """Every state that the product's policies have had, the oldest first; a demo has none."""
    return () if is_demo() else policy_history.policy_states(store().folder)


def publish(changed: PolicyBook, author: str, reason: str) -> None:
    """Put policies in force for everybody; a PolicyError in a demo, where nothing is kept."""
    if is_demo():
        raise PolicyError("Demo mode saves nothing. Turn it off to activate a policy.")
    policy_history.enforce_policies(store().folder, changed, author, reason)


def case_thumbnail(case: Case, side: int = THUMBNAIL_SIDE) -> bytes | None:
    """A small copy of a case's photo, at most `side` pixels a side; None where it no longer lies where it was."""
    if is_demo():
        return None
    try:
        return thumbnail_of(photo_path(store().folder, evidence(), case), case.sha256, side, view())
    except (QuorumError, OSError):
        return None
