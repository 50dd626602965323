"""A folder of photos as training and measuring read it, which is as an import reads it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ensemble.imaging.outlines import drawn_file
from ensemble.imaging.photos import file_digest
from ensemble.importers import FoundPhoto, Problem, Understood, read_folder
from ensemble.importers.class_folders import CLASS_FOLDERS
from ensemble.importers.listing import is_photo_name
from ensemble.importers.mask_files import size_of
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.results import NON_DEFECTIVE, OK_NOK, Classes
from ensemble.values.vocabulary import TRAIN, WHOLE, is_review, part_called

PROBLEMS_NAMED = 3  # files that cannot be used, in the notes


@dataclass(frozen=True, slots=True)
class PhotoSource:
    """The photos of a folder, the class that each of their raw kinds means, and what a person should know."""

    folder: Path
    layout: str
    entries: tuple[FoundPhoto, ...]
    meaning: Mapping[str, str]
    notes: tuple[str, ...]

    def kinds(self, *parts: str) -> list[str]:
        """The raw kinds that some part has photos of; without parts, all of them."""
        return sorted({entry.kind for entry in self.entries if not parts or entry.split in parts})

    def classes(self) -> Classes:
        """The classes of a product that learns from these photos; a DataError where they make none."""
        names = tuple(dict.fromkeys(self.meaning[kind] for kind in self.kinds()))
        if set(names) <= set(OK_NOK.names):
            if NON_DEFECTIVE not in names:
                raise DataError(
                    "{folder}, read as {layout}, holds defective parts only ({kinds}). Add photos of good "
                    "parts in a folder good.",
                    folder=self.folder,
                    layout=self.layout,
                    kinds=", ".join(self.kinds()),
                )
            return OK_NOK
        if len(names) == 1:
            raise DataError(
                "{folder}, read as {layout}, holds one class only, {names}. If these are good parts, "
                "call the folder good; otherwise add photos of each other class.",
                folder=self.folder,
                layout=self.layout,
                names=names[0],
            )
        return Classes(names)


def read_source(folder: Path, table: Mapping[str, str] | None = None) -> PhotoSource:
    """Read a folder; `table` says which raw kind means which class, and a DataError names a kind that it lacks."""
    read = read_folder(folder)
    counts = Counter(entry.kind for entry in read.entries)
    meaning = {kind: name for kind, name in read.meaning.items() if name is not None and counts[kind]}
    if table is not None:
        if unknown := sorted(set(meaning) - set(table)):
            raise DataError(
                "{folder} holds {unknown}, which are none of the classes {table}. Rename them, or say "
                "what they are with --classes.",
                folder=folder,
                unknown=", ".join(unknown),
                table=", ".join(table),
            )
        meaning = {kind: table[kind] for kind in meaning}
    if read.layout == CLASS_FOLDERS.title:
        _refuse_lost(read, folder)
    notes = [*read.notes]
    if out := [f"{kind} ({count})" for kind, count in counts.items() if is_review(kind)]:
        notes.append(Message("Left out, because it is a verdict and no class: {kinds}.", kinds=", ".join(out)))
    entries = tuple(_with_mask(entry) for entry in read.entries if entry.kind in meaning)
    return PhotoSource(folder, read.layout, entries, meaning, (*notes, *problem_notes(read.problems, folder)))


def _with_mask(entry: FoundPhoto) -> FoundPhoto:
    """The entry with its outlines drawn into a file, where there are any and the photo can be read."""
    if entry.outlines is None or (size := size_of(entry.path)) is None:
        return entry
    try:
        return replace(entry, mask=drawn_file(entry.outlines, size), outlines=None)
    except DataError as error:
        raise DataError("{file}: {problem}", file=entry.name, problem=error) from error


def problem_notes(problems: Sequence[Problem], folder: Path) -> tuple[str, ...]:
    """What cannot be used: each where they are few, else the first ones and how many more there are."""
    told = tuple(problem.reason for problem in problems[:PROBLEMS_NAMED])
    if len(problems) <= PROBLEMS_NAMED:
        return told
    more = len(problems) - PROBLEMS_NAMED
    return (
        *told,
        Message(
            "{count} more cannot be used: `python -m ensemble data preview {folder} --json FILE` names them all.",
            count=more,
            folder=folder,
        ),
    )


def _refuse_lost(read: Understood, folder: Path) -> None:
    """A DataError where not one photo of a class folder can be used: what is left would teach something else."""
    taken = {prefix for entry in read.entries for prefix in _folders_of(entry.name)}
    lost: dict[str, list[Problem]] = defaultdict(list)
    for problem in read.problems:
        gone = [prefix for prefix in _folders_of(problem.name) if prefix not in taken]
        if gone and is_photo_name(problem.name) and _is_class_folder(gone[0], taken):
            lost[gone[0]].append(problem)
    for place, problems in lost.items():
        raise DataError(
            "Not one of the {count} photos in {place} can be used, and without them {folder} would "
            "teach something else. {reason}",
            count=len(problems),
            place=place,
            folder=folder,
            reason=problems[0].reason,
        )


def _folders_of(name: str) -> list[str]:
    """The folders that a file lies in, from the top."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[: number + 1]) for number in range(len(parts))]


def _is_class_folder(place: str, taken: set[str]) -> bool:
    above = place.rpartition("/")[0]
    return not above or (above in taken and part_called(above.rpartition("/")[2]) in (TRAIN, WHOLE))


def under_two_labels(labelled: Iterable[tuple[Path, str]]) -> list[dict[Path, str]]:
    """Files of the same bytes under different labels, group by group; only those of one size are read."""
    of_one_size = _contradicting(dict(labelled), lambda path: path.stat().st_size)
    return [group for files in of_one_size for group in _contradicting(files, file_digest)]


def _contradicting(files: Mapping[Path, str], key: Callable[[Path], Hashable]) -> list[dict[Path, str]]:
    found: dict[Hashable, dict[Path, str]] = defaultdict(dict)
    for path, label in files.items():
        found[key(path)][path] = label
    return [group for group in found.values() if len(set(group.values())) > 1]
