"""The photo on the table, its verdict, and what members looked at."""

import hashlib
from dataclasses import dataclass, field, replace

import streamlit as st

from ensemble.imaging.overlays import evidence, png, thumbnail
from ensemble.imaging.photos import Photo, open_own, open_photo
from ensemble.inspection.attribution import Attribution, attribute
from ensemble.members import KINDS
from ensemble.records.recording import Inspected, recorder
from ensemble.store.expected_views import expected_views
from ensemble.values.errors import PhotoError
from ensemble.values.results import Classes, Verdict, Vote
from ensemble.values.safe_names import safe_name
from pages.session.inspection import inspection, trained, turn
from pages.session.occasions import occasion
from pages.session.products import CHOSEN, LOOKS, VERDICTS, mode, policy, records, store, view
from pages.session.tables import lay, table, take_off


@dataclass(frozen=True, slots=True)
class Chosen:
    """The photo that lies on the table: its bytes, decoded once, with a faithful copy to look at."""

    photo: Photo
    evidence: bytes = field(repr=False)
    data: bytes = field(repr=False)

    @property
    def nbytes(self) -> int:
        """What it takes of the memory, roughly."""
        width, height = self.photo.picture.size
        return len(self.data) + len(self.evidence) + 3 * width * height


LAST, MOST_LAST = "_last_verdicts", 10
MOST_VERDICTS = 200  # of photos that lie before one visitor; with their heat maps some 30 kB each


@dataclass(frozen=True, slots=True)
class LastVerdict:
    """A small copy of a photo that was judged, and its verdict."""

    name: str
    thumbnail: bytes = field(repr=False)
    label: str
    classes: Classes
    demo: bool


def choose_photo(data: bytes, name: str) -> Chosen:
    """Put a photo on the table; a PhotoError says why it cannot lie there. The same one is not decoded again."""
    digest = hashlib.sha256(data).hexdigest()
    lying = chosen_photo()
    if lying is not None and (lying.photo.sha256, lying.photo.name) == (digest, safe_name(name)):
        return lying
    if lying is None or lying.photo.sha256 != digest:
        take_off(CHOSEN)
        photo = open_photo(data, name, view())
        lying = Chosen(photo, evidence(photo.picture), data)
    lying = replace(lying, photo=replace(lying.photo, name=safe_name(name)))
    lay(CHOSEN, lying)
    return lying


def chosen_photo() -> Chosen | None:
    """The photo that lies on the table, whatever way it came there."""
    lying: Chosen | None = table().get(CHOSEN)
    if lying is not None and (seen := lying.photo.seen(view())) is not lying.photo:  # another product was chosen
        lying = replace(lying, photo=seen, evidence=evidence(seen.picture))
        lay(CHOSEN, lying)
    return lying


def remove_photo() -> None:
    """Take the photo that is open off the table."""
    take_off(CHOSEN)
    st.session_state.pop(LOOKS, None)


def analyze(chosen: Chosen) -> None:
    """Have the photo judged and keep its verdict, beside those on the other photos and in the history."""
    key, digest = mode(), chosen.photo.sha256
    others = {known: kept for known, kept in _verdicts().items() if known != digest}
    lay(VERDICTS, others)
    trace = expected_views(store().folder).trace_of(chosen.photo.name)
    judged = Inspected(chosen.photo, chosen.data, inspection()([chosen.photo])[0], trace)
    (verdict,) = recorder().keep([judged], policy(), occasion("screen"))
    lay(VERDICTS, dict([*others.items(), (digest, (key, verdict))][-MOST_VERDICTS:]))
    small = thumbnail(chosen.photo.picture)
    newest = LastVerdict(chosen.photo.name, small, verdict.label, verdict.classes, verdict.demo)
    st.session_state[LAST] = (newest, *last_verdicts())[:MOST_LAST]


def last_verdicts() -> tuple[LastVerdict, ...]:
    """The last photos that were judged, the newest first, each with the verdict that it got."""
    found: tuple[LastVerdict, ...] = st.session_state.get(LAST, ())
    return found


def verdict_of(chosen: Chosen) -> Verdict | None:
    """The verdict on this very photo, by the policy that is chosen now; None where it has not been judged."""
    found = _verdicts().get(chosen.photo.sha256)
    if found is None or found[0] != mode():
        return None
    return replace(policy().revise(found[1]), photo=chosen.photo.name)


def verdict_called(name: str) -> Verdict | None:
    """The verdict on the photo that was judged under this name, by the policy that is chosen now; None without one."""
    given = (verdict for rests_on, verdict in _verdicts().values() if rests_on == mode() and verdict.photo == name)
    found = next(given, None)
    return None if found is None else policy().revise(found)


def forget_other_verdicts() -> None:
    """Drop all verdicts but that on the photo that is open: the same one may come again under another name."""
    lying = chosen_photo()
    lay(VERDICTS, {known: kept for known, kept in _verdicts().items() if lying and known == lying.photo.sha256})


def _verdicts() -> dict[str, tuple[str, Verdict]]:
    """Verdicts by their photo's digest, each with what it rests on, see `mode`."""
    found: dict[str, tuple[str, Verdict]] = table().get(VERDICTS, {})
    return found


def can_point(verdict: Verdict) -> bool:
    """Whether any voter of this verdict can say where: by a map, or as a detector, even one that found nothing."""
    kinds = {name: record.kind for name, record in records().items()}
    detectors = [vote for vote in verdict.votes if lesson_of(kinds.get(vote.member, "")) == "masks"]
    return verdict.anomaly_map is not None or bool(verdict.regions or detectors)


def reference_of(verdict: Verdict) -> bytes | None:
    """A PNG of the good part that is most like the judged one; None where the product keeps no such photos."""
    kept = trained().references if verdict.reference is not None and not verdict.demo else None
    if kept is None or verdict.reference is None or verdict.reference >= len(kept.photos):
        return None
    try:
        return png(open_own(kept.photos[verdict.reference]))
    except PhotoError:  # a photo less to look at is no reason to show no verdict
        return None


def learns_from_all(member: str) -> bool:
    """Whether a trained member has learnt from photos of all classes, and so has no map of its own."""
    record = records().get(member)
    return record is not None and lesson_of(record.kind) == "all"


def lesson_of(kind: str) -> str | None:
    """What members of a kind learn from; None where the kind is unknown."""
    return KINDS[kind].lesson if kind in KINDS else None


def look_of(chosen: Chosen, vote: Vote) -> Attribution | None:
    """What a member looked at when it voted so on this very photo; None where nobody has asked."""
    looks: dict[tuple[str, ...], Attribution] = st.session_state.get(LOOKS, {})
    return looks.get(_look_key(chosen, vote))


def look(chosen: Chosen, vote: Vote) -> None:
    """Ask what a member looked at, and keep the answer while this photo lies on the table."""
    member = trained().members[vote.member]
    with turn:
        shown = trained().look(chosen.photo.picture) or chosen.photo.picture
        found = attribute(member, vote.member, shown, vote.label)
    key = _look_key(chosen, vote)
    looks: dict[tuple[str, ...], Attribution] = st.session_state.get(LOOKS, {})
    st.session_state[LOOKS] = {known: each for known, each in looks.items() if known[:2] == key[:2]} | {key: found}


def _look_key(chosen: Chosen, vote: Vote) -> tuple[str, ...]:
    return mode(), chosen.photo.sha256, vote.member, vote.label
