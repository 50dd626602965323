"""How good a product is, member by member and policy by policy, on photos that it has not learnt from."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ensemble.evaluation.energy import Energy, measure_energy
from ensemble.evaluation.vote import beside_best
from ensemble.features.feature_cache import NOTHING_KEPT, FeatureCache
from ensemble.features.photo_batch import input_key
from ensemble.features.readings import open_photos
from ensemble.imaging.looking import Look
from ensemble.imaging.masks import combine, damaged_pixels, read_mask
from ensemble.inspection.inspector import Inspector
from ensemble.metrics import costs
from ensemble.metrics.costs import DecisionCounts, Line, expected_costs
from ensemble.metrics.image_metrics import PixelTally, Truth, separation
from ensemble.policies import Policy, cases, choose, shipped
from ensemble.policies.cases import Case
from ensemble.policies.policy import FUSED
from ensemble.store import ModelStore
from ensemble.values.errors import DataError
from ensemble.values.language import Message, paragraph
from ensemble.values.results import REVIEW, Classes, Score, Vote, mean_probability
from ensemble.values.samples import Sample
from ensemble.values.training import CountDone
from ensemble.values.view import AS_IT_IS


@dataclass(slots=True)
class MapQuality:
    """What has been measured so far of the maps of each member, and of those of good-only members as one.

    A good photo is undamaged as a whole; a defective one without a mask, or with an empty one, is left out and counted.
    Without any mask, or without a defect among the classes, nothing is measured.
    """

    good: str | None = None
    good_only: tuple[str, ...] = ()
    tallies: dict[str, PixelTally] = field(default_factory=dict)
    together: PixelTally = field(default_factory=PixelTally)
    photos: int = 0
    regions: int = 0
    without_mask: int = 0
    refused: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, samples: Sequence[Sample], classes: Classes, good_only: tuple[str, ...]) -> "MapQuality":
        """For photos with these masks and members with these names."""
        return cls(classes.good if any(sample.mask for sample in samples) else None, good_only)

    def add(self, sample: Sample, size: tuple[int, int], scores: Sequence[Score], look: Look | None = None) -> None:
        """Measure the maps of one photo of this (width, height), by those of its pixels that are looked at."""
        maps = [
            (self.tallies.setdefault(score.member, PixelTally()), score.anomaly_map)
            for score in scores
            if score.anomaly_map
        ]
        truth = self._truth(sample, size, look) if maps and self.good is not None else None
        if truth is None:
            return
        self.photos += 1
        self.regions += truth.regions
        for tally, anomaly_map in maps:
            tally.add(anomaly_map, truth)
        together = combine([score for score in scores if score.member in self.good_only])
        if together and len(self.good_only) > 1:
            self.together.add(together, truth)

    def figures(self, member: str) -> dict[str, float | None]:
        """`pixel_auroc` and `aupro` of a member, None where nothing was measured; nothing for one without maps."""
        return self.tallies[member].figures() if member in self.tallies else {}

    def figures_together(self) -> dict[str, float | None]:
        """`pixel_auroc` and `aupro` of the good-only members' combined map; nothing where none of them has maps."""
        return self.together.figures() if set(self.good_only) & set(self.tallies) else {}

    def counts(self) -> dict[str, Any]:
        """How many photos and damaged regions the figures rest on, and how many photos had no mask for them."""
        return {"photos": self.photos, "regions": self.regions, "without_mask": self.without_mask}

    def _truth(self, sample: Sample, size: tuple[int, int], look: Look | None) -> Truth | None:
        seen = None if look is None else look.seen_on_photo()
        try:
            damage = damaged_pixels(read_mask(sample.mask, size)) if sample.mask else None
            truth = Truth.undamaged(size) if damage is None else Truth.of(damage if seen is None else damage & seen)
            truth = truth if seen is None else replace(truth, unseen=np.flatnonzero(~seen))
        except DataError as error:
            self.refused.append(error.message)
            return None
        if sample.label != self.good and not truth.regions:
            self.without_mask += 1
            return None
        return truth


Cast = Sequence[tuple[Case, Vote]]
GOOD_ONLY = "good_only"


@dataclass(frozen=True, slots=True)
class Scored:
    """What all members said of the photos of one set, with the truth beside it; any policy can be tried on it.

    `good_only` names the members that have learnt from good parts alone. The scores carry no heat maps: `maps` holds
    what was measured of them while the photos passed. With features from a cache, neither `seconds` nor `energy` are
    those of an inspection.
    """

    cases: tuple[Case, ...]
    refused: tuple[str, ...]
    seconds: float
    good_only: tuple[str, ...] = ()
    maps: MapQuality = field(default_factory=MapQuality)
    energy: Energy = field(default_factory=Energy)
    from_cache: bool = False


def score_photos(
    inspector: Inspector,
    samples: Sequence[Sample],
    progress: CountDone | None = None,
    cache: FeatureCache = NOTHING_KEPT,
    *,
    doubts: bool = True,
) -> Scored:
    """Let every member look at every photo once; photos and masks that cannot be used are named in `refused`.

    What members read of a photo is taken from the cache where it knows it, with the seconds that it took then. Without
    `doubts` nobody asks whether the photo shows the part, and photos that the cache knows are not even decoded. Samples
    without a view of their own are looked at as the inspector does.
    """
    samples = [replace(each, view=inspector.view) if each.view == AS_IT_IS else each for each in samples]
    found: dict[int, Case] = {}
    refused: dict[int, str] = {}
    seconds = 0.0
    good_only = tuple(name for name, member in inspector.members.items() if member.lesson == "good")
    maps = MapQuality.of(samples, inspector.classes, good_only)
    sources = list({input_key(member.input): member.input for member in inspector.members.values()}.values())
    with measure_energy() as meter:
        for opened in open_photos(samples, sources, cache, refused):
            start = time.perf_counter()
            answers = inspector.vote(opened.batch)
            seconds += time.perf_counter() - start
            for number, (place, (said, missing)) in enumerate(zip(opened.places, answers, strict=True)):
                shown = (opened.batch.looks[number] or opened.batch.pictures[number]) if doubts else None
                doubt = opened.doubts.get(place, "") if doubts else ""
                doubt = doubt or (inspector.doubt(shown, combine(said)) if shown is not None else "")
                sample, digest = samples[place], opened.digests[number]
                if any(each.anomaly_map for each in said):
                    look = opened.batch.looks[number]
                    maps.add(sample, (look or opened.batch.pictures[number]).size, said, look)
                bare = tuple(replace(each, anomaly_map=None) for each in said)
                kind = (sample.defect, sample.category)
                found[place] = Case(str(sample.path), digest, sample.label, bare, missing, *kind, doubt)
            if progress:
                progress(len(found), len(samples))
    reasons = [refused[place] for place in sorted(refused)]
    if not found:
        none = Message(
            "Of {count} photo none could be opened.", "Of {count} photos none could be opened.", count=len(samples)
        )
        raise DataError(paragraph(none, *reasons[:1]))
    known = tuple(found[place] for place in sorted(found))
    return Scored(known, (*reasons, *maps.refused), seconds, good_only, maps, meter.energy, from_cache=bool(cache))


def quality_report(
    scored: Scored,
    policies: Sequence[Policy],
    classes: Classes,
    line: Line = Line(),  # noqa: B008 - it is frozen
) -> dict[str, Any]:
    """The measured quality as plain JSON values.

    `photos`, `classes`, `members`, `good_only` (the members that have learnt from good parts alone, as one voter; None
    for fewer than two), `ensemble` (by policy, its cost by the prices of `line`), `vote` (FUSED beside the best member;
    None where that says nothing), `masks`, `refused`, `seconds` and
    `energy`, which is that of the whole evaluation, with reading the photos and measuring the maps; with features from
    a cache it says nothing of 1000 inspections.
    """
    energy = scored.energy
    of_1000 = (
        {}
        if scored.from_cache or not scored.cases
        else {"per_1000_inspections": energy.times(1000 / len(scored.cases)).amounts()}
    )
    return {
        "photos": len(scored.cases),
        "classes": list(classes.names),
        "members": members_quality(scored, policies[0], classes),
        GOOD_ONLY: _good_only_quality(scored, policies[0], classes),
        "ensemble": {policy.name: policy_quality(policy, scored.cases, classes, line) for policy in policies},
        "vote": _vote_quality(policies, scored.cases, classes),
        "masks": scored.maps.counts(),
        "refused": list(scored.refused),
        "seconds": round(scored.seconds, 3),
        "energy": energy.as_json() | of_1000,
    }


def _vote_quality(policies: Sequence[Policy], known: Sequence[Case], classes: Classes) -> dict[str, Any] | None:
    """FUSED beside the best member: the product's own policy of that name, else the one that ships."""
    fused = next((policy for policy in policies if policy.name == FUSED), None) or choose(shipped(classes), FUSED)
    found = beside_best(fused, known, classes)
    return None if found is None else found.as_json()


def policy_quality(policy: Policy, known: Sequence[Case], classes: Classes, line: Line) -> dict[str, Any]:
    """What a policy makes of cases: `verdict_quality`, the upper bounds of both rates, and the cost of 1000 parts."""
    truth, verdicts = cases.truth(known), cases.labels_by_policy(policy, known, classes)
    quality = verdict_quality(truth, verdicts, classes)
    if classes.defect is None:
        return quality | dict.fromkeys(("escape_rate_upper", "overkill_rate_upper", "cost"))
    counts = DecisionCounts.of(truth, verdicts, classes)
    money = expected_costs(counts, line).money
    return quality | {
        "escape_rate_upper": round(costs.upper_bound(counts.escapes, counts.defective), 6),
        "overkill_rate_upper": round(costs.upper_bound(counts.overkills, counts.good), 6),
        "cost": None if money is None else round(money, 2),
        "risk": costs.escape_sentence(counts.escapes, counts.defective),
    }


def members_quality(scored: Scored, policy: Policy, classes: Classes) -> dict[str, dict[str, Any]]:
    """Each member alone: by the policy's threshold, over all of them, by type of defect and product, and its maps."""
    quality = {}
    for name in cases.members(scored.cases):
        said = [(case, score) for case in scored.cases for score in case.scores if score.member == name]
        seconds = {"seconds_per_photo": round(float(np.mean([score.seconds for _, score in said])), 6)}
        quality[name] = _voter_quality(said, policy, classes) | scored.maps.figures(name) | seconds
    return quality


def _good_only_quality(scored: Scored, policy: Policy, classes: Classes) -> dict[str, Any] | None:
    """Of the members that have learnt from good parts alone as one voter: their mean, each by its weight."""
    said = []
    for case in scored.cases:
        if voters := [score for score in case.scores if score.member in scored.good_only]:
            mean = {name: mean_probability(voters, name) for name in classes.names}
            said.append((case, Score(GOOD_ONLY, mean, sum(score.seconds for score in voters))))
    if len(scored.good_only) < 2 or not said:
        return None
    quality = _voter_quality(said, policy, classes) | scored.maps.figures_together()
    return {"members": list(scored.good_only)} | quality


def with_megabytes(quality: Mapping[str, Any], store: ModelStore) -> dict[str, Any]:
    """A report with `megabytes` for each member: what its files take in the store, a shared backbone not counted."""
    records = store.manifest().members
    members = {
        name: entry
        | {"megabytes": round(sum(store.path_of(file).stat().st_size for file in records[name].files) / 1e6, 3)}
        for name, entry in quality["members"].items()
    }
    return {**quality, "members": members}


def flat(quality: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures of a member that are single numbers, as a manifest keeps them."""
    return {name: value for name, value in quality.items() if value is None or isinstance(value, int | float)}


def _voter_quality(said: Sequence[tuple[Case, Score]], policy: Policy, classes: Classes) -> dict[str, Any]:
    cast = [(case, policy.cast(score, classes)) for case, score in said]
    products = sorted({sample.category for sample, _ in cast})
    if len(products) < 2:
        return _figures(cast, classes) | {"by_type": _by_type(cast, classes)}
    parts = {product: [(sample, vote) for sample, vote in cast if sample.category == product] for product in products}
    return _figures(cast, classes) | {
        "by_type": {name: entry for part in parts.values() for name, entry in _by_type(part, classes).items()},
        "by_product": {product: _figures(part, classes) for product, part in parts.items()},
    }


def _figures(cast: Cast, classes: Classes) -> dict[str, Any]:
    truth = [sample.label for sample, _ in cast]
    quality = verdict_quality(truth, [vote.label for _, vote in cast], classes)
    separate = separation(  # without a defect no photo is defective, and all of it is None
        [label == classes.defect for label in truth], [vote.score for _, vote in cast]
    )
    wanted = ("accuracy", "escape_rate", "overkill_rate", "f1")
    decided = {key: quality[key] for key in wanted}
    return {"photos": len(cast), "auroc": separate["image_auroc"]} | decided | separate


def _by_type(cast: Cast, classes: Classes) -> dict[str, dict[str, Any]]:
    """For each type of defect its photos, how many are detected, and its AUROC against the good photos."""
    good = [vote.score for sample, vote in cast if sample.label == classes.good]
    quality = {}
    for defect in sorted({sample.defect for sample, _ in cast if sample.defect}):
        bad = [vote for sample, vote in cast if sample.defect == defect]
        separate = separation([False] * len(good) + [True] * len(bad), [*good, *(vote.score for vote in bad)])
        detected = sum(vote.label == classes.defect for vote in bad)
        quality[defect] = {"photos": len(bad), "detected": detected, "image_auroc": separate["image_auroc"]}
    return quality


def verdict_quality(truth: Sequence[str], verdicts: Sequence[str], classes: Classes) -> dict[str, Any]:
    """Accuracy, escape, overkill and review rate, F1 and F2 (of the defect, else the mean over classes), the confusion.

    A review is neither right nor an escape nor an overkill: `accuracy` is the share that is right of all photos,
    `right_of_decided` that of those that no person has to look at, with its lower limit (one-sided, 95%). A rate
    without photos to rest on is None.
    """
    confusion = {
        name: dict.fromkeys((*classes.names, *((REVIEW,) if REVIEW in verdicts else ())), 0) for name in classes.names
    }
    for label, verdict in zip(truth, verdicts, strict=True):
        confusion[label][verdict] += 1
    right = sum(confusion[name][name] for name in classes.names)
    decided = sum(verdict != REVIEW for verdict in verdicts)
    passed, rejected = confusion.get(classes.defect or "", {}), confusion.get(classes.good or "", {})
    return {
        "accuracy": _rounded_rate(right, len(truth)),
        "right": right,
        "decided": decided,
        "right_of_decided": _rounded_rate(right, decided),
        "right_of_decided_lower": round(costs.lower_bound(right, decided), 6),
        "escape_rate": _rounded_rate(passed.get(classes.good or "", 0), sum(passed.values())),
        "overkill_rate": _rounded_rate(rejected.get(classes.defect or "", 0), sum(rejected.values())),
        "review_rate": _rounded_rate(len(verdicts) - decided, len(truth)),
        "f1": _f_beta(confusion, classes, 1.0) if truth else None,
        "f2": _f_beta(confusion, classes, 2.0) if truth else None,
        "confusion": confusion,
    }


def _rounded_rate(events: int, photos: int) -> float | None:
    return round(events / photos, 6) if photos else None


def _f_beta(confusion: Mapping[str, Mapping[str, int]], classes: Classes, beta: float) -> float:
    """By the counts: scikit-learn would sort the names of thousands of photos anew for each figure."""
    asked, weight, reached = [classes.defect] if classes.defect else classes.names, beta**2, []
    for name in asked:
        hits, all_of_it = confusion[name][name], sum(confusion[name].values())
        said = sum(answers[name] for answers in confusion.values())
        reached.append((1 + weight) * hits / (weight * all_of_it + said) if all_of_it or said else 0.0)
    return round(sum(reached) / len(reached), 6)
