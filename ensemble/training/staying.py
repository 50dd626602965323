"""Members that stay as they are where a few photos have come since: those that take long to learn, and long to read.

Members of pooled features learn anew in seconds, because what they read is kept. Networks and members of whole maps
stay as long as a twentieth of their photos at most is new to them. They have not seen the new photos, so what they say
of those is as honest as what they said of held-out ones; what they said of all others stands in the evidence.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ensemble.datasets.loading import digest
from ensemble.evaluation import scoring
from ensemble.features.feature_cache import FeatureCache
from ensemble.features.photo_batch import source_preprocessing
from ensemble.features.preprocessing import POOLINGS
from ensemble.features.runtimes import TORCH, forced_runtime
from ensemble.imaging.photos import file_digest
from ensemble.inspection.inspector import Inspector
from ensemble.members import KINDS, Loaded, Member
from ensemble.policies.cases import Case, Evidence
from ensemble.store import ModelStore
from ensemble.store.manifest import Record
from ensemble.training.extending import EXTENDED
from ensemble.training.reading import taught_by
from ensemble.training.recipe import Recipe, source_of
from ensemble.training.voting import photo_below
from ensemble.values.errors import StoreError
from ensemble.values.language import Message, listed
from ensemble.values.results import word
from ensemble.values.samples import Dataset, Sample
from ensemble.values.titles import model_title
from ensemble.values.training import Progress

FEW_MORE = 0.05  # of the photos that were learnt from before
STAYED = "stayed"  # what a record notes of a member that stays: the SHA-256 of the photos that have come since


def replaced(store: ModelStore, dataset: Dataset) -> tuple[str, ...]:
    """What a person should know of the members that are there; a StoreError where nothing could be saved."""
    place = next(folder for folder in (store.folder, *store.folder.resolve().parents) if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise StoreError(
            "{folder} cannot be written. Check its permissions, or name another folder.", folder=store.folder
        )
    known, classes = store.known_manifest(), dataset.classes
    if known is None or known.joins(classes, dataset.view) or not known.members:
        return ()
    if known.classes == classes:
        return (
            Message(
                "{folder} holds models that look at photos otherwise: this training replaces them. Name another folder "
                "to keep both.",
                folder=store.folder,
            ),
        )
    return (
        Message(
            "{folder} holds models for {known}: this training replaces them with models for {classes}. Name another "
            "folder to keep both.",
            folder=store.folder,
            known=listed(map(word, known.classes.names)),
            classes=listed(map(word, classes.names)),
        ),
    )


@dataclass(frozen=True, slots=True)
class Before:
    """A product that a few photos have come to: its records and evidence, and the SHA-256 of those photos."""

    records: Mapping[str, Record]
    evidence: Evidence
    new: frozenset[str]

    def held_out(self) -> frozenset[str]:
        """The photos that the product has held out from all learning; none where each was held out in turn."""
        held = {case.sha256 for case in self.evidence.held_out}
        return frozenset(held if set(self.evidence.learnt) - held else ())


def before_few_more(store: ModelStore, dataset: Dataset) -> Before | None:
    """The product as it was trained on all but a few of these photos; None where it was not, or nothing is new."""
    manifest = store.known_manifest()
    try:
        evidence = store.evidence()
        here = {file_digest(each.path): each.label for each in (*dataset.train, *dataset.calibration)}
        shown = {file_digest(each.path) for each in dataset.test}
    except (StoreError, OSError):
        return None
    if manifest is None or not manifest.joins(dataset.classes, dataset.view) or evidence.classes != dataset.classes:
        return None
    learnt, measured = set(evidence.learnt), {case.sha256 for case in evidence.test}
    came = here.keys() - learnt
    relabelled = any(here.get(case.sha256, case.label) != case.label for case in evidence.held_out)
    if not learnt <= here.keys() or relabelled or len(came) > FEW_MORE * len(learnt) or not came | (shown - measured):
        return None
    return Before(manifest.members, evidence, frozenset(came))


@dataclass(frozen=True, slots=True)
class Staying:
    """The members that stay by name, what the manifest knows of them, and for each the photos that it has not met."""

    members: Mapping[str, Member] = field(default_factory=dict)
    records: Mapping[str, Record] = field(default_factory=dict)
    unmet: Mapping[str, list[str]] = field(default_factory=dict)
    evidence: Evidence | None = None

    def note(self) -> tuple[Message, ...]:
        """One sentence for a person, where some have not met all photos."""
        names = [name for name, unmet in self.unmet.items() if unmet]
        if not names:
            return ()
        return (
            Message(
                "{models}: not trained on {count} new photo, too few to change much. Select these models alone to "
                "train them on it.",
                "{models}: not trained on {count} new photos, too few to change much. Select these models alone to "
                "train them on all photos.",
                count=max(len(self.unmet[name]) for name in names),
                models=listed(map(model_title, names)),
            ),
        )


def staying(store: ModelStore, before: Before | None, recipe: Recipe, taught: Dataset) -> Staying:
    """Who stays of the members that a recipe names, given the photos that would teach them; nobody where all would."""
    if before is None:
        return Staying()
    found: dict[str, list[str]] = {}
    voters = recipe.voters()
    for name, kind, extractor in voters:
        record = before.records.get(name)
        if record is None or record.kind != kind or not takes_long(kind):
            continue
        source = source_of(kind, extractor, recipe.side)
        reads = getattr(source, "spec", None), source_preprocessing(source)
        unmet = _unmet(record, taught_by(KINDS[kind].lesson, taught, recipe), before, recipe)
        if (record.backbone, record.preprocessing) == reads and unmet is not None:
            found[name] = unmet
    if len(found) == len(voters):  # somebody has asked for those alone
        return Staying()
    there = store.load(runtime=forced_runtime() or TORCH).members if found else {}
    kept = {name: unmet for name, unmet in found.items() if name in there}
    records = {name: before.records[name] for name in kept}
    return Staying({name: there[name] for name in kept}, records, kept, before.evidence)


def takes_long(kind: str) -> bool:
    """Whether members of a kind read pixels or whole maps, which are not kept or of which networks learn."""
    return KINDS[kind].pixels is not None or KINDS[kind].reading not in {None, *POOLINGS}


def _unmet(record: Record, samples: Sequence[Sample], before: Before, recipe: Recipe) -> list[str] | None:
    """The SHA-256 of the few photos that a member has not learnt from; None where there is more that it lacks."""
    settings = {"seed": recipe.seed, "profile": recipe.profile.name, "balance": recipe.balance}
    if EXTENDED in record.training or any(record.training.get(name) != value for name, value in settings.items()):
        return None
    since = record.training.get(STAYED)
    new = {*before.new, *(since if isinstance(since, list) else ())}
    met = [sample for sample in samples if file_digest(sample.path) not in new]
    few = len(samples) - len(met) <= FEW_MORE * len(met)
    if not few or digest(met) != record.training.get("data"):
        return None
    return sorted({file_digest(sample.path) for sample in samples} & new)


def spoken_before(
    who: Staying, dataset: Dataset, data: Path, cache: FeatureCache, progress: Progress, evidence: Evidence
) -> Evidence | None:
    """What those who stay say of the photos of an evidence: what they said, and of new photos what they say now."""
    if who.evidence is None or not who.members:
        return None
    calibrators = {name: record.calibrator for name, record in who.records.items()}
    inspector = Inspector(Loaded(who.members, (), evidence.classes, calibrators=calibrators, view=dataset.view))
    pairs = ((evidence.held_out, who.evidence.held_out), (evidence.test, who.evidence.test))
    parts = [(now, {case.sha256: case for case in before}) for now, before in pairs]
    asked = {case.photo for now, known in parts for case in now if case.sha256 not in known}
    every = (*dataset.train, *dataset.calibration, *dataset.test)
    came: dict[str, Case] = {}
    if new := [sample for sample in every if photo_below(str(sample.path), data) in asked]:
        stage = Message("Inspecting new photos")
        scored = scoring.score_photos(inspector, new, lambda one, of: progress(stage, one / of), cache, doubts=False)
        came = {case.sha256: case for case in scored.cases}
    held, test = (
        tuple(_said_by(who, known.get(case.sha256) or came[case.sha256]) for case in now) for now, known in parts
    )
    return replace(evidence, held_out=held, test=test)


def _said_by(who: Staying, case: Case) -> Case:
    scores = tuple(each for each in case.scores if each.member in who.members)
    return replace(case, scores=scores, absent=tuple(each for each in case.absent if each.member in who.members))
