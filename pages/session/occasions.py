"""Who has photos inspected here, and in which time zone: what the history keeps of a visitor."""

import streamlit as st

from ensemble.records.values import Occasion, Source
from pages.session import person


def occasion(source: Source, batch: str = "") -> Occasion:
    """What the history keeps beside a verdict of this visitor."""
    return Occasion(source, person.name(), batch, st.context.timezone or "")
