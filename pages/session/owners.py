"""Which photos belong to which product: the defaults of every screen follow this, so that none mixes products."""

from pathlib import Path

import streamlit as st

from ensemble.datasets.collection import Collection, collections, folder_name
from ensemble.store import ModelStore
from ensemble.values.errors import DataError, QuorumError
from pages.session.products import data_root, models_root, products, store

PRODUCT_OF = "product"  # what a collection notes of the product whose mistakes it was made for


def product_called() -> str:
    """The name of the chosen product, as the sidebar has it; that of its folder where there is none yet."""
    folder = store().folder
    return next((name for name, place in products().items() if place == folder), folder.resolve().name)


def owner_of(data: Path) -> str:
    """The product that a collection or a data folder belongs to: the one that was trained on it or that it was made
    for; empty where that is not known."""
    known, place = products(), data.resolve()
    for name, folder in known.items():
        if _trained_on(folder) == place:
            return name
    if place == data_root().resolve():
        return next((name for name, folder in known.items() if folder == models_root() and not _trained_on(folder)), "")
    return next((name for name in known if _is_named_for(data, name)), "")


def owner_of_new(name: str) -> str:
    """The product that a collection would belong to if it were made under a name; empty where it would to none."""
    folder = folder_name(name)
    if not folder:
        return ""
    named = (product for product in products() if folder_name(product) == folder)
    return owner_of(collections_root() / folder) or next(named, "")


def own_collection(product: str = "") -> Collection | None:
    """The collection of a product, else of the chosen one: what it was trained on, else one made for it or named so."""
    name = product or product_called()
    found = [folder for folder in collections(collections_root()).values() if owner_of(folder) == name]
    trained_on = _trained_on(products()[name] if product else store().folder)
    return Collection(next((each for each in found if each.resolve() == trained_on), found[0])) if found else None


def make_own_collection(product: str = "") -> Collection:
    """A new collection for a product, else for the chosen one."""
    name, taken = product or product_called(), collections(collections_root())
    plain = folder_name(name)
    names = (plain, *(f"{plain} {number}" for number in range(2, 1000)))
    made = Collection.create(collections_root(), next(each for each in names if each not in taken))
    made.note(PRODUCT_OF, name)
    return made


def collections_root() -> Path:
    """The folder of all collections."""
    return data_root() / "collections"


def _is_named_for(data: Path, product: str) -> bool:
    try:
        noted = Collection(data).noted(PRODUCT_OF)
    except DataError:  # a folder of photos, or a collection that is damaged
        return False
    return (noted or data.resolve().name) == (product if noted else folder_name(product))


def _trained_on(folder: Path) -> Path | None:
    """Where the photos lie that a product was trained on; None where that is not known."""
    try:
        where = _evidence_folder(str(folder), ModelStore(folder).manifest().evidence)
    except QuorumError:
        return None
    return (folder / where).resolve() if where else None


@st.cache_data(max_entries=64, show_spinner=False)
def _evidence_folder(folder: str, digest: str) -> str:
    return ModelStore(Path(folder)).evidence().folder if digest else ""
