"""Member by member: how well each tells good from defective over all cuts, and whether its probabilities come true."""

from collections.abc import Mapping
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ensemble import curves, figures
from ensemble.curves import Curve
from ensemble.performance import ENSEMBLE, suspicions
from ensemble.policies import RULES
from pages.components import session
from pages.components.chart import show_chart
from pages.components.performance_basis import Measured
from pages.components.performance_reliability import before_and_after, show_reliability
from pages.components.sheet import show_sheet

Voter = tuple[NDArray[np.bool_], NDArray[np.float64]]


def show_performance_members(measured: Measured) -> None:
    """Show the table of members, their curves beside the ensemble's, and how one voter's figures follow its cut."""
    _show_table(measured)
    voters = _voters(measured) if measured.classes.defect is not None else {}
    if voters:
        _show_curves(measured, voters)
    elif measured.classes.defect is None:
        st.caption("No class is the defect, so there is no cut to draw curves over.")
    else:
        st.info("Curves over all cuts need good and defective photos, and the test photos are of one class alone.")
    with st.container(key="voters"):
        if voters:
            with st.container():
                _show_f_beta(measured, voters)
        with st.container():
            show_reliability(measured)


def _show_table(measured: Measured) -> None:
    records, rows = session.records(), []
    weighs = RULES[measured.policy.rule].weighs
    has_defect = measured.classes.defect is not None
    for member in measured.members:
        record = records.get(member)
        brier, ece = before_and_after(record)
        weight = (f"{measured.policy.weight_of(member, record.weight if record else 1.0):.2f}",) if weighs else ()
        method = record.calibrator.method if record else "none"
        area = (_auroc(measured, member),) if has_defect else ()
        rows.append((escape(member), *area, brier, ece, escape(method), *weight))
    auroc = ("AUROC",) if has_defect else ()
    show_sheet(("Member", *auroc, "Brier", "ECE", "Calibration", *(("Weight",) if weighs else ())), rows, folding=True)
    st.caption(
        ("AUROC on the test photos. " if has_defect else "")
        + "Brier score and expected calibration error (ECE) before → after calibration, on held-out photos: 0 is best."
    )


def _auroc(measured: Measured, member: str) -> str:
    truth, scores = suspicions(measured.known, measured.policy, member, measured.classes)
    return f"{curves.roc(truth, scores).area:.3f}" if truth.any() and not truth.all() else "–"


def _voters(measured: Measured) -> dict[str, Voter]:
    found: dict[str, Voter] = {}
    for voter in (ENSEMBLE, *measured.members):
        truth, scores = suspicions(measured.known, measured.policy, voter, measured.classes)
        if truth.any() and not truth.all():
            found[voter] = (truth, scores)
    return found


def _show_curves(measured: Measured, voters: Mapping[str, Voter]) -> None:
    scheme = session.scheme()
    roc: dict[str, Curve] = {name: curves.roc(*given) for name, given in voters.items()}
    precise: dict[str, Curve] = {name: curves.precision_recall(*given) for name, given in voters.items()}
    with st.container(key="curves"):
        with st.container():
            st.markdown("**Caught against overkill** (ROC)")
            show_chart(figures.roc(roc, scheme, ensemble=ENSEMBLE), "roc")
        with st.container():
            st.markdown("**Precision against caught** (PR)")
            show_chart(figures.precision_recall(precise, scheme, ensemble=ENSEMBLE), "precision-recall")
    if measured.policy.cascade or measured.policy.exceptions:
        st.caption("The ensemble's curves are those of all its votes: they know neither cascade nor exceptions.")


def _show_f_beta(measured: Measured, voters: Mapping[str, Voter]) -> None:
    st.markdown("**F-beta by cut**")
    voter = st.selectbox("Voter", list(voters), key="f_beta_voter", filter_mode=None)
    cut = measured.policy.reject_from if voter == ENSEMBLE else measured.policy.cut_of(voter)
    drawn = {curve.name: curve for curve in curves.f_beta_curve(*voters[voter])}
    show_chart(figures.f_beta(drawn, cut, session.scheme()), "f-beta")
    st.caption("To look at, not to choose by: a cut that is chosen on test photos measures nothing any more.")
