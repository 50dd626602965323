"""Which views of a part a product expects, and a visitor's wish to change it."""

import streamlit as st

from ensemble.inspection.kept_parts import KeptPart, kept_part
from ensemble.records.recording import recorder
from ensemble.store import ModelStore
from ensemble.store.expected_views import ExpectedViews, expected_views, write_expected_views
from ensemble.values.language import Message
from pages.session.products import is_demo, products, store
from pages.session.told import HISTORY, refusals_told, tell

FIELD = "views_"  # how the keys of the fields begin


def views_expected() -> ExpectedViews:
    """The views that the chosen product expects; none in a demo. A StoreError where its file is broken."""
    return ExpectedViews() if is_demo() else expected_views(store().folder)


def expected_of_products() -> dict[str, tuple[str, ...]]:
    """The names of the views that each product expects, by its name in the history; a StoreError as above."""
    folders = products().values()
    return {ModelStore(folder).product_name(): expected_views(folder).names for folder in folders}


def part_of(product: str, part: str, lot: str) -> KeptPart | None:
    """A part of the history with its verdict; None where its product expects no views, or no photo of it is kept.

    A QuorumError where nobody can tell.
    """
    expected = expected_of_products().get(product)
    return kept_part(recorder().database, product, part, expected, lot) if expected else None


def parts_called(part: str, lot: str, product: str) -> list[KeptPart]:
    """The parts of this id, of one product or of all that expect views; a QuorumError where nobody can tell."""
    names = [product] if product else list(expected_of_products())
    return [found for name in names if (found := part_of(name, part, lot)) is not None]


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
