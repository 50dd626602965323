"""What models and policies are called where people read."""

import pytest

from ensemble.members import KINDS
from ensemble.policies import SHIPPED_POLICIES
from ensemble.values.titles import KIND_TITLES, POLICY_TITLES, model_title, policy_title, voter_title


@pytest.mark.parametrize(
    ("member", "title"),
    [
        ("svm_resnet18", "SVM · resnet18"),
        ("patch_classifier_efficientnet_lite0", "Patch classifier · efficientnet_lite0"),
        ("feature_reconstruction_quorum_small", "Feature reconstruction · quorum_small"),
        ("baseline_cnn", "Baseline CNN"),
        ("demo_patch_memory", "Patch memory"),
        ("demo_svm", "SVM"),
        ("svmish", "svmish"),
        ("of_my_own", "of my own"),
    ],
)
def test_a_model_is_called_by_its_kind_and_its_backbone(member: str, title: str) -> None:
    assert model_title(member) == title
    assert voter_title(member) == title


def test_the_vote_as_a_whole_is_the_ensemble() -> None:
    assert voter_title("ensemble") == "Ensemble"


def test_every_kind_and_every_policy_that_ships_has_a_title() -> None:
    assert set(KIND_TITLES) == set(KINDS)
    assert {kind: KINDS[kind].title for kind in KINDS} == KIND_TITLES
    assert len(set(KIND_TITLES.values())) == len(KIND_TITLES)
    assert {policy.name for policy in SHIPPED_POLICIES} <= set(POLICY_TITLES)
    assert len(set(POLICY_TITLES.values())) == len(POLICY_TITLES)
    assert policy_title("SAFE_0FN") == "Zero escapes"
    assert policy_title("Night shift") == "Night shift"
