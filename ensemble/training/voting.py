"""From held-out scores to voters: how each member's scores become probabilities, and what its vote weighs."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from ensemble.datasets.loading import part_numbers
from ensemble.features.photo_batch import Input, PhotoBatch, batches, input_key, source_preprocessing
from ensemble.features.preprocessing import Preprocessing
from ensemble.features.readings import changed_photo, seen_look, seen_photo
from ensemble.imaging.masks import damaged
from ensemble.inspection.inspector import PROBABILITY_DIGITS
from ensemble.inspection.tile_lessons import hottest_tile
from ensemble.members import Member
from ensemble.members.good_parts import GoodPartsMember
from ensemble.metrics.calibration import Calibration, fit_calibrator
from ensemble.metrics.calibrators import Calibrator
from ensemble.policies.cases import Case, Evidence, said
from ensemble.policies.jury import choose_jury, with_weights
from ensemble.store import ModelStore
from ensemble.values.errors import DataError, PhotoError, StoreError
from ensemble.values.language import Message
from ensemble.values.results import Absence, Classes, Score
from ensemble.values.samples import Dataset, Sample
from ensemble.values.titles import model_title
from ensemble.values.training import Progress
from ensemble.values.view import AS_IT_IS, View

FULL_VOTE = 0.8  # of the way from guessing to certainty gives a whole vote
LIGHTEST = 0.1  # so that a member that sees nothing can still be outvoted, and never decides with others
FEWEST_DEFECTS = 5  # real ones; below that damage is drawn
MOST_LOOKED_AT = 48  # photos to look at


@dataclass(frozen=True, slots=True)
class Weighed:
    """A vote's weight and what it rests on: the AUROC of held-out good parts against real defects or drawn damage.

    Without a defect among the classes there is no AUROC, and `good` counts the photos of all classes.
    """

    weight: float
    auroc: float | None
    good: int
    defective: int
    drawn: bool

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"auroc": self.auroc, "good": self.good, "defective": self.defective, "drawn": self.drawn}


def weight_of(skill: float) -> float:
    """What a vote weighs, from how far its member is on the way from guessing (0) to certainty (1)."""
    return round(float(np.clip(skill / FULL_VOTE, LIGHTEST, 1.0)), 3)


def draw_synthetic_anomalies(
    samples: Sequence[Sample], sources: Sequence[Input], seed: int, progress: Callable[[float], None] = lambda _: None
) -> dict[Any, dict[int, np.ndarray]]:
    """Rows of some photos of good parts with damage drawn on them: by input, then by position in `samples`."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(samples))[:MOST_LOOKED_AT]).tolist()
    rows: dict[Any, dict[int, np.ndarray]] = {input_key(source): {} for source in sources}
    for number, place in enumerate(chosen):
        sample = samples[place]
        batch = PhotoBatch([changed_photo(sample, damaged(seen_photo(sample), rng))])
        for source in sources:
            rows[input_key(source)][place] = batch.rows(source)[0]
        progress((number + 1) / len(chosen))
    return rows


def needs_drawing(dataset: Dataset) -> bool:
    """Whether the training part has too few real defects to weigh by."""
    return sum(sample.label == dataset.classes.defect for sample in dataset.train) < FEWEST_DEFECTS


def weigh(
    member: GoodPartsMember, dataset: Dataset, seed: int, progress: Callable[[float], None] = lambda _: None
) -> Weighed:
    """Weigh a member that has learnt from good parts alone, on the training part alone.

    Its good scores come from parts that were held out while it learnt. The defective ones are the training part's real
    defects, which it has not learnt from, or, where there are fewer than five, held-out good photos with damage drawn
    on them. The weight grows with 2 AUROC - 1, from 0.1 for a member that only guesses to 1 from an AUROC of 0.9 on: so
    few photos tell no finer, and a tie among good members must stay a tie.
    """
    drawn = needs_drawing(dataset)
    bad = member.synthetic_.tolist() if drawn else _scores_of_defects(member, dataset, seed, progress)
    fine = member.held_out_.tolist()
    auroc = float(roc_auc_score([0] * len(fine) + [1] * len(bad), [*fine, *bad]))
    return Weighed(weight_of(2 * auroc - 1), round(auroc, 4), len(fine), len(bad), drawn)


def _scores_of_defects(
    member: GoodPartsMember, dataset: Dataset, seed: int, progress: Callable[[float], None]
) -> list[float]:
    """What it says of real defects of the training part; a DataError where none of them can be opened."""
    real = [sample for sample in dataset.train if sample.label == dataset.classes.defect]
    chosen = [real[place] for place in sorted(np.random.default_rng(seed).permutation(len(real))[:MOST_LOOKED_AT])]
    column = member.classes.names.index(member.classes.defect or "")
    found: list[float] = []
    refused: list[str] = []
    for number, chunk in enumerate(batches(chosen, 16)):
        pictures = []
        for sample in chunk:
            try:
                if sample.view.tiles:
                    found.append(float(hottest_tile(member, seen_look(sample), sample.view.tiles)[column]))
                else:
                    pictures.append(seen_photo(sample))
            except PhotoError as error:
                refused.append(error.message)
        if pictures:
            found += member.score(PhotoBatch(pictures).rows(member.input)).probabilities[:, column].tolist()
        progress(min(1.0, (number + 1) * 16 / len(chosen)))
    if not found:
        raise DataError(
            "Of {count} defective photo to weigh votes by none could be opened. {refused}",
            "Of {count} defective photos to weigh votes by none could be opened. {refused}",
            count=len(chosen),
            refused=refused[0],
        )
    return found


STRANGER = Message("It is from another training and was not tested on this photo.")


@dataclass(frozen=True, slots=True)
class Fitted:
    """What held-out photos have told: weights and calibrators by member, and the photos with calibrated scores."""

    weights: Mapping[str, float] = field(default_factory=dict)
    calibrators: Mapping[str, Calibrator] = field(default_factory=dict)
    held_out: tuple[Case, ...] = ()
    weighed: Mapping[str, Weighed] = field(default_factory=dict)
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)

    def facts(self, name: str) -> dict[str, Any]:
        """What a manifest keeps of it for one member."""
        facts: dict[str, Any] = {"weighed": self.weighed[name].as_json()} if name in self.weighed else {}
        return facts | ({"calibration": self.calibrations[name].as_json()} if name in self.calibrations else {})


def _weighting(name: str) -> Message:
    return Message("Weighting {model}", model=model_title(name))


def fit_voters(
    members: Mapping[str, Member], judged: Sequence[Case], dataset: Dataset, seed: int, progress: Progress
) -> Fitted:
    """Calibrate every member on the photos that it has judged without having learnt from them, and choose the jury.

    The held-out cases that come back carry probabilities of calibrators that were not fitted on the very photo; on
    these the jury is chosen. Where it cannot be, votes weigh what their members reach alone. Without held-out photos,
    members of good parts are weighed by what they held out themselves, and nothing is calibrated; without a defect,
    others weigh least.
    """
    classes = dataset.classes
    if not judged:
        weighed = {
            name: weigh(member, dataset, seed, partial(progress, _weighting(name)))
            for name, member in members.items()
            if isinstance(member, GoodPartsMember)
        }
        weights = {name: each.weight for name, each in weighed.items()}
        if weights and all(
            sample.label == classes.good for sample in dataset.train
        ):  # whoever tells classes apart is a guess here
            weights |= {name: LIGHTEST for name in members if name not in weighed}
        return Fitted(weights, weighed=weighed)
    calibrations: dict[str, Calibration] = {}
    weighed = {}
    rows: dict[tuple[str, str], NDArray[np.float64]] = {}  # by photo and member
    for name in members:
        known, probabilities = said(judged, name, classes)
        if not known:
            continue
        labels = np.array([classes.names.index(case.label) for case in known])
        calibrations[name] = fit_calibrator(probabilities, labels, seed)
        weighed[name] = _weighed(probabilities, labels, classes)
        rows |= {(case.photo, name): row for case, row in zip(known, calibrations[name].out_of_fold, strict=True)}
    held_out = tuple(_calibrated(case, rows, classes) for case in judged)
    alone = {name: each.weight for name, each in weighed.items()}
    weights = jury_of(held_out, dataset, seed) or alone
    held_out = with_weights(held_out, weights)
    calibrators = {name: each.calibrator for name, each in calibrations.items()}
    return Fitted(weights, calibrators, held_out, weighed, calibrations)


def _weighed(probabilities: NDArray[np.float64], labels: NDArray[np.int64], classes: Classes) -> Weighed:
    """What a vote weighs by its scores as they came: their AUROC, or where no class is a defect, the balanced accuracy
    on the way from guessing to certainty."""
    if classes.defect is None:
        accuracy = float(balanced_accuracy_score(labels, probabilities.argmax(axis=1)))
        chance = 1 / len(classes.names)
        return Weighed(weight_of((accuracy - chance) / (1 - chance)), None, len(labels), 0, drawn=False)
    column = classes.names.index(classes.defect)
    defective = labels == column
    auroc = float(roc_auc_score(defective, probabilities[:, column]))
    good, bad = int((~defective).sum()), int(defective.sum())
    return Weighed(weight_of(2 * auroc - 1), round(auroc, 4), good, bad, drawn=False)


def jury_of(held_out: Sequence[Case], dataset: Dataset, seed: int, data: Path = Path()) -> dict[str, float]:
    """The weights of `policies.jury.choose_jury`, captures of one part together; photos by their path below `data`."""
    samples = (*dataset.train, *dataset.calibration)
    numbers = dict(zip((str(sample.path) for sample in samples), part_numbers(samples), strict=True))
    parts = [numbers.get(str(data / case.photo), -1 - place) for place, case in enumerate(held_out)]
    return choose_jury(held_out, dataset.classes, parts, seed)


def _calibrated(case: Case, rows: Mapping[tuple[str, str], NDArray[np.float64]], classes: Classes) -> Case:
    scores = []
    for score in case.scores:
        calibrated = np.round(rows[case.photo, score.member], PROBABILITY_DIGITS).tolist()
        probabilities = dict(zip(classes.names, calibrated, strict=True))
        scores.append(replace(score, probabilities=probabilities))
    return replace(case, scores=tuple(scores))


def collect(
    store: ModelStore,
    held_out: Sequence[Case],
    test: Sequence[Case],
    classes: Classes,
    data: Path,
    taught: Sequence[str],
    heard_before: Callable[[Evidence], Evidence | None] = lambda _: None,
    view: View = AS_IT_IS,
) -> tuple[Evidence, tuple[str, ...]]:
    """The evidence of a training, photos by their path below the data folder.

    Members that were trained before and stay keep what they said, where it was of the very same photos, or where
    `heard_before` says it of these. Elsewhere they are strangers: named beside the evidence, and absent in it.
    """
    parts = [tuple(replace(case, photo=photo_below(case.photo, data)) for case in part) for part in (held_out, test)]
    evidence = Evidence(classes, parts[0], parts[1], _seen_from(store.folder, data))
    manifest = store.known_manifest()
    looks_otherwise = manifest is not None and not manifest.view.shows_the_same(view)
    before = None if looks_otherwise else heard_before(evidence) or _before(store, evidence)
    if before is not None:
        evidence = replace(
            evidence,
            held_out=tuple(map(partial(_joined_members, set(taught)), before.held_out, evidence.held_out)),
            test=tuple(map(partial(_joined_members, set(taught)), before.test, evidence.test)),
        )
    stay = manifest.names() if manifest is not None and manifest.joins(classes, view) else ()
    strangers = tuple(name for name in stay if name not in taught and name not in evidence.members())
    unheard = tuple(Absence(name, STRANGER) for name in strangers)
    held, measured = (
        tuple(replace(case, absent=(*case.absent, *unheard)) for case in part)
        for part in (evidence.held_out, evidence.test)
    )
    return replace(evidence, held_out=held, test=measured), strangers


def _before(store: ModelStore, evidence: Evidence) -> Evidence | None:
    """The evidence of the last training, where it is of the very same photos."""
    try:
        before = store.evidence()
    except StoreError:  # none, or none that can be relied on
        return None
    pairs = ((before.held_out, evidence.held_out), (before.test, evidence.test))
    same = all([case.sha256 for case in old] == [case.sha256 for case in new] for old, new in pairs)
    return before if same and before.classes == evidence.classes else None


def _joined_members(taught: set[str], before: Case, now: Case) -> Case:
    scores: dict[str, Score] = {score.member: score for score in before.scores if score.member not in taught}
    absent: dict[str, Absence] = {each.member: each for each in before.absent if each.member not in taught}
    scores |= {score.member: score for score in now.scores}
    return replace(
        now,
        scores=tuple(scores[name] for name in sorted(scores)),
        absent=(*absent.values(), *now.absent),
    )


def _seen_from(product: Path, data: Path) -> str:
    """The folder of the photos as seen from the product's, or its whole path where they lie on two drives."""
    whole = data.resolve()
    try:
        return Path(os.path.relpath(whole, product.resolve())).as_posix()
    except ValueError:
        return whole.as_posix()


def photo_below(photo: str, data: Path) -> str:
    path = Path(photo)
    return path.relative_to(data).as_posix() if path.is_relative_to(data) else path.as_posix()


def heard(store: ModelStore, members: Mapping[str, Member], weights: Mapping[str, float]) -> dict[str, Member]:
    """The members whose votes weigh something, those that stay from before among them.

    Nobody where one that stays cannot be opened: a cascade without it would never ask it.
    """
    jury = {name: member for name, member in members.items() if weights.get(name, 1.0)}
    stay = [name for name, weight in weights.items() if weight and name not in members]
    there = store.load().members if stay else {}
    return jury | {name: there[name] for name in stay} if set(stay) <= set(there) else {}


def stages_of(members: Mapping[str, Member]) -> tuple[tuple[str, ...], ...]:
    """Members that learnt from good parts alone and all others, those first that look at fewer pixels; none where one
    group is empty.

    Pixels and no seconds, so that the same training always gives the same policies.
    """
    groups = [
        tuple(name for name, member in members.items() if member.lesson == "good"),
        tuple(name for name, member in members.items() if member.lesson != "good"),
    ]
    return (
        tuple(sorted(groups, key=lambda group: _shared_pixels([members[name] for name in group])))
        if all(groups)
        else ()
    )


def _shared_pixels(members: Sequence[Member]) -> int:
    """What these members look at, a resize or a backbone's pass that several share counted once."""
    looks = set()
    for member in members:
        pixels = source_preprocessing(member.input).pixels
        looks.add((None if isinstance(member.input, Preprocessing) else member.input.spec.name, pixels))
    return sum(pixels for _, pixels in looks)
