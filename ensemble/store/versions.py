"""Versions of a product: every state of its files that was in force or may come into force.

To publish is to put one of them in force at once: whatever is killed on the way, the folder then holds the old state
whole or the new one whole. To roll back is to publish an older one.
"""

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ensemble.disk.files import digest_of, now
from ensemble.policies import PolicyBook
from ensemble.store import listings, policy_history
from ensemble.store.listings import Publication, Version, read_object
from ensemble.store.loading import weights_file
from ensemble.store.manifest import Manifest
from ensemble.store.places import EVIDENCE, MANIFEST, place_of
from ensemble.store.policy_history import Entries
from ensemble.store.swapping import exclusively, is_pending, steady, swap
from ensemble.values.errors import PolicyError, StoreError
from ensemble.values.language import Message, paragraph

FOUND = "As it was found in the folder."


@dataclass(frozen=True, slots=True)
class Summary(Version):
    """A version for a person: also whether it is in force, and its members with their figures."""

    current: bool = False
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def version_history(folder: Path) -> tuple[Summary, ...]:
    """Every version that is kept, the newest first; empty where nothing has been published since versions are kept."""

    def read() -> tuple[Summary, ...]:
        known = listings.versions(folder)
        current = listings.version_in_force(folder, known)
        return tuple(_summary(folder, each, each == current) for each in reversed(known))

    return steady(folder, read)


def publish_version(
    folder: Path, number: int, author: str = "", reason: str = "", *, set_aside: Collection[str] = ()
) -> None:
    """Put a version in force, at once and whole; a StoreError where it cannot be, and then nothing has changed.

    Files of the version before that this one lacks go; files that no version knows, and those that somebody has
    replaced by hand, stay. People's policies called in `set_aside` are not carried over; see `policies_kept`.
    """
    with changing(folder):
        found = listings.version(folder, number)
        if found.state == "discarded":
            raise StoreError(
                "Version {number} of {folder} was discarded and is no more. Publish another one.",
                number=number,
                folder=folder,
            )
        put_in_force(folder, found, author, reason, set_aside)


def discard_version(folder: Path, number: int) -> None:
    """Give up a candidate: its files go, its line in the history stays; a StoreError where it is none."""
    with changing(folder):
        found = listings.version(folder, number)
        if found.state != "candidate":
            raise StoreError(
                "Version {number} of {folder} is {state}: only a candidate can be discarded.",
                number=number,
                folder=folder,
                state=found.state,
            )
        manifest = {MANIFEST: found.files[MANIFEST]}
        listings.write(folder, replace(found, state="discarded", files=manifest))


def annotate(folder: Path, number: int, notes: Mapping[str, Any]) -> None:
    """Keep plain JSON values with a version, a comparison say, beside those that it has."""
    with exclusively(folder):
        found = listings.version(folder, number)
        listings.write(folder, replace(found, notes={**found.notes, **notes}))


def amend(folder: Path, number: int, manifest: Manifest) -> None:
    """Give a candidate another manifest over the same files; a StoreError where it is none."""
    with changing(folder):
        found = listings.version(folder, number)
        if found.state != "candidate":
            raise StoreError("Version {number} is {state} and stays as it is.", number=number, state=found.state)
        digest = listings.keep_object(folder, manifest.to_json().encode())
        listings.write(folder, replace(found, files={**found.files, MANIFEST: digest}))


@contextlib.contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Alone with the versions of a product; what a killed process left half written is removed before and after.

    The state that lies in the folder is kept as a version first, where none is in force: so one can go back to it.
    """
    with exclusively(folder):
        _tidy_version(folder)
        if (folder / MANIFEST).is_file() and listings.version_in_force(folder, listings.versions(folder)) is None:
            _keep_found(folder)
        try:
            yield
        finally:
            if not is_pending(folder):
                _tidy_version(folder)


def gathered(
    folder: Path, contents: Mapping[str, bytes], manifest: Manifest, policies: Entries | None, author: str, reason: str
) -> Version:
    """A new candidate of these bytes, and of the files in the folder that its manifest vouches for beside them.

    To be called within `changing`; the bytes are kept, the listing is not yet. A file of the folder that is damaged is
    left where it is, and out of the version.
    """
    files = {name: listings.keep_object(folder, data) for name, data in contents.items()}
    for name, digest in _vouched(manifest).items():
        path = place_of(folder, name, f"The manifest of {folder}")
        if name in files or not path.is_file():
            continue
        data = path.read_bytes()
        if digest in (None, digest_of(data)):
            files[name] = listings.keep_object(folder, data)
    known = listings.versions(folder)
    number = known[-1].number + 1 if known else 1
    return Version(number, now("milliseconds"), author, reason, files, policies=policies)


def put_in_force(folder: Path, found: Version, author: str, reason: str, set_aside: Collection[str] = ()) -> None:
    """Replace what lies in the folder by a version; to be called within `changing`."""
    known = listings.versions(folder)
    once = [each for each in known if each.publications]
    last = max(once, key=lambda each: each.publications[-1].at, default=None)
    before = listings.version_in_force(folder, known) or last
    manifest = manifest_of(folder, found)
    book, aside = _policies_after(folder, found, before, manifest, set_aside)
    entry = Publication(now("milliseconds"), author, reason)
    after = replace(found, state="published", aside=aside, publications=(*found.publications, entry))

    def place() -> Iterator[tuple[str, bytes]]:
        for name in sorted(found.files.keys() - {MANIFEST}):
            data = read_object(folder, found, name)
            path = place_of(folder, name)
            if not path.is_file() or path.read_bytes() != data:
                yield name, data
        if book is not None:
            yield from policy_history.with_book(folder, book, author, _why(found, book)).items()
        yield found.name, after.to_bytes()
        yield MANIFEST, read_object(folder, found, MANIFEST)

    swap(folder, place(), _left_behind(before, found, manifest))


def manifest_of(folder: Path, found: Version) -> Manifest:
    """The manifest of a version; a StoreError where it is damaged."""
    text = read_object(folder, found, MANIFEST).decode("utf-8", errors="replace")
    return Manifest.from_json(text, f"{MANIFEST} of version {found.number}")


def book_after(folder: Path, found: Version) -> PolicyBook | None:
    """The policies that would be in force with a version; None where those of now stay."""
    known = listings.versions(folder)
    return _policies_after(folder, found, listings.version_in_force(folder, known), manifest_of(folder, found))[0]


def _why(found: Version, book: PolicyBook) -> str:
    """Where the thresholds of these policies come from: what stands in their history."""
    trained = Message("Thresholds from the training of version {number}.", number=found.number)
    came = Message("Restored with version {number}.", number=found.number) if found.publications else trained
    own = [policy.name for policy in book.policies if policy.author]
    return paragraph(came, Message("Unchanged: {policies}.", policies=", ".join(own)) if own else "")


def _policies_after(
    folder: Path, found: Version, before: Version | None, manifest: Manifest, set_aside: Collection[str] = ()
) -> tuple[PolicyBook | None, Entries]:
    """The policies to write, None where nothing is to be written, and those that wait."""
    aside = before.aside if before else ()
    try:
        book = policy_history.book_of(folder)
    except PolicyError:  # a person's to mend, and never overwritten
        return None, aside
    after, waiting = policy_history.after(book, found.policies, aside, manifest, set_aside)
    return (None if after == book else after), waiting


def _left_behind(before: Version | None, found: Version, manifest: Manifest) -> dict[str, str]:
    """Files of the version before that this one lacks, by digest; those of entries that a person must mend stay."""
    if before is None:
        return {}
    strange = tuple(manifest.unreadable)
    return {
        name: digest
        for name, digest in before.files.items()
        if name not in found.files and not (strange and name.startswith(strange))
    }


def _vouched(manifest: Manifest) -> dict[str, str | None]:
    """The files that a manifest rests on, with their SHA-256 where it says them."""
    files: dict[str, str | None] = {EVIDENCE: manifest.evidence} if manifest.evidence else {}
    backbones = [record.backbone for record in manifest.members.values() if record.backbone]
    return {**files, **dict.fromkeys(map(weights_file, backbones)), **manifest.model_files()}


def _keep_found(folder: Path) -> None:
    """Keep the state that lies in the folder as a version; a broken manifest tells no state."""
    data = (folder / MANIFEST).read_bytes()
    try:
        manifest = Manifest.from_json(data.decode("utf-8", errors="replace"), MANIFEST)
    except StoreError:
        return
    policies = policy_history.own_of_the_product(folder)
    written = datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, UTC)
    made = _trained_at(manifest) or written.isoformat(timespec="milliseconds")
    found = gathered(folder, {MANIFEST: data}, manifest, policies, "", FOUND)
    entry = Publication(now("milliseconds"), "", FOUND)
    listings.write(folder, replace(found, at=made, state="published", publications=(entry,)))


def _trained_at(manifest: Manifest) -> str:
    """When the newest of its members was trained (UTC); empty where the manifest does not say."""
    times = []
    for record in manifest.members.values():
        with contextlib.suppress(ValueError, TypeError):  # a manifest made elsewhere may hold anything
            times.append(datetime.fromisoformat(record.training.get("trained", "")).astimezone(UTC))
    return max(times).isoformat(timespec="milliseconds") if times else ""


def _tidy_version(folder: Path) -> None:
    known = listings.versions(folder)
    current = listings.version_in_force(folder, known)
    with contextlib.suppress(OSError):  # what is too much on the disk harms nobody
        listings.prune(folder, lambda each: each != current)


def _summary(folder: Path, found: Version, current: bool) -> Summary:
    try:
        members = {name: record.metrics for name, record in manifest_of(folder, found).members.items()}
    except StoreError:
        members = {}
    own = {each.name: getattr(found, each.name) for each in fields(found)}
    return Summary(**own, current=current, members=members)
