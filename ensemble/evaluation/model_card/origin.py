"""The data: which photos taught, which chose the cuts, which measured, and how these were kept apart."""

from collections import Counter
from typing import Any

from ensemble.datasets.collection import Collection, is_collection
from ensemble.evaluation.model_card.sources import Sources, digest_of, noted, photos_learnt
from ensemble.evaluation.model_card.values import Section, Table
from ensemble.values.errors import QuorumError
from ensemble.values.results import word

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
    tables = [Table("Photos", ("Photos that", *map(word, classes), "all"), tuple(rows))] if rows else []
    named = [(f"{kind} data", digest) for kind in ("training", "test") for digest in digests[kind]]
    named += [("evidence file", sources.manifest.evidence)] if sources.manifest.evidence else []
    if named:
        tables.append(Table("Digests", ("Of", "SHA-256"), tuple(named)))
    known: dict[str, Any] = {"counts": counts, "digests": digests, "seeds": seeds, "notes": _notes(sources)}
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
    """How many test photos are, byte for byte, also among those that taught or that cuts were chosen on."""
    known = {case.sha256 for case in sources.evidence.held_out} | set(sources.evidence.learnt)
    return sum(case.sha256 in known for case in sources.test)


def _held_out(sources: Sources) -> str:
    held = sources.evidence.held_out
    if not held:
        return "No photos were held out: no cut and no calibration rests on photos that members had not learnt from."
    again = {case.sha256 for case in held} <= set(sources.evidence.learnt)
    if again or digest_of(held) in noted(sources, "data"):
        return (
            f"Cuts and calibration rest on {len(held)} photos that also taught, each judged by members that "
            "were taught again without it."
        )
    return f"Cuts and calibration rest on {len(held)} photos that no member has learnt from."


def _made(sources: Sources) -> list[str]:
    """How the splits were made, in the words of the training, where it has kept them."""
    if not any(isinstance(record.training.get("notes"), list) for record in sources.records.values()):
        return ["How the photos were split is not recorded."]
    notes = _notes(sources)
    return notes if any("test part" in note for note in notes) else [*notes, "The data brought its own test part."]


def _notes(sources: Sources) -> list[str]:
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
