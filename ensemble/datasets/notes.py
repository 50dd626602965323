"""What must be said of labelled photos before they teach or measure: masks, labels, duplicates, what is missing."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ensemble.imaging.photos import file_digest
from ensemble.importers.mask_files import contradictions, misfit
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.results import Classes
from ensemble.values.samples import Dataset, Sample


def all_teach(count: int) -> Message:
    """That there are so few good photos that all of them teach."""
    return Message(
        "No test part: all of {count} good photo are used for training, and quality is not measured. Put more photos "
        "into test/good and test/defective.",
        "No test part: all of {count} good photos are used for training, and quality is not measured. Put more photos "
        "into test/good and test/defective.",
        count=count,
    )


def two_labels(count: int, group: Mapping[Path, str]) -> Message:
    """That photos stand under two labels, with one of them that lies in two places."""
    (one, label), (other, second), *_ = group.items()
    return Message(
        "{count} photo teaches and measures nothing, because the same bytes stand under two labels, such as {one} "
        "({label}) and {other} ({second}). Keep each under one.",
        "{count} photos teach and measure nothing, because the same bytes stand under two labels, such as {one} "
        "({label}) and {other} ({second}). Keep each under one.",
        count=count,
        one=f"{one.parent.name}/{one.name}",
        label=label,
        other=f"{other.parent.name}/{other.name}",
        second=second,
    )


def empty_masks(samples: Iterable[Sample], classes: Classes) -> tuple[str, ...]:
    """Notes on masks of defective photos that mark nothing, or all of the border; they are decoded."""
    if classes.good is None:
        return ()
    masks = [(sample.mask, False) for sample in samples if sample.mask is not None and sample.label != classes.good]
    return contradictions(masks, Message("Where the defects are is not known there: mend the masks."))


def refuse_misfits(samples: Iterable[Sample]) -> None:
    """A DataError at the first mask that has another size than its photo; only headers are read."""
    for sample in samples:
        if sample.mask is not None and (reason := misfit(sample.mask, sample.path)):
            raise DataError(
                "The mask {mask} {reason}. Export the mask at the size of the photo.", mask=sample.mask, reason=reason
            )


def mixed_seeds(seeds: Sequence[int]) -> tuple[str, ...]:
    """A note where the models that are measured were trained with several seeds."""
    if len(seeds) < 2:
        return ()
    said = Message(
        "The models were trained with the seeds {seeds}, so some were trained on these test photos: quality is too "
        "optimistic. Train them with one seed, or put photos into test/.",
        seeds=", ".join(map(str, seeds)),
    )
    return (said,)


def unmasked(samples: Sequence[Sample], classes: Classes) -> tuple[str, ...]:
    """A note where some defective photos have a mask and others have none."""
    damaged = [sample for sample in samples if sample.label != classes.good]
    bare = [sample.path for sample in damaged if sample.mask is None]
    if not bare or len(bare) == len(damaged) or classes.defect is None:
        return ()
    example = f"{bare[0].parent.name}/{bare[0].name}"
    said = Message(
        "{bare} of {damaged} defective photos have no mask, such as {example}: where their defects are is not known.",
        bare=len(bare),
        damaged=len(damaged),
        example=example,
    )
    return (said,)


def unmeasured(samples: Sequence[Sample], classes: Classes) -> tuple[str, ...]:
    """A note for the classes that a test part has no photos of."""
    seen = {sample.label for sample in samples}
    missing = [name for name in classes.names if name not in seen]
    if not missing:
        return ()
    names = ", ".join(missing)
    if classes.defect and missing[0] == classes.defect:
        return (Message("The test part has no photos of {names}: escapes cannot be measured.", names=names),)
    if classes.defect and missing[0] == classes.good:
        return (Message("The test part has no photos of {names}: overkill cannot be measured.", names=names),)
    return (Message("The test part has no photos of {names}: nothing is measured of them.", names=names),)


def shared_photos(dataset: Dataset) -> tuple[str, ...]:
    """A note where photos of the test part are among those that teach."""
    learnt = {file_digest(sample.path) for sample in (*dataset.train, *dataset.calibration)}
    across = [sample.path.name for sample in dataset.test if file_digest(sample.path) in learnt]
    if not across:
        return ()
    said = Message(
        "{count} photo of the test part is also in the training part, such as {example}: the measured quality is "
        "flattered. Remove it from one part.",
        "{count} photos of the test part are also in the training part, such as {example}: the measured quality is "
        "flattered. Remove them from one part.",
        count=len(across),
        example=across[0],
    )
    return (said,)
