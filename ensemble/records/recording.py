"""Keeping verdicts: photo, small copy and heat map first, then the entry; a verdict that cannot be kept says so."""

import importlib.metadata
import os
import random
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from ensemble.disk.files import digest_of, now
from ensemble.imaging.overlays import thumbnail
from ensemble.imaging.photos import Photo
from ensemble.policies import Policy
from ensemble.policies.files import entry_of
from ensemble.records.chain import append, canonical
from ensemble.records.database import DATABASE_SETTING, Database, records_folder
from ensemble.records.objects import Objects, packed_map
from ensemble.records.retention import prune_at_times
from ensemble.records.settings import Keeping, settings_of
from ensemble.records.tables import inspections, policies
from ensemble.records.uses import BODIES, EVIDENCE, count_uses
from ensemble.records.values import Occasion
from ensemble.records.waiting import line_up_for_review
from ensemble.values.errors import QuorumError, RecordsError
from ensemble.values.language import Message
from ensemble.values.results import Verdict
from ensemble.values.trace import TRACE, Trace

INSPECTION = "inspection"  # the kind of its entries
SMALL_SIDE = 320  # pixels of the small copy


@dataclass(frozen=True, slots=True)
class Inspected:
    """A photo as it was judged: what it shows, the bytes that it came as, its verdict, and the part's trace.

    `place` is its place among the files of a batch. `small` is its small copy where that was made already; where it is,
    the photo need not be.
    """

    photo: Photo | None
    data: bytes
    verdict: Verdict
    trace: Trace | None = None
    place: int | None = None
    small: bytes = b""

    def small_copy(self) -> bytes:
        """A small JPEG of the photo."""
        if self.small or self.photo is None:
            return self.small
        return thumbnail(self.photo.picture, SMALL_SIDE)


@cache
def _recorder(folder: Path, url: str) -> "Recorder":
    return Recorder(Database(folder, url))


def recorder() -> "Recorder":
    """What keeps verdicts in this process, in the place that the settings name."""
    return _recorder(records_folder(), os.environ.get(DATABASE_SETTING, ""))


class Recorder:
    """Puts verdicts into the history; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.objects = Objects(database.folder)

    def settings(self, product: str) -> Keeping:
        """What is kept of a product's inspections."""
        return settings_of(self.database.folder, product)

    def keep(self, inspected: Sequence[Inspected], policy: Policy, occasion: Occasion) -> list[Verdict]:
        """The verdicts, each with the id that it is found by; all are kept together, or none.

        Demo verdicts are never kept. Where keeping fails each verdict says so, or a RecordsError refuses them where the
        product's settings ask for that.
        """
        found = [each.verdict for each in inspected]
        if not found or found[0].demo:
            return found
        try:
            keeping = self.settings(found[0].origin.product)
        except RecordsError as error:
            raise RecordsError(
                "Nothing is inspected: nobody knows what may be kept. {problem}", problem=error
            ) from error
        if keeping.keep == "nothing":
            return found
        try:
            kept = self._keep(inspected, policy, occasion, keeping)
        except QuorumError as error:
            if keeping.required:
                raise RecordsError(
                    "The inspection is refused, because it cannot be kept. {problem}", problem=error
                ) from error
            return [replace(verdict, not_kept=Message("Not kept: {problem}", problem=error)) for verdict in found]
        if keeping.is_limited:
            prune_at_times(self.database, self.objects, found[0].origin.product, keeping)
        return kept

    def _keep(
        self, inspected: Sequence[Inspected], policy: Policy, occasion: Occasion, keeping: Keeping
    ) -> list[Verdict]:
        text = canonical(entry_of(policy))
        digest = digest_of(text.encode())
        kept = [replace(each.verdict, id=uuid.uuid4().hex) for each in inspected]
        files = [_files_of(each) if keeping.keep == "everything" else {} for each in inspected]
        bodies = [
            verdict.as_json()
            | {"bytes": len(each.data)}
            | {name: self.objects.put(found[name]) if name in found else "" for name in EVIDENCE}
            | _occasion(occasion, each.trace)
            | {"policy_digest": digest, "software": software(), **_drawn_for_a_look(verdict, keeping)}
            | ({} if each.place is None else {"place": each.place})
            for each, verdict, found in zip(inspected, kept, files, strict=True)
        ]
        with self.database.writing() as connection:
            _remember_policy(connection, digest, text)
            rows = [columns_of(body) | {"number": append(connection, INSPECTION, body)} for body in bodies]
            connection.execute(insert(inspections), rows)
            for body, found in zip(bodies, files, strict=True):
                sizes = {body[name]: len(data) for name, data in found.items()}
                count_uses(connection, body["product"], sizes | {BODIES: len(canonical(body).encode())})
                for name, data in found.items():
                    if not self.objects.path(body[name]).is_file():  # retention has removed it since, as not needed
                        self.objects.put(data)
            pairs = zip(bodies, rows, strict=True)
            line_up_for_review(connection, [row for body, row in pairs if body["kept_photo"]])
        return kept


def _files_of(each: Inspected) -> dict[str, bytes]:
    """What is kept of a photo to look at, by its name in the inspection's JSON, which has the digests."""
    found = {"kept_photo": each.data, "thumbnail": each.small_copy()}
    if each.verdict.anomaly_map is not None:
        found["heat_map"] = packed_map(each.verdict.anomaly_map)
    return found


def software() -> str:
    """The version of Quorum that judges."""
    try:
        return importlib.metadata.version("quorum")
    except importlib.metadata.PackageNotFoundError:  # it runs from its own folder
        return VERSION


VERSION = "0.1.0"


def _occasion(occasion: Occasion, trace: Trace | None) -> dict[str, Any]:
    found = {"source": occasion.source, "who": occasion.who, "batch": occasion.batch, "zone": occasion.zone}
    return {**found, "trace": asdict(trace or occasion.trace)}


def _drawn_for_a_look(verdict: Verdict, keeping: Keeping) -> dict[str, Any]:
    """Whether chance draws an accepted part for a second look, and how likely that was."""
    accepted = verdict.label == verdict.classes.good and not verdict.trial
    rate = keeping.sample_rate if accepted else 0.0
    return {"sampled": random.SystemRandom().random() < rate, "sample_rate": rate}


def _remember_policy(connection: Connection, digest: str, text: str) -> None:
    if connection.execute(select(policies.c.digest).where(policies.c.digest == digest)).first() is None:
        connection.execute(insert(policies).values(digest=digest, text=text))


def columns_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What an inspection is searched by, from its JSON."""
    said = Counter(vote["label"] for vote in stored["votes"] if vote["weight"])
    thresholds = [stored[name] for name in ("ok_below", "review_from", "reject_from") if stored[name] is not None]
    compared = stored["score"] is not None and thresholds
    time = stored["time"] or now()
    return {
        **{name: stored[name] for name in ("id", "product", "verdict", "policy", "source", "who", "batch")},
        **{name: stored["trace"][name] for name in TRACE},
        "time": time,
        "model_version": stored["model_version"],
        "photo": stored["photo"],
        "sha256": stored["sha256"],
        "dissent": sum(said.values()) - max(said.values(), default=0),
        "margin": min(abs(stored["score"] - each) for each in thresholds) if compared else None,
        "trial": int(stored["trial"]),
        "sampled": int(stored["sampled"]),
    }
