"""What a visitor has chosen and what was found for them; the only home of caches and session keys."""

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import streamlit as st

from ensemble import batches
from ensemble.attribution import Attribution, attribute
from ensemble.batches import Judged
from ensemble.errors import PolicyError, QuorumError, StoreError
from ensemble.figures import Scheme
from ensemble.inspector import Inspector
from ensemble.members import KINDS
from ensemble.photos import PHOTO_ENDINGS, Photo, open_photo, read_photo, safe_name
from ensemble.policies import Policy, choose, shipped
from ensemble.previews import evidence, thumbnail
from ensemble.results import OK_NOK, Classes, Verdict, Vote
from ensemble.store import Manifest, ModelStore, Quarantined, Record

HOME = Path(__file__).resolve().parents[2]
PRODUCT, POLICY, DEMO = "product", "policy", "demo"  # keys of the sidebar's widgets, and names in the page's address
CHOSEN, VERDICT, LOOKS, BATCH, SAMPLE = "_chosen", "_verdict", "_looks", "_batch", "_sample"

_turn = threading.Lock()  # one inspection at a time in a process: two at once would take turns on the same cores anyway


@dataclass(frozen=True, slots=True)
class Chosen:
    """The photo that lies on the table: decoded once, with a faithful copy to look at."""

    photo: Photo
    evidence: bytes = field(repr=False)


@dataclass(slots=True)
class Batch:
    """A batch on its way: what has been judged so far and where the rest comes from."""

    mode: str
    total: int
    coming: Iterator[Judged] | None
    rows: list[Judged] = field(default_factory=list)
    seconds: float = 0.0
    stopped: bool = False


def models_root() -> Path:
    """The folder of the products: QUORUM_MODELS, or `models` beside the entry script."""
    return Path(os.environ.get("QUORUM_MODELS") or HOME / "models")


def data_root() -> Path:
    """The folder of the photos that ship: QUORUM_DATA, or `data` beside the entry script."""
    return Path(os.environ.get("QUORUM_DATA") or HOME / "data")


def shown_path(path: Path) -> str:
    """A path as a person would type it from the project's folder."""
    whole = path.resolve()
    return str(whole.relative_to(HOME)) if whole.is_relative_to(HOME) else str(whole)


def scheme() -> Scheme:
    """Light or dark, as the visitor's browser shows the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


# ------------------------------------------------------------------------------------------------ what was chosen


def products() -> dict[str, Path]:
    """Trained products by name; empty where nothing has been trained."""
    root = models_root()
    return ModelStore(root).products() if root.is_dir() else {}


def store() -> ModelStore:
    """The store of the chosen product, or of the models' folder where there is no product yet."""
    found = products()
    name = st.session_state.get(PRODUCT)
    return ModelStore(found[name] if name in found else next(iter(found.values()), models_root()))


def is_demo() -> bool:
    """Whether dummy members vote; only a person's own switch turns this on."""
    return bool(st.session_state.get(DEMO))


def switch_demo(on: bool) -> None:
    """Turn demo mode on or off; for a button's callback."""
    st.session_state[DEMO] = on
    forget_results()


def manifest() -> Manifest:
    """The manifest of the chosen product; a StoreError where nothing in it can vote."""
    found = store().manifest()
    if not (found.members or found.unreadable):
        raise StoreError("This product has no member yet. Train one, or use demo mode.")
    return found


def records() -> Mapping[str, Record]:
    """What is known of each trained member of the chosen product; empty where nothing is trained, and in a demo."""
    try:
        return {} if is_demo() else manifest().members
    except StoreError:
        return {}


def classes() -> Classes:
    """The classes of the chosen product; in a demo without a product OK and NOK."""
    try:
        return manifest().classes
    except StoreError:
        if is_demo():
            return OK_NOK
        raise


def policies() -> tuple[Policy, ...]:
    """The policies to choose from; a demo uses those that ship, whatever the product's file says."""
    return shipped(classes()) if is_demo() else store().policies()


def policy() -> Policy:
    """The policy that was picked, else the product's first."""
    found = policies()
    try:
        return choose(found, st.session_state.get(POLICY))
    except PolicyError:  # picked for another product
        return found[0]


def obstacle() -> str | None:
    """The sentence that says why nothing can be inspected now, if so."""
    try:
        policies()
    except QuorumError as error:
        return str(error)
    return None if is_demo() else members_obstacle()


def members_obstacle() -> str | None:
    """The sentence that says why the chosen product has no member to show, if so."""
    try:
        manifest()
    except StoreError as error:
        return str(error)
    return None


def has_members() -> bool:
    """Whether the chosen product has members at all, ready or absent."""
    return members_obstacle() is None


# ------------------------------------------------------------------------------------------------ inspecting


@st.cache_resource(max_entries=2, show_spinner="Loading the models …")
def _loaded(folder: str, fingerprint: str) -> Inspector:
    return Inspector.open(ModelStore(Path(folder)))


def inspector() -> Inspector:
    """The members of the chosen product, loaded once a process; or dummies in demo mode."""
    if is_demo():
        return Inspector.for_demo(classes())
    return trained()


def trained() -> Inspector:
    """The trained members of the chosen product, whatever mode is on; a StoreError where there are none."""
    chosen = store()
    manifest()
    return _loaded(str(chosen.folder), chosen.fingerprint())


def quarantine() -> list[Quarantined]:
    """Model files of the chosen product that nobody vouches for; none of them has been opened."""
    chosen = store()
    return _quarantined(str(chosen.folder), chosen.fingerprint()) if chosen.folder.is_dir() else []


@st.cache_data(max_entries=8, show_spinner=False)
def _quarantined(folder: str, fingerprint: str) -> list[Quarantined]:
    return ModelStore(Path(folder)).quarantine()


def inspection() -> batches.Inspect:
    """What gives photos their verdicts, by the members and the policy of this moment; visitors are served in turn.

    It asks Streamlit for nothing, so that no touch on the page can break it off halfway.
    """
    members, decide = inspector(), policy()

    def inspect(photos: Sequence[Photo]) -> list[Verdict]:
        with _turn:
            return members.inspect(photos, decide)

    return inspect


def mode() -> str:
    """Changes when results of before no longer hold: another product, other files in it, demo on or off."""
    chosen = store()
    folder = chosen.folder
    return f"{'demo' if is_demo() else 'trained'} {folder} {chosen.fingerprint() if folder.is_dir() else ''}"


def forget_results() -> None:
    """Drop every verdict of this visitor."""
    for key in (VERDICT, LOOKS, BATCH):
        st.session_state.pop(key, None)


# ------------------------------------------------------------------------------------------------ one photo


def choose_photo(data: bytes, name: str) -> Chosen:
    """Put a photo on the table; a PhotoError says why it cannot lie there. The same one is not decoded again."""
    digest = hashlib.sha256(data).hexdigest()
    lying: Chosen | None = st.session_state.get(CHOSEN)
    if lying is None or lying.photo.sha256 != digest:
        st.session_state.pop(CHOSEN, None)
        photo = open_photo(data, name)
        lying = Chosen(photo, evidence(photo.picture))
    st.session_state[CHOSEN] = lying = replace(lying, photo=replace(lying.photo, name=safe_name(name)))
    return lying


def analyze(chosen: Chosen) -> None:
    """Have the photo judged and keep its verdict."""
    st.session_state.pop(VERDICT, None)
    key = mode()
    st.session_state[VERDICT] = (key, inspection()([chosen.photo])[0])


def verdict_of(chosen: Chosen) -> Verdict | None:
    """The verdict on this very photo, by the policy that is chosen now; None where it has not been judged."""
    key, verdict = st.session_state.get(VERDICT, ("", None))
    if verdict is None or key != mode() or verdict.sha256 != chosen.photo.sha256:
        st.session_state.pop(VERDICT, None)
        return None
    return replace(policy().revise(verdict), photo=chosen.photo.name)


def can_point(verdict: Verdict) -> bool:
    """Whether any voter of this verdict can say where: by a map, or as a detector, even one that found nothing."""
    kinds = {name: record.kind for name, record in records().items()}
    detectors = [vote for vote in verdict.votes if lesson_of(kinds.get(vote.member, "")) == "masks"]
    return verdict.heat is not None or bool(verdict.regions or detectors)


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
    with _turn:
        found = attribute(member, vote.member, chosen.photo.picture, vote.label)
    key = _look_key(chosen, vote)
    looks: dict[tuple[str, ...], Attribution] = st.session_state.get(LOOKS, {})
    st.session_state[LOOKS] = {known: each for known, each in looks.items() if known[:2] == key[:2]} | {key: found}


def _look_key(chosen: Chosen, vote: Vote) -> tuple[str, ...]:
    return mode(), chosen.photo.sha256, vote.member, vote.label


# ------------------------------------------------------------------------------------------------ many photos


def batch() -> Batch | None:
    """The batch of this visitor, unless it belongs to another mode."""
    found: Batch | None = st.session_state.get(BATCH)
    if found is not None and found.mode != mode():
        st.session_state.pop(BATCH)
        return None
    return found


def start_batch(files: Sequence[batches.File]) -> None:
    """Begin a new batch in the place of the last one; for a button's callback."""
    st.session_state[BATCH] = Batch(mode(), batches.count(files), batches.judge(batches.entries(files), inspection()))


def stop_batch() -> None:
    """Judge no further; what has been judged stays. For a button's callback."""
    found: Batch | None = st.session_state.get(BATCH)
    if found is not None:
        found.coming, found.stopped = None, True


def batch_rows(found: Batch) -> list[Judged]:
    """What has been judged so far, by the policy that is chosen now."""
    return batches.decided_by(policy(), found.rows)


# ------------------------------------------------------------------------------------------------ sample photos


def samples() -> list[Path]:
    """Photos of the chosen product's test part that ship with the project, its classes in turn."""
    folder = store().folder
    root = data_root() if folder == models_root() else data_root() / folder.name
    by_class: dict[str, list[Path]] = {}
    for path in sorted((root / "test").glob("*/*")):
        if path.suffix.lower() in PHOTO_ENDINGS:
            by_class.setdefault(path.parent.name, []).append(path)
    longest = max(map(len, by_class.values()), default=0)
    return [paths[place] for place in range(longest) for paths in by_class.values() if place < len(paths)]


def sample_thumbnail(path: Path) -> bytes:
    """A small copy of a sample photo."""
    return _thumbnail(str(path), path.stat().st_mtime_ns)


@st.cache_data(max_entries=512, show_spinner=False)
def _thumbnail(path: str, changed: int) -> bytes:
    return thumbnail(read_photo(Path(path)).picture)


def pick_sample(path: Path) -> None:
    """Choose a sample photo; for a button's callback."""
    st.session_state[SAMPLE] = str(path)


def picked_sample() -> Path | None:
    """The sample photo that was chosen, while it is one of the product's."""
    picked = st.session_state.get(SAMPLE)
    return next((path for path in samples() if str(path) == picked), None)
