"""One folder a class, with or without parts; MVTec AD categories and trees; casting; folders called OK and NOK."""

from dataclasses import replace

from ensemble.importers.layouts import learns_from_good_alone, parts_of, read_layout
from ensemble.importers.listing import Tree, is_photo_name
from ensemble.importers.mask_files import IMAGE_FOLDERS, MASK_FOLDERS
from ensemble.importers.values import Importer, Understood
from ensemble.values.language import Message
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE
from ensemble.values.vocabulary import classes_by_name, is_bad, is_good, plain, same_name


def why_not_class_folders(tree: Tree, _field: str) -> str:
    """Why a tree is not laid out so."""
    with_photos = {name.partition("/")[0] for name in tree.files if "/" in name and is_photo_name(name)}
    if not with_photos:
        loose = sum(is_photo_name(name) for name in tree.files)
        if loose:
            return Message("{count} photos that lie in no folder", count=loose)
        return Message("no folder that holds photos")
    if parts := parts_of(tree):
        folders = [folder for found in parts.values() for folder in found]
        classes = {name for folder in folders for name in tree.within(folder).folders()}
        classes |= with_photos - set(folders)
        if not classes:
            return Message("photos in no class folder, in {folders}", folders=", ".join(folders))
        return _names_none(classes)
    if len(with_photos) > 1:
        return _names_none(with_photos)
    return _refuses_alone(tree, *with_photos)


def _names_none(folders: set[str]) -> str:
    """Why folders are no classes, where all are called by what they hold."""
    if folders and all(plain(folder) in IMAGE_FOLDERS | MASK_FOLDERS for folder in folders):
        return Message(
            "the folders {folders}, which say what they hold and not what it shows", folders=", ".join(sorted(folders))
        )
    return ""


def _refuses_alone(tree: Tree, top: str) -> str:
    """Why the only folder with photos is no class and no MVTec AD category, but something to look into."""
    inside = tree.within(top)
    if parts_of(inside):
        if learns_from_good_alone(inside):
            return ""
        return Message("one folder, {folder}, with parts of its own", folder=top)
    if any(is_photo_name(name) for name in inside.at_top()):
        return ""
    below = inside.folders()
    if (is_good(top) or is_bad(top)) and not any(is_good(name) or is_bad(name) for name in below):
        return ""
    return Message("one folder, {folder}, and no other class beside it", folder=top)


def read_class_folders(tree: Tree, _field: str) -> Understood:
    """The photos of every class folder of every part."""
    layout = read_layout(tree)
    learnt = layout.names()
    kinds = classes_by_name(learnt)
    notes = list(layout.notes)
    if len(set(map(same_name, learnt))) == 1:
        kinds = {name: NON_DEFECTIVE if is_good(name) else DEFECTIVE if is_bad(name) else learnt[0] for name in learnt}
        if not is_good(learnt[0]):
            notes.append(
                Message("There is one class only, {name}: a product needs photos of another one too.", name=learnt[0])
            )
    damaged = {name for name, label in kinds.items() if label == DEFECTIVE}
    files = layout.files()
    entries = [each if each.kind in damaged and not is_bad(each.defect) else replace(each, defect="") for each in files]
    photos = [path for name, path in tree.files.items() if is_photo_name(name)]
    notes += tree.idle([*(entry.path for entry in entries), *layout.masks, *photos])
    return Understood(tuple(entries), kinds, layout.problems, tuple(notes))


CLASS_FOLDERS = Importer(
    title=Message("Class folders"),
    expects=Message(
        "one folder a class (ok and nok, or any names), or train/CLASS, validation/CLASS and test/CLASS, an MVTec "
        "AD category or a tree of them."
    ),
    refuses=why_not_class_folders,
    read=read_class_folders,
)
