"""What a product's manifest keeps of each member's training: its photos, settings, facts and thresholds."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ensemble.datasets.loading import digest
from ensemble.evaluation import scoring
from ensemble.evaluation.energy import Energy, circumstances
from ensemble.members import Member
from ensemble.metrics.calibrators import NONE
from ensemble.policies.cases import Evidence
from ensemble.policies.making import member_thresholds
from ensemble.store import FittedMember
from ensemble.training.augmentation import augmentation_facts
from ensemble.training.reading import taught_by
from ensemble.training.recipe import Recipe
from ensemble.training.voting import Fitted
from ensemble.values.samples import Dataset


def learnt(
    dataset: Dataset,
    members: Mapping[str, Member],
    fitted: Fitted,
    quality: Mapping[str, Mapping[str, Any]],
    recipe: Recipe,
    energy: Energy,
    evidence: Evidence,
) -> list[FittedMember]:
    """The members with all that the manifest keeps of them."""
    found, when_and_where, test_data = [], circumstances(), digest(dataset.test)
    taught = {member.lesson: taught_by(member.lesson, dataset, recipe) for member in members.values()}
    digests = {lesson: digest(samples) for lesson, samples in taught.items()}
    for name, member in members.items():
        counts = Counter(sample.label for sample in taught[member.lesson])
        training: dict[str, Any] = {
            "data": digests[member.lesson],
            "photos": {label: counts[label] for label in dataset.classes.names},
            "test_data": test_data,
            "seed": recipe.seed,
            "profile": recipe.profile.name,
            "balance": recipe.balance,
            "energy": energy.as_json(),  # of the whole run, which is the same for all that it has trained
            "notes": list(dataset.notes),
            **when_and_where,
        }
        training |= {"curves": dict(member.curves_)} if member.curves_ else {}
        training |= {"facts": dict(member.facts_)} if member.facts_ else {}
        training |= augmentation_facts(member, recipe)
        training |= fitted.facts(name)
        thresholds = member_thresholds(evidence.held_out, name, dataset.classes)
        training |= (
            {"cuts": {threshold: found.as_json() for threshold, found in thresholds.items()}} if thresholds else {}
        )
        figures = scoring.flat(quality.get(name, {}))
        found.append(
            FittedMember(
                name, member, training, figures, fitted.weights.get(name, 1.0), fitted.calibrators.get(name, NONE)
            )
        )
    return found
