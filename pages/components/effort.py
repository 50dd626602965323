"""How a member's training went: its curves, and what it used."""

from collections.abc import Mapping

import streamlit as st

from ensemble import figures
from ensemble.store import Record
from pages.components import session
from pages.components.votes import STILL


def show_curves(record: Record) -> None:
    """Show what was measured at each epoch: losses in one chart, rates in another."""
    for title, curves in _by_unit(record.training.get("curves")).items():
        st.markdown(f"**{title} by epoch**")
        st.plotly_chart(
            figures.curves(curves, session.scheme()),
            theme=None,
            config=STILL,
            key=f"{title} of {record.name}",
            alt=figures.curves_text(curves),
        )


def energy(record: Record) -> str:
    """What the training run that made this member used, all its members together; empty where nobody measured."""
    used = record.training.get("energy")
    if not isinstance(used, Mapping) or not isinstance(used.get("cpu_seconds"), int | float):
        return ""
    parts = [f"{used['cpu_seconds']:,.0f} CPU seconds"]
    for key, unit in (("watt_hours", "Wh"), ("grams_co2", "g CO2")):
        if isinstance(used.get(key), int | float):
            parts.append(f"about {used[key]:.2g} {unit}")
    return f"{', '.join(parts)} ({used.get('source', 'source unknown')}), the whole run"


def _by_unit(curves: object) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {}
    for name, values in curves.items() if isinstance(curves, Mapping) else ():
        if isinstance(values, list) and values and all(isinstance(value, int | float) for value in values):
            found.setdefault("Loss" if name.endswith("loss") else "Quality", {})[name] = values
    return found
