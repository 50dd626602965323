"""Model files that nobody vouches for: named to whoever looks, and never opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ensemble.disk.files import is_whole
from ensemble.store.places import MODEL_ENDINGS
from ensemble.values.errors import StoreError
from ensemble.values.language import Message


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A model file that the manifest does not vouch for; it is never opened."""

    file: str
    reason: str
    known: bool  # the manifest names the file, but its bytes have changed


def quarantined(folder: Path, digests: Mapping[str, str]) -> list[Quarantined]:
    """The model files in a folder that its manifest does not know by their SHA-256, or whose bytes have changed."""
    if not folder.is_dir():
        raise StoreError("The models folder {folder} does not exist. Name the folder of a product.", folder=folder)
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in MODEL_ENDINGS or not path.is_file():
            continue
        if path.name not in digests:
            found.append(Quarantined(path.name, Message("The manifest does not know this file."), known=False))
        elif not is_whole(path, digests[path.name]):
            found.append(Quarantined(path.name, Message("Its bytes are not those that were trusted."), known=True))
    return found
