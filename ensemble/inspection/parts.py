"""One verdict for a part that several photos show: the worst view decides, and none may be missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ensemble.values.language import Message, listed, paragraph
from ensemble.values.results import REVIEW, Classes, word

MOST_VIEWS = 100  # photos of one part


@dataclass(frozen=True, slots=True)
class PartVerdict:
    """What is said of a part, and why; `views` are the labels by view, the worst where a view was seen twice."""

    part: str
    label: str
    reason: Message
    views: Mapping[str, str]
    missing: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "part": self.part,
            "verdict": self.label,
            "word": word(self.label),
            "reason": self.reason,
            "reason_code": self.reason.as_json(),
            "views": dict(self.views),
            "missing": list(self.missing),
        }


def part_verdict(
    part: str,
    seen: Sequence[tuple[str, str]],
    expected: Sequence[str],
    classes: Classes,
    *,
    unread: Sequence[str] = (),
    repeated: Sequence[str] = (),
) -> PartVerdict:
    """The verdict on a part by the label of each photo, with the view that it shows.

    It is good where every expected view is there and all are good. The defect in any view rejects it; else a view that
    is missing, or left to a person, leaves the part to one. Where no class is the defect, all views must say the same.
    `unread` are the views of photos that could not be read, `repeated` those of photos that are the very same as
    another one: one photo shows one view.
    """
    names = {name.lower(): name for name in expected}
    told = [(names.get(view.lower(), view), label) for view, label in seen]
    views: dict[str, str] = {}
    for view, label in told:
        views[view] = _worst([label, *([views[view]] if view in views else [])], classes)
    missing = tuple(name for name in expected if name not in views)
    label = _worst(list(views.values()), classes) if views else REVIEW
    many = len(seen) + len(unread) + len(repeated) > MOST_VIEWS
    if (missing or unread or many) and label != classes.defect:
        label = REVIEW
    lost = [names.get(view.lower(), view) for view in unread]
    same = [view for each in repeated if (view := names.get(each.lower(), each)) not in views]
    notes = [
        Message("Not readable: {names}.", names=_view_names(lost)) if lost else "",
        Message("The same photo as another one, not counted: {names}.", names=_view_names(same)) if same else "",
        Message("More than {most} photos of one part: check what tells parts apart.", most=MOST_VIEWS) if many else "",
    ]
    reason = paragraph(_part_reason(label, views, missing, told, expected), *notes)
    return PartVerdict(part, label, reason, views, missing)


def views_told(photos: Sequence[tuple[str, str, str]]) -> tuple[list[tuple[str, str]], list[str]]:
    """View and label of each photo from its view, digest and label, the oldest first, and the views of repeated ones.

    A photo that comes again as the view that it showed before counts again; as another view it does not.
    """
    shown: dict[str, str] = {}
    seen, repeated = [], []
    for view, digest, label in photos:
        if shown.setdefault(digest, view.lower()) == view.lower():
            seen.append((view, label))
        else:
            repeated.append(view)
    return seen, repeated


def _view_names(views: Sequence[str]) -> Message:
    """Views by their names, each once."""
    return listed(view or Message("no view named") for view in dict.fromkeys(views))


def _worst(labels: Sequence[str], classes: Classes) -> str:
    if classes.defect is not None and classes.defect in labels:
        return classes.defect
    return labels[0] if len(set(labels)) == 1 else REVIEW


def _part_reason(
    label: str,
    views: Mapping[str, str],
    missing: Sequence[str],
    told: Sequence[tuple[str, str]],
    expected: Sequence[str],
) -> Message:
    deciding = [view for view, said in views.items() if said == label]
    twice = [view for view, count in Counter(view for view, _ in told).items() if count > 1]
    strange = [view for view in views if expected and view not in expected]
    sentences = [
        Message(
            "{seen} of {count} view: {verdict}.",
            "{seen} of {count} views: {verdict}.",
            count=len(views),
            seen=len(deciding),
            verdict=Message(word(label)),
        )
        if deciding
        else "",
        Message("Missing view: {names}.", names=_view_names(missing)) if missing else "",
        Message("Seen more than once, the worst counts: {names}.", names=_view_names(twice)) if twice else "",
        Message("Not an expected view: {names}.", names=_view_names(strange)) if strange else "",
        "" if len(set(views.values())) < 2 or deciding else Message("The views do not say the same."),
    ]
    return paragraph(*sentences)
