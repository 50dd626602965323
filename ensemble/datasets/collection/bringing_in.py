"""Photos on their way into a collection: each content once, and what becomes of one that is there already."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ensemble.datasets.collection import contents, rows
from ensemble.datasets.collection.values import CONTRADICTION, IN, OUT, WAITS, Added, Finding, said_of, waiting_note
from ensemble.datasets.white_level import WhiteLevel
from ensemble.disk.files import now
from ensemble.imaging.masks import marking_notes
from ensemble.importers import FoundPhoto, Problem
from ensemble.values.errors import DataError, PhotoError
from ensemble.values.language import Message
from ensemble.values.results import word

PhotoRow = dict[str, Any]


class Import:
    """One import while it runs, inside one transaction: what it changes, and the state before, for its undoing."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, origin: str) -> None:
        self.folder, self.connection, self.origin = folder, connection, origin
        self.at = now()
        # by SHA-256, as are the next two
        self.there = {row["sha256"]: dict(row) for row in connection.execute("SELECT * FROM photos")}
        self.before: dict[str, PhotoRow] = {}
        self.after: dict[str, PhotoRow] = {}
        self.by_people = rows.decided_by_people(connection)
        self.known: list[Problem] = []
        self.refused: list[Problem] = []
        self.doubts: list[Finding] = []
        self.white, self.masks = WhiteLevel(), Counter[str]()  # by what each marks damage

    def take(
        self,
        entries: Sequence[FoundPhoto],
        meaning: Mapping[str, str | None],
        split: str | None,
        progress: Callable[[int, int], None],
    ) -> None:
        """Read every entry and keep what is new of it; files that are no photos are named and left out."""
        rows.refuse_mixture(self.connection, {str(meaning[entry.kind]) for entry in entries})
        for number, entry in enumerate(entries, 1):
            progress(number, len(entries))
            try:
                photo, file = contents.keep_photo(self.folder, contents.read_source_bytes(entry.path), entry.name)
                mask, marks_by = contents.keep_mask(self.folder, entry, photo.picture.size)
            except (PhotoError, DataError) as error:
                self.refused.append(Problem(entry.name, error.message))
                continue
            self.white.add(photo)
            self.masks[marks_by] += 1
            said = said_of(entry, str(meaning[entry.kind]), split, mask)
            first = self.there.get(photo.sha256)
            if first is not None and first["dropped"] != OUT:
                self._second_copy(photo.sha256, entry.name, said, first)
                continue
            if first is not None:  # dropped, or of an import that was taken back: it comes in again
                self.before[photo.sha256], self.after[photo.sha256] = {column: first[column] for column in said}, said
                rows.update(self.connection, {photo.sha256: said})
            else:
                self.before[photo.sha256], self.after[photo.sha256] = {"dropped": 1}, {"dropped": 0}
                row = {**said, "file": file, "name": entry.name}
                rows.insert(self.connection, photo.sha256, row, photo.picture.size, self.at, self.origin)
            self.there[photo.sha256] = {**said, "name": entry.name}

    def _second_copy(self, digest: str, name: str, said: PhotoRow, first: PhotoRow) -> None:
        """A photo that is there already: kept once, and in doubt where it comes under another label."""
        label, before = said["label"], first["label"]
        if before == label or digest in self.by_people:
            sentence = Message("{name} is the same file as {first}, kept once.", name=name, first=first["name"])
            if before != label:
                sentence = Message(
                    "{name} is the same file as {first}, kept once with its confirmed label {label}.",
                    name=name,
                    first=first["name"],
                    label=word(before),
                )
            self.known.append(Problem(name, sentence))
            return
        sentence = Message(
            "{first} is labelled {before} and {name} {label}, but they are the same file: it is not used until you "
            "decide.",
            first=first["name"],
            before=word(before),
            name=name,
            label=word(label),
        )
        self.known.append(Problem(name, sentence))
        self.doubts.append(Finding(CONTRADICTION, digest, (), 1.0, sentence, label))
        # where the damage is stays known, should this file be right
        waits = {"dropped": WAITS} | {key: said[key] for key in ("defect", "mask") if not first[key]}
        self.before[digest] = {key: first[key] for key in waits} | self.before.get(digest, {})
        self.after[digest] = self.after.get(digest, {}) | waits
        rows.update(self.connection, {digest: waits})
        first.update(waits)

    def follow_parts(self) -> int:
        """Put new photos of a part that is there already into its split; gives how many that were."""
        new = [digest for digest in self.after if self.there[digest]["dropped"] == IN]
        homes = rows.homes_of(self.connection, new)
        moved = {digest: home for digest, home in homes.items() if self.there[digest]["split"] != home}
        rows.update(self.connection, {digest: {"split": home} for digest, home in moved.items()})
        for digest in moved.keys() & {digest for digest in self.after if "split" in self.after[digest]}:
            self.after[digest] = {**self.after[digest], "split": moved[digest]}
        return len(moved)

    def finish(self, moved: int, author: str) -> Added:
        """Write the decision, what is in doubt, and remove the files of an import that was cut off."""
        if self.after:
            rows.write_decision(self.connection, self.at, author, "import", self.origin, self.before, self.after)
        rows.insert_findings(self.connection, self.doubts)
        contents.sweep_cut_off(self.folder, rows.files(self.connection))
        followed = Message(
            "Put into the split of their part: {count} photo.",
            "Put into the split of their part: {count} photos.",
            count=moved,
        )
        notes = (*((followed,) if moved else ()), *self.white.notes(), *marking_notes(self.masks))
        waiting = {each.sha256 for each in self.doubts}
        return Added(
            len(self.after.keys() - waiting),
            tuple(self.known),
            tuple(self.refused),
            (*notes, *waiting_note(len(waiting))),
        )
