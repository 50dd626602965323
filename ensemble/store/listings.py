"""What is kept of a product's versions: a listing for each, and the bytes of their files by content.

`versions/N.json` says which file of version N has which SHA-256; `versions/objects/SHA256` are those bytes, once,
however many versions share them.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ensemble.errors import StoreError
from ensemble.store.files import digest_of, is_whole, read_text, write_atomically
from ensemble.store.loading import BACKBONES, MANIFEST
from ensemble.store.swapping import VERSIONS, sweep

FORMAT = 1
OBJECTS = "objects"
KEPT = 10  # the newest versions, beside the one in force

State = Literal["candidate", "published", "discarded"]


@dataclass(frozen=True, slots=True)
class Publication:
    """When a version came into force (UTC), by whom and why."""

    at: str
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a product: its files by SHA-256, who made it when and why, and every time that it came into force.

    `policies` are the product's own that came with its members, None where it brought none; `aside` are people's that
    do not fit its members and wait for some that they fit; both as entries of a `policies.json`.
    """

    number: int
    at: str
    author: str
    reason: str
    files: Mapping[str, str]
    state: State = "candidate"
    policies: tuple[Mapping[str, Any], ...] | None = None
    aside: tuple[Mapping[str, Any], ...] = ()
    publications: tuple[Publication, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its listing, below the product's folder."""
        return f"{VERSIONS}/{self.number}.json"

    def to_bytes(self) -> bytes:
        """The bytes of its listing."""
        return (json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_json(cls, text: str, source: str) -> "Version":
        """The inverse of `to_bytes`; a StoreError says what is wrong."""
        try:
            data = json.loads(text)
            if data.pop("format") != FORMAT:
                raise StoreError(f"{source} has another format than this Quorum reads, which is {FORMAT}. Remove it.")
            entries = {key: None if data[key] is None else tuple(data[key]) for key in ("policies", "aside")}
            publications = tuple(Publication(**each) for each in data["publications"])
            return cls(**{**data, **entries, "publications": publications})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{source} cannot be read ({type(error).__name__}: {error}). Remove it: the product itself is whole."
            ) from error


def now() -> str:
    """The time as listings keep it, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def time_of(path: Path) -> str:
    """When a file was last written, as listings keep times, in UTC."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")


def versions(folder: Path) -> tuple[Version, ...]:
    """All versions that are kept, the oldest first; a StoreError where a listing is broken."""
    paths = [path for path in (folder / VERSIONS).glob("*.json") if path.stem.isdigit()]
    found = []
    for path in sorted(paths, key=lambda path: int(path.stem)):
        try:
            found.append(Version.from_json(read_text(path), str(path)))
        except StoreError:
            if path.exists():  # else it was too old to be kept, and has gone since
                raise
    return tuple(found)


def version(folder: Path, number: int) -> Version:
    """One version by its number; a StoreError where it is not kept."""
    known = versions(folder)
    for each in known:
        if each.number == number:
            return each
    numbers = ", ".join(str(each.number) for each in known) or "none yet"
    raise StoreError(f"{folder} keeps no version {number}. Kept are {numbers}.")


def in_force(folder: Path, known: Iterable[Version]) -> Version | None:
    """The version whose manifest lies in the folder; None where a person has put other files there."""
    path = folder / MANIFEST
    digest = digest_of(path.read_bytes()) if path.is_file() else ""
    fitting = [each for each in known if each.publications and each.files.get(MANIFEST) == digest]
    return max(fitting, key=lambda each: each.publications[-1].at, default=None)


def object_path(folder: Path, digest: str) -> Path:
    """Where bytes lie by their SHA-256."""
    return folder / VERSIONS / OBJECTS / digest


def keep_object(folder: Path, data: bytes) -> str:
    """Keep bytes, and give their SHA-256."""
    digest = digest_of(data)
    path = object_path(folder, digest)
    if not is_whole(path, digest):
        write_atomically(path, data)
    return digest


def read_object(folder: Path, found: Version, file: str) -> bytes:
    """The bytes of a version's file; a StoreError where they are damaged."""
    try:
        data = object_path(folder, found.files[file]).read_bytes()
    except (OSError, KeyError):
        data = b""
    if digest_of(data) != found.files.get(file):
        raise StoreError(
            f"Version {found.number} of {folder} is damaged: {file} is missing or has changed. Take another version, "
            "or train again."
        )
    return data


def write(folder: Path, found: Version) -> Version:
    """Keep a listing, new or changed."""
    write_atomically(folder / found.name, found.to_bytes())
    return found


def prune(folder: Path, may_go: Callable[[Version], bool]) -> None:
    """Remove versions that are too old, bytes that no version lists, and what a killed process left half written."""
    known = versions(folder)
    old = [each for each in known[:-KEPT] if may_go(each)]
    for each in old:
        (folder / each.name).unlink(missing_ok=True)
    listed = {digest for each in known if each not in old for digest in each.files.values()}
    for path in (folder / VERSIONS / OBJECTS).glob("*"):
        if path.name not in listed:
            path.unlink(missing_ok=True)
    for path in (folder / VERSIONS).glob(".*.json.*"):
        path.unlink(missing_ok=True)
    sweep(folder, folder / BACKBONES, folder / VERSIONS)
