"""What publishing does to policies that people tuned: said, counted before and after, and asked."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ensemble.evaluation.performance import Decided
from ensemble.evaluation.publication import effects_of
from ensemble.metrics.costs import DecisionCounts
from ensemble.policies import Policy, PolicyBook
from ensemble.policies.cases import Evidence
from ensemble.store import FittedMember, ModelStore, policy_history, versions
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE
from tests.conftest import TINY_BACKBONE, Run

SVM = f"svm_{TINY_BACKBONE}"
MINE = Policy("MINE", "mean", author="Ada", reason="Fewer escapes.", reject=0.4)


@pytest.fixture
def product(tiny_product: Path, tmp_path: Path) -> ModelStore:
    """A product whose policies a person has tuned on version 1."""
    store = ModelStore(Path(shutil.copytree(tiny_product, tmp_path / "disc")))
    book = store.policy_book()
    policy_history.enforce_policies(store.folder, PolicyBook((*book.policies, MINE), "MINE"), "Ada", "Fewer escapes.")
    return store


def shifted(evidence: Evidence, by: float) -> Evidence:
    """The evidence of models that are less sure of every defect."""

    def less(probabilities: Any) -> dict[str, float]:
        bad = max(probabilities[DEFECTIVE] - by, 0.0)
        return {NON_DEFECTIVE: 1 - bad, DEFECTIVE: bad}

    cases = tuple(
        replace(case, scores=tuple(replace(score, probabilities=less(score.probabilities)) for score in case.scores))
        for case in evidence.held_out
    )
    return replace(evidence, held_out=cases)


def candidate(store: ModelStore, by: float = 0.3) -> int:
    """A candidate that is less sure of every defect, with thresholds of its own for BALANCED."""
    manifest, members = store.manifest(), store.load().members
    brought = [replace(policy, author="") for policy in store.policies() if policy.name == "BALANCED"]
    learnt = [FittedMember(name, members[name], {}, {}) for name in members]
    evidence = shifted(store.evidence(), by)
    saved = store.save("disc", manifest.classes, manifest.folders, learnt, evidence, brought, publish=False)
    return saved.version


def counts(store: ModelStore, policy: Policy, evidence: Evidence) -> Decided:
    """The same counts, by the plain way."""
    labels = [policy.label(case.scores, case.absent, evidence.classes) for case in evidence.held_out]
    pairs = [(case.label, label) for case, label in zip(evidence.held_out, labels, strict=True)]
    escapes, overkills = pairs.count((DEFECTIVE, NON_DEFECTIVE)), pairs.count((NON_DEFECTIVE, DEFECTIVE))
    defective = [truth for truth, _ in pairs].count(DEFECTIVE)
    misjudged = DecisionCounts(len(pairs) - defective, defective, escapes, overkills)
    return Decided(len(pairs), len(pairs) - escapes - overkills, 0, misjudged)


def test_a_policy_that_a_person_tuned_is_counted_before_and_after(product: ModelStore) -> None:
    number = candidate(product)
    effects = effects_of(product, number)
    (mine,) = effects.hand_tuned
    assert (mine.name, mine.author, mine.tuned_on, mine.active) == ("MINE", "Ada", 1, True)
    assert mine.before == counts(product, MINE, product.evidence())
    assert mine.after == counts(product, MINE, product.at(number).evidence())
    assert mine.after is not None and mine.before is not None and mine.after.escapes > mine.before.escapes
    assert effects.shared == mine.after.photos == len(product.evidence().held_out)
    assert effects.sentences() == (
        f"MINE was tuned by Ada on version 1. On {mine.after.photos} validation photos: escapes "
        f"{mine.before.escapes} → {mine.after.escapes}, overkills {mine.before.overkills} → "
        f"{mine.after.overkills}.",
    )
    balanced = next(each for each in effects.policies if each.name == "BALANCED")
    assert (balanced.is_hand_tuned, balanced.tuned_on) == (False, number)


def test_kept_it_belongs_to_the_version_that_it_was_tuned_on(product: ModelStore) -> None:
    number = candidate(product)
    versions.publish_version(product.folder, number, "Ben", "More photos.")
    assert product.policies()[0] == MINE
    newest = policy_history.policy_states(product.folder)[-1]
    assert newest.reason == f"Thresholds from the training of version {number}. Unchanged: MINE."
    again = candidate(product, 0.1)
    assert [each.tuned_on for each in effects_of(product, again).hand_tuned] == [1]
    assert effects_of(product, 1).hand_tuned == ()  # back to the models that it was tuned on: nothing to ask
    tuned = replace(MINE, reject=0.2)
    book = product.policy_book()
    others = tuple(policy for policy in book.policies if policy.name != "MINE")
    policy_history.enforce_policies(product.folder, PolicyBook((*others, tuned), "MINE"), "Ada", "Tuned again.")
    assert [each.tuned_on for each in effects_of(product, again).hand_tuned] == [number]


def test_set_aside_it_waits_for_the_next_version(product: ModelStore) -> None:
    number = candidate(product)
    versions.publish_version(product.folder, number, "Ben", "More photos.", set_aside=["MINE"])
    assert MINE not in product.policies() and product.policies()[0].name == "MAJORITY"
    versions.publish_version(product.folder, 1, "Ben", "Back.")
    assert MINE in product.policies()


def test_a_version_without_validation_photos_says_so(product: ModelStore) -> None:
    manifest, members = product.manifest(), product.load().members
    number = product.save(
        "disc", manifest.classes, manifest.folders, [FittedMember(SVM, members[SVM], {}, {})], publish=False
    ).version
    effects = effects_of(product, number)
    assert [each.after for each in effects.hand_tuned] == [None]
    assert effects.sentences() == (
        f"MINE was tuned by Ada on version 1; no validation photos tell what it does with version {number}.",
    )


def test_the_command_line_asks_before_it_publishes(product: ModelStore, run: Run) -> None:
    number = candidate(product)
    code, _, said = run("versions", "publish", number, "--models", product.folder)
    assert code == 2 and "MINE was tuned by Ada on version 1" in said and "--hand-tuned keep" in said
    assert not versions.version_history(product.folder)[0].current
    code, _, said = run("versions", "publish", number, "--models", product.folder, "--hand-tuned", "set-aside")
    assert code == 0 and versions.version_history(product.folder)[0].current and MINE not in product.policies()


@pytest.mark.parametrize(("at", "tuned_on"), [("", None), ("yesterday", None), ("2126-01-01T00:00:00", 1)])
def test_times_that_somebody_has_edited_are_no_fault(product: ModelStore, at: str, tuned_on: int | None) -> None:
    path = product.folder / "policies_history.json"
    states = json.loads(path.read_text(encoding="utf-8"))
    states["states"][-1]["at"] = at
    path.write_text(json.dumps(states), encoding="utf-8")
    assert [each.tuned_on for each in effects_of(product, candidate(product)).hand_tuned] == [tuned_on]


def test_the_date_of_a_state_that_was_found_is_that_of_its_training(product: ModelStore) -> None:
    shutil.rmtree(product.folder / "versions")
    trained = max(record.training["trained"] for record in product.manifest().members.values())
    candidate(product)
    assert versions.version_history(product.folder)[-1].at[:19] == trained[:19]
