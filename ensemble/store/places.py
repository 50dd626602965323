"""Which files a product has, and where each lies below its folder: what a manifest, a listing or a log names is one of
these, or nothing is read, written or removed under that name."""

import re
from pathlib import Path

from ensemble.disk.names import path_below
from ensemble.values.errors import StoreError

MANIFEST, EVIDENCE, REFERENCES = "manifest.json", "evidence.json", "references.npz"
POLICIES, HISTORY, VIEWS = "policies.json", "policies_history.json", "views.json"
VIEW_PHOTO, NEXT_VIEW = "view.photo", "next_view.json"
READ_ANEW = frozenset((POLICIES, HISTORY, VIEWS, NEXT_VIEW))  # each time, and no member rests on them
BACKBONES, VERSIONS, OBJECTS = "backbones", "versions", "objects"
MODEL_ENDINGS = frozenset((".pkl", ".pth", ".joblib", ".pt", ".npz", ".onnx"))

_LISTING = re.compile(r"[1-9][0-9]{0,8}\.json")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(text: object) -> bool:
    """Whether a text is a SHA-256 in hexadecimal digits."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def is_listing(name: str) -> bool:
    """Whether a file in `versions/` goes by the name of a version's listing."""
    return _LISTING.fullmatch(name) is not None


def is_product_file(name: object) -> bool:
    """Whether a product has files of such a name: those of members and backbones, and those that say what they are."""
    if not isinstance(name, str) or name.startswith(".") or "/." in name:
        return False
    folder, separator, last = name.rpartition("/")
    if not separator:
        return name in (MANIFEST, EVIDENCE, VIEW_PHOTO, *READ_ANEW) or Path(name).suffix in MODEL_ENDINGS
    return (folder == BACKBONES and last.endswith(".safetensors")) or (folder == VERSIONS and is_listing(last))


def place_of(folder: Path, name: object, source: str = "What was asked for") -> Path:
    """Where a product's file lies; a StoreError where no product has a file of that name, or a link leads out.

    `source` is what names the file, the beginning of a sentence.
    """
    if not is_product_file(name):
        shown = repr(name) if isinstance(name, str) else type(name).__name__
        raise StoreError(
            "{source} names {shown}, which is no file of a product. Nothing was changed: do not use "
            "what somebody else has made so, and restore your own from a copy.",
            source=source,
            shown=shown[:200],
        )
    return path_below(folder, name, StoreError)


def object_path(folder: Path, digest: str) -> Path:
    """Where the bytes of a version's file are kept, by their SHA-256; a StoreError where a link leads out."""
    if not is_digest(digest):
        raise StoreError(
            "A file of a version is kept under its SHA-256, 64 hexadecimal digits. Got {digest!r:.80}.", digest=digest
        )
    return path_below(folder, f"{VERSIONS}/{OBJECTS}/{digest}", StoreError)


def own_place(folder: Path, name: str) -> Path:
    """Where a file of the versions' own book-keeping lies; a StoreError where a link leads out of the product."""
    return path_below(folder, f"{VERSIONS}/{name}", StoreError)
