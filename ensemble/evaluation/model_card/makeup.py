"""The members: what each is made of and how it learnt, then what all of it took."""

from collections import Counter
from collections.abc import Mapping
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
from ensemble.figures import curves_text
from ensemble.store import Record
from ensemble.values.digits import is_number
from ensemble.values.errors import QuorumError
from ensemble.values.results import word
from ensemble.values.titles import model_title

DIGITS_SHOWN = 12  # hex digits of a digest that a table shows; the JSON holds all of them


def members_table(sources: Sources) -> Section:
    """Every member: what its vote is worth, what it is made of, where its thresholds lie, how its training went."""
    worth, measured = quality.members_quality_table(sources)
    records = sources.records
    tables = [worth, _made_of(records), _thresholds_table(records), _member_files(records)]
    sentences = [
        f"Each model alone on the test photos, at its threshold in the active policy; {quality.AT_CONFIDENCE} limits."
    ]
    sentences += [
        f"{model_title(name)} cannot vote: its entry in the manifest is not readable."
        for name in sources.manifest.unreadable
    ]
    data = {name: measured[name] | _data(record) for name, record in records.items()}
    return Section(
        "members",
        "Models",
        tuple(sentences),
        tuple(table for table in tables if table.rows),
        {"members": data},
    )


def _made_of(records: Mapping[str, Record]) -> CardTable:
    rows = []
    for name, record in records.items():
        learnt = ", ".join(f"{count} {word(label)}" for label, count in photos_learnt(record).items() if count)
        spec = record.backbone
        backbone = f"{spec.name} ({', '.join(spec.layers)}; {spec.pooling})" if spec else "none (raw pixels)"
        weights = spec.weights[:DIGITS_SHOWN] if spec else NOT_KNOWN
        reads = " × ".join(map(str, record.preprocessing.size))
        rows.append(
            (model_title(name), backbone, weights, reads, learnt or str(record.training.get("source", "unknown")))
        )
    return CardTable(
        "Architecture", ("Model", "Backbone", "Backbone weights", "Pixels", "Training photos"), tuple(rows)
    )


def _thresholds_table(records: Mapping[str, Record]) -> CardTable:
    rows = []
    for name, record in records.items():
        found = record.noted("calibration")
        before, after = _brier(found.get("before")), _brier(found.get("after"))
        scores = f"{before} → {after} ({found.get('photos', '?')} photos)" if before and after else NOT_KNOWN
        weighed = record.noted("weighed")
        against = "synthetic anomalies" if weighed.get("drawn") else "real defects"
        auroc = f"AUROC {weighed['auroc']:.3f} ({against})" if is_number(weighed.get("auroc")) else NOT_KNOWN
        cuts = ", ".join(quality.member_threshold_texts(record)) or NOT_KNOWN
        rows.append((model_title(name), record.calibrator.method, scores, auroc, cuts))
    columns = ("Model", "Calibration", "Brier score", "Weight from", "Thresholds")
    return CardTable("Calibration, weights and thresholds (validation photos)", columns, tuple(rows))


def _brier(entry: object) -> str:
    value = entry.get("brier") if isinstance(entry, Mapping) else None
    return f"{value:.3f}" if is_number(value) else ""


def _member_files(records: Mapping[str, Record]) -> CardTable:
    rows = [(file, digest) for record in records.values() for file, digest in record.files.items()]
    return CardTable("Files", ("File", "SHA-256"), tuple(rows))


def _data(record: Record) -> dict[str, Any]:
    known = record.as_json()
    return {
        name: known[name] for name in ("kind", "backbone", "files", "calibration", "weight", "libraries", "training")
    }


def effort(sources: Sources) -> Section:
    """How the trainings went, what they used, and on what."""
    curves = {name: found for name, record in sources.records.items() if (found := record.curves())}
    sentences = [f"{model_title(name)}, by epoch: {curves_text(found)}" for name, found in curves.items()]
    used = _energy(sources)
    sentences += [_energy_sentence(each) for each in used] or ["Resources used: not recorded."]
    if profiles := noted(sources, "profile"):
        sentences.append(f"Profile: {', '.join(profiles)}.")
    if balances := noted(sources, "balance"):
        sentences.append(f"Class balance: {', '.join(balances)}.")
    machines, dates = noted(sources, "machine"), noted(sources, "trained")
    sentences.append(f"Machine: {'; '.join(machines)}." if machines else "Machine: not recorded.")
    rows = sorted({item for record in sources.records.values() for item in record.libraries.items()})
    tables = (CardTable("Libraries", ("Library", "Version"), tuple(rows)),) if rows else ()
    data = {"energy": used, "machines": machines, "trained": dates, "libraries": [list(row) for row in rows]}
    data |= {"epochs": curves, "profiles": noted(sources, "profile"), "balances": noted(sources, "balance")}
    return Section("training", "Training", tuple(sentences), tables, data)


def _energy(sources: Sources) -> list[dict[str, Any]]:
    """What each training run used, once: members of one run carry the same numbers."""
    found = [dict(record.noted("energy")) for record in sources.records.values()]
    return [
        each for place, each in enumerate(found) if is_number(each.get("cpu_seconds")) and each not in found[:place]
    ]


def _energy_sentence(used: Mapping[str, Any]) -> str:
    amounts = energy_amounts(used)
    by_cpu = used.get("source") == CPU_ALONE  # what is said of it has changed, what a manifest keeps has not
    said = [f"Resources used by one training: {', '.join(amounts)}."]
    said += [] if len(amounts) == 3 else ["Energy and CO2 were not measured."]
    said.append(CPU_UNCERTAINTY if by_cpu else str(used.get("uncertainty", "")))
    return " ".join(filter(None, said))


SPLIT_TITLES = {"taught": "Training", "chose the cuts": "Validation", "measured": "Test"}
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
    tables = [CardTable("Photos", ("Used for", *map(word, classes), "All"), tuple(rows))] if rows else []
    named = [(f"{kind.capitalize()} data", digest) for kind in ("training", "test") for digest in digests[kind]]
    named += [("Evidence file", sources.manifest.evidence)] if sources.manifest.evidence else []
    if named:
        tables.append(CardTable("Digests", ("Of", "SHA-256"), tuple(named)))
    known: dict[str, Any] = {"counts": counts, "digests": digests, "seeds": seeds, "notes": _member_notes(sources)}
    return Section("data", "Data", tuple(filter(None, sentences)), tuple(tables), known | {"shared": shared(sources)})


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
        return "No validation photos: thresholds and calibration are not validated on unseen photos."
    again = {case.sha256 for case in held} <= set(sources.evidence.learnt)
    if again or photos_digest(held) in noted(sources, "data"):
        return f"Thresholds and calibration: cross-fitting on {len(held)} training photos."
    return f"Thresholds and calibration: {len(held)} validation photos, unseen in training."


def _made(sources: Sources) -> list[str]:
    """How the splits were made, in the words of the training, where it has kept them."""
    if not any(isinstance(record.training.get("notes"), list) for record in sources.records.values()):
        return ["Split: not recorded."]
    notes = _member_notes(sources)
    return notes if any("test part" in note for note in notes) else [*notes, "Split: as in the data."]


def _member_notes(sources: Sources) -> list[str]:
    found: dict[str, None] = {}
    for record in sources.records.values():
        notes = record.training.get("notes")
        found |= dict.fromkeys(str(note) for note in notes) if isinstance(notes, list) else {}
    return list(found)


def _seeds(seeds: list[int]) -> str:
    if not seeds:
        return "Seed: not recorded."
    return f"Seed: {seeds[0]}." if len(seeds) == 1 else f"Seeds: {', '.join(map(str, seeds))}."


def _balance(counts: dict[str, dict[str, int]]) -> list[str]:
    taught = [count for count in counts.get("taught", {}).values() if count]
    if len(taught) < 2:
        return []
    ratio = max(taught) / min(taught)
    return (
        ["Class balance in training: even."]
        if ratio == 1
        else [f"Class balance in training: {ratio:.1f} to 1 (largest to smallest class)."]
    )


def _alike(sources: Sources) -> list[str]:
    """What a collection reports of photos that are too much alike; byte for byte the cases themselves tell."""
    said = []
    if count := shared(sources):
        said.append(f"Leakage: {count} test photos were also used for training or thresholds.")
    if not is_collection(sources.photos):
        return [*said, "Near duplicates: not checked (the photos are in no collection)."]
    try:
        collection = Collection(sources.photos)
        looked, found = collection.looked_at(), Counter(each.kind for each in collection.findings(decided=True))
    except QuorumError as error:
        return [*said, f"Near duplicates: unknown. {error}"]
    if not looked:
        return [*said, "Near duplicates: not checked."]
    leaks, near, exact = (found[kind] for kind in ACROSS)
    return [*said, f"Duplicates (checked {looked}): {leaks} between splits, {near} near, {exact} exact."]
