"""What an importer makes of a folder, before anything is copied."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ensemble.imaging.outlines import Outlines
from ensemble.importers.listing import Problem, Tree

MaskScale = Literal["grey", "index"]


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """A photo that may come in: its file, what it is called for people, and what the folder tells about it.

    `name` is `tree.name(path)`, which tells it from the folder that was asked for; `kind` is the raw class name there,
    `split` one of "", "train", "calibration", "test", and `part` the name of the physical part. What a
    mask marks is said in `masks`; where its scale is "index", anything above 0 is damage. Where there is no mask in a
    file, `outlines` may be drawn into one.
    """

    path: Path
    name: str
    kind: str
    split: str = ""
    defect: str = ""
    category: str = ""
    part: str = ""
    mask: Path | None = None
    mask_scale: MaskScale = "grey"
    outlines: Outlines | None = None

    @property
    def is_marked(self) -> bool:
        """Whether it is known where the damage is."""
        return self.mask is not None or self.outlines is not None


@dataclass(frozen=True, slots=True)
class Understood:
    """A folder as one layout sees it; `meaning` turns raw kinds into classes, None leaves a kind out.

    `layout` is the title of the importer, which its reader need not repeat.
    """

    entries: tuple[FoundPhoto, ...]
    meaning: Mapping[str, str | None]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    layout: str = ""


@dataclass(frozen=True, slots=True)
class Importer:
    """One layout: what it is called, what it expects, why a tree is not laid out so, and how it is read.

    `refuses(tree, field)` is empty where the layout is recognised, otherwise what was found instead, to go on after
    "Found"; it looks at names and at a few small files at most. `expects` is a sentence with its full
    stop, and `field` says what a field is in this layout, where it has any.
    """

    title: str
    expects: str
    refuses: Callable[[Tree, str], str]
    read: Callable[[Tree, str], Understood]
    field: str = ""
