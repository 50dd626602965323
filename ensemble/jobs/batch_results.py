"""What came of a batch, read from its folder and from the history a few files at a time."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ensemble.inspection.batches import Judged
from ensemble.inspection.exports import stored_scores
from ensemble.inspection.kept import classes_of, kept_verdict
from ensemble.jobs.batch_folder import BatchFile, BatchFolder
from ensemble.policies import Policy
from ensemble.records.batch_history import stored_by_id
from ensemble.records.objects import Objects, unpacked_map
from ensemble.records.recording import recorder
from ensemble.values.errors import RecordsError
from ensemble.values.language import Message
from ensemble.values.results import REVIEW, Absence

RESULTS_AT_ONCE = 200  # files
REMOVED = Message("Its verdict was removed from the history.")


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One file of a batch in short: its place, its name, what became of it, and whether members disagree.

    `label` is empty where it could not be read; `repeated` is true where an earlier file has the very same bytes.
    """

    place: int
    name: str
    label: str
    disputed: bool
    repeated: bool


class BatchResults:
    """The files of a batch, by the policy that it began with or by another one on the same votes."""

    def __init__(self, folder: BatchFolder, policy: Policy | None = None) -> None:
        self.folder = folder
        self.policy = policy or folder.request.decides()

    def lines(self) -> list[BatchLine]:
        """All files that were judged so far, in short, by the policy that the batch began with."""
        return [BatchLine(*line) for line in self.folder.lines()]

    def decided(self, places: Sequence[int]) -> Iterator[BatchLine]:
        """These files in short, by this policy: their votes are read and no model runs."""
        for file, _deciding, stored in self._stored(places):
            label, disputed = ("", False) if stored is None else label_and_dispute(stored, self.policy)
            yield BatchLine(file.place, file.name, label, disputed, file.first is not None)

    def judged(self, places: Iterable[int], *, seen: bool = False, whole: bool = False) -> Iterator[Judged]:
        """These files with their verdicts; `seen` with small copies, `whole` with photo and heat map."""
        for file, deciding, stored in self._stored(places):
            yield self._judged(file, deciding, stored, seen=seen, whole=whole)

    def _stored(self, places: Iterable[int]) -> Iterator[tuple[BatchFile, BatchFile, Mapping[str, Any] | None]]:
        """Of each file what came of it, what came of the one whose verdict it has, and that verdict's JSON."""
        waiting = list(places)
        for start in range(0, len(waiting), RESULTS_AT_ONCE):
            chosen = waiting[start : start + RESULTS_AT_ONCE]
            files = self.folder.files(chosen)
            firsts = self.folder.files([each.first for each in files.values() if each.first is not None])
            called = {each.inspection for each in (*files.values(), *firsts.values()) if each.inspection}
            kept = stored_by_id(recorder().database, list(called))
            for file in (files[place] for place in chosen if place in files):
                deciding = file if file.first is None else firsts.get(file.first, file)
                own = json.loads(deciding.stored) if deciding.stored else None
                yield file, deciding, own or kept.get(deciding.inspection)

    def _judged(
        self, file: BatchFile, deciding: BatchFile, stored: Mapping[str, Any] | None, *, seen: bool, whole: bool
    ) -> Judged:
        if deciding.error:
            return Judged(file.name, error=deciding.error, place=file.place)
        repeats = deciding.name if deciding is not file else ""
        found = Judged(file.name, error=REMOVED, repeats=repeats, place=file.place, first=file.first)
        if stored is None:
            return found
        verdict = replace(self.policy.revise(kept_verdict(stored)), photo=file.name)
        found = replace(found, verdict=verdict, error="")
        if seen or whole:
            found = replace(found, thumbnail=self._bytes("thumbnail", deciding, stored))
        if whole:
            heat = self._bytes("heat_map", deciding, stored)
            heat_map = unpacked_map(heat) if heat else None
            found = replace(found, data=self._bytes("kept_photo", deciding, stored), anomaly_map=heat_map)
        return found

    def _bytes(self, name: str, file: BatchFile, stored: Mapping[str, Any]) -> bytes:
        """A photo, small copy or heat map, from the batch's own folder or from the history; empty where it is gone."""
        own = file.evidence.get(name, "")
        objects = Objects(self.folder.folder) if own else recorder().objects
        digest = own or stored.get(name) or ""
        try:
            return (objects.get(digest) if digest else None) or b""
        except RecordsError:  # other bytes lie there: they are not shown as this part's
            return b""


def label_and_dispute(stored: Mapping[str, Any], policy: Policy) -> tuple[str, bool]:
    """What a policy makes of a stored verdict's votes, and whether these differ; without reasons, for thousands."""
    classes = classes_of(stored)
    scores = stored_scores(stored)
    absent = [
        Absence(each["member"], "", each["weight"], asked=key == "absent")
        for key in ("absent", "unasked")
        for each in stored[key]
    ]
    label = REVIEW if stored["doubt"] else policy.label(scores, absent, classes)
    return label, len({policy.cast(score, classes).label for score in scores}) > 1
