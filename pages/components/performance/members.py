"""Member by member: how well each tells good from defective over all thresholds, and whether its probabilities hold."""

from collections.abc import Mapping
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
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.titles import ENSEMBLE, calibration_title, model_title, voter_title
from pages.components.common.charts import show_chart
from pages.components.common.choices import show_choice
from pages.components.common.lessons import not_used, show_choice_of_models
from pages.components.common.sheet import as_html, show_sheet
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
        st.caption(_("No curves: none of the classes is the defect."))
    else:
        st.info(_("No curves: they need good and defective photos in the test set."))
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
            changes = [_change(before.brier, after.brier), _change(before.ece, after.ece)]
        counts = (
            measured.policy.weight_of(member, record.weight if record else 1.0) if _votes_in(measured, member) else 0
        )
        weight = (worded(NumberText(f"{counts:.2f}")),) if weighs else ()
        method = record.calibrator.method if record else "none"
        auroc = NumberText(f"{image_metrics.roc_points(*voters[member]).area:.3f}") if member in voters else "–"
        area = (worded(auroc),) if has_defect else ()
        name = as_html(model_title(member)) + ("" if _votes_in(measured, member) else f" {not_used()}")
        rows.append((name, *area, *changes, as_html(calibration_title(method)), *weight))
    areas, weights = (_("AUROC"),) if has_defect else (), (_("Weight"),) if weighs else ()
    show_sheet((_("Model"), *areas, _("Brier"), _("ECE"), _("Calibration"), *weights), rows, folding=True)
    if not all(_votes_in(measured, member) for member in measured.members):
        show_choice_of_models()
    if has_defect:
        st.caption(_("AUROC on test photos."))
    st.caption(
        _("Brier score and expected calibration error (ECE) on validation photos, before → after calibration; 0: best.")
    )


def _change(before: float, after: float) -> str:
    return _("{before:.3f} → {after:.3f}", before=before, after=after)


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
            st.markdown(_("**ROC curve**"))
            show_chart(figures.draw_roc(roc, scheme, ensemble=ENSEMBLE), "roc")
        with st.container():
            st.markdown(_("**Precision-recall curve**"))
            show_chart(figures.draw_precision_recall(precise, scheme, ensemble=ENSEMBLE), "precision-recall")
    if measured.policy.cascade or measured.policy.exceptions:
        st.caption(_("Ensemble curves use all votes, without cascade and exceptions."))


def _show_f_beta(measured: Measured, voters: Mapping[str, Voter]) -> None:
    st.markdown(_("**F-beta by threshold**"))
    words = lambda name: worded(voter_title(name))  # noqa: E731
    voter = st.selectbox(_("Model"), list(voters), format_func=words, key="f_beta_voter", filter_mode=None)
    threshold = measured.policy.reject_from if voter == ENSEMBLE else measured.policy.threshold_of(voter)
    drawn = {curve.name: curve for curve in image_metrics.f_beta_curve(*voters[voter])}
    show_chart(figures.f_beta(drawn, threshold, products.scheme()), "f-beta")
    st.caption(_("For information only. Do not choose thresholds on test data."))


PHOTOS = {
    "test": Message("Test"),
    "before": Message("Validation, uncalibrated"),
    "after": Message("Validation, calibrated"),
}


def show_reliability(measured: Measured) -> None:
    """Show the reliability diagram of one member, on validation photos or on the test photos."""
    st.markdown(_("**Calibration**"))
    member = st.selectbox(
        _("Model"),
        list(measured.members),
        format_func=lambda name: worded(model_title(name)),
        key="reliability_member",
        filter_mode=None,
    )
    before, after = calibration_quality(products.records().get(member))
    found = {"test": _on_test(measured, member), "before": before, "after": after}
    known = {name: quality for name, quality in found.items() if quality}
    which = show_choice(_("Photos"), known, "reliability_photos", lambda name: worded(PHOTOS[name]))
    quality = known[which]
    title = _("{model}: {photos}", model=model_title(member), photos=PHOTOS[which])
    show_chart(figures.reliability(quality.bins, products.scheme(), title), "reliability")
    photos = sum(count for *_, count in quality.bins)
    st.caption(
        _(
            "Brier score {brier:.3f}, ECE {ece:.3f}, {photos} photos. In the chart: photos per point.",
            brier=quality.brier,
            ece=quality.ece,
            photos=photos,
        )
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
