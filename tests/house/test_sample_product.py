"""What the product that ships promises of its vote, on test photos that chose nothing."""

import hashlib
from pathlib import Path

import pytest

from ensemble.datasets.loading import find_dataset
from ensemble.evaluation.vote import beside_best
from ensemble.features.photo_batch import batches
from ensemble.imaging.photos import open_own, read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.policies import choose
from ensemble.policies.cases import labels_by_policy, truth
from ensemble.store import ModelStore

ROOT = Path(__file__).resolve().parents[2]
STORE = ModelStore(ROOT / "models")
EVIDENCE = STORE.evidence()
CLASSES = EVIDENCE.classes
POLICIES = STORE.policies()


def test_the_evidence_is_of_the_test_photos_that_ship_and_of_no_photo_twice() -> None:
    test = find_dataset(ROOT / "data", None, 0).test
    known = {case.sha256 for case in EVIDENCE.test}
    assert known == {hashlib.sha256(sample.path.read_bytes()).hexdigest() for sample in test} and len(known) == 72
    assert known.isdisjoint(case.sha256 for case in EVIDENCE.held_out)


def test_the_models_that_ship_say_what_the_evidence_says() -> None:
    inspector, some = Inspector(STORE.load()), EVIDENCE.test[::9]
    for cases in batches(some, 4):
        photos = [read_photo(ROOT / "data" / case.photo) for case in cases]
        for case, verdict in zip(cases, inspector.inspect(photos, choose(POLICIES, "FUSED")), strict=True):
            scores = {score.member: score.probabilities for score in case.scores}
            assert verdict.votes and not verdict.absent
            for vote in verdict.votes:
                assert scores[vote.member] == pytest.approx(vote.probabilities, abs=1e-4)


def test_the_product_that_ships_keeps_photos_of_good_parts_that_it_was_trained_on() -> None:
    loaded = STORE.load()
    kept = loaded.references
    assert kept is not None and len(kept.photos) == 24 and sum(map(len, kept.photos)) < 400_000
    (photo,) = (read_photo(path) for path in sorted((ROOT / "data" / "train" / "non_defective").glob("*.jpg"))[:1])
    (verdict,) = Inspector(loaded).inspect([photo], choose(POLICIES, "MAJORITY"))
    assert verdict.reference is not None and open_own(kept.photos[verdict.reference]).size == photo.picture.size


@pytest.mark.parametrize("policy", ["FUSED", "MAJORITY"])
def test_the_vote_is_not_worse_than_its_best_member(policy: str) -> None:
    found = beside_best(choose(POLICIES, policy), EVIDENCE.test, CLASSES)
    assert found is not None and (found.high is None or found.high >= 0)


def test_what_the_vote_reaches() -> None:
    right = [a == b for a, b in zip(labels("MAJORITY"), truth(EVIDENCE.test), strict=True)]
    assert sum(right) / len(right) >= 0.94
    fused = beside_best(choose(POLICIES, "FUSED"), EVIDENCE.test, CLASSES)
    assert fused is not None and fused.auroc is not None and fused.auroc >= 0.985
    pairs = zip(labels("BALANCED"), truth(EVIDENCE.test), strict=True)
    assert sum(said == CLASSES.good and true == CLASSES.defect for said, true in pairs) <= 2


def labels(policy: str) -> list[str]:
    """What a policy of the product makes of the test photos."""
    return labels_by_policy(choose(POLICIES, policy), EVIDENCE.test, CLASSES)
