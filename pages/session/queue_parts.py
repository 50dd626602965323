"""The part that the photo on the table shows, by the photos before this visitor that show it too."""

from dataclasses import dataclass

from ensemble.inspection.parts import PartVerdict, part_verdict
from ensemble.values.safe_names import safe_name
from ensemble.values.trace import Trace
from pages.session.part_views import views_expected
from pages.session.photo import Chosen, verdict_called, verdict_of
from pages.session.products import classes
from pages.session.queue import queue


@dataclass(frozen=True, slots=True)
class PartSoFar:
    """A part with its verdict by the photos that were judged; `waiting` are views whose photos were not yet."""

    verdict: PartVerdict
    trace: Trace
    expected: tuple[str, ...]
    waiting: tuple[str, ...]
    kept: bool


def part_so_far(chosen: Chosen) -> PartSoFar | None:
    """The part of this photo; None where its product expects no views, or its name tells no part.

    A StoreError where nobody knows which views are expected.
    """
    expected = views_expected()
    trace, line = expected.trace_of(chosen.photo.name), queue()
    if not (expected.names and trace.part and line is not None):
        return None
    names = {name.lower(): name for name in expected.names}
    seen, waiting, repeated, kept = [], [], [], False
    for name in dict.fromkeys(safe_name(each.name) for each in line.photos):
        told = expected.trace_of(name)
        if (told.part, told.lot) != (trace.part, trace.lot):
            continue
        verdict = verdict_called(name)
        if verdict is not None:
            seen.append((told.view, verdict.label))
            kept = kept or bool(verdict.id)
        elif name == chosen.photo.name and verdict_of(chosen) is not None:  # judged before, under another name
            repeated.append(told.view)
        else:
            waiting.append(names.get(told.view.lower(), told.view))
    if not (seen or repeated):
        return None
    verdict_so_far = part_verdict(trace.part, seen, expected.names, classes(), repeated=repeated)
    return PartSoFar(verdict_so_far, trace, expected.names, tuple(waiting), kept)
