"""What is known to limit a product, each sentence from a fact in its files."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ensemble.evaluation.model_card import makeup, quality
from ensemble.evaluation.model_card.values import Section, Sources, noted, photos_digest
from ensemble.evaluation.performance import Decided
from ensemble.members import KINDS
from ensemble.metrics import costs
from ensemble.store.smallest_defect import smallest_defect
from ensemble.values.language import Message, listed, paragraph
from ensemble.values.results import word
from ensemble.values.samples import plan_sample
from ensemble.values.titles import model_title, policy_title

WIDE = 0.05  # limits of the accuracy that lie further apart than this say little


def known_limits(sources: Sources) -> Section:
    """All known limits, the gravest first."""
    found = [
        *sources.problems,
        *_test_part_limits(sources),
        *_member_limits(sources),
        *_lessons(sources),
        *_unseen_defects(sources),
        *([smallest.sentence()] if (smallest := smallest_defect(sources.manifest)) else []),
        *_file_limits(sources),
    ]
    said = tuple(found) or (Message("None known."),)
    return Section("limits", Message("Known limits"), said, (), {"limits": found})


def _test_part_limits(sources: Sources) -> Iterator[str]:
    test, classes, policy = sources.test, sources.classes, sources.active
    if not test:
        yield Message("Quality unknown: no test photos.")
        return
    if classes.defect is not None:
        bad = sum(case.label == classes.defect for case in test)
        good = len(test) - bad
        if bad < costs.SAFE_NEEDS:
            least = costs.highest(0, bad)
            yield Message(
                "Few defective test photos ({photos}): even without an escape, the escape rate could be up to {limit} "
                "({sure}).",
                photos=bad,
                limit=least,
                sure=quality.AT_CONFIDENCE,
            )
        if not good:
            yield Message("Overkill rate unknown: no good test photos.")
    else:
        counts = {name: sum(case.label == name for case in test) for name in classes.names}
        if missing := [word(name) for name, count in counts.items() if not count]:
            yield Message("No test photos of {classes}.", classes=listed(missing))
    if policy is not None:
        found = Decided.by(policy, test, classes)
        low, high = costs.binomial_limits(found.right, found.decided)
        if not found.decided:
            yield Message(
                "Accuracy unknown: {policy} sends all test photos to review.", policy=policy_title(policy.name)
            )
        elif high - low > WIDE:
            yield Message(
                "Small test set: {right} of {decided} correct proves an accuracy of at least {limit} only ({sure}).",
                right=found.right,
                decided=found.decided,
                limit=costs.lowest(found.right, found.decided),
                sure=quality.AT_CONFIDENCE,
            )
    if shared := makeup.shared(sources):
        yield Message(
            "Leakage: {photos} test photos were also used for training or thresholds. Figures too optimistic.",
            photos=shared,
        )
    if _are_drawn(sources):
        yield Message("Tested on synthetic photos only; quality on camera photos is unknown.")


def _are_drawn(sources: Sources) -> bool:
    """Whether all test photos are called as this project's drawn sample calls its own."""
    stems = [Path(case.photo).stem for case in sources.test]
    numbers = [stem.rpartition("_")[2] for stem in stems]
    return all(
        number.isdecimal() and plan_sample(int(number)).stem == stem
        for stem, number in zip(stems, numbers, strict=True)
    )


def _member_limits(sources: Sources) -> Iterator[str]:
    heard = {score.member for case in sources.test for score in case.scores}
    silent = [name for name in sources.manifest.names() if name not in heard]
    if silent and sources.test:
        yield Message("Not tested, and in no figure of this card: {models}.", models=_titles(silent))
    tests = set(noted(sources, "test_data"))
    if len(tests) > 1:
        yield Message("Models from several trainings: not all were tested on the same photos.")
    if sources.test and tests and photos_digest(sources.test) not in tests:
        yield Message("The test photos differ from those recorded in training: files may have changed.")
    if len(sources.manifest.seeds()) > 1:
        yield Message("Models were trained with different seeds.")


def _lessons(sources: Sources) -> Iterator[str]:
    classes, records = sources.classes, sources.records
    if classes.defect is None or not records:
        return
    if all(record.is_one_class(classes) for record in records.values()):
        yield Message("Trained on good parts only: OK means similar to the good parts.")
    drawn = [name for name, record in records.items() if record.noted("weighed").get("drawn")]
    if drawn:
        yield Message("Weights from synthetic anomalies, for lack of real defects: {models}.", models=_titles(drawn))
    if synthetic := [name for name, record in records.items() if record.noted("facts").get("synthetic")]:
        yield Message("Trained with synthetic anomalies, for lack of masks: {models}.", models=_titles(synthetic))
    if unweighed := [name for name, record in records.items() if not record.noted("weighed")]:
        yield Message("Weights not measured: {models}.", models=_titles(unweighed))
    if plain := [name for name, record in records.items() if record.calibrator.method == "none"]:
        yield Message("Scores are not calibrated: {models}.", models=_titles(plain))


def _unseen_defects(sources: Sources) -> Iterator[str]:
    classes, test = sources.classes, sources.test
    if classes.defect is None or not test:
        return
    bad = [case for case in test if case.label == classes.defect]
    types = sorted({case.defect for case in bad if case.defect} - {classes.defect})
    if types:
        named = listed(name.replace("_", " ") for name in types)
        yield Message("Tested defect types: {types}. Others are unknown.", types=named)
    elif bad:
        yield Message("Quality by defect type unknown: the test photos name no types.")
    pointing = [
        name
        for name, record in sources.records.items()
        if record.kind in KINDS
        and KINDS[record.kind].lesson in ("good", "places")
        and record.metrics.get("aupro") is None
    ]
    if pointing:
        yield Message("Heat maps not measured, for lack of masks: {models}.", models=_titles(pointing))


def _titles(members: Iterable[str]) -> Message:
    return listed(map(model_title, members))


def _file_limits(sources: Sources) -> Iterator[str]:
    for name in sources.manifest.unreadable:
        yield makeup.unreadable_sentence(name)
    for entry in sources.quarantine:
        yield paragraph(Message("Unused file: {file}.", file=entry.file), entry.reason)
