"""Every state that a product's policies have had: who put it in force, when and why; what to fall back on, and to."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ensemble.errors import PolicyError, StoreError
from ensemble.policies import PolicyBook, from_json
from ensemble.store.files import read_text, write_atomically

POLICIES, HISTORY = "policies.json", "policies_history.json"
LONGEST = 200  # states that are kept
BY_HAND = "Edited in the file."


@dataclass(frozen=True, slots=True)
class Published:
    """One state of a `policies.json`: its number, when it came into force (UTC), by whom and why, and its text."""

    number: int
    at: str
    author: str
    reason: str
    text: str

    def book(self) -> PolicyBook:
        """The policies of that state."""
        return from_json(self.text, f"{HISTORY}, state {self.number}")


def history(folder: Path) -> tuple[Published, ...]:
    """All states that are known, the oldest first; a StoreError where the file is broken."""
    path = folder / HISTORY
    if not path.is_file():
        return ()
    try:
        return tuple(Published(**entry) for entry in json.loads(read_text(path))["states"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} cannot be read ({type(error).__name__}: {error}). Move it away: the policies themselves are in "
            f"{POLICIES}."
        ) from error


def publish(folder: Path, book: PolicyBook, author: str, reason: str) -> Published:
    """Put policies in force and remember them; the history first, so that no state is in force that it lacks."""
    entry = _remember(folder, book.to_json(), author, reason)
    write_atomically(folder / POLICIES, entry.text.encode())
    return entry


def remember(folder: Path, text: str) -> None:
    """Remember a text that somebody has put into the file by hand, unless it is the newest state already."""
    known = history(folder)
    if not known or known[-1].text != text:
        _remember(folder, text, "", BY_HAND)


def state(folder: Path, number: int) -> Published:
    """One state by its number; a PolicyError where there is none of that number."""
    known = history(folder)
    for entry in known:
        if entry.number == number:
            return entry
    raise PolicyError(f"There is no state {number} of the policies. Known are {_numbers(known)}.")


def last_good(folder: Path) -> PolicyBook | None:
    """The newest state that can be read; None where there is none."""
    for entry in reversed(history(folder)):
        try:
            return entry.book()
        except PolicyError:  # of an older format, say: the one before it may do
            continue
    return None


def _remember(folder: Path, text: str, author: str, reason: str) -> Published:
    known = history(folder)
    number = known[-1].number + 1 if known else 1
    entry = Published(number, datetime.now(UTC).isoformat(timespec="seconds"), author, reason, text)
    states = [asdict(each) for each in (*known, entry)[-LONGEST:]]
    write_atomically(folder / HISTORY, (json.dumps({"states": states}, indent=1, ensure_ascii=False) + "\n").encode())
    return entry


def _numbers(known: Iterable[Published]) -> str:
    return ", ".join(str(entry.number) for entry in known) or "none yet"
