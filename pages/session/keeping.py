"""What is kept of the chosen product's inspections, and a visitor's wish to change it."""

from dataclasses import replace

import streamlit as st

from ensemble.records.keeping import Choice, choose_keeping, last_choice
from ensemble.records.recording import recorder
from ensemble.records.retention import last_removal
from ensemble.records.settings import Keeping
from ensemble.values.language import Message
from pages.session import person
from pages.session.products import shown_path, store
from pages.session.told import HISTORY, REVIEWED, refusals_told, tell

FIELD = "keeping_"  # how the keys of the fields begin


def kept_product() -> str:
    """The name that the history knows the chosen product by."""
    return store().product_name()


def keeping() -> Keeping:
    """What is kept of the chosen product; a RecordsError where the settings cannot be read."""
    return recorder().settings(kept_product())


def kept_where() -> str:
    """The folder that the history lies in, as a person would type it."""
    return shown_path(recorder().database.folder)


def chosen_by() -> Choice | None:
    """Who has chosen it last."""
    return last_choice(recorder().database, kept_product())


def retention_problem() -> str:
    """Why what is beyond the limits of the chosen product was not removed last; empty where it was."""
    return last_removal(recorder().database.folder, kept_product()).problem


def change_keeping() -> None:
    """Keep from now on what the fields say; for a button's callback."""
    given = {
        name: st.session_state.get(f"{FIELD}{name}") for name in ("keep", "required", "share", "days", "megabytes")
    }
    person.remember(str(st.session_state.get(f"{FIELD}who") or ""))
    with refusals_told(HISTORY):
        wanted = Keeping(
            keep=given["keep"] or "everything",
            required=bool(given["required"]),
            sample_rate=round((given["share"] or 0) / 100, 6),
            days=given["days"] or None,
            megabytes=given["megabytes"] or None,
        )
        choose_keeping(recorder().database, kept_product(), wanted, person.name())
        tell(HISTORY, Message("Changed: it holds from the next inspection on."))


def change_share(field: str) -> None:
    """Have chance draw that share of accepted parts from now on, in percent; for a button's callback."""
    share = round((st.session_state.get(field) or 0) / 100, 6)
    with refusals_told(REVIEWED):
        choose_keeping(recorder().database, kept_product(), replace(keeping(), sample_rate=share), person.name())
        tell(REVIEWED, Message("Changed: it holds from the next inspection on."))
