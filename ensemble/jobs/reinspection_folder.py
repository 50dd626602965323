"""The folder of one reinspection: a candidate's votes on kept photos, beside those of then, in a SQLite book."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ensemble.inspection.candidate import CandidateComparison, ComparedPhoto, comparison_of
from ensemble.inspection.kept import kept_policy
from ensemble.jobs.job_folder import FolderJob, JobFolder
from ensemble.policies import Policy
from ensemble.records.history import Filters
from ensemble.values.errors import JobError
from ensemble.values.language import Message, as_stored, restored
from ensemble.values.results import Classes

REINSPECTIONS, REINSPECTION_BOOK = "reinspections", "reinspection.sqlite"

_PHOTO_TABLE = "CREATE TABLE photos (number INTEGER PRIMARY KEY, compared TEXT NOT NULL);"


@dataclass(frozen=True, slots=True)
class ReinspectionRequest:
    """Which version of a product is tried, on which inspections before the one of a number, and who decides.

    `manifest` is the SHA-256 of the version's own: another one of that number is not taken for it. `policy` is the
    policy itself, as JSON.
    """

    models: str
    product: str
    version: int
    manifest: str
    policy: str
    classes: Classes
    filters: Filters
    before: int
    who: str = ""

    def decides(self) -> Policy:
        """The policy as it was when this began."""
        return kept_policy(self.policy)


_REQUEST: TypeAdapter[ReinspectionRequest] = TypeAdapter(ReinspectionRequest)
_COMPARED: TypeAdapter[ComparedPhoto] = TypeAdapter(ComparedPhoto)


@dataclass(frozen=True, slots=True)
class ReinspectionJob(FolderJob):
    """One reinspection: also what was asked."""

    request: ReinspectionRequest


class ReinspectionFolder(JobFolder):
    """The folder of a reinspection; a JobError where it cannot be read or written."""

    book, table, done_table = REINSPECTION_BOOK, "reinspection", "photos"
    worker = "ensemble.jobs.reinspection_worker"

    @cached_property
    def request(self) -> ReinspectionRequest:
        """What was asked for; it never changes."""
        return self.job().request

    def was_ended(self, job: FolderJob) -> str:
        """What is said of one whose process was ended before its end."""
        return Message(
            "Its process was ended after {done} of {total} inspections. Resume it: nothing is inspected twice.",
            done=job.done,
            total=job.total,
        )

    def broke_off(self, job: FolderJob, why: str) -> str:
        """What is said of one that could not go on."""
        return Message(
            "It broke off after {done} of {total} inspections; what was compared stays. {why}",
            done=job.done,
            total=job.total,
            why=why,
        )

    def tidy(self) -> None:
        """Nothing is left over: photos are read where the history has them."""

    def make(self, request: ReinspectionRequest, total: int) -> None:
        """Make the book of a new reinspection."""
        with self._open() as book, book:
            self._lay_out(book, _PHOTO_TABLE, _REQUEST.dump_json(request).decode(), total)

    def job(self) -> ReinspectionJob:
        """The reinspection as it stands in its book."""
        with self._open() as book:
            values = self._values(book)
        try:
            request = _REQUEST.validate_json(values.pop("request"))
        except ValidationError as error:
            raise JobError("{folder} was written by another Quorum. Remove it.", folder=self.folder) from error
        return ReinspectionJob(request=request, **values)

    def reached(self) -> int:
        """Before which number the inspections come that are not compared yet: they are taken the newest first."""
        with self._open() as book:
            (number,) = book.execute("SELECT min(number) FROM photos").fetchone()
        return self.request.before if number is None else int(number)

    def add(self, photos: Sequence[ComparedPhoto], **values: Any) -> None:
        """Put down what came of photos, and fields of the job, in one transaction."""
        rows = [(each.number, _COMPARED.dump_json(_storable(each)).decode()) for each in photos]
        with self._open() as book, book:
            book.executemany("INSERT OR IGNORE INTO photos VALUES (?, ?)", rows)
            self._change(book, values)

    def photos(self) -> Iterator[ComparedPhoto]:
        """What came of each photo so far, the newest first."""
        with self._open() as book:
            for (stored,) in book.execute("SELECT compared FROM photos ORDER BY number DESC"):
                found = _COMPARED.validate_json(stored)
                yield replace(found, decided=replace(found.decided, why=restored(found.decided.why)))

    def comparison(self) -> CandidateComparison:
        """What they come to so far."""
        return comparison_of(self.photos(), self.request.classes)


def _storable(photo: ComparedPhoto) -> ComparedPhoto:
    return replace(photo, decided=replace(photo.decided, why=as_stored(photo.decided.why)))
