"""What is kept of a product's versions: a listing for each, and the bytes of their files by content.

`versions/N.json` says which file of version N has which SHA-256; `versions/objects/SHA256` are those bytes, once,
however many versions share them.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from ensemble.disk.files import digest_of, is_whole, parsed, read_text, write_atomically
from ensemble.store.places import (
    BACKBONES,
    MANIFEST,
    OBJECTS,
    VERSIONS,
    is_digest,
    is_listing,
    is_product_file,
    object_path,
    own_place,
    place_of,
)
from ensemble.store.swapping import LOG, TOLD, sweep_unused
from ensemble.values.errors import StoreError, readable
from ensemble.values.language import Message

LISTING_FORMAT = 1
VERSIONS_KEPT = 10  # the newest versions, beside the one in force
HALF_WRITTEN = re.compile(r"\.(.+)\.[a-z0-9_]{8}")  # what `files.write_atomically` calls a file until it is whole

VersionState = Literal["candidate", "published", "discarded"]


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
    state: VersionState = "candidate"
    policies: tuple[Mapping[str, Any], ...] | None = None
    aside: tuple[Mapping[str, Any], ...] = ()
    publications: tuple[Publication, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.number) is not int or not is_listing(f"{self.number}.json"):
            raise ValueError(f"A version has a number of 1 and more. Got {self.number!r}.")
        if not all(isinstance(text, str) for text in (self.at, self.author, self.reason)):
            raise ValueError("Time, author and reason of a version are texts.")
        if self.state not in get_args(VersionState) or not isinstance(self.notes, dict) or MANIFEST not in self.files:
            raise ValueError(f"A version is {' or '.join(get_args(VersionState))}, has notes and a {MANIFEST}.")
        for name, digest in self.files.items():
            if not is_product_file(name) or not is_digest(digest):
                raise ValueError(
                    f"A version holds files of a product by their SHA-256, 64 hexadecimal digits. Got {name!r:.80} and "
                    f"{digest!r:.80}."
                )

    @property
    def name(self) -> str:
        """Its listing, below the product's folder."""
        return f"{VERSIONS}/{self.number}.json"

    def to_bytes(self) -> bytes:
        """The bytes of its listing."""
        data = asdict(self)
        for entry in (data, *data["publications"]):
            if isinstance(entry["reason"], Message):
                entry["reason_code"] = entry["reason"].as_json()
        return (json.dumps({"format": LISTING_FORMAT, **data}, indent=1, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_json(cls, text: str, source: str) -> "Version":
        """The inverse of `to_bytes`; a StoreError says what is wrong."""
        with readable(source, Message("Remove it: the product itself is whole.")):
            data = parsed(text)
            if data.pop("format") != LISTING_FORMAT:
                raise StoreError(
                    "{source} has another format than this Quorum reads, which is {listing_format}. Remove it.",
                    source=source,
                    listing_format=LISTING_FORMAT,
                )
            for entry in (data, *data["publications"]):
                if code := entry.pop("reason_code", None):  # listings of before hold the sentence alone
                    entry["reason"] = Message.from_json(code)
            entries = {key: None if data[key] is None else tuple(data[key]) for key in ("policies", "aside")}
            publications = tuple(Publication(**each) for each in data["publications"])
            return cls(**{**data, **entries, "publications": publications})


def moment(text: str) -> datetime | None:
    """A time that was kept, in UTC where it names no zone; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def versions(folder: Path) -> tuple[Version, ...]:
    """All versions that are kept, the oldest first; a StoreError where a listing is broken."""
    paths = [path for path in (folder / VERSIONS).glob("*.json") if is_listing(path.name)]
    found = []
    for path in sorted(paths, key=lambda path: int(path.stem)):
        try:
            found.append(_numbered(Version.from_json(read_text(own_place(folder, path.name)), str(path)), path))
        except StoreError:
            if path.exists():  # else it was too old to be kept, and has gone since
                raise
    return tuple(found)


def _numbered(found: Version, path: Path) -> Version:
    if found.number != int(path.stem):
        raise StoreError(
            "{path} is the listing of version {number} by what it says. Remove it.", path=path, number=found.number
        )
    return found


def version(folder: Path, number: int) -> Version:
    """One version by its number; a StoreError where it is not kept."""
    known = versions(folder)
    for each in known:
        if each.number == number:
            return each
    numbers = ", ".join(str(each.number) for each in known) or "none yet"
    raise StoreError(
        "{folder} keeps no version {number}. Kept are {numbers}.", folder=folder, number=number, numbers=numbers
    )


def version_in_force(folder: Path, known: Iterable[Version]) -> Version | None:
    """The version whose manifest lies in the folder; None where a person has put other files there."""
    path = folder / MANIFEST
    digest = digest_of(path.read_bytes()) if path.is_file() else ""
    fitting = [each for each in known if each.publications and each.files.get(MANIFEST) == digest]
    return max(fitting, key=lambda each: each.publications[-1].at, default=None)


def number_in_force(folder: Path) -> int | None:
    """The number of the version in force; None where none is kept, or its listing cannot be read."""
    try:
        found = version_in_force(folder, versions(folder))
    except (OSError, StoreError):
        return None
    return None if found is None else found.number


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
            "Version {number} of {folder} is damaged: {file} is missing or has changed. Take another "
            "version, or train again.",
            number=found.number,
            folder=folder,
            file=file,
        )
    return data


def write(folder: Path, found: Version) -> None:
    """Keep a listing, new or changed."""
    write_atomically(place_of(folder, found.name), found.to_bytes())


def prune(folder: Path, may_go: Callable[[Version], bool]) -> None:
    """Remove versions that are too old, bytes that no version lists, and what a killed process left half written."""
    known = versions(folder)
    old = [each for each in known[:-VERSIONS_KEPT] if may_go(each)]
    for each in old:
        place_of(folder, each.name).unlink(missing_ok=True)
    listed = {digest for each in known if each not in old for digest in each.files.values()}
    for path in own_place(folder, OBJECTS).glob("*"):
        half = HALF_WRITTEN.fullmatch(path.name)
        if path.is_symlink() or path.name in listed:
            continue
        if (is_digest(path.name) and is_whole(path, path.name)) or (half and is_digest(half[1])):
            path.unlink(missing_ok=True)  # by its content or its name our own: what else lies there is a person's
    for path in (folder / VERSIONS).glob(".*"):
        half = HALF_WRITTEN.fullmatch(path.name)
        if half and (is_listing(half[1]) or half[1] in (LOG, TOLD)):
            path.unlink(missing_ok=True)
    sweep_unused(folder, folder / BACKBONES, folder / VERSIONS)
