"""One folder a class, with or without `train/` and `test/`; MVTec AD categories and trees; casting; OK and NOK names.

What the folders mean is decided in `layouts`, as it is when a folder is trained on directly.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ensemble.ground_truth import GROUND_TRUTH
from ensemble.importers.tree import Problem, Tree, is_photo_name
from ensemble.importers.values import SPLITS, Entry, Importer, Understood
from ensemble.layouts import PARTS, WHOLE, Found, Layout, categories, is_bad, is_good, meaning, parts_of, read_layout
from ensemble.results import DEFECTIVE, NON_DEFECTIVE

TITLE = "Class folders"
CALIBRATION = "calibration"
Folders = Mapping[str, Sequence[Found]]


def refuses(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    with_photos = {name.partition("/")[0] for name in tree.files if "/" in name and is_photo_name(name)}
    if not with_photos:
        loose = sum(is_photo_name(name) for name in tree.files)
        return f"{loose} photos that lie in no folder" if loose else "no folder that holds photos"
    named_alike = sorted(name for name in with_photos if name.lower() in SPLITS and name not in PARTS)
    if parts_of(tree.root, tree.places()):
        return ""
    if named_alike:
        return f"the folders {', '.join(named_alike)}: call them train and test, in small letters"
    if len(with_photos) > 1:
        return ""
    return _refuses_alone(tree, *with_photos)


def _refuses_alone(tree: Tree, top: str) -> str:
    """Why the only folder with photos is no class and no MVTec AD category, but something to look into."""
    inside = tree.below_folder(top)
    below = {name.partition("/")[0] for name in inside if "/" in name}
    if below & set(PARTS):
        learnt = {name.split("/")[1] for name in inside if name.startswith("train/") and name.count("/") > 1}
        return "" if len(learnt) == 1 and all(map(is_good, learnt)) else f"one folder, {top}, with parts of its own"
    if any(is_photo_name(name) for name in inside if "/" not in name):
        return ""
    if (is_good(top) or is_bad(top)) and not any(is_good(name) or is_bad(name) for name in below):
        return ""
    return f"one folder, {top}, and no other class beside it"


def read(tree: Tree, _field: str) -> Understood:
    """The photos of every class folder, as training would find them, and those of a validation folder beside."""
    layout, places = read_layout(tree.root, tree.places()), tree.places()
    listed = [(part, folders, "") for part, folders in layout.parts.items()]
    listed += _calibration(tree, places)
    everything = Layout({f"{part} {category}": folders for part, folders, category in listed}, False, ())
    kinds, notes = _meaning(tree, layout, everything)
    entries = [
        _entry(tree, found, part, kind, category or found.category, kinds)
        for part, folders, category in listed
        for kind, files in folders.items()
        for found in files
    ]
    used = {path for entry in entries for path in (entry.path, entry.mask) if path}
    rest = [name for name, path in tree.files.items() if path not in used and GROUND_TRUTH not in name.split("/")]
    problems = [_lost(tree.above + name) for name in rest if is_photo_name(name)]
    notes += tree.idle([path for name, path in tree.files.items() if name not in rest or is_photo_name(name)])
    return Understood(TITLE, tuple(entries), kinds, tuple(problems), (*layout.notes, *notes))


def _calibration(tree: Tree, places: frozenset[Path]) -> list[tuple[str, Folders, str]]:
    """The class folders of every `val/` or `calibration/` that lies beside `train/` or `test/`."""
    roots = {"": tree.root} if parts_of(tree.root, places) else categories(tree.root, among=places)
    return [
        (CALIBRATION, read_layout(root / name, places).parts.get(WHOLE, {}), category)
        for category, root in roots.items()
        for name, split in SPLITS.items()
        if split == CALIBRATION and root / name in places
    ]


def _meaning(tree: Tree, layout: Layout, everything: Layout) -> tuple[dict[str, str | None], list[str]]:
    """What the folders mean in `layouts`; photos of one class alone may come in to join others of their product."""
    names = everything.names()
    if len(names) == 1:
        (name,) = names
        label = NON_DEFECTIVE if is_good(name) else DEFECTIVE if is_bad(name) else name
        return {name: label}, [f"There is one class only, {name}: a product needs photos of another one too."]
    parts = {**layout.parts, CALIBRATION: dict.fromkeys(names, ())}
    return dict(meaning(tree.root, Layout(parts, layout.has_masks, ()))), []


def _entry(tree: Tree, found: Found, part: str, kind: str, category: str, kinds: Mapping[str, str | None]) -> Entry:
    damaged = kinds[kind] == DEFECTIVE
    defect = found.kind.removeprefix(f"{found.category}/") if damaged else ""
    return Entry(
        found.path,
        tree.name(found.path),
        kind,
        part,
        "" if is_bad(defect) else defect,
        category,
        mask=found.mask,
    )


def _lost(name: str) -> Problem:
    reason = f"{name} lies in no class folder. Put it into one, such as train/ok or train/nok."
    return Problem(name, reason)


CLASS_FOLDERS = Importer(
    title=TITLE,
    expects="one folder a class (ok and nok, or any names), or train/CLASS and test/CLASS, an MVTec AD category or a "
    "tree of them.",
    refuses=refuses,
    read=read,
)
