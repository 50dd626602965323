"""New good parts extend the patch memories of a product, without training anything again.

The places that a memory has stay; new ones join by the same greedy k-centre choice that has chosen the old ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ensemble.disk.files import digest_of, now
from ensemble.features.photo_batch import input_key
from ensemble.features.readings import PartReading, read_rows
from ensemble.features.runtimes import TORCH, forced_runtime
from ensemble.imaging.photos import file_digest
from ensemble.members.patch_memory import PatchMemoryMember
from ensemble.metrics.calibrators import NONE
from ensemble.policies.cases import Evidence
from ensemble.store import ModelStore, Record, artefacts
from ensemble.store.places import EVIDENCE
from ensemble.values.errors import MemberError, StoreError
from ensemble.values.language import Message
from ensemble.values.samples import Sample
from ensemble.values.titles import model_title
from ensemble.values.training import Progress

EXTENDED = "extended"  # what a record notes of its extensions, the first one first
WHAT_STAYS = Message(
    "Model weights, thresholds of policies and measured quality do not include the new photos: train again to update "
    "them."
)
AS_MANY = Message(
    "{model}: trained on {learnt} photos, extended by {new}. Its scale still comes from the smaller memory and may "
    "miss more defects. Train on all photos instead."
)
SCALE_STAYS = Message("{model}: scale not changed, as the calibration depends on it.")
SCALE_MOVES = Message("{model}: scale measured again, on {photos} good validation photos.")


@dataclass(frozen=True, slots=True)
class ExtensionPlan:
    """New good photos as a product's patch memories see them, before anything is written.

    `known` are photos that the product has learnt from or is measured on, `refused` sentences on those that cannot be
    opened, `far` how far a photo lies from some memory, in thresholds, where that is beyond what good parts do.
    """

    store: ModelStore
    fingerprint: str  # of the product as it was looked at
    members: Mapping[str, PatchMemoryMember]
    reading: PartReading | None  # None where nothing is new
    known: tuple[Path, ...]
    refused: tuple[str, ...]
    far: Mapping[Path, float]


@dataclass(frozen=True, slots=True)
class Extension:
    """What an extension has made: how many photos and places have joined by member, and what a person should know."""

    photos: int
    places: Mapping[str, int]
    notes: tuple[str, ...]


def plan_extension(
    store: ModelStore, photos: Sequence[Path], progress: Progress = lambda _stage, _done: None
) -> ExtensionPlan:
    """Look at new photos of good parts; a MemberError where the product has no patch memory that can be loaded."""
    manifest, fingerprint = store.manifest(), store.fingerprint()
    loaded = store.load(runtime=forced_runtime() or TORCH)  # no rounded number may enter a memory
    members = {name: each for name, each in loaded.members.items() if isinstance(each, PatchMemoryMember)}
    if loaded.view.tiles:
        raise MemberError("{folder} looks at photos by tiles: train it again on all photos.", folder=store.folder)
    if not members:
        raise MemberError(
            "{folder} has no patch memory to extend. Train one, with --members patch_memory, on good photos.",
            folder=store.folder,
        )
    met, new, known = _met(store), {}, []
    for path in photos:
        digest = file_digest(path)
        if digest in met or digest in new:
            known.append(path)
        else:
            new[digest] = path
    if not new:
        return ExtensionPlan(store, fingerprint, members, None, tuple(known), (), {})
    samples = [Sample(path, str(manifest.classes.good), view=loaded.view) for path in new.values()]
    sources = [member.input for member in members.values()]
    reading = read_rows(samples, sources, manifest.classes, partial(progress, "Reading new good parts"))
    far: dict[Path, float] = {}
    for member in members.values():
        beyond = member.measure(reading.inputs[input_key(member.input)])[0] / member.scale_.threshold
        for sample, times in zip(reading.samples, beyond.tolist(), strict=True):
            if times >= 1:
                far[sample.path] = max(times, far.get(sample.path, 0.0))
    return ExtensionPlan(store, fingerprint, members, reading, tuple(known), reading.refused, far)


def extend(plan: ExtensionPlan, progress: Progress = lambda _stage, _done: None, author: str = "") -> Extension:
    """Add the new photos' places to every patch memory and keep that as a version in force; nothing else changes."""
    store, reading = plan.store, plan.reading
    if reading is None:
        raise MemberError("None of these photos is new to the product.")
    manifest, count = store.manifest(), len(reading.samples)
    digests = [file_digest(sample.path) for sample in reading.samples]
    contents: dict[str, bytes] = {}
    records, places, notes = dict(manifest.members), {}, []
    for name, member in plan.members.items():
        record = records[name]
        before, rescaled = len(member.arrays_["memory"]), record.calibrator == NONE
        learnt = int(record.noted("photos").get(str(manifest.classes.good)) or member.facts_["held_out"]["photos"])
        rows = reading.inputs[input_key(member.input)]
        stage = Message("Extending {model}", model=model_title(name))
        member.extend(rows, learnt, rescaled=rescaled, progress=partial(progress, stage))
        places[name] = len(member.arrays_["memory"]) - before
        files = {name + ending: artefacts.dump(part, ending) for ending, part in member.parts().items()}
        contents |= files
        own = {file: digest_of(data) for file, data in files.items()}
        training = _noted(record, member, digests, places[name], str(manifest.classes.good), learnt)
        records[name] = replace(record, files=own, training=training)
        notes += [Message(AS_MANY, model=model_title(name), new=count, learnt=learnt)] if count >= learnt else []
        held = member.facts_["held_out"]["photos"]
        notes.append(Message(SCALE_MOVES if rescaled else SCALE_STAYS, model=model_title(name), photos=held))
    evidence = _evidence(store)
    after = replace(manifest, members=records)
    if evidence is not None and evidence.learnt:  # evidence of before does not say what members have learnt from
        contents[EVIDENCE] = replace(evidence, learnt=tuple(sorted({*evidence.learnt, *digests}))).to_json().encode()
        after = replace(after, evidence=digest_of(contents[EVIDENCE]))
    if store.fingerprint() != plan.fingerprint:  # else what somebody has published meanwhile would be undone
        raise StoreError(
            "{folder} has changed since the photos were looked at. Nothing is added: add them again.",
            folder=store.folder,
        )
    reason = Message("Extended by {count} photo.", "Extended by {count} photos.", count=count)
    store.write(contents, after, reason, author)
    return Extension(count, places, (*notes, WHAT_STAYS))


def _noted(
    record: Record, member: PatchMemoryMember, digests: Sequence[str], places: int, good: str, learnt: int
) -> dict[str, Any]:
    """What the manifest notes of a member's training once it was extended."""
    seconds = {"seconds": record.noted("facts").get("seconds")}  # of the choice at its training, which no file tells
    entry = {"at": now(), "photos": len(digests), "places": places, "sha256": list(digests)}
    before, weighed = record.training.get(EXTENDED), record.noted("weighed")
    held = record.noted("facts").get("held_out")
    if (
        weighed and isinstance(held, Mapping) and held.get("variations")
    ):  # once more photos set the scale, they are gone
        weighed = {**weighed, "varied": True}
    return {
        **record.training,
        "photos": {**record.noted("photos"), good: learnt + len(digests)},
        "facts": {**member.facts_, **seconds},
        **({"weighed": dict(weighed)} if weighed else {}),
        EXTENDED: [*(before if isinstance(before, list) else []), entry],
    }


def extended_by(record: Record) -> set[str]:
    """The SHA-256 of the photos that a member was extended by."""
    entries = record.training.get(EXTENDED)
    found = [each.get("sha256") for each in entries if isinstance(each, Mapping)] if isinstance(entries, list) else []
    return {str(digest) for digests in found if isinstance(digests, list) for digest in digests}


def _met(store: ModelStore) -> set[str]:
    """The SHA-256 of all photos that a product has learnt from, chose thresholds on, or is measured on."""
    evidence = _evidence(store)
    added = {digest for record in store.manifest().members.values() for digest in extended_by(record)}
    if evidence is None:
        return added
    return added | {*evidence.learnt, *(case.sha256 for case in (*evidence.held_out, *evidence.test))}


def _evidence(store: ModelStore) -> Evidence | None:
    try:
        return store.evidence()
    except StoreError:  # a product without any can be extended all the same
        return None
