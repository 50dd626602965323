"""What is known to limit a product, each sentence from a fact in its files."""

from collections.abc import Iterator
from pathlib import Path

from ensemble.evaluation.model_card import makeup, quality
from ensemble.evaluation.model_card.values import Section, Sources, noted, photos_digest
from ensemble.evaluation.performance import Decided
from ensemble.members import KINDS
from ensemble.metrics import costs
from ensemble.values.results import word
from ensemble.values.samples import plan_sample

WIDE = 0.05  # limits of the accuracy that lie further apart than this say little


def known_limits(sources: Sources) -> Section:
    """All known limits, the gravest first."""
    found = [
        *sources.problems,
        *_test_part_limits(sources),
        *_member_limits(sources),
        *_lessons(sources),
        *_unseen_defects(sources),
        *_file_limits(sources),
    ]
    said = tuple(found) or ("Its files tell of none.",)
    return Section("limits", "What are its known limits?", said, (), {"limits": found})


def _test_part_limits(sources: Sources) -> Iterator[str]:
    test, classes, policy = sources.test, sources.classes, sources.active
    if not test:
        yield "There are no test photos, so nothing is known of how good it is."
        return
    if classes.defect is not None:
        bad = sum(case.label == classes.defect for case in test)
        good = len(test) - bad
        if bad < costs.SAFE_NEEDS:
            least = costs.highest(0, bad)
            yield (
                f"The test part has few defective photos, {bad}: even with none escaped, the true escape rate could "
                f"still be {least} ({quality.AT_CONFIDENCE})."
            )
        if not good:
            yield "The test part has no good photos: nothing is known of overkills."
    else:
        counts = {name: sum(case.label == name for case in test) for name in classes.names}
        if missing := [word(name) for name, count in counts.items() if not count]:
            yield f"The test part has no photos of {', '.join(missing)}."
    if policy is not None:
        found = Decided.by(policy, test, classes)
        low, high = costs.binomial_limits(found.right, found.decided)
        if not found.decided:
            yield f"{policy.name} decides none of the test photos: nothing is known of how often it is right."
        elif high - low > WIDE:
            yield (
                f"The test part is small: {found.right} of {found.decided} decided photos are right, which only tells "
                f"that {costs.at_least(found.right, found.decided)} of all decided parts are ({quality.AT_CONFIDENCE})."
            )
    if shared := makeup.shared(sources):
        yield f"{shared} test photos are also among those that taught or that cuts were chosen on: the figures flatter."
    if _are_drawn(sources):
        yield "It was measured on drawn photos, by their names: how good it is on a camera's photos is unknown."


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
        yield (
            f"{', '.join(silent)} {'has' if len(silent) == 1 else 'have'} not judged the test photos, so the votes of "
            f"{'this member' if len(silent) == 1 else 'these members'} are not in any figure here."
        )
    tests = set(noted(sources, "test_data"))
    if len(tests) > 1:
        yield "Members stay from another training: not all were measured on the same test photos when they were made."
    if sources.test and tests and photos_digest(sources.test) not in tests:
        yield "The test photos of the figures here are not those that a training has noted: files may have changed."
    if len(sources.manifest.seeds()) > 1:
        yield "Members were trained with different seeds."


def _lessons(sources: Sources) -> Iterator[str]:
    classes, records = sources.classes, sources.records
    if classes.defect is None or not records:
        return
    if all(record.is_one_class(classes) for record in records.values()):
        yield "No defect has taught it: OK means like the good parts."
    drawn = [name for name, record in records.items() if record.noted("weighed").get("drawn")]
    if drawn:
        yield f"The votes of {', '.join(drawn)} were weighed by drawn damage, for want of real defects."
    if synthetic := [name for name, record in records.items() if record.noted("facts").get("synthetic")]:
        yield f"{', '.join(synthetic)} learnt damage that was drawn on good photos, for want of masks."
    if unweighed := [name for name, record in records.items() if not record.noted("weighed")]:
        yield f"What the votes of {', '.join(unweighed)} weigh rests on no measurement."
    if plain := [name for name, record in records.items() if record.calibrator.method == "none"]:
        yield f"{', '.join(plain)}: scores are not calibrated, so 0.5 is no even chance."


def _unseen_defects(sources: Sources) -> Iterator[str]:
    classes, test = sources.classes, sources.test
    if classes.defect is None or not test:
        return
    bad = [case for case in test if case.label == classes.defect]
    types = sorted({case.defect for case in bad if case.defect} - {classes.defect})
    if types:
        yield f"Types of defect other than {', '.join(name.replace('_', ' ') for name in types)} were not measured."
    elif bad:
        yield "The test photos name no types of defect, so nothing is known of each type."
    pointing = [
        name
        for name, record in sources.records.items()
        if record.kind in KINDS
        and KINDS[record.kind].lesson in ("good", "places")
        and record.metrics.get("aupro") is None
    ]
    if pointing:
        yield f"Whether {', '.join(pointing)} point at the right place was not measured, for want of masks."


def _file_limits(sources: Sources) -> Iterator[str]:
    for name in sources.manifest.unreadable:
        yield f"The entry of {name} cannot be read, so it cannot vote."
    for entry in sources.quarantine:
        yield f"{entry.file} lies beside the product and is not used. {entry.reason}"
