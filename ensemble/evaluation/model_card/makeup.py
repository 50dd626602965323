"""The members: what each is made of and how it learnt, then what all of it took."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ensemble.datasets.collection import Collection, is_collection
from ensemble.evaluation.energy import energy_amounts
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

DIGITS_SHOWN = 12  # hex digits of a digest that a table shows; the JSON holds all of them


def members_table(sources: Sources) -> Section:
    """Every member: what its vote is worth, what it is made of, where its thresholds lie, how its training went."""
    worth, measured = quality.members_quality_table(sources)
    records = sources.records
    tables = [worth, _made_of(records), _thresholds_table(records), _member_files(records)]
    sentences = [
        f"{len(records)} members vote. Each is measured alone by the active policy's cut on its own score, on the test "
        f"photos that it has judged, with counts and {quality.AT_CONFIDENCE} limits."
    ]
    sentences += [f"{name} has no readable entry and cannot vote." for name in sources.manifest.unreadable]
    data = {name: measured[name] | _data(record) for name, record in records.items()}
    return Section(
        "members",
        "Who votes, and how good is each?",
        tuple(sentences),
        tuple(table for table in tables if table.rows),
        {"members": data},
    )


def _made_of(records: Mapping[str, Record]) -> CardTable:
    rows = []
    for name, record in records.items():
        learnt = ", ".join(f"{count} {word(label)}" for label, count in photos_learnt(record).items() if count)
        spec = record.backbone
        backbone = f"{spec.name} ({', '.join(spec.layers)}; {spec.pooling})" if spec else "none: it reads pixels"
        weights = spec.weights[:DIGITS_SHOWN] if spec else NOT_KNOWN
        reads = " × ".join(map(str, record.preprocessing.size))
        rows.append((name, backbone, weights, reads, learnt or str(record.training.get("source", "unknown"))))
    return CardTable(
        "What each is made of", ("Member", "Backbone", "Its weights", "Pixels", "Learnt from"), tuple(rows)
    )


def _thresholds_table(records: Mapping[str, Record]) -> CardTable:
    rows = []
    for name, record in records.items():
        found = record.noted("calibration")
        before, after = _brier(found.get("before")), _brier(found.get("after"))
        scores = f"{before} to {after} ({found.get('photos', '?')} photos)" if before and after else NOT_KNOWN
        weighed = record.noted("weighed")
        against = "drawn damage" if weighed.get("drawn") else "real defects"
        auroc = f"AUROC {weighed['auroc']:.3f} ({against})" if is_number(weighed.get("auroc")) else NOT_KNOWN
        cuts = ", ".join(quality.member_threshold_texts(record)) or NOT_KNOWN
        rows.append((name, record.calibrator.method, scores, auroc, cuts))
    columns = ("Member", "Calibration", "Brier score by it", "Vote weighed by", "Own cuts")
    return CardTable("Calibration, weight and cuts, all from held-out photos", columns, tuple(rows))


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
    sentences = [f"{name}, by epoch: {curves_text(found)}" for name, found in curves.items()]
    used = _energy(sources)
    sentences += [_energy_sentence(each) for each in used] or ["What training used is unknown."]
    for name in ("profile", "balance"):
        if chosen := noted(sources, name):
            sentences.append(f"The {name} chosen for training was {', '.join(chosen)}.")
    machines, dates = noted(sources, "machine"), noted(sources, "trained")
    sentences.append(f"Trained on {' and on '.join(machines)}." if machines else "On which machine is not recorded.")
    rows = sorted({item for record in sources.records.values() for item in record.libraries.items()})
    tables = (CardTable("Libraries", ("Library", "Version"), tuple(rows)),) if rows else ()
    data = {"energy": used, "machines": machines, "trained": dates, "libraries": [list(row) for row in rows]}
    data |= {"epochs": curves, "profiles": noted(sources, "profile"), "balances": noted(sources, "balance")}
    return Section("training", "How was it trained, and what did that take?", tuple(sentences), tables, data)


def _energy(sources: Sources) -> list[dict[str, Any]]:
    """What each training run used, once: members of one run carry the same numbers."""
    found = [dict(record.noted("energy")) for record in sources.records.values()]
    return [
        each for place, each in enumerate(found) if is_number(each.get("cpu_seconds")) and each not in found[:place]
    ]


def _energy_sentence(used: Mapping[str, Any]) -> str:
    amounts = energy_amounts(used)
    unknown = "" if len(amounts) == 3 else " Energy and CO2 were not measured."
    return f"One training run used {', '.join(amounts)}.{unknown} {used.get('uncertainty', '')}".strip()


ACROSS = ("leak", "near_duplicate", "exact_duplicate")


def data(sources: Sources) -> Section:
    """Counts by split and class, digests, seeds, and what is known of photos that are too much alike."""
    counts = splits(sources)
    classes = sources.classes.names
    rows = [
        (split, *(str(found.get(name, 0)) for name in classes), str(sum(found.values())))
        for split, found in counts.items()
    ]
    digests = {
        "training": noted(sources, "data"),
        "test": noted(sources, "test_data"),
        "evidence": sources.manifest.evidence,
    }
    seeds = list(sources.manifest.seeds())
    sentences = [_held_out(sources), *_made(sources), _seeds(seeds), *_balance(counts), *_alike(sources)]
    tables = [CardTable("Photos", ("Photos that", *map(word, classes), "all"), tuple(rows))] if rows else []
    named = [(f"{kind} data", digest) for kind in ("training", "test") for digest in digests[kind]]
    named += [("evidence file", sources.manifest.evidence)] if sources.manifest.evidence else []
    if named:
        tables.append(CardTable("Digests", ("Of", "SHA-256"), tuple(named)))
    known: dict[str, Any] = {"counts": counts, "digests": digests, "seeds": seeds, "notes": _member_notes(sources)}
    return Section(
        "data", "What has it seen?", tuple(filter(None, sentences)), tuple(tables), known | {"shared": shared(sources)}
    )


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
        return "No photos were held out: no cut and no calibration rests on photos that members had not learnt from."
    again = {case.sha256 for case in held} <= set(sources.evidence.learnt)
    if again or photos_digest(held) in noted(sources, "data"):
        return (
            f"Cuts and calibration rest on {len(held)} photos that also taught, each judged by members that "
            "were taught again without it."
        )
    return f"Cuts and calibration rest on {len(held)} photos that no member has learnt from."


def _made(sources: Sources) -> list[str]:
    """How the splits were made, in the words of the training, where it has kept them."""
    if not any(isinstance(record.training.get("notes"), list) for record in sources.records.values()):
        return ["How the photos were split is not recorded."]
    notes = _member_notes(sources)
    return notes if any("test part" in note for note in notes) else [*notes, "The data brought its own test part."]


def _member_notes(sources: Sources) -> list[str]:
    found: dict[str, None] = {}
    for record in sources.records.values():
        notes = record.training.get("notes")
        found |= dict.fromkeys(str(note) for note in notes) if isinstance(notes, list) else {}
    return list(found)


def _seeds(seeds: list[int]) -> str:
    if not seeds:
        return "The seed is not recorded."
    return (
        f"Seed {seeds[0]}." if len(seeds) == 1 else f"Members were trained with the seeds {', '.join(map(str, seeds))}."
    )


def _balance(counts: dict[str, dict[str, int]]) -> list[str]:
    taught = [count for count in counts.get("taught", {}).values() if count]
    if len(taught) < 2:
        return []
    ratio = max(taught) / min(taught)
    return (
        ["The classes are even among the photos that taught."]
        if ratio == 1
        else [f"Among the photos that taught, the largest class is {ratio:.1f} times the smallest."]
    )


def _alike(sources: Sources) -> list[str]:
    """What a collection reports of photos that are too much alike; byte for byte the cases themselves tell."""
    said = []
    if count := shared(sources):
        said.append(f"{count} test photos are also among those that taught or that cuts were chosen on.")
    if not is_collection(sources.photos):
        return [*said, "Whether photos nearly repeat each other has not been looked for: they lie in no collection."]
    try:
        collection = Collection(sources.photos)
        looked, found = collection.looked_at(), Counter(each.kind for each in collection.findings(decided=True))
    except QuorumError as error:
        return [*said, f"Whether photos nearly repeat each other cannot be told. {error}"]
    if not looked:
        return [*said, "Whether photos nearly repeat each other has not been looked for in the collection."]
    names = {"leak": "across train and test", "near_duplicate": "near copies", "exact_duplicate": "exact copies"}
    told = ", ".join(f"{found[kind]} {names[kind]}" for kind in ACROSS)
    return [*said, f"The collection was looked through for photos that repeat each other ({looked}): {told}."]
