"""Trainings: what can teach, which are going on, which versions they have left, and putting one of them in force."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import streamlit as st

from ensemble import jobs
from ensemble.datasets.collection import Collection, collections, is_collection
from ensemble.datasets.loading import find_dataset
from ensemble.disk.files import fingerprint
from ensemble.evaluation.publication import Effects, effects_of
from ensemble.features.backbones import DEFAULT_TRIO, LIGHT_TRIO, find_weights
from ensemble.features.included import usual_backbones
from ensemble.features.weights import setting_folders
from ensemble.jobs import Job
from ensemble.jobs.estimate import expected_seconds, training_stages
from ensemble.jobs.ledger import Ledger
from ensemble.store import ModelStore, swapping, versions
from ensemble.store.places import MANIFEST, NEXT_VIEW, POLICIES
from ensemble.store.seeing import view_for_training
from ensemble.store.versions import Summary
from ensemble.training.own_photos import missing_photos
from ensemble.training.reading import teachable
from ensemble.training.recipe import PROFILES
from ensemble.values.errors import QuorumError, StoreError, WeightsError
from ensemble.values.language import Message
from ensemble.values.safe_names import clean_name
from ensemble.values.training import TrainingRequest
from pages.session.owners import collections_root, owner_of, product_called
from pages.session.products import data_root, forget_results, models_root, products, store
from pages.session.tables import lay, table
from pages.session.told import TRAINING, refusals_told, tell

RESERVED = {"versions", "backbones"}  # folders of a product's own
SAMPLE_PHOTOS = Message("Sample photos")
SEEN = "training seen"  # on a visitor's table: the newest training whose end is known


@dataclass(frozen=True, slots=True)
class Teacher:
    """Photos to learn from: a collection, or those that ship; whose they are, and why nothing can be learnt from them.

    `product` is empty where that is not known, `obstacle` where they can be learnt from.
    """

    name: str
    data: Path
    product: str
    obstacle: str


def teachers() -> list[Teacher]:
    """What there is to learn from, that of the chosen product first."""
    named = dict(collections(collections_root()))
    if (data_root() / "train").is_dir():
        named[SAMPLE_PHOTOS] = data_root()
    found = [Teacher(name, data, owner_of(data), _obstacle(data)) for name, data in named.items()]
    return sorted(found, key=lambda each: each.product != product_called())


def _obstacle(data: Path) -> str:
    try:
        kinds_for(data)
    except QuorumError as error:
        return error.message
    return ""


def reset_choice(key: str, options: Sequence[str], default: str, depends_on: str) -> None:
    """Set a picker back to its default where what it depends on has changed, or what was picked is gone."""
    marker = f"_{key} depends on"
    if st.session_state.get(marker) != depends_on or st.session_state.get(key) not in options:
        st.session_state[key], st.session_state[marker] = default, depends_on


def waiting_mistakes(data: Path) -> int:
    """How many confirmed mistakes of a collection are not learnt from yet; none in a folder of photos."""
    return len(Collection(data).mistakes()) if is_collection(data) else 0


def missing_of(data: Path) -> str:
    """What is missing of the product's own photos in its collection, as a sentence; empty where nothing is."""
    return missing_photos(Collection(data)) if is_collection(data) else ""


def pull_into_training(data: Path) -> None:
    """Put the confirmed mistakes of a collection into its training split; for a button's callback."""
    with refusals_told(TRAINING):
        Collection(data).pull()
        tell(TRAINING, Message("Checked photos added to the training set."))


def kinds_for(data: Path) -> tuple[tuple[str, ...], list[str]]:
    """The member kinds that these photos can teach, and a sentence for each that cannot learn from them.

    A QuorumError says why nothing can be learnt from them at all.
    """
    return _kinds(str(data), _stamp(data))


@st.cache_data(max_entries=64, show_spinner="Loading …")
def _kinds(data: str, stamp: int) -> tuple[tuple[str, ...], list[str]]:
    return teachable((), find_dataset(Path(data)))


def seconds_of(data: Path, kinds: Sequence[str], backbones: Sequence[str], profile: str, seed: int) -> float:
    """How long a training will take, by what earlier ones took on this machine."""
    if not kinds:
        return 0.0
    names, photos = _stages(str(data), _stamp(data), tuple(kinds), tuple(backbones), seed)
    measured = Ledger(models_root()).costs() if jobs.are_kept(models_root()) else {}
    return sum(expected_seconds(names, photos, PROFILES[profile], measured).values())


@st.cache_data(max_entries=64, show_spinner=False)
def _stages(
    data: str, stamp: int, kinds: tuple[str, ...], backbones: tuple[str, ...], seed: int
) -> tuple[list[str], int]:
    dataset = find_dataset(Path(data), None, seed)
    return training_stages(dataset, kinds, backbones, seed), len(dataset.train)


def _stamp(data: Path) -> int:
    """Changes when the photos or what is decided about them do."""
    return (data / "collection.db").stat().st_mtime_ns if is_collection(data) else data.stat().st_mtime_ns


def backbones() -> tuple[list[str], list[str], tuple[str, ...]]:
    """Backbones whose weights are here, those that would have to be downloaded, and why a usual one is neither."""
    usual, notes = usual_backbones(setting_folders())
    here, away = [*usual], []
    for name in (*LIGHT_TRIO, *DEFAULT_TRIO):
        try:
            find_weights(name, setting_folders())
        except WeightsError:
            away.append(name)
        else:
            here.append(name)
    return here, away, notes


def backbones_here() -> list[str]:
    """The backbones that a training reads where nobody names any."""
    return [*usual_backbones(setting_folders())[0]]


def product_folder(name: str) -> Path:
    """Where a product lies or will lie, by its name: where its view was drawn, the models' folder for the first one,
    else a folder of its own."""
    known, root = products(), models_root()
    place = view_folder(name)
    if name in known or place.exists() or known or root in _asked().values():
        return place
    return root


def view_folder(name: str) -> Path:
    """Where the view of a product is kept, by its name: with the product, or where a new one of that name will lie."""
    known, root, asked = products(), models_root(), _asked()
    if name in known:
        return known[name]
    if name in asked and not (asked[name] / MANIFEST).exists():
        return asked[name]  # trained before, and not published yet
    plain = clean_name(re.sub(r"\W+", "_", name.lower()).strip("_")) or "product"
    names = (plain, *(f"{plain}_{number}" for number in range(2, 1000)))
    taken = {*RESERVED, *(folder.name for folder in asked.values())}
    return next(root / each for each in names if each not in taken and _is_free(root / each))


def is_viewed(name: str) -> bool:
    """Whether the next training of a product looks at photos by a view that was drawn for it."""
    folder = product_folder(name)
    return _is_viewed(str(folder), *(str(fingerprint(folder / file)) for file in (NEXT_VIEW, MANIFEST)))


@st.cache_data(max_entries=64, show_spinner=False)
def _is_viewed(folder: str, *stamps: str) -> bool:
    try:
        view = view_for_training(Path(folder))
    except QuorumError:
        return False  # the training says what is wrong with it
    return bool(view.reference or view.tiles)


def _is_free(folder: Path) -> bool:
    """Whether a new product may lie there: nothing does, or a view alone, which waits for its first training."""
    return not folder.exists() or (folder.is_dir() and [each.name for each in folder.iterdir()] == [NEXT_VIEW])


def _asked() -> dict[str, Path]:
    """The folders of the products that trainings were asked for, by name; the newest training counts."""
    return {job.settings.product: job.folder for job in reversed(trainings())}


# ------------------------------------------------------------------------------------------------------------ trainings


def trainings() -> tuple[Job, ...]:
    """All trainings that are kept, the newest first."""
    return jobs.jobs(models_root())


def was_ever_training() -> bool:
    """Whether a training was ever started here."""
    return jobs.are_kept(models_root())


def news() -> tuple[tuple[Job, ...], Job | None]:
    """The trainings that are going on, and the newest that has ended and asks for this visitor, who has not seen it.

    One that has failed asks for a day; one that has left a version does until somebody decides about it.
    """
    known = trainings()
    seen = int(table().get(SEEN, 0))
    ended = next((job for job in known if not job.is_open and job.state != "cancelled"), None)
    asks = ended is not None and ended.id > seen and (_failed_lately(ended) or waiting_version(ended) is not None)
    return tuple(job for job in known if job.is_open), ended if asks else None


def have_seen_news(number: int) -> None:
    """This visitor knows how the trainings up to this one have ended; for a button's callback."""
    lay(SEEN, number)


def see_news() -> None:
    """Training is open: what has ended is told there, and no longer beside the menu."""
    if was_ever_training() and (ended := news()[1]) is not None:
        have_seen_news(ended.id)
        st.rerun()


def _failed_lately(job: Job) -> bool:
    if job.state != "failed" or job.ended is None:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(job.ended) < timedelta(days=1)


def start_training(settings: TrainingRequest, author: str) -> None:
    """Start a training in a process of its own, or say why it cannot be started."""
    with refusals_told(TRAINING):
        jobs.start(models_root(), settings, author.strip())


def cancel_training(number: int) -> None:
    """Ask a training to end; for a button's callback."""
    with refusals_told(TRAINING):
        jobs.cancel(models_root(), number)


# ------------------------------------------------------------------------------------------------------------- versions


def versions_of(chosen: ModelStore) -> tuple[Summary, ...]:
    """Every version of a product that is kept, the newest first."""
    return versions.version_history(chosen.folder) if chosen.folder.is_dir() else ()


def current_version(job: Job) -> int | None:
    """The number of the version in force of the product that a training was for."""
    return next((each.number for each in versions_of(ModelStore(job.folder)) if each.current), None)


def waiting_version(job: Job) -> Summary | None:
    """The candidate that a training has left, while nobody has decided about it."""
    if job.version is None:
        return None
    found = [each for each in versions_of(ModelStore(job.folder)) if each.number == job.version]
    return found[0] if found and found[0].state == "candidate" else None


def effects_of_version(chosen: ModelStore, number: int) -> Effects:
    """What publishing a version would do to the policies; the same question is answered once."""
    stamp = f"{chosen.fingerprint()} {fingerprint(chosen.folder / POLICIES)}"
    return _effects(str(chosen.folder), number, stamp)


@st.cache_resource(max_entries=8, show_spinner="Comparing the policies …")
def _effects(folder: str, number: int, stamp: str) -> Effects:
    return effects_of(ModelStore(Path(folder)), number)


def publish_version(
    chosen: ModelStore, number: int, author: str, reason: str, *, set_aside: Iterable[str] = ()
) -> None:
    """Put a version in force; policies called in `set_aside` are not carried over. Whoever does it gives a name."""
    with refusals_told(TRAINING):
        if not author.strip():
            raise StoreError("Enter your name: it is kept with what is put in force.")
        versions.publish_version(chosen.folder, number, author.strip(), reason, set_aside=tuple(set_aside))
        tell(
            TRAINING, Message("Version {number} of {product} is active.", number=number, product=chosen.product_name())
        )
    forget_results()


def discard_version(chosen: ModelStore, number: int) -> None:
    """Give a candidate up; for a button's callback."""
    with refusals_told(TRAINING):
        versions.discard_version(chosen.folder, number)
        tell(
            TRAINING, Message("Version {number} of {product} discarded.", number=number, product=chosen.product_name())
        )


def interruption() -> str:
    """What became of an interrupted publication of the chosen product, until somebody has seen it."""
    chosen = store()
    return swapping.interruption(chosen.folder) if chosen.folder.is_dir() else ""


def acknowledge_interruption() -> None:
    """Somebody has seen it; for a button's callback."""
    swapping.acknowledge(store().folder)
