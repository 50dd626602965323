"""Which files of a tree are masks: those beside photos and in folders of masks, told by their names.

| mask | of the photo |
|---|---|
| `NAME_mask.png`, `NAME_GT.png`, `NAME_label.bmp`, `NAME.seg.png` | `NAME.*` in the same folder |
| `Label/NAME_label.PNG`, `masks/NAME.png` | `NAME.*` beside that folder, or in `images/` beside it |
| `ground_truth/KIND/NAME_mask.png` | `KIND/NAME.*` or `test/KIND/NAME.*` beside that folder |
| `ground_truth/train/KIND/NAME.png` | `train/KIND/NAME.*` beside that folder |
| `ground_truth/KIND/NAME/000.png`, `001.png`, … | the same, united |

Case and endings do not matter. A file that is called like a mask and has no photo stays a photo, and so does one beside
its photo that shows a scene in many colours, as the second view of a part does. In `ground_truth/` there are masks
alone; any other folder is one of masks where at least half of its pictures have their photo.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ensemble.imaging.masks import look_at
from ensemble.imaging.photos import decode_photo, open_header, read_photo_bytes, sentences, upright_size
from ensemble.importers.listing import Tree, is_photo_name
from ensemble.values.errors import DataError, PhotoError
from ensemble.values.language import Message
from ensemble.values.safe_names import legible
from ensemble.values.vocabulary import CALIBRATION, TEST, TRAIN, WHOLE, part_called, plain

CALLED_MASK = re.compile(
    r"(?P<photo>.+?)[ ._-](masks?|gt|labels?|seg|segm|segmentation|groundtruth|ground_truth|anno|annotation)",
    re.IGNORECASE,
)
SURE_MASK_FOLDERS = frozenset(("groundtruth",))
MASK_FOLDERS = SURE_MASK_FOLDERS | {
    *("mask", "masks", "gt", "label", "labels", "seg", "segs", "segmentation", "segmentations", "segmentationmask"),
    *("segmentationmasks", "segmentationclass", "segmentationobject", "annotation", "annotations"),
}
IMAGE_FOLDERS = frozenset(("image", "images", "img", "imgs", "jpegimages", "photos", "pictures"))

NOTES_ON_MASKS = (  # filled in with {count} and {example}
    Message("{count} files are taken as masks of the photos beside, such as {example}."),
    Message(
        "{count} files are called like masks, such as {example}, and have no photo beside: they are taken as photos."
    ),
    Message(
        "{count} files are called like masks, such as {example}, and show a scene in many colours: "
        "they are taken as photos."
    ),
    Message("{count} masks cannot be read and are left out, such as {example}. Export them again as grey PNG."),
    Message("{count} masks belong to no photo, such as {example}."),
)

FolderParts = tuple[str, ...]  # the folders that a file lies in, in small letters


@dataclass(frozen=True, slots=True)
class MaskFiles:
    """The masks of a tree: by photo, those of no photo, those that cannot be read, and photos called like masks."""

    by_photo: Mapping[Path, Path]
    idle: tuple[str, ...]
    unreadable: tuple[str, ...]
    alone: tuple[str, ...]
    views: tuple[str, ...]  # called like masks, beside their photos, and photos in colour by what they show
    files: frozenset[Path]  # all masks, which are no photos
    several: Mapping[Path, tuple[Path, ...]] = field(default_factory=dict)  # masks of one photo that belong together

    @classmethod
    def of(cls, tree: Tree) -> "MaskFiles":
        """Every mask of a tree; `NAME_mask.png` goes before `NAME.png`, and broken files are kept apart."""
        return _Sorting(tree).sorted()

    @staticmethod
    def names(tree: Tree) -> frozenset[str]:
        """The names of all masks of a tree, none of which is opened."""
        masks, idle = _Sorting(tree).told()
        return frozenset((*masks, *idle))

    def notes(self, tree: Tree) -> tuple[str, ...]:
        """What a person should know of them."""
        beside = [mask for mask in self.by_photo.values() if GROUND_TRUTH not in mask.relative_to(tree.root).parts]
        named = ([tree.name(mask) for mask in beside], self.alone, self.views, self.unreadable, self.idle)
        told = zip(NOTES_ON_MASKS, named, strict=True)
        return tuple(Message(note.text, count=len(names), example=legible(names[0])) for note, names in told if names)


@dataclass(slots=True)
class _Sorting:
    """Pictures of a tree by place and stem, while masks are told from photos."""

    tree: Tree
    stems: dict[tuple[FolderParts, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    # The folders right below a place.
    inside: dict[FolderParts, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for name in filter(is_photo_name, self.tree.files):
            place, stem = _split(name)
            self.stems[place, stem].append(name)
            for depth, folder in enumerate(place):
                if folder not in self.inside[place[:depth]]:
                    self.inside[place[:depth]].append(folder)

    def told(self) -> tuple[dict[str, list[str]], dict[str, None]]:
        """Masks with the photos that they may belong to, and masks without one, by their names alone."""
        masks, idle = self._in_folders()
        for name in self._called_masks():
            if name not in masks and name not in idle and (photos := self._beside(name)):
                masks[name] = photos
        return masks, idle

    def _called_masks(self) -> list[str]:
        return [name for name in self.tree.files if is_photo_name(name) and _bare(_split(name)[1])]

    def _beside(self, name: str) -> list[str]:
        place, stem = _split(name)
        return self.stems.get((place, _bare(stem)), [])

    def sorted(self) -> MaskFiles:
        """Masks by photo, each photo with one that can be read."""
        masks, idle = self.told()
        views = [name for name in masks if masks[name] == self._beside(name) and is_colour_photo(self.tree.files[name])]
        with_photos = masks.keys() | idle.keys()
        alone = [self._shown(name) for name in self._called_masks() if name not in with_photos]
        for name in views:
            del masks[name]
        by_photo: dict[Path, Path] = {}
        several: dict[Path, tuple[Path, ...]] = {}
        broken, second = [], []
        for name in sorted(masks, key=lambda each: (not _bare(_split(each)[1]), each)):
            photos = [self.tree.files[photo] for photo in masks[name] if photo not in masks]
            if not is_readable_mask(self.tree.files[name]):
                broken.append(self._shown(name))
            elif any(photo not in by_photo for photo in photos):
                by_photo |= {photo: self.tree.files[name] for photo in photos if photo not in by_photo}
            elif (
                photos
                and (folder := self.tree.files[name].parent) == by_photo[photos[0]].parent
                and folder.name.casefold() == photos[0].stem.casefold()
            ):
                several[photos[0]] = (*several.get(photos[0], (by_photo[photos[0]],)), self.tree.files[name])
            else:
                second.append(self._shown(name))
        whole = [name for name in idle if is_readable_mask(self.tree.files[name])]
        broken += [self._shown(name) for name in idle if name not in whole]
        unused = sorted((*second, *map(self._shown, whole)))
        files = frozenset(self.tree.files[name] for name in (*masks, *idle))
        shown = tuple(map(self._shown, views))
        by_photo = {photo: mask for photo, mask in by_photo.items() if photo not in several}
        return MaskFiles(by_photo, tuple(unused), tuple(sorted(broken)), tuple(alone), shown, files, several)

    def _in_folders(self) -> tuple[dict[str, list[str]], dict[str, None]]:
        """Masks in folders of masks with their photos, and those without one."""
        folders: dict[FolderParts, dict[str, list[str]]] = defaultdict(dict)
        for (place, stem), names in self.stems.items():
            for depth, folder in enumerate(place):
                if plain(folder) in MASK_FOLDERS:
                    folders[place[: depth + 1]] |= dict.fromkeys(names, self._photos(place, depth, stem))
        masks: dict[str, list[str]] = {}
        idle: dict[str, None] = {}
        for place, found in folders.items():
            having = {name: photos for name, photos in found.items() if photos}
            if plain(place[-1]) in SURE_MASK_FOLDERS or 2 * len(having) >= len(found):
                masks |= having
                idle |= dict.fromkeys(name for name in found if name not in having)
        return masks, {name: None for name in idle if name not in masks}

    def _photos(self, place: FolderParts, depth: int, stem: str) -> list[str]:
        """The photos that a mask in `place` may belong to, whose folder of masks is the one at `depth`."""
        for bare in filter(None, (_bare(stem), stem)):
            for home in self._homes(place[:depth], place[depth + 1 :]):
                if photos := self.stems.get((home, bare)):
                    return photos
        if place[depth + 1 :]:  # a folder of masks that is called like their photo
            for home in self._homes(place[:depth], place[depth + 1 : -1]):
                if photos := self.stems.get((home, place[-1])):
                    return photos
        return []

    def _homes(self, above: FolderParts, inner: FolderParts) -> Iterator[FolderParts]:
        """Where the photos of masks may lie; masks that name no part belong to the last one, as in MVTec AD."""
        yield (*above, *inner)
        yield from ((*above, folder, *inner) for folder in self.inside[above] if plain(folder) in IMAGE_FOLDERS)
        parts = {part_called(folder): folder for folder in self.inside[above]}
        last = next((parts[part] for part in (TEST, TRAIN, CALIBRATION) if part in parts), WHOLE)
        if last:
            yield (*above, last, *inner)

    def _shown(self, name: str) -> str:
        return self.tree.above + name


def _split(name: str) -> tuple[FolderParts, str]:
    *folders, file = name.casefold().split("/")
    return tuple(folders), file.rpartition(".")[0]


def _bare(stem: str) -> str:
    """The stem of the photo that a mask's own stem names; empty where it is not called like a mask."""
    found = CALLED_MASK.fullmatch(stem)
    return found["photo"] if found else ""


GROUND_TRUTH = "ground_truth"
ONE_CHANNEL = ("1", "L", "P", "LA", "PA", "I", "F")  # or I;16 and its kin
GREY_TOLERANCE = 16  # of 255: the channels of a grey picture differ by less, also after a JPEG
COLOURED = 0.05  # of the pixels of a colour photo differ by more
NUMBERED = 256  # colours that a palette holds
FLAT, SHARE = 16, 0.9  # so many coarse shades hold so much of a mask, which has soft edges and noise beside
TOLD_BY_PIXELS = 128  # rows and columns of a picture that are enough to tell


def misfit(mask: Path, photo: Path) -> str | None:
    """How a mask's size differs from its photo's, by their headers alone; None where it does not."""
    size, wanted = size_of(mask), size_of(photo)
    if size is None or wanted is None or size == wanted:
        return None
    return Message(
        "has {width} × {height} pixels and its photo {photo} {photo_width} × {photo_height}",
        width=size[0],
        height=size[1],
        photo=photo.name,
        photo_width=wanted[0],
        photo_height=wanted[1],
    )


def contradiction(mask: Path, *, good: bool) -> str:
    """How what a mask marks contradicts its photo's being good or defective; nothing where it cannot be read."""
    try:
        return look_at(mask).reason(good=good)
    except DataError:  # its reader will say
        return ""


def contradictions(masks: Iterable[tuple[Path, bool]], what: str) -> tuple[str, ...]:
    """A note for each way in which masks contradict their photos, each with whether its photo is good."""
    found: dict[str, list[Path]] = {}
    for mask, good in masks:
        if reason := contradiction(mask, good=good):
            found.setdefault(reason, []).append(mask)
    return tuple(
        Message(
            "The mask {mask} {reason}. {advice}",
            "The mask {mask} {reason} ({count} masks in all do so). {advice}",
            count=len(paths),
            mask=f"{paths[0].parent.name}/{paths[0].name}",
            reason=reason,
            advice=what,
        )
        for reason, paths in found.items()
    )


def is_readable_mask(path: Path) -> bool:
    """Whether a mask can be read."""
    try:
        with sentences(path.name):
            open_header(read_photo_bytes(path))
    except PhotoError:
        return False
    return True


def is_colour_photo(path: Path) -> bool:
    """Whether a picture shows a scene in many colours, as no mask does; False where it cannot be read."""
    try:
        with sentences(path.name):
            image, _ = decode_photo(read_photo_bytes(path), smallest=1)
    except PhotoError:
        return False
    if image.mode in ONE_CHANNEL or image.mode.startswith("I;"):
        return False
    pixels = np.asarray(image.convert("RGB"))
    rows, columns = (-(-side // TOLD_BY_PIXELS) for side in pixels.shape[:2])
    colours = pixels[::rows, ::columns].reshape(-1, 3)
    if (np.ptp(colours, axis=1) >= GREY_TOLERANCE).mean() < COLOURED or len(np.unique(colours, axis=0)) <= NUMBERED:
        return False
    _, counts = np.unique(colours >> 4, axis=0, return_counts=True)
    return bool(np.sort(counts)[-FLAT:].sum() < SHARE * len(colours))


def size_of(path: Path) -> tuple[int, int] | None:
    """Width and height of an upright picture by its header; None where it is none, which its reader will say."""
    try:
        with sentences(path.name):
            return upright_size(read_photo_bytes(path))
    except PhotoError:
        return None
