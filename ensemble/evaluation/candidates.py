"""A candidate beside the model in force: both on the candidate's own test photos, before anybody publishes it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ensemble.datasets.collection import Collection, is_collection
from ensemble.datasets.loading import photo_path
from ensemble.evaluation import scoring
from ensemble.evaluation.comparison import Comparison, compare
from ensemble.inspection.inspector import Inspector
from ensemble.policies.cases import Case
from ensemble.store import ModelStore
from ensemble.values.errors import DataError, StoreError
from ensemble.values.samples import Sample

Progress = Callable[[str, float], None]


def compare_with_current(
    store: ModelStore, number: int, seed: int = 0, progress: Progress = lambda _stage, _done: None
) -> Comparison | None:
    """A version against the model in force on the version's test photos; None where nothing is in force.

    What the model in force has said of a photo in its own training counts; photos that it has not judged yet it judges
    now. A DataError where the two cannot be compared.
    """
    candidate, manifest = store.at(number), store.known_manifest()
    if manifest is None or not manifest.members:
        return None
    classes = candidate.manifest().classes
    if manifest.classes != classes:
        raise DataError(
            f"The model in force tells {', '.join(manifest.classes.names)} apart, the new one "
            f"{', '.join(classes.names)}: there is nothing to compare."
        )
    evidence = candidate.evidence()
    folder = store.folder / evidence.folder
    groups = Collection(folder).groups() if is_collection(folder) else {}
    wanted = evidence.test
    before, learnt = _judged_before(store)
    missing = [case for case in wanted if case.sha256 not in before]
    if missing:
        paths = [photo_path(store.folder, evidence, case) for case in missing]
        before |= _judge(store, missing, paths, progress)
    return compare(
        [before[case.sha256] for case in wanted if case.sha256 in before],
        wanted,
        classes,
        store.policies_in_force().policies[0],
        candidate.policies()[0],
        seed,
        learnt=learnt,
        parts={digest: f"group {group}" for digest, group in groups.items()},
    )


def _judged_before(store: ModelStore) -> tuple[dict[str, Case], frozenset[str]]:
    """What the model in force said of its test photos by their SHA-256, and the photos that it has learnt from."""
    try:
        evidence = store.evidence()
    except StoreError:  # made elsewhere, or by an older Quorum: it judges all photos now
        return {}, frozenset()
    return {case.sha256: case for case in evidence.test}, frozenset(evidence.learnt)


def _judge(store: ModelStore, cases: Sequence[Case], paths: Sequence[Path], progress: Progress) -> dict[str, Case]:
    samples = [
        Sample(path, case.label, case.defect, None, case.category) for case, path in zip(cases, paths, strict=True)
    ]
    scored = scoring.score(
        Inspector.open(store), samples, lambda done, total: progress("Judging by the model in force", done / total)
    )
    return {case.sha256: case for case in scored.cases}
