"""A visitor's turn at the review queue: the part in hand, what is said of it, and the way back."""

import contextlib
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ensemble.features.references import ReferencePhotos
from ensemble.imaging.overlays import evidence, png
from ensemble.imaging.photos import open_own, open_photo
from ensemble.records import queue
from ensemble.records.queue import Answered, Looker, QueuedPart
from ensemble.records.recording import recorder
from ensemble.records.values import BLIND
from ensemble.records.waiting import QueueWay
from ensemble.store import ModelStore
from ensemble.store.loading import references_in
from ensemble.values.errors import PhotoError, QuorumError, RecordsError, StoreError
from ensemble.values.language import Message
from ensemble.values.results import word
from pages.session import corrections, history, person
from pages.session.keeping import kept_product
from pages.session.owners import own_collection
from pages.session.photo import Chosen
from pages.session.products import manifest, store, view
from pages.session.tables import is_open
from pages.session.told import REVIEWED, refusals_told, tell

SHIFT, HEAT = "_review", "_review_heat"
MOST_SKIPPED, MOST_UNDONE, MOST_KEYS = 500, 50, 9
PACE_OVER = 20  # answers
BY_CHANCE = ("sample", BLIND)  # nothing of these may sway whoever looks, nor tell one from the other


@dataclass(frozen=True, slots=True)
class Hand:
    """The part that a visitor looks at: why, and its photo, decoded once."""

    part: QueuedPart
    chosen: Chosen = field(repr=False)

    @property
    def number(self) -> int:
        """What tells it apart from every other one."""
        return self.part.inspection.number

    @property
    def by_chance(self) -> bool:
        """Whether chance chose it, so that nobody may see what was said of it."""
        return self.part.way in BY_CHANCE


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer that can be undone, with the number of the collection's decision that came of it."""

    answered: Answered
    decision: int | None
    at: float


@dataclass(slots=True)
class _Shift:
    """What a visitor has done of one product since the page was opened."""

    product: str
    looker: Looker
    hand: Hand | None = None
    skipped: list[int] = field(default_factory=list)
    said: list[_Said] = field(default_factory=list)
    forgotten: int = 0  # answers that can be undone no more
    defects: list[str] = field(default_factory=list)


_lent: dict[str, tuple[str, QueuedPart, Looker]] = {}  # by holder: the page that has the part
_lock = threading.Lock()


def hand() -> Hand | None:
    """The part in hand, else the next one; None where none waits for this visitor."""
    shift = _shift()
    if shift.hand is None:
        _take_back_from_closed_pages()
        shift.hand = _next(shift)
    return shift.hand


def answer(number: int, label: str, defect: str = "") -> None:
    """Keep what the visitor says of the part in hand; for a button's callback.

    A second press may come before the part after is seen: it counts for the part that it was meant for, or not at all.
    """
    shift = _shift()
    held = shift.hand
    if held is None or held.number != number:
        return
    _let_go(shift)  # whatever happens: a part that is still lent to this page comes again
    with refusals_told(REVIEWED):
        answered = queue.answer_part(recorder().database, held.part, shift.looker, label, defect)
        decision, told, doubt = None, _answered(label, defect), bool(held.part.inspection.stored["doubt"])
        try:
            if held.part.way != BLIND and not doubt:
                decision = _teach(held, label)
        except QuorumError as error:
            told = Message("{answer} The photo is not used for training: {problem}", answer=told, problem=error)
            tell(REVIEWED, told, wrong=True)
        else:
            if doubt:
                told = Message("{answer} The photo may not show this part: it is not used for training.", answer=told)
            tell(REVIEWED, told)
        shift.said.append(_Said(answered, decision, time.monotonic()))
        if len(shift.said) > MOST_UNDONE:
            shift.said.pop(0)
            shift.forgotten += 1
        if defect and defect not in shift.defects:
            shift.defects.append(defect)


def answer_with_kind(number: int, label: str, key: str) -> None:
    """Keep that the part has a defect of the kind that was typed; for a form's callback."""
    typed = " ".join(str(st.session_state.get(key) or "").split())
    known = {name.casefold(): name for name in defects()}
    if typed:
        answer(number, label, known.get(typed.casefold(), typed))
    else:
        tell(REVIEWED, Message("Type the kind of defect first."), wrong=True)


def skip(number: int) -> None:
    """Leave the part in hand to somebody else; for a button's callback."""
    shift = _shift()
    held = shift.hand
    if held is not None and held.number == number:
        _let_go(shift)
        with refusals_told(REVIEWED):
            queue.give_part_back(recorder().database, held.part, shift.looker)
            shift.skipped = [*shift.skipped, number][-MOST_SKIPPED:]
            tell(REVIEWED, Message("Skipped."))


def take_up_skipped() -> None:
    """Let the parts come again that were skipped; for a button's callback."""
    _shift().skipped = []


def undo() -> None:
    """Take back what was said last, and take up its part again; for a button's callback."""
    shift = _shift()
    if not shift.said:
        return
    last = shift.said[-1]
    with refusals_told(REVIEWED):
        _give_back(shift)
        part = queue.undo_answer(recorder().database, last.answered, shift.looker)
        shift.said.pop()
        if part is None:
            tell(REVIEWED, Message("That part was corrected elsewhere since. It stays as it is."), wrong=True)
            return
        _hold(shift, _opened(part))
        tell(REVIEWED, Message("Undone. Decide again."))
        if last.decision is not None and (collection := own_collection()) is not None:
            try:
                collection.undo(last.decision)
            except QuorumError as error:
                sentence = Message(
                    "Undone, but the photo stays in {name}: {problem}", name=collection.name, problem=error
                )
                tell(REVIEWED, sentence, wrong=True)


def can_undo() -> bool:
    """Whether there is an answer to take back."""
    return bool(_shift().said)


def leave() -> None:
    """Give the part in hand back: the visitor looks at another screen."""
    shift: _Shift | None = st.session_state.get(SHIFT)
    if shift is not None:
        with contextlib.suppress(QuorumError):  # then its time runs out
            _give_back(shift)


def begin(key: str) -> None:
    """Take the name that stands in a field as that of whoever works here; for a callback."""
    person.remember(str(st.session_state.get(key) or ""))
    if not person.name():
        tell(REVIEWED, Message("Give your name first: the history keeps who said what."), wrong=True)


def waiting() -> dict[QueueWay, int]:
    """How many parts of the chosen product wait, by why."""
    return queue.count_waiting(recorder().database, kept_product())


def skipped() -> int:
    """How many parts the visitor has left to somebody else."""
    return len(_shift().skipped)


def done() -> int:
    """How many parts the visitor has settled since the page was opened."""
    shift = _shift()
    return len(shift.said) + shift.forgotten


def pace() -> int | None:
    """How many parts an hour the visitor settles, by the last ones; None before there are enough."""
    times = [each.at for each in _shift().said[-PACE_OVER:]]
    if len(times) < 3 or times[-1] <= times[0]:
        return None
    return round(3600 * (len(times) - 1) / (times[-1] - times[0]))


def defects() -> list[str]:
    """Kinds of defects that have a key: the most frequent ones of late, and those named since; each keeps its key."""
    return _shift().defects[:MOST_KEYS]


def is_heat_shown() -> bool:
    """Whether the visitor wants to see heat maps."""
    return bool(st.session_state.get(HEAT))


def turn_heat() -> None:
    """Show heat maps, or hide them; for a button's callback."""
    st.session_state[HEAT] = not is_heat_shown()


def good_part(held: Hand) -> bytes | None:
    """A PNG of the good part that looks most like the part in hand; None where the product keeps no such photos."""
    with contextlib.suppress(StoreError, PhotoError):
        if kept := _references(str(store().folder), manifest().references):
            return png(open_own(kept.most_alike(held.chosen.photo.picture)))
    return None


@st.cache_resource(max_entries=4, show_spinner=False)
def _references(folder: str, digest: str) -> ReferencePhotos | None:
    return references_in(ModelStore(Path(folder)).path_of, digest)


def _shift() -> _Shift:
    """What this visitor is at; another product or another name begins anew, and gives back what is in hand."""
    shift: _Shift | None = st.session_state.get(SHIFT)
    product, who = kept_product(), person.name()
    if shift is not None and (shift.product, shift.looker.who) == (product, who):
        return shift
    leave()
    looker = Looker(who, uuid.uuid4().hex)
    shift = _Shift(product, looker, defects=list(queue.known_defects(recorder().database, product, MOST_KEYS)))
    st.session_state[SHIFT] = shift
    return shift


def _next(shift: _Shift) -> Hand | None:
    """Draw parts until one has its photo; those that have none are taken out of the queue, and that is told."""
    database = recorder().database
    while (part := queue.next_part(database, shift.product, shift.looker, skipped=shift.skipped)) is not None:
        try:
            return _hold(shift, _opened(part))
        except (RecordsError, PhotoError) as error:
            queue.drop_part(database, part)
            tell(REVIEWED, Message("A part cannot be reviewed any more. {problem}", problem=error), wrong=True)
    return None


def _opened(part: QueuedPart) -> Hand:
    """A part with its photo; an error says why it cannot be seen."""
    inspection = part.inspection
    data, name = history.object_of(inspection, "kept_photo"), inspection.stored["photo"]
    if data is None:
        raise RecordsError("The photo {name} is not kept any more.", name=name)
    photo = open_photo(data, name, view())
    return Hand(part, Chosen(photo, evidence(photo.picture), data))


def _hold(shift: _Shift, held: Hand) -> Hand:
    shift.hand = held
    context = get_script_run_ctx()
    with _lock:
        _lent[shift.looker.holder] = (context.session_id if context else "", held.part, shift.looker)
    return held


def _let_go(shift: _Shift) -> None:
    shift.hand = None
    with _lock:
        _lent.pop(shift.looker.holder, None)


def _give_back(shift: _Shift) -> None:
    if (held := shift.hand) is not None:
        _let_go(shift)
        queue.give_part_back(recorder().database, held.part, shift.looker)


def _take_back_from_closed_pages() -> None:
    """Let others have what was lent to pages that are open no more: a reload would else wait until its time is over."""
    with _lock:
        closed = {holder: lent for holder, lent in _lent.items() if not is_open(lent[0])}
        for holder in closed:
            del _lent[holder]
    for _session, part, looker in closed.values():
        queue.give_part_back(recorder().database, part, looker)


def _teach(held: Hand, label: str) -> int | None:
    """Put the photo with its true class into the product's collection; gives the number of the decision, if any."""
    stored = held.part.inspection.stored
    told = corrections.Correction(held.chosen.data, held.chosen.photo.name, label, stored["verdict"])
    collection, (number,) = corrections.take_in([told])
    corrections.bring_own_photos(collection)
    return number


def _answered(label: str, defect: str) -> Message:
    if defect:
        return Message("Kept: {label}, {defect}.", label=word(label), defect=defect)
    return Message("Kept: {label}.", label=word(label))
