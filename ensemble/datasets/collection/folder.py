"""Collection: the photos of one product in a folder of their own, and what people decide about them."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ensemble.datasets.collection import contents, rows
from ensemble.datasets.collection.bringing_in import Import
from ensemble.datasets.collection.database import folder_name, is_collection, reading, writing
from ensemble.datasets.collection.values import (
    CONTRADICTION,
    COPIES,
    IN,
    SPLITS,
    TRAIN,
    UNSPLIT,
    WAITS,
    Added,
    CollectedPhoto,
    Correction,
    Finding,
    Mistake,
    confirmed_note,
    is_mended,
    kind_of_mistake,
    said_of,
)
from ensemble.disk.files import now, why_not_written
from ensemble.disk.names import path_below
from ensemble.imaging.outlines import Outlines
from ensemble.importers import FoundPhoto
from ensemble.values.errors import DataError
from ensemble.values.language import Message, restored
from ensemble.values.results import Classes
from ensemble.values.training import CountDone

CHANGEABLE = {"move": "split", "relabel": "label", "drop": "dropped", "restore": "dropped"}


CONFIRMED = "Confirmed"  # how the reasons of decisions begin that a person took on a verdict


class Collection:
    """The photos of one product. Everything is written at once, whole or not at all, and decisions can be undone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, root: Path, name: str) -> "Collection":
        """A new, empty collection below a folder; a DataError where the name is taken or is none."""
        cleaned = folder_name(name)
        if not any(map(str.isalnum, cleaned)) or cleaned.startswith("."):
            raise DataError("A collection needs a name, such as that of its product.")
        folder = path_below(root, cleaned, DataError)
        if is_collection(folder):
            raise DataError(
                "There is a collection called {cleaned} already. Add to it, or choose another name.", cleaned=cleaned
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                "{folder} cannot be made: {error}", folder=folder, error=why_not_written(error, root)
            ) from error
        made = cls(folder)
        with writing(folder):
            pass
        return made

    @property
    def name(self) -> str:
        """Its name, which is that of its folder."""
        return self.folder.resolve().name

    # ------------------------------------------------------------------------------------------------------- to read

    def photos(self) -> tuple[CollectedPhoto, ...]:
        """Every photo, dropped ones too, in the order in which they came."""
        return tuple(self._kept(row) for row in self._rows("SELECT * FROM photos ORDER BY rowid"))

    def classes(self) -> Classes | None:
        """The classes that its photos belong to; None while it is empty."""
        with reading(self.folder) as connection:
            return rows.collection_classes(connection)

    def decisions(self) -> tuple[Correction, ...]:
        """Every decision, the newest first, those too that were taken back."""
        return tuple(map(rows.as_decision, self._rows("SELECT * FROM decisions ORDER BY number DESC")))

    def findings(self, *, decided: bool = False) -> tuple[Finding, ...]:
        """What is odd and still open: neither kept by a person, nor mended, nor about a photo that was dropped.

        Photos that came in under two labels are first. With `decided`, what people have kept is there too.
        """
        query = "SELECT * FROM findings WHERE ? OR kind = ? OR key NOT IN (SELECT key FROM kept) ORDER BY rowid"
        with reading(self.folder) as connection:
            odd = connection.execute(query, (decided, CONTRADICTION)).fetchall()
            photos = connection.execute("SELECT sha256, label, split, dropped FROM photos").fetchall()
        there = {row["sha256"]: row for row in photos if row["dropped"] == IN}
        waiting = {row["sha256"] for row in photos if row["dropped"] == WAITS}
        first, found = list[Finding](), list[Finding]()
        for row in odd:
            known = json.loads(row["others"])
            others = tuple(other for other in known if other in there)
            each = Finding(
                row["kind"], row["sha256"], others, row["score"], restored(row["sentence"]), row["suggestion"]
            )
            if each.kind == CONTRADICTION:
                first += [each] if each.sha256 in waiting else []
            elif each.sha256 in there and (others or not known) and (decided or not is_mended(each, there)):
                found.append(each)
        return (*first, *found)

    def groups(self) -> dict[str, int]:
        """The group of each photo that takes part, by SHA-256: photos of one part, and copies of each other."""
        with reading(self.folder) as connection:
            return rows.groups_of(connection)

    def copies(self) -> list[frozenset[str]]:
        """Photos that were found to be copies of each other, whatever has been decided about them."""
        return [
            frozenset((found.sha256, *found.others)) for found in self.findings(decided=True) if found.kind in COPIES
        ]

    def looked_at(self) -> str:
        """When its photos were last looked through for what is odd (UTC); empty where they never were."""
        return self.noted("looked_at")

    def noted(self, name: str) -> str:
        """What was noted of the whole collection under a name; empty where nothing was."""
        return "".join(row["value"] for row in self._rows("SELECT value FROM facts WHERE name = ?", name))

    def note(self, name: str, value: str) -> None:
        """Note something of the whole collection in the place of what was noted before."""
        with writing(self.folder) as connection:
            rows.keep_fact(connection, name, value)

    # ------------------------------------------------------------------------------------------------------ to bring in

    def add(
        self,
        entries: Sequence[FoundPhoto],
        meaning: Mapping[str, str | None],
        *,
        origin: str,
        split: str | None = None,
        author: str = "",
        progress: CountDone = lambda _done, _total: None,
    ) -> Added:
        """Bring photos in, each content once; those whose kind means nothing stay out.

        `split` puts all of them into one split, whatever the source says; photos of a part that is there already
        follow it. Files that are no photos are named in `refused`, and the others come in. A photo that comes under
        another label than before waits for a decision, whichever file was first, unless a person has said its class.
        """
        wanted = [entry for entry in entries if meaning.get(entry.kind)]
        with writing(self.folder) as connection:
            running = Import(self.folder, connection, origin)
            running.take(wanted, meaning, split, progress)
            return running.finish(running.follow_parts(), author)

    # -------------------------------------------------------------------------------------------------------- to decide

    def decide(
        self, action: str, digests: Iterable[str], value: str = "", *, reason: str = "", author: str = ""
    ) -> Correction | None:
        """Move, relabel, drop or restore photos; None where that changes nothing.

        `value` is the split or the class that they get. Photos of one part, and copies, move together. A photo that
        came in under two labels waits on when it is restored, unless a person has said its class. A DataError names
        what is unknown.
        """
        if action not in CHANGEABLE:
            raise DataError("A photo can be moved, relabelled, dropped or restored. Got {action!r}.", action=action)
        column = CHANGEABLE[action]
        new = {"drop": 1, "restore": 0}.get(action, value)
        with writing(self.folder) as connection:
            classes = rows.collection_classes(connection)
            if action == "move" and value not in SPLITS:
                raise DataError("A split is one of {splits}. Got {value!r}.", splits=", ".join(SPLITS), value=value)
            chosen = list(dict.fromkeys(digests))
            if action == "relabel":
                names = {*(classes.names if classes else ()), *rows.labels_in_doubt(connection, chosen)}
                if value not in names:
                    raise DataError(
                        "{value!r} is none of the classes {names}.", value=value, names=", ".join(sorted(names))
                    )
            if action == "move":
                chosen = rows.with_siblings(connection, chosen)
            after: dict[str, dict[str, Any]] = {digest: {column: new} for digest in chosen}
            if action == "relabel":  # who says the class of a photo that came in under two settles it
                waiting = connection.execute("SELECT sha256 FROM photos WHERE dropped = ?", (WAITS,)).fetchall()
                for digest in after.keys() & {row["sha256"] for row in waiting}:
                    after[digest]["dropped"] = IN
            if action == "restore":
                for digest in after.keys() & rows.left_waiting(connection):
                    after[digest]["dropped"] = WAITS
            return rows.change(connection, action, after, reason, author)

    def mark(self, sha256: str, outlines: Outlines, *, author: str = "") -> Correction | None:
        """Say where the damage on a photo is, in the place of its mask; without marks it has none any more."""
        with writing(self.folder) as connection:
            photo = rows.state_of(connection, sha256, dict.fromkeys(("name", "label", "width", "height")))
            entry = FoundPhoto(Path(photo["name"]), photo["name"], photo["label"], outlines=outlines)
            mask = (
                contents.keep_mask(self.folder, entry, (photo["width"], photo["height"]))[0] if outlines.marks else ""
            )
            return rows.change(connection, "mark", {sha256: {"mask": mask}}, "", author)

    def keep(self, found: Iterable[Finding], *, reason: str = "", author: str = "") -> Correction | None:
        """Say that what is odd may stay as it is: it is not asked about again.

        A DataError where a photo came in under two labels, of which one must be said.
        """
        found = tuple(found)
        if any(each.kind == CONTRADICTION for each in found):
            raise DataError(
                "A photo that came in under two labels cannot be kept as it is. Say which label is right, or leave it "
                "out."
            )
        with writing(self.folder) as connection:
            done = {row["key"] for row in connection.execute("SELECT key FROM kept")}
            keys = [each.key() for each in found if each.key() not in done]
            if not keys:
                return None
            connection.executemany("INSERT INTO kept VALUES (?)", [(key,) for key in keys])
            before, after = ({key: {"kept": value} for key in keys} for value in (False, True))
            return rows.write_decision(connection, now(), author, "keep", reason, before, after)

    def split(self, assignment: Mapping[str, str], *, reason: str, author: str = "") -> Correction | None:
        """Put every photo into the split that it is given."""
        with writing(self.folder) as connection:
            after = {digest: {"split": split} for digest, split in assignment.items()}
            return rows.change(connection, "split", after, reason, author)

    def undo(self, number: int | None = None) -> Correction:
        """Take a decision back, by default the last one that stands; a DataError where others rest on it."""
        with writing(self.folder) as connection:
            query = "SELECT * FROM decisions WHERE undone = 0" + ("" if number is None else " AND number = ?")
            row = connection.execute(query + " ORDER BY number DESC", () if number is None else (number,)).fetchone()
            if row is None:
                if number is None:
                    raise DataError("There is no decision to take back.")
                raise DataError("Decision {number} does not stand.", number=number)
            decision = rows.as_decision(row)
            if decision.action == "keep":
                connection.executemany("DELETE FROM kept WHERE key = ?", [(key,) for key in decision.after])
            else:
                rows.refuse_later(connection, decision)
                rows.update(connection, decision.before)
            if decision.action in {"import", "relabel"} and decision.reason.startswith(CONFIRMED):
                rows.restore_mistakes(connection, decision.before)
            connection.execute("UPDATE decisions SET undone = 1 WHERE number = ?", (decision.number,))
        return replace(decision, undone=True)

    def keep_findings(self, found: Iterable[Finding]) -> None:
        """Put what was found in the place of what was found before; what people have kept stays kept."""
        with writing(self.folder) as connection:
            connection.execute("DELETE FROM findings WHERE kind != ?", (CONTRADICTION,))
            rows.insert_findings(connection, found)
            rows.keep_fact(connection, "looked_at", now())

    # ------------------------------------------------------------------------------------------------- hard negatives

    def confirm(
        self, data: bytes, name: str, label: str, verdict: str, *, author: str = ""
    ) -> tuple[Mistake, Correction | None]:
        """Keep a photo of which a person has said what it is, with its true class; it waits until somebody pulls it
        into training, unless its verdict was right and it is here with that label already.

        The decision can be undone; there is none where the photo is here with that label already.
        """
        at = now()
        with writing(self.folder) as connection:
            rows.refuse_mixture(connection, [label])
            photo, file = contents.keep_photo(self.folder, data, name)
            row = connection.execute("SELECT label, dropped FROM photos WHERE sha256 = ?", (photo.sha256,)).fetchone()
            kind = kind_of_mistake(label, verdict)
            earlier = rows.mistake_of(connection, photo.sha256)
            if row is None:
                said = said_of(FoundPhoto(Path(name), name, label), label, UNSPLIT, "")
                new = {**said, "file": file, "name": name}
                rows.insert(connection, photo.sha256, new, photo.picture.size, at, f"confirmed {kind}")
                before = {photo.sha256: {"dropped": 1, rows.MISTAKE: earlier}}
                reason, after = confirmed_note(kind, name), {photo.sha256: {"dropped": 0}}
                made: Correction | None = rows.write_decision(connection, at, author, "import", reason, before, after)
            else:
                changes = {photo.sha256: {"label": label, "dropped": 0}}
                also = {photo.sha256: {rows.MISTAKE: earlier}}
                made = rows.change(connection, "relabel", changes, confirmed_note(kind), author, also_before=also)
            found = Mistake(photo.sha256, kind, label, verdict, at, author)
            if kind != "agreed" or made is not None:  # else there is nothing new to learn
                rows.keep_mistake(connection, asdict(found))
        return found, made

    def confirmed(self, sha256: str) -> Correction | None:
        """The last decision that stands by which a person's word on a verdict gave this photo its class."""
        return next(
            (
                each
                for each in self.decisions()
                if not each.undone
                and each.action in {"import", "relabel"}
                and each.reason.startswith(CONFIRMED)
                and sha256 in each.after
            ),
            None,
        )

    def mistakes(self) -> tuple[Mistake, ...]:
        """Confirmed mistakes that training has not been given yet."""
        query = (
            "SELECT mistakes.* FROM mistakes JOIN photos USING (sha256) WHERE NOT dropped AND split != ? "
            "ORDER BY mistakes.rowid"
        )
        return tuple(Mistake(**dict(row)) for row in self._rows(query, TRAIN))

    def pull(self, *, author: str = "") -> Correction | None:
        """Put every confirmed mistake into the training split, and with it all photos of the same part.

        What was a test photo measures no longer.
        """
        waiting = [mistake.sha256 for mistake in self.mistakes()]
        with writing(self.folder) as connection:
            after = {digest: {"split": TRAIN} for digest in rows.with_siblings(connection, waiting)}
            return rows.change(connection, "pull", after, Message("Confirmed mistakes, with their parts."), author)

    def _rows(self, query: str, *values: str) -> list[sqlite3.Row]:
        with reading(self.folder) as connection:
            return connection.execute(query, values).fetchall()

    def _kept(self, row: sqlite3.Row) -> CollectedPhoto:
        known = dict(row)
        path, mask = contents.file_of(self.folder, known.pop("file")), known.pop("mask")
        masked = contents.file_of(self.folder, mask) if mask else None
        return CollectedPhoto(path=path, mask=masked, **{**known, "dropped": bool(known["dropped"])})
