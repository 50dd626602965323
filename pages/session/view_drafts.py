"""The view of a product as a visitor draws it, until it is kept for the next training."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image

from ensemble.datasets.collection import CollectedPhoto, Collection
from ensemble.imaging.aligning import AS_IT_LIES, Placement
from ensemble.imaging.looking import look_at_photo, looked_tiles, view_key
from ensemble.imaging.overlays import EVIDENCE_SIDE, canvas, darkened, thumbnail
from ensemble.imaging.photos import open_photo, read_photo_bytes
from ensemble.store import ModelStore
from ensemble.store.seeing import keep_view, reference_of, view_for_training
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.results import NON_DEFECTIVE
from ensemble.values.view import AS_IT_IS, Alignment, Tiles, View
from pages.session.drawings import Drawn, polygon_drawn
from pages.session.owners import owner_of
from pages.session.told import DATA, refusals_told, tell
from pages.session.trainings import view_folder

REGION, IGNORED = "region", "ignored"  # kinds of shapes
DRAFTS, EFFECT = "_view_drafts", "_view_effect"
KEPT = ""  # instead of a photo of the collection: the one that the view is kept with


@dataclass(slots=True)
class Draft:
    """What one visitor draws for a product: it begins with the view that is kept, under a name of its own."""

    product: str
    folder: Path
    kept: View  # for the next training, as it is now
    in_force: View = AS_IT_IS  # of the models that vote now
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    photo: str | None = None  # that is drawn on: KEPT, or a SHA-256
    reference: Mapping[str, Any] = field(default_factory=dict)
    jpeg: bytes = b""

    @property
    def start(self) -> tuple[Drawn, ...]:
        """The shapes of the view that is kept."""
        region = (polygon_drawn(REGION, self.kept.region),) if self.kept.region else ()
        return (*region, *(polygon_drawn(IGNORED, polygon) for polygon in self.kept.ignore))

    @property
    def waits(self) -> bool:
        """Whether the view that is kept waits for a training."""
        return not self.kept.shows_the_same(self.in_force)

    def draw_on(self, photo: str, data: bytes, name: str) -> None:
        """Draw on this photo from now on; a PhotoError where it is none."""
        if photo == self.photo:
            return
        found = reference_of(data, name, self.kept)
        self.photo, self.reference = photo, found
        self.jpeg = thumbnail(open_photo(data, name, self.kept).picture, EVIDENCE_SIDE)

    def drawn(
        self,
        shapes: Sequence[Drawn],
        alignment: Alignment | None = None,
        tiles: Tiles | None = None,
        mm_per_pixel: float | None = None,
    ) -> View:
        """The view of these shapes; a DataError says why it is none. Without any, photos are looked at as they are."""
        region = next((shape.points for shape in shapes if shape.kind == REGION), ())
        ignore = tuple(shape.points for shape in shapes if shape.kind == IGNORED)
        kept = self.kept
        bare = bool(kept.reference) and not (kept.region or kept.ignore or kept.alignment)  # a photo of that size
        on = self.reference if region or ignore or alignment or bare else {"reference": "", "size": None, "photo": b""}
        changes: dict[str, Any] = {"region": region, "ignore": ignore, "alignment": alignment, "tiles": tiles, **on}
        try:
            view = replace(kept, residual_limit=None, mm_per_pixel=mm_per_pixel, **changes)
        except ValueError as error:
            raise DataError(error.args[0]) from error
        return self.kept if self.is_kept(view) else view

    def is_kept(self, view: View) -> bool:
        """Whether a view is the one that is kept."""
        return view.shows_the_same(self.kept) and view.mm_per_pixel == self.kept.mm_per_pixel

    def judged(self, view: View) -> View:
        """A view with the limit that the models in force have learnt for it, if it is theirs."""
        limit = self.in_force.residual_limit
        return replace(view, residual_limit=limit) if view.alignment and view.shows_the_same(self.in_force) else view


@dataclass(frozen=True, slots=True)
class Effect:
    """One photo as it came, with what is not looked at darkened, and as members see it, both as JPEG; and how the part
    lies on it, where photos are aligned."""

    before: bytes
    after: bytes
    doubt: str = ""  # why a person must look; empty where the photo fits
    residual: float | None = None
    placement: Placement = AS_IT_LIES
    tiles: int = 0  # that are looked at; none where the photo is looked at as a whole


def draft(found: Collection) -> Draft:
    """What this visitor draws for the product of a collection, or for the new one that will have its name."""
    product = owner_of(found.folder) or found.name
    folder = view_folder(product)
    drafts: dict[Path, Draft] = st.session_state.setdefault(DRAFTS, {})
    if folder not in drafts:
        drafts[folder] = Draft(product, folder, view_for_training(folder))
    manifest = ModelStore(folder).known_manifest()
    drafts[folder].in_force = AS_IT_IS if manifest is None else manifest.view  # another one once a version is published
    return drafts[folder]


def begin_anew(folder: Path) -> None:
    """Give up what is drawn for a product; for a button's callback."""
    st.session_state.get(DRAFTS, {}).pop(folder, None)


def keep_drawn(drawn: Draft, view: View) -> None:
    """Keep a view for the next training of its product."""
    with refusals_told(DATA):
        keep_view(drawn.folder, view)
        drawn.kept = view
        tell(DATA, Message("The next training of {product} uses this view.", product=drawn.product))


def remove_view(drawn: Draft) -> None:
    """Let the next training of a product look at photos as they are; for a button's callback."""
    with refusals_told(DATA):
        keep_view(drawn.folder, AS_IT_IS)
        begin_anew(drawn.folder)
        tell(DATA, Message("The next training of {product} looks at whole photos.", product=drawn.product))


def photos_to_draw_on(found: Collection) -> tuple[CollectedPhoto, ...]:
    """The photos of a collection, those of good parts first."""
    known = [photo for photo in found.photos() if not photo.dropped]
    return tuple(sorted(known, key=lambda photo: photo.label != NON_DEFECTIVE))


def effect_on(view: View, photo: CollectedPhoto) -> Effect:
    """What a view makes of a photo of the collection; the same question is answered once."""
    key = f"{view_key(view)} {view.residual_limit} {photo.sha256}"
    known: tuple[str, Effect] | None = st.session_state.get(EFFECT)
    if known is None or known[0] != key:
        known = st.session_state[EFFECT] = key, _effect(view, photo)
    return known[1]


def _effect(view: View, photo: CollectedPhoto) -> Effect:
    picture = open_photo(read_photo_bytes(photo.path), photo.name, view).picture
    look = look_at_photo(picture, view)
    tiles = len(looked_tiles(look or picture, view.tiles)) if view.tiles else 0
    if look is None:
        plain = thumbnail(picture, EVIDENCE_SIDE)
        return Effect(plain, plain, tiles=tiles)
    before = thumbnail(darkened(canvas(picture), Image.fromarray(look.seen_on_photo())), EVIDENCE_SIDE)
    after = thumbnail(canvas(look.picture), EVIDENCE_SIDE)
    return Effect(before, after, look.doubt, look.residual, look.placement, tiles)
