"""A batch: judged in the background, whatever its visitor does meanwhile, and kept on the visitor's table."""

import logging
import secrets
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import streamlit as st

from ensemble.inspection import batches
from ensemble.inspection.batches import Judged
from ensemble.policies import Policy
from ensemble.records.recording import Inspected, recorder
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message
from ensemble.values.results import NON_DEFECTIVE, Classes, Verdict
from pages.session.background import Progress, StoppedError, Work, begin
from pages.session.inspection import inspection
from pages.session.occasions import occasion
from pages.session.products import BATCH, DEMO, classes, is_demo, mode, policy, product_name
from pages.session.tables import is_lent, lay, table
from pages.session.wishes import PRODUCT, pick

MOST_KEPT_BYTES = 200_000_000  # of the photos of one batch
PICKED, SHOWN = "_batch_picked", "_batch_shown"


@dataclass(slots=True)
class Batch:
    """A batch of one product: what has been judged of it so far, and the work that judges the rest.

    `mode` is that of the moment when it began; `product` is what a person calls the product.
    """

    mode: str
    product: str
    demo: bool
    classes: Classes
    total: int
    rows: list[Judged] = field(default_factory=list, repr=False)
    kept_bytes: int = 0  # of photos
    seconds: float = 0.0
    work: Work | None = None
    key: str = field(default_factory=lambda: secrets.token_hex(4))
    decided: tuple[Policy, list[Judged]] | None = field(default=None, repr=False)  # the rows by the policy asked last

    @property
    def running(self) -> bool:
        """Whether photos are still being judged."""
        return self.work is not None and not self.work.done

    @property
    def stopped(self) -> bool:
        """Whether somebody has ended it before its end."""
        return self.work is not None and self.work.stop and len(self.rows) < self.total

    @property
    def error(self) -> str:
        """The sentence that says why it broke off, if so."""
        return self.work.error if self.work is not None and not self.work.stop else ""

    @property
    def nbytes(self) -> int:
        """What it takes of the memory, roughly: the photos kept, small copies of all, and what is said of them."""
        return self.kept_bytes + sum(len(row.thumbnail) + 4096 for row in self.rows)

    def add(self, row: Judged) -> None:
        """Put a row to the others, with its photo while there is room: good parts leave half of it to the others."""
        good = row.verdict is not None and row.verdict.label == NON_DEFECTIVE
        room = MOST_KEPT_BYTES // 2 if good else MOST_KEPT_BYTES
        if self.kept_bytes + row.nbytes > room:
            row = row.without_photo()
        self.kept_bytes += row.nbytes
        self.rows.append(row)

    def stop(self) -> None:
        """Judge no further; what has been judged stays."""
        if self.work is not None and self.running:
            self.work.stop = True


def batch() -> Batch | None:
    """The batch of this visitor, of whatever product."""
    found: Batch | None = table().get(BATCH)
    return found


def is_of_this_product(found: Batch) -> bool:
    """Whether a batch was begun with the product that is chosen now, and in the same mode."""
    return (found.product, found.demo) == (product_name(), is_demo())


def is_up_to_date(found: Batch) -> bool:
    """Whether the members that judge now are those that have judged this batch."""
    return found.mode == mode()


def may_stop_batch() -> bool:
    """Whether this page has begun its batch, or the page that has is closed: nobody ends somebody else's work."""
    return not is_lent(BATCH)


def start_batch(files: Sequence[batches.Upload]) -> None:
    """Begin a new batch in the place of the last one; for a button's callback."""
    begun = Batch(mode(), product_name(), is_demo(), classes(), batches.count(files))
    decide, begun_by = policy(), occasion("batch", begun.key)

    def keep(inspected: Sequence[Inspected]) -> list[Verdict]:
        return recorder().keep(inspected, decide, begun_by)

    judged = batches.judge(batches.batch_entries(_one_by_one(files)), inspection(), keep)
    stop_batch()
    begun.work = begin(
        Message("Batch of {count} file", "Batch of {count} files", count=begun.total),
        lambda report: _judge(begun, judged, report),
    )
    lay(BATCH, begun)


def _one_by_one(files: Sequence[batches.Upload]) -> Iterator[batches.Upload]:
    """The files, each forgotten once it is given: uploads must not lie in memory until the last one is judged."""
    waiting = deque(files)
    while waiting:
        yield waiting.popleft()


def _judge(begun: Batch, judged: Iterator[Judged], report: Progress) -> None:
    start = time.monotonic()
    report("", 0.0)
    try:
        for row in judged:
            begun.add(row)
            begun.seconds = time.monotonic() - start
            report("", len(begun.rows) / begun.total)
    except StoppedError:
        raise
    except Exception as error:  # whatever it is, what was judged stays, and the screen must tell it
        raise _broken_off(begun, error) from error


def _broken_off(begun: Batch, error: Exception) -> QuorumError:
    """What is said of a batch that an error has ended; one that is not ours goes to the log, under a reference."""
    if isinstance(error, QuorumError):
        why = error.message
    else:
        reference = secrets.token_hex(2)
        logging.getLogger(__name__).error("Reference %s", reference, exc_info=error)
        why = Message("The log has the details (reference {reference}). Analyze the files again.", reference=reference)
    done, total = len(begun.rows), begun.total
    if done:
        return QuorumError(
            "It broke off after {done} of {total} files; what was judged stays. {why}", done=done, total=total, why=why
        )
    return QuorumError("It broke off after {done} of {total} files. {why}", done=done, total=total, why=why)


def stop_batch() -> None:
    """Judge no further; what has been judged stays. For a button's callback."""
    if (found := batch()) is not None and may_stop_batch():
        found.stop()


def show_product_of_batch() -> None:
    """Choose the product of the batch again; for a button's callback."""
    if (found := batch()) is not None:
        st.session_state[DEMO] = found.demo
        if found.product:
            pick(PRODUCT, found.product)


def batch_rows(found: Batch) -> list[Judged]:
    """What has been judged so far, by the policy that is chosen now where it decides on votes of the same members."""
    if not is_up_to_date(found):
        return list(found.rows)
    chosen = policy()
    asked, rows = found.decided or (chosen, [])
    if (asked, asked.state) != (chosen, chosen.state):
        rows = []
    rows = [*rows, *batches.decided_by(chosen, found.rows[len(rows) :])]
    found.decided = chosen, rows
    return rows


def pick_row(found: Batch, place: int | None) -> None:
    """Look at one row of a batch, by its place; None goes back to all. For a button's callback."""
    st.session_state[PICKED] = None if place is None else (found.key, place)


def picked_row(found: Batch) -> int | None:
    """The place of the row that is looked at; None where that is of another batch, or nobody has picked one."""
    key, place = st.session_state.get(PICKED) or ("", 0)
    return place if key == found.key and place < len(found.rows) else None


def show_label(label: str) -> None:
    """Show files with this verdict alone; an empty one shows all. For a button's callback."""
    st.session_state[SHOWN] = label
    st.session_state[PICKED] = None
    st.session_state.pop("batch_page", None)


def shown_label() -> str:
    """The verdict whose files alone are shown; empty where all are."""
    label: str = st.session_state.get(SHOWN, "")
    return label
