"""The view of a product with its reference photo: that of the version in force, and the one for the next training."""

import base64
import json
from pathlib import Path
from typing import Any

from ensemble.disk.files import digest_of, parsed, read_text, write_atomically
from ensemble.imaging.photos import open_photo
from ensemble.store.folder import ModelStore
from ensemble.store.loading import view_in
from ensemble.store.places import NEXT_VIEW
from ensemble.values.errors import StoreError, readable
from ensemble.values.language import Message
from ensemble.values.view import AS_IT_IS, View

LARGEST_VIEW = 60_000_000  # bytes: a photo in letters, and little more


def view_in_force(store: ModelStore) -> View:
    """The view that a product's members were trained for, with its reference; a StoreError where that has changed."""
    return view_in(store.path_of, store.manifest().view)


def view_for_training(folder: Path, named: str = "") -> View:
    """The view that the next training is for: that of a file, the one set in the product, or else that in force."""
    if named:
        return read_view(Path(named))
    if (folder / NEXT_VIEW).is_file():
        return read_view(folder / NEXT_VIEW)
    store = ModelStore(folder)
    return AS_IT_IS if store.known_manifest() is None else view_in_force(store)


def reference_of(data: bytes, name: str, view: View) -> dict[str, Any]:
    """What a view holds of the photo that it is drawn on, from its file; a PhotoError where that is none."""
    photo = open_photo(data, name, view)
    return {"photo": data, "size": photo.picture.size, "reference": photo.sha256}


def keep_view(folder: Path, view: View) -> None:
    """Set the view for the next training of a product; what is trained already stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / NEXT_VIEW, view_text(view).encode())


def view_text(view: View) -> str:
    """A view with its reference photo as the text of a file."""
    photo = base64.b64encode(view.photo).decode()
    return json.dumps({"view": view.as_json(), "photo": photo}) + "\n"


def read_view(path: Path) -> View:
    """The inverse of `view_text`, from a file; a StoreError where it holds no view, or another photo than it says."""
    with readable(str(path), Message("Set the view again.")):
        data = parsed(read_text(path, LARGEST_VIEW))
        view = View.from_json(data["view"], base64.b64decode(data["photo"], validate=True))
        if view.reference and digest_of(view.photo) != view.reference:
            raise StoreError("{path} holds another photo than it was drawn on. Set the view again.", path=path)
        return view
