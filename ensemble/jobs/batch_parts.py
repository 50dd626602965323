"""Parts of several views in a batch: its files grouped by what their names tell, and the verdict on each part."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from ensemble.inspection.batches import PartOfFile
from ensemble.inspection.parts import PartVerdict, part_verdict
from ensemble.jobs.batch_results import BatchLine
from ensemble.store.expected_views import ExpectedViews
from ensemble.values.results import Classes


@dataclass(frozen=True, slots=True)
class BatchPart:
    """A part with its verdict and its files, each with the view that it shows, in the order of the expected views."""

    verdict: PartVerdict
    lot: str
    files: tuple[tuple[str, BatchLine], ...]

    @property
    def empty(self) -> tuple[str, ...]:
        """The expected views that no file was meant to show."""
        return tuple(view for view in self.verdict.missing if view not in {shown for shown, _line in self.files})

    @property
    def key(self) -> tuple[str, str]:
        """What it is found by: ids may come again in another lot."""
        return self.lot, self.verdict.part


def batch_parts(
    lines: Sequence[BatchLine],
    expected: ExpectedViews,
    classes: Classes,
    given: Mapping[str, str] = MappingProxyType({}),
) -> list[BatchPart]:
    """The parts that the files' names tell, in the order in which they came; none where no views are expected.

    `given` is what is known of all parts besides. A file that could not be read leaves its part to a person.
    """
    if not expected.names:
        return []
    order = {name.lower(): (number, name) for number, name in enumerate(expected.names)}
    files: dict[tuple[str, str], list[tuple[str, BatchLine]]] = defaultdict(list)
    for line in lines:
        trace = expected.trace_of(line.name, given)
        if trace.part:
            _number, view = order.get(trace.view.lower(), (0, trace.view))
            files[trace.lot, trace.part].append((view, line))
    for found in files.values():
        found.sort(key=lambda each: order.get(each[0].lower(), (len(order), ""))[0])
    return [
        BatchPart(_judged_part(part, found, expected, classes), lot, tuple(found))
        for (lot, part), found in files.items()
    ]


def _judged_part(
    part: str, files: Sequence[tuple[str, BatchLine]], expected: ExpectedViews, classes: Classes
) -> PartVerdict:
    seen = tuple((view, line.label) for view, line in files if line.label and not line.repeated)
    unread = tuple(view for view, line in files if not line.label)
    repeated = tuple(view for view, line in files if line.label and line.repeated)
    return replace(_same_verdict(seen, unread, repeated, expected.names, classes), part=part)


@lru_cache(maxsize=1024)  # thousands of parts have the same few verdicts for the same reasons
def _same_verdict(
    seen: tuple[tuple[str, str], ...],
    unread: tuple[str, ...],
    repeated: tuple[str, ...],
    names: tuple[str, ...],
    classes: Classes,
) -> PartVerdict:
    return part_verdict("", seen, names, classes, unread=unread, repeated=repeated)


def part_of_files(parts: Sequence[BatchPart]) -> dict[int, PartOfFile]:
    """What a table says of the part of each file, by the file's place."""
    return {
        line.place: PartOfFile(part.verdict.part, view, part.verdict.label, part.verdict.reason)
        for part in parts
        for view, line in part.files
    }
