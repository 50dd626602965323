"""What members have learnt from and what their votes weigh, in sentences."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ensemble.store import Record
from ensemble.training.extending import extended_by
from ensemble.training.variations import few_good
from ensemble.values.digits import many
from ensemble.values.results import Classes, Verdict
from ensemble.values.titles import model_title
from pages.components.common.sheet import as_markdown
from pages.session import products

UNSEEN = "No defect has been seen yet: OK means like the good parts."
GOOD_ALONE = "Trained on good parts only: OK means like the good parts."


def show_lesson(verdict: Verdict) -> None:
    """Say quietly that no member of the product has ever learnt from a defect, where that is so."""
    records = products.records()
    if verdict.classes.defect is None or not records:
        return
    if all(record.is_one_class(verdict.classes) for record in records.values()):
        unseen = all(never_saw_a_defect(record, verdict.classes) for record in records.values())
        st.caption(UNSEEN if unseen else GOOD_ALONE)
        if worth := next(filter(None, map(worth_of_few, records.values())), ""):
            st.caption(worth)


def worth_of_few(record: Record) -> str:
    """What the few good photos of a member are worth; empty where they are many, or others have taught it too."""
    held = record.noted("facts").get("held_out")
    return few_good(held) if isinstance(held, Mapping) else ""


def never_saw_a_defect(record: Record, classes: Classes) -> bool:
    """Whether a member has met no real defect, neither while learning nor when its vote was weighed."""
    return record.is_one_class(classes) and bool(record.noted("weighed").get("drawn"))


def lesson(record: Record, classes: Classes) -> str:
    """What taught a member that has learnt from good parts alone, or from damaged places; empty for any other."""
    drawn = record.noted("facts").get("synthetic")
    synthetic = f"{drawn} synthetic anomalies" if drawn else ""
    if record.is_one_class(classes):
        if drawn:
            return f"Good parts and {synthetic}"
        return worth_of_few(record) or "Good parts only"
    facts = record.noted("facts")
    if not {"with_mask", "without_mask", "synthetic"} <= set(facts):
        return ""
    real = f"{facts['with_mask']} defective photos with a mask, {facts['without_mask']} with a label only"
    return ", ".join(filter(None, (real, synthetic)))


def threshold(record: Record) -> str:
    """Where the usual threshold of 0.5 lies: at a calibrated probability, or where held-out good parts have set it."""
    if record.calibrator.method != "none":
        photos = record.noted("calibration").get("photos", "?")
        return f"0.5, calibrated ({record.calibrator.method}) on {photos} validation photos"
    held = record.noted("facts").get("held_out")
    if not isinstance(held, Mapping) or not {"quantile", "photos"} <= set(held):
        return ""
    if held.get("variations"):
        photos, variations = held["photos"], held["variations"]
        return f"{held['quantile']} quantile of {photos} good validation photos and {variations} variations"
    return f"{held['quantile']} quantile of {held['photos']} good validation photos"


def memory(record: Record) -> str:
    """How many places of good parts a patch memory holds and what that costs; empty for any other member."""
    facts = record.noted("facts")
    if not {"places", "megabytes", "seconds"} <= set(facts):
        return ""
    if since := len(extended_by(record)):
        return f"{facts['places']} patches ({facts['megabytes']} MB), with {many(since, 'photo')} added after training"
    return f"{facts['places']} patches ({facts['megabytes']} MB)"


OUTSIDE = "not used: no improvement of the ensemble on validation photos"


def weight_reason(record: Record) -> str:
    """What a vote's weight rests on, or why it has none; empty where it was never measured."""
    weighed = record.noted("weighed")
    if not record.weight:
        alone = _alone(record, weighed) if weighed else ""
        return f"{OUTSIDE} ({alone})" if alone else OUTSIDE
    if not weighed:
        return ""
    return _alone(record, weighed)


def _alone(record: Record, weighed: Mapping[str, Any]) -> str:
    if weighed.get("auroc") is None:
        return f"accuracy on {weighed.get('good', '?')} validation photos"
    good, defective = weighed.get("good", "?"), weighed.get("defective", "?")
    held = record.noted("facts").get("held_out")
    varied = weighed.get("varied") or (isinstance(held, Mapping) and held.get("variations"))
    area = f"{weighed['auroc']:.2f}"
    if varied and weighed.get("drawn"):
        return f"AUROC {area}: {good} good validation photos and variations, {defective} synthetic anomalies"
    if weighed.get("drawn"):
        return f"AUROC {area}: {good} good validation photos, {defective} synthetic anomalies"
    if varied:
        return f"AUROC {area}: {good} OK (photos and variations) and {defective} NOK validation photos"
    return f"AUROC {area}: {good} OK and {defective} NOK validation photos"


def show_outside(verdict: Verdict) -> None:
    """Name quietly who was not asked because it is not of the jury."""
    if outside := [each.member for each in verdict.unasked if not each.weight]:
        names = as_markdown(", ".join(map(model_title, outside)))
        st.caption(f"Not of the jury, and not asked: {names}. Their votes helped on no validation photos.")


def show_weights(verdict: Verdict) -> None:
    """Say what the weights of these votes rest on, where any counts less than a whole vote."""
    records = products.records()
    reasons = [
        f"{model_title(vote.member)} weighs {vote.weight:.2f}: {weight_reason(records[vote.member])}"
        for vote in verdict.votes
        if verdict.decision
        and verdict.decision.weights.get(vote.member) == vote.weight != 1  # else the policy itself says what it counts
        and vote.member in records
        and weight_reason(records[vote.member])
    ]
    if reasons:
        lines = ["Weights by measured quality:", *reasons]
        st.caption("  \n".join(map(as_markdown, lines)))
