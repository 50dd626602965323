"""Every state that a product's policies have had: who put it in force, when and why; what to fall back on, and to."""

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ensemble.disk.files import now, parsed, read_text, write_atomically
from ensemble.policies import Policy, PolicyBook, from_json, shipped
from ensemble.policies.counting import unknown_size
from ensemble.policies.files import entry_of
from ensemble.store.manifest import Manifest
from ensemble.store.places import HISTORY, POLICIES, place_of
from ensemble.store.swapping import exclusively
from ensemble.values.errors import PolicyError, QuorumError, StoreError, readable
from ensemble.values.language import Message

STATES_KEPT = 200  # states that are kept
LARGEST_POLICIES = 20_000_000  # bytes of a policies file
BY_HAND = Message("Edited in the file.")


@dataclass(frozen=True, slots=True)
class Published:
    """One state of a `policies.json`: its number, when it came into force (UTC), by whom and why, and its text.

    `reason_code` is the reason as a message is kept, None where it is somebody's own text.
    """

    number: int
    at: str
    author: str
    reason: str
    text: str
    reason_code: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if type(self.number) is not int or not all(isinstance(getattr(self, each.name), str) for each in _TEXTS):
            raise ValueError(f"A state is a number and texts. Got {self.number!r} at {self.at!r}.")
        if self.reason_code is not None:
            Message.from_json(self.reason_code)

    def why(self) -> Message:
        """Its reason, as `worded` says it."""
        return Message(self.reason) if self.reason_code is None else Message.from_json(self.reason_code)

    def book(self) -> PolicyBook:
        """The policies of that state."""
        return from_json(self.text, f"{HISTORY}, state {self.number}")


_TEXTS = fields(Published)[1:5]


def text_of(folder: Path) -> str | None:
    """The text of the product's policies file; None where it has none, a PolicyError where it cannot be read."""
    path = folder / POLICIES
    if not os.path.lexists(path):
        return None
    try:
        return read_text(path, LARGEST_POLICIES)
    except StoreError as error:
        raise PolicyError(error.message) from error


def policy_states(folder: Path) -> tuple[Published, ...]:
    """All states that are known, the oldest first; a StoreError where the file is broken."""
    path = folder / HISTORY
    if not path.is_file():
        return ()
    with readable(path, Message("Move it away: the policies themselves are in {file}.", file=POLICIES)):
        return tuple(Published(**entry) for entry in parsed(read_text(path))["states"])


def enforce_policies(folder: Path, book: PolicyBook, author: str, reason: str) -> Published:
    """Put policies in force and remember them; the history first, so that no state is in force that it lacks."""
    with exclusively(folder):
        for name, data in with_book(folder, book, author, reason).items():
            write_atomically(place_of(folder, name), data)
        return policy_states(folder)[-1]


def with_book(folder: Path, book: PolicyBook, author: str, reason: str) -> dict[str, bytes]:
    """The files of a product once these policies are in force, in the order in which to write them."""
    text = book.to_json()
    return {HISTORY: _longer(policy_states(folder), text, author, reason), POLICIES: text.encode()}


def remember(folder: Path, text: str) -> int | None:
    """The number of a text that is in the file; one that somebody has put there by hand becomes the newest state.

    None where the file holds another text by now, which the history does not know.
    """
    known = policy_states(folder)
    if not _is_newest(known, text):
        with exclusively(folder):
            known = policy_states(folder)
            if not _is_newest(known, text) and text_of(folder) == text:
                write_atomically(folder / HISTORY, _longer(known, text, "", BY_HAND))
                known = policy_states(folder)
    return _number_of(known, text)


def state(folder: Path, number: int) -> Published:
    """One state by its number; a PolicyError where there is none of that number."""
    known = policy_states(folder)
    for entry in known:
        if entry.number == number:
            return entry
    numbers = ", ".join(str(entry.number) for entry in known) or "none yet"
    raise PolicyError(
        "There is no state {number} of the policies. Known are {numbers}.", number=number, numbers=numbers
    )


def last_good(folder: Path) -> tuple[int, PolicyBook] | None:
    """The newest state that can be read, and its number; None where there is none, or no history can be read."""
    try:
        states = policy_states(folder)
    except StoreError:
        return None
    for entry in reversed(states):
        try:
            return entry.number, entry.book()
        except PolicyError:  # of an older format, say: the one before it may do
            continue
    return None


def number_of(folder: Path) -> int | None:
    """The number of the state that the file is in; None where the history does not know it, or cannot be read."""
    try:
        return _number_of(policy_states(folder), text_of(folder))
    except (OSError, QuorumError):
        return None


def _number_of(known: Sequence[Published], text: str | None) -> int | None:
    return next((entry.number for entry in reversed(known) if entry.text == text), None)


def _is_newest(known: Sequence[Published], text: str) -> bool:
    return bool(known) and known[-1].text == text


def _longer(known: Sequence[Published], text: str, author: str, reason: str) -> bytes:
    """The history with one more state."""
    number = known[-1].number + 1 if known else 1
    at = now("milliseconds")  # as fine as the times of versions beside them
    code = reason.as_json() if isinstance(reason, Message) else None
    entry = Published(number, at, author, reason, text, code)
    states = [asdict(each) for each in (*known, entry)[-STATES_KEPT:]]
    return (json.dumps({"states": states}, indent=1, ensure_ascii=False) + "\n").encode()


Entries = tuple[Mapping[str, Any], ...]


def book_of(folder: Path) -> PolicyBook | None:
    """The policies in the product's file, whatever members they name; None where it has no such file."""
    text = text_of(folder)
    return None if text is None else from_json(text, str(folder / POLICIES))


def own_of_the_product(folder: Path) -> Entries | None:
    """The policies that no person has signed; None where the product has none, or its file is broken."""
    try:
        book = book_of(folder)
    except PolicyError:
        return None
    return None if book is None else policies_as_json(policy for policy in book.policies if not policy.author)


def after(
    book: PolicyBook | None,
    brought: Entries | None,
    aside: Entries,
    manifest: Manifest,
    unwanted: Collection[str] = (),
) -> tuple[PolicyBook | None, Entries]:
    """The policies with a version's members, None where there is no need of a file, and those to set aside.

    `book` and `aside` are those of before, `brought` what came with the version; `unwanted` are people's policies, by
    name, that are not to be carried over.
    """
    new = {policy.name: policy for policy in (*shipped(manifest.classes), *_policies(brought or ()))}
    before = book.policies if book else ()
    own = {policy.name: policy for policy in (*_policies(aside), *before) if policy.author}
    useful = {name: policy for name, policy in own.items() if name not in unwanted and _fits(policy, manifest)}
    waiting = policies_as_json(policy for name, policy in own.items() if name not in useful)
    if book is None and brought is None and not useful:
        return None, waiting
    names = dict.fromkeys((*(policy.name for policy in before), *new, *useful))
    found = [useful.get(name) or new.get(name) for name in names]
    fitting = tuple(policy for policy in found if policy and _fits(policy, manifest))
    active = book.active if book and any(policy.name == book.active for policy in fitting) else fitting[0].name
    return PolicyBook(fitting, active), waiting


def policies_as_json(policies: Iterable[Policy]) -> Entries:
    """Policies as plain JSON values."""
    return tuple(entry_of(policy) for policy in policies)


def _policies(found: Sequence[Mapping[str, Any]]) -> tuple[Policy, ...]:
    return from_json(json.dumps({"policies": list(found)})).policies if found else ()


def _fits(policy: Policy, manifest: Manifest) -> bool:
    measured = not unknown_size(policy, manifest.view)
    return measured and policy.applies_to(manifest.classes) and policy.members() <= set(manifest.names())
