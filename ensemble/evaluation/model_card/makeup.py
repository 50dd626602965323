"""The members: what each is made of and how it learnt, then what all of it took."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ensemble.datasets.collection import Collection, is_collection
from ensemble.evaluation.energy import CPU_ALONE, CPU_UNCERTAINTY, energy_amounts
from ensemble.evaluation.model_card import quality
from ensemble.evaluation.model_card.values import (
    NOT_KNOWN,
    CardTable,
    Section,
    Sources,
    noted,
    photos_digest,
    photos_learnt,
)
from ensemble.figures.curves import curve_message
from ensemble.store import Manifest, Record
from ensemble.values.digits import is_number
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, NumberText, as_message, listed, paragraph
from ensemble.values.results import word
from ensemble.values.titles import calibration_title, model_title

SHA256 = Message("SHA-256")
UNKNOWN = Message("unknown")
DIGITS_SHOWN = 12  # hex digits of a digest that a table shows; the JSON holds all of them


def members_table(sources: Sources) -> Section:
    """Every member: what its vote is worth, what it is made of, where its thresholds lie, how its training went."""
    worth, measured = quality.members_quality_table(sources)
    records = sources.records
    tables = [worth, _made_of(records), _thresholds_table(records), _model_files(sources.manifest)]
    sentences = [
        Message(
            "Each model alone on the test photos, at its threshold in the active policy; {sure} limits.",
            sure=quality.AT_CONFIDENCE,
        )
    ]
    sentences += map(unreadable_sentence, sources.manifest.unreadable)
    data = {name: measured[name] | _data(record) for name, record in records.items()}
    return Section(
        "members",
        Message("Models"),
        tuple(sentences),
        tuple(table for table in tables if table.rows),
        {"members": data},
    )


def unreadable_sentence(member: str) -> Message:
    """Why a member whose entry is damaged is not among the others."""
    return Message("{model} cannot vote: its entry in the manifest is not readable.", model=model_title(member))


def class_counts(photos: Mapping[str, int]) -> Message:
    """How many photos of each class, as `84 OK, 84 NOK`."""
    return listed(Message("{count} {word}", count=count, word=word(name)) for name, count in photos.items())


def _made_of(records: Mapping[str, Record]) -> CardTable:
    rows = []
    for name, record in records.items():
        photos = {label: count for label, count in photos_learnt(record).items() if count}
        learnt = class_counts(photos) or as_message(str(record.training.get("source", UNKNOWN)))
        spec = record.backbone
        backbone = f"{spec.name} ({', '.join(spec.layers)}; {spec.pooling})" if spec else Message("none (raw pixels)")
        weights = spec.weights[:DIGITS_SHOWN] if spec else NOT_KNOWN
        reads = " × ".join(map(str, record.preprocessing.size))
        rows.append((model_title(name), backbone, weights, reads, learnt))
    columns = (
        *(Message("Model"), Message("Backbone"), Message("Backbone weights"), Message("Pixels")),
        Message("Training photos"),
    )
    return CardTable(Message("Architecture"), columns, tuple(rows))


def _thresholds_table(records: Mapping[str, Record]) -> CardTable:
    rows = []
    for name, record in records.items():
        found = record.noted("calibration")
        before, after = _brier(found.get("before")), _brier(found.get("after"))
        scores: str = NOT_KNOWN
        if before and after:
            scores = Message(
                "{before} → {after} ({photos} photos)", before=before, after=after, photos=found.get("photos", "?")
            )
        weighed = record.noted("weighed")
        against = Message("synthetic anomalies") if weighed.get("drawn") else Message("real defects")
        auroc: str = NOT_KNOWN
        if is_number(weighed.get("auroc")):
            auroc = Message("AUROC {auroc:.3f} ({against})", auroc=weighed["auroc"], against=against)
        cuts = listed(quality.member_threshold_texts(record)) or NOT_KNOWN
        rows.append((model_title(name), calibration_title(record.calibrator.method), scores, auroc, cuts))
    columns = (
        *(Message("Model"), Message("Calibration"), Message("Brier score"), Message("Weight from")),
        Message("Thresholds"),
    )
    return CardTable(Message("Calibration, weights and thresholds (validation photos)"), columns, tuple(rows))


def _brier(entry: object) -> str:
    value = entry.get("brier") if isinstance(entry, Mapping) else None
    return NumberText(f"{value:.3f}") if is_number(value) else ""


def _model_files(manifest: Manifest) -> CardTable:
    return CardTable(Message("Files"), (Message("File"), SHA256), tuple(manifest.model_files().items()))


def _data(record: Record) -> dict[str, Any]:
    known = record.as_json()
    return {
        name: known[name] for name in ("kind", "backbone", "files", "calibration", "weight", "libraries", "training")
    }


def effort(sources: Sources) -> Section:
    """How the trainings went, what they used, and on what."""
    curves = {name: found for name, record in sources.records.items() if (found := record.curves())}
    sentences = [_epochs_sentence(name, found) for name, found in curves.items()]
    used = _energy(sources)
    sentences += [_energy_sentence(each) for each in used] or [Message("Resources used: not recorded.")]
    if profiles := noted(sources, "profile"):
        sentences.append(Message("Profile: {profiles}.", profiles=listed(map(as_message, profiles))))
    if balances := noted(sources, "balance"):
        sentences.append(Message("Class balance: {balances}.", balances=listed(map(as_message, balances))))
    machines, dates = noted(sources, "machine"), noted(sources, "trained")
    if machines:
        sentences.append(Message("Machine: {machines}.", machines="; ".join(machines)))
    else:
        sentences.append(Message("Machine: not recorded."))
    rows = sorted({item for record in sources.records.values() for item in record.libraries.items()})
    tables = (CardTable(Message("Libraries"), (Message("Library"), Message("Version")), tuple(rows)),) if rows else ()
    data = {"energy": used, "machines": machines, "trained": dates, "libraries": [list(row) for row in rows]}
    data |= {"epochs": curves, "profiles": noted(sources, "profile"), "balances": noted(sources, "balance")}
    return Section("training", Message("Training"), tuple(sentences), tables, data)


def _epochs_sentence(member: str, curves: Mapping[str, Sequence[float]]) -> Message:
    told = [curve_message(name, values) for name, values in curves.items()]
    return Message("{model}, by epoch: {curves}.", model=model_title(member), curves=listed(told))


def _energy(sources: Sources) -> list[dict[str, Any]]:
    """What each training run used, once: members of one run carry the same numbers."""
    found = [dict(record.noted("energy")) for record in sources.records.values()]
    return [
        each for place, each in enumerate(found) if is_number(each.get("cpu_seconds")) and each not in found[:place]
    ]


def _energy_sentence(used: Mapping[str, Any]) -> Message:
    amounts = energy_amounts(used)
    by_cpu = used.get("source") == CPU_ALONE  # what is said of it has changed, what a manifest keeps has not
    said: list[str] = [Message("Resources used by one training: {amounts}.", amounts=listed(amounts))]
    said += [] if len(amounts) == 3 else [Message("Energy and CO2 were not measured.")]
    said.append(CPU_UNCERTAINTY if by_cpu else as_message(str(used.get("uncertainty", ""))))
    return paragraph(*said)


SPLIT_TITLES = {"taught": Message("Training"), "chose the cuts": Message("Validation"), "measured": Message("Test")}
DIGEST_TITLES = {"training": Message("Training data"), "test": Message("Test data")}
ACROSS = ("leak", "near_duplicate", "exact_duplicate")


def data(sources: Sources) -> Section:
    """Counts by split and class, digests, seeds, and what is known of photos that are too much alike."""
    counts = splits(sources)
    classes = sources.classes.names
    rows = [
        (SPLIT_TITLES[split], *(str(found.get(name, 0)) for name in classes), str(sum(found.values())))
        for split, found in counts.items()
    ]
    digests = {
        "training": noted(sources, "data"),
        "test": noted(sources, "test_data"),
        "evidence": sources.manifest.evidence,
    }
    seeds = list(sources.manifest.seeds())
    sentences = [_held_out(sources), *_made(sources), _seeds(seeds), *_balance(counts), *_alike(sources)]
    tables = [_photos_table(classes, rows)] if rows else []
    named = [(title, digest) for kind, title in DIGEST_TITLES.items() for digest in digests[kind]]
    named += [(Message("Evidence file"), sources.manifest.evidence)] if sources.manifest.evidence else []
    if named:
        tables.append(CardTable(Message("Digests"), (Message("Of"), SHA256), tuple(named)))
    known: dict[str, Any] = {"counts": counts, "digests": digests, "seeds": seeds, "notes": _member_notes(sources)}
    return Section(
        "data", Message("Data"), tuple(filter(None, sentences)), tuple(tables), known | {"shared": shared(sources)}
    )


def _photos_table(classes: Sequence[str], rows: Sequence[tuple[str, ...]]) -> CardTable:
    return CardTable(Message("Photos"), (Message("Used for"), *map(word, classes), Message("All")), tuple(rows))


def splits(sources: Sources) -> dict[str, dict[str, int]]:
    """Photos by what they were for and by class. Members may have learnt from different photos: the most of them."""
    learnt = [photos_learnt(record) for record in sources.records.values()]
    most = max(learnt, key=lambda found: sum(found.values()), default={})
    found = {"taught": most} if most else {}
    for name, known in (("chose the cuts", sources.evidence.held_out), ("measured", sources.test)):
        if known:
            found[name] = dict(Counter(case.label for case in known))
    return found


def shared(sources: Sources) -> int:
    """How many test photos are, byte for byte, also among those that taught or that thresholds were chosen on."""
    known = {case.sha256 for case in sources.evidence.held_out} | set(sources.evidence.learnt)
    return sum(case.sha256 in known for case in sources.test)


def _held_out(sources: Sources) -> str:
    held = sources.evidence.held_out
    if not held:
        return Message("No validation photos: thresholds and calibration are not validated on unseen photos.")
    again = {case.sha256 for case in held} <= set(sources.evidence.learnt)
    if again or photos_digest(held) in noted(sources, "data"):
        return Message("Thresholds and calibration: cross-fitting on {photos} training photos.", photos=len(held))
    return Message("Thresholds and calibration: {photos} validation photos, unseen in training.", photos=len(held))


def _made(sources: Sources) -> list[str]:
    """How the splits were made, in the words of the training, where it has kept them."""
    if not any(isinstance(record.training.get("notes"), list) for record in sources.records.values()):
        return [Message("Split: not recorded.")]
    notes: list[str] = [as_message(note) for note in _member_notes(sources)]
    if not any("test part" in note for note in notes):
        notes.append(Message("Split: as in the data."))
    return notes


def _member_notes(sources: Sources) -> list[str]:
    found: dict[str, None] = {}
    for record in sources.records.values():
        notes = record.training.get("notes")
        found |= dict.fromkeys(str(note) for note in notes) if isinstance(notes, list) else {}
    return list(found)


def _seeds(seeds: list[int]) -> str:
    if not seeds:
        return Message("Seed: not recorded.")
    if len(seeds) == 1:
        return Message("Seed: {seed}.", seed=seeds[0])
    return Message("Seeds: {seeds}.", seeds=listed(map(str, seeds)))


def _balance(counts: dict[str, dict[str, int]]) -> list[str]:
    taught = [count for count in counts.get("taught", {}).values() if count]
    if len(taught) < 2:
        return []
    ratio = max(taught) / min(taught)
    if ratio == 1:
        return [Message("Class balance in training: even.")]
    return [Message("Class balance in training: {ratio:.1f} to 1 (largest to smallest class).", ratio=ratio)]


def _alike(sources: Sources) -> list[str]:
    """What a collection reports of photos that are too much alike; byte for byte the cases themselves tell."""
    said: list[str] = []
    if count := shared(sources):
        said.append(Message("Leakage: {photos} test photos were also used for training or thresholds.", photos=count))
    if not is_collection(sources.photos):
        return [*said, Message("Near duplicates: not checked (the photos are in no collection).")]
    try:
        collection = Collection(sources.photos)
        looked, found = collection.looked_at(), Counter(each.kind for each in collection.findings(decided=True))
    except QuorumError as error:
        return [*said, paragraph(Message("Near duplicates: unknown."), error.message)]
    if not looked:
        return [*said, Message("Near duplicates: not checked.")]
    leaks, near, exact = (found[kind] for kind in ACROSS)
    found_copies = Message(
        "Duplicates (checked {time}): {leaks} between splits, {near} near, {exact} exact.",
        time=looked,
        leaks=leaks,
        near=near,
        exact=exact,
    )
    return [*said, found_copies]
