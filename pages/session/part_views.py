"""Which views of a part a product expects, and a visitor's wish to change it."""

import streamlit as st

from ensemble.store import ModelStore
from ensemble.store.expected_views import ExpectedViews, expected_views, write_expected_views
from ensemble.values.language import Message
from pages.session.products import is_demo, products, store
from pages.session.told import HISTORY, refusals_told, tell

FIELD = "views_"  # how the keys of the fields begin


def views_expected() -> ExpectedViews:
    """The views that the chosen product expects; none in a demo. A StoreError where its file is broken."""
    return ExpectedViews() if is_demo() else expected_views(store().folder)


def views_of(product: str) -> ExpectedViews:
    """The views that a product of the history expects, by its name there; none where it is no longer here."""
    folders = [folder for folder in products().values() if ModelStore(folder).product_name() == product]
    return expected_views(folders[0]) if folders else ExpectedViews()


def views_typed() -> ExpectedViews:
    """What the fields say; a StoreError where a product cannot expect that."""
    given = {name: str(st.session_state.get(f"{FIELD}{name}") or "").strip() for name in ("names", "pattern")}
    names = tuple(name for each in given["names"].split(",") if (name := each.strip()))
    return ExpectedViews(names, given["pattern"])


def change_views() -> None:
    """Expect from now on what the fields say; for a button's callback."""
    with refusals_told(HISTORY):
        write_expected_views(store().folder, views_typed())
        tell(HISTORY, Message("Changed: parts are judged by these views from now on."))
