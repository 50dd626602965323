"""Whether a member's probabilities come true, before and after calibration."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from ensemble import cases, figures, reliability
from ensemble.reliability import Quality
from ensemble.store import Record
from pages.components import session
from pages.components.chart import show_chart
from pages.components.performance_basis import Measured

TEST, BEFORE, AFTER = "Test photos", "Held out: before", "Held out: after"
SOURCES = {
    TEST: "test photos",
    BEFORE: "held-out photos, before calibration",
    AFTER: "held-out photos, after calibration",
}


def show_reliability(measured: Measured) -> None:
    """Show the reliability diagram of one member, on photos held out for calibration or on the test photos."""
    st.markdown("**Do its probabilities come true?**")
    member = st.selectbox("Member", list(measured.members), key="reliability_member", filter_mode=None)
    calibration = _calibration(session.records().get(member))
    found = {BEFORE: _quality(calibration.get("before")), AFTER: _quality(calibration.get("after"))}
    known = {TEST: _on_test(measured, member)} | {name: each for name, each in found.items() if each}
    which = st.segmented_control(
        "Photos", list(known), default=TEST, required=True, label_visibility="collapsed", key="reliability_photos"
    )
    quality = known[which]
    show_chart(figures.reliability(quality.bins, session.scheme(), f"{member}: {SOURCES[which]}"), "reliability")
    photos = sum(count for *_, count in quality.bins)
    st.caption(f"Brier score {quality.brier:.3f}, ECE {quality.ece:.3f} on {photos} photos; the numbers count photos.")


def before_and_after(record: Record | None) -> tuple[str, str]:
    """Brier score and ECE of a member before and after its calibration, in words; dashes where nobody measured."""
    calibration = _calibration(record)
    before, after = _quality(calibration.get("before")), _quality(calibration.get("after"))
    if before is None or after is None:
        return "–", "–"
    return f"{before.brier:.3f} → {after.brier:.3f}", f"{before.ece:.3f} → {after.ece:.3f}"


def _on_test(measured: Measured, member: str) -> Quality:
    heard, rows = cases.said(measured.known, member, measured.classes)
    truth = np.array([measured.classes.names.index(case.label) for case in heard])
    return reliability.quality(rows, truth)


def _calibration(record: Record | None) -> Mapping[str, Any]:
    found = record.training.get("calibration") if record else None
    return found if isinstance(found, Mapping) else {}


def _quality(kept: Any) -> Quality | None:
    """What a manifest keeps of it; None where it was never measured or is no such thing."""
    try:
        bins = tuple((float(mean), float(observed), int(count)) for mean, observed, count in kept["bins"])
        return Quality(float(kept["brier"]), float(kept["ece"]), bins)
    except (TypeError, KeyError, ValueError):
        return None
