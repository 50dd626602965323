"""Member by member: how well each tells good from defective over all thresholds, and whether its probabilities hold."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ensemble import figures
from ensemble.evaluation.performance import scored_parts
from ensemble.metrics import calibrators, image_metrics
from ensemble.metrics.calibrators import Quality
from ensemble.metrics.image_metrics import Curve
from ensemble.policies import cases
from ensemble.store import Record
from ensemble.values.titles import ENSEMBLE, model_title, voter_title
from pages.components.common.charts import show_chart
from pages.components.common.choices import show_choice
from pages.components.common.sheet import show_sheet
from pages.components.performance.basis import Measured
from pages.session import products

Voter = tuple[NDArray[np.bool_], NDArray[np.float64]]


def show_performance_members(measured: Measured) -> None:
    """Show the table of members."""
    _show_table(measured, _voters(measured) if measured.classes.defect is not None else {})


def show_performance_curves(measured: Measured) -> None:
    """Show the members' curves beside the ensemble's, and one voter's figures over its threshold."""
    voters = _voters(measured) if measured.classes.defect is not None else {}
    if voters:
        _show_curves(measured, {name: given for name, given in voters.items() if _votes_in(measured, name)})
    elif measured.classes.defect is None:
        st.caption("No curves: none of the classes is the defect.")
    else:
        st.info("No curves: they need good and defective photos in the test set.")
    with st.container(key="voters"):
        if voters:
            with st.container():
                _show_f_beta(measured, voters)
        with st.container():
            show_reliability(measured)


def _show_table(measured: Measured, voters: Mapping[str, Voter]) -> None:
    records, rows = products.records(), []
    weighs = measured.policy.voting.weighs
    has_defect = measured.classes.defect is not None
    for member in measured.members:
        record = records.get(member)
        before, after = calibration_quality(record)
        changes = ["–", "–"]
        if before and after:
            changes = [f"{before.brier:.3f} → {after.brier:.3f}", f"{before.ece:.3f} → {after.ece:.3f}"]
        counts = (
            measured.policy.weight_of(member, record.weight if record else 1.0) if _votes_in(measured, member) else 0
        )
        weight = (f"{counts:.2f}",) if weighs else ()
        method = record.calibrator.method if record else "none"
        auroc = f"{image_metrics.roc_points(*voters[member]).area:.3f}" if member in voters else "–"
        area = (auroc,) if has_defect else ()
        rows.append((escape(model_title(member)), *area, *changes, escape(method), *weight))
    areas = ("AUROC",) if has_defect else ()
    show_sheet(("Model", *areas, "Brier", "ECE", "Calibration", *(("Weight",) if weighs else ())), rows, folding=True)
    if has_defect:
        st.caption("AUROC on test photos.")
    st.caption(
        "Brier score and expected calibration error (ECE) on validation photos, before → after calibration; 0: best."
    )


def _votes_in(measured: Measured, voter: str) -> bool:
    """Whether a voter is the ensemble or of the policy's jury."""
    record = products.records().get(voter)
    return record is None or measured.policy.asks(voter, record.weight)


def _voters(measured: Measured) -> dict[str, Voter]:
    """True labels and scores for each voter that has judged parts of both kinds."""
    given = measured.known, measured.policy
    scored = {voter: scored_parts(*given, voter, measured.classes) for voter in (ENSEMBLE, *measured.members)}
    return {voter: (truth, scores) for voter, (truth, scores) in scored.items() if truth.any() and not truth.all()}


def _show_curves(measured: Measured, voters: Mapping[str, Voter]) -> None:
    scheme = products.scheme()
    roc: dict[str, Curve] = {name: image_metrics.roc_points(*given) for name, given in voters.items()}
    precise: dict[str, Curve] = {name: image_metrics.precision_recall_points(*given) for name, given in voters.items()}
    with st.container(key="curves"):
        with st.container():
            st.markdown("**ROC curve**")
            show_chart(figures.draw_roc(roc, scheme, ensemble=ENSEMBLE), "roc")
        with st.container():
            st.markdown("**Precision-recall curve**")
            show_chart(figures.draw_precision_recall(precise, scheme, ensemble=ENSEMBLE), "precision-recall")
    if measured.policy.cascade or measured.policy.exceptions:
        st.caption("Ensemble curves use all votes, without cascade and exceptions.")


def _show_f_beta(measured: Measured, voters: Mapping[str, Voter]) -> None:
    st.markdown("**F-beta by threshold**")
    voter = st.selectbox("Model", list(voters), format_func=voter_title, key="f_beta_voter", filter_mode=None)
    threshold = measured.policy.reject_from if voter == ENSEMBLE else measured.policy.threshold_of(voter)
    drawn = {curve.name: curve for curve in image_metrics.f_beta_curve(*voters[voter])}
    show_chart(figures.f_beta(drawn, threshold, products.scheme()), "f-beta")
    st.caption("For information only. Do not choose thresholds on test data.")


TEST, BEFORE, AFTER = "Test", "Validation, uncalibrated", "Validation, calibrated"


def show_reliability(measured: Measured) -> None:
    """Show the reliability diagram of one member, on validation photos or on the test photos."""
    st.markdown("**Calibration**")
    member = st.selectbox(
        "Model", list(measured.members), format_func=model_title, key="reliability_member", filter_mode=None
    )
    before, after = calibration_quality(products.records().get(member))
    found = {TEST: _on_test(measured, member), BEFORE: before, AFTER: after}
    known = {name: quality for name, quality in found.items() if quality}
    which = show_choice("Photos", known, "reliability_photos")
    quality = known[which]
    show_chart(figures.reliability(quality.bins, products.scheme(), f"{model_title(member)}: {which}"), "reliability")
    photos = sum(count for *_, count in quality.bins)
    st.caption(
        f"Brier score {quality.brier:.3f}, ECE {quality.ece:.3f}, {photos} photos. In the chart: photos per point."
    )


def calibration_quality(record: Record | None) -> tuple[Quality | None, Quality | None]:
    """How good the probabilities of a member were before and after its calibration; None where nobody measured."""
    calibration = record.noted("calibration") if record else {}
    return _quality(calibration.get("before")), _quality(calibration.get("after"))


def _on_test(measured: Measured, member: str) -> Quality:
    heard, rows = cases.said(measured.known, member, measured.classes)
    truth = np.array([measured.classes.names.index(case.label) for case in heard])
    return calibrators.quality(rows, truth)


def _quality(kept: Any) -> Quality | None:
    """What a manifest keeps of it; None where it was never measured or is no such thing."""
    try:
        bins = tuple((float(mean), float(observed), int(count)) for mean, observed, count in kept["bins"])
        return Quality(float(kept["brier"]), float(kept["ece"]), bins)
    except (TypeError, KeyError, ValueError):
        return None
