"""The members: what each is made of and how it learnt, then what all of it took."""

from collections.abc import Mapping
from typing import Any

from ensemble.evaluation.model_card import quality
from ensemble.evaluation.model_card.sources import Sources, kept, noted, photos_learnt
from ensemble.evaluation.model_card.values import UNKNOWN, Section, Table
from ensemble.figures import curves_text
from ensemble.store import Record
from ensemble.values.results import word

SHOWN = 12  # hex digits of a digest that a table shows; the JSON holds all of them


def members(sources: Sources) -> Section:
    """Every member: what its vote is worth, what it is made of, where its cuts lie, how its training went."""
    worth, measured = quality.members(sources)
    records = sources.records
    tables = [worth, _made_of(records), _cuts(records), _files(records)]
    sentences = [
        f"{len(records)} members vote. Each is measured alone by the active policy's cut on its own score, on the test "
        f"photos that it has judged, with counts and {quality.SURE} limits."
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


def _made_of(records: Mapping[str, Record]) -> Table:
    rows = []
    for name, record in records.items():
        learnt = ", ".join(f"{count} {word(label)}" for label, count in photos_learnt(record).items() if count)
        spec = record.backbone
        backbone = f"{spec.name} ({', '.join(spec.layers)}; {spec.pooling})" if spec else "none: it reads pixels"
        weights = spec.weights[:SHOWN] if spec else UNKNOWN
        reads = f"{record.preprocessing.side} × {record.preprocessing.side}"
        rows.append((name, backbone, weights, reads, learnt or str(record.training.get("source", "unknown"))))
    return Table("What each is made of", ("Member", "Backbone", "Its weights", "Pixels", "Learnt from"), tuple(rows))


def _cuts(records: Mapping[str, Record]) -> Table:
    rows = []
    for name, record in records.items():
        found = kept(record, "calibration")
        before, after = _brier(found.get("before")), _brier(found.get("after"))
        scores = f"{before} to {after} ({found.get('photos', '?')} photos)" if before and after else UNKNOWN
        weighed = kept(record, "weighed")
        against = "drawn damage" if weighed.get("drawn") else "real defects"
        auroc = f"AUROC {weighed['auroc']:.3f} ({against})" if _number(weighed.get("auroc")) else UNKNOWN
        rows.append((name, record.calibrator.method, scores, auroc, ", ".join(quality.cuts(record)) or UNKNOWN))
    columns = ("Member", "Calibration", "Brier score by it", "Vote weighed by", "Own cuts")
    return Table("Calibration, weight and cuts, all from held-out photos", columns, tuple(rows))


def _brier(entry: object) -> str:
    value = entry.get("brier") if isinstance(entry, Mapping) else None
    return f"{value:.3f}" if _number(value) else ""


def _files(records: Mapping[str, Record]) -> Table:
    rows = [(file, digest) for record in records.values() for file, digest in record.files.items()]
    return Table("Files", ("File", "SHA-256"), tuple(rows))


def _data(record: Record) -> dict[str, Any]:
    known = record.as_json()
    return {
        name: known[name] for name in ("kind", "backbone", "files", "calibration", "weight", "libraries", "training")
    }


def effort(sources: Sources) -> Section:
    """How the trainings went, what they used, and on what."""
    curves = {name: found for name, record in sources.records.items() if (found := _epochs(record))}
    sentences = [f"{name}, by epoch: {curves_text(found)}" for name, found in curves.items()]
    used = _energy(sources)
    sentences += [_energy_sentence(each) for each in used] or ["What training used is unknown."]
    for name in ("profile", "balance"):
        if chosen := noted(sources, name):
            sentences.append(f"The {name} chosen for training was {', '.join(chosen)}.")
    machines, dates = noted(sources, "machine"), noted(sources, "trained")
    sentences.append(f"Trained on {' and on '.join(machines)}." if machines else "On which machine is not recorded.")
    rows = sorted({item for record in sources.records.values() for item in record.libraries.items()})
    tables = (Table("Libraries", ("Library", "Version"), tuple(rows)),) if rows else ()
    data = {"energy": used, "machines": machines, "trained": dates, "libraries": [list(row) for row in rows]}
    data |= {"epochs": curves, "profiles": noted(sources, "profile"), "balances": noted(sources, "balance")}
    return Section("training", "How was it trained, and what did that take?", tuple(sentences), tables, data)


def _epochs(record: Record) -> dict[str, list[float]]:
    """What a member's training has measured at each epoch, by name; empty for one that learns without."""
    return {
        str(name): values
        for name, values in kept(record, "curves").items()
        if isinstance(values, list) and values and all(map(_number, values))
    }


def _energy(sources: Sources) -> list[dict[str, Any]]:
    """What each training run used, once: members of one run carry the same numbers."""
    found = [dict(kept(record, "energy")) for record in sources.records.values()]
    return [each for place, each in enumerate(found) if _number(each.get("cpu_seconds")) and each not in found[:place]]


def _energy_sentence(used: Mapping[str, Any]) -> str:
    amounts = [f"{used['cpu_seconds']:,.0f} CPU seconds"]
    amounts += [
        f"about {used[key]:.2g} {unit}"
        for key, unit in (("watt_hours", "Wh"), ("grams_co2", "g CO2"))
        if _number(used.get(key))
    ]
    unknown = "" if len(amounts) == 3 else " Energy and CO2 were not measured."
    return f"One training run used {', '.join(amounts)}.{unknown} {used.get('uncertainty', '')}".strip()


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
