"""What members have learnt from and what their votes weigh, in sentences."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ensemble.store import Record
from ensemble.training.extending import extended_by
from ensemble.training.variations import few_good
from ensemble.values.language import Message, NumberText, _, listed, worded
from ensemble.values.results import Classes, Verdict
from ensemble.values.titles import calibration_title, model_title
from pages.components.common.sheet import as_html, as_markdown, quiet_chip
from pages.session import products

UNSEEN = Message("No defect has been seen yet: OK means like the good parts.")
GOOD_ALONE = Message("Trained on good parts only: OK means like the good parts.")


def show_lesson(verdict: Verdict) -> None:
    """Say quietly that no member of the product has ever learnt from a defect, where that is so."""
    records = products.records()
    if verdict.classes.defect is None or not records:
        return
    if all(record.is_one_class(verdict.classes) for record in records.values()):
        unseen = all(never_saw_a_defect(record, verdict.classes) for record in records.values())
        st.caption(worded(UNSEEN if unseen else GOOD_ALONE))
        if worth := next(filter(None, map(worth_of_few, records.values())), ""):
            st.caption(worded(worth))


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
    if record.is_one_class(classes):
        if drawn:
            return Message("Good parts and {anomalies} synthetic anomalies", anomalies=drawn)
        return worth_of_few(record) or Message("Good parts only")
    facts = record.noted("facts")
    if not {"with_mask", "without_mask", "synthetic"} <= set(facts):
        return ""
    real = Message(
        "{masked} defective photos with a mask, {labelled} with a label only",
        masked=facts["with_mask"],
        labelled=facts["without_mask"],
    )
    return listed([real, Message("{anomalies} synthetic anomalies", anomalies=drawn)]) if drawn else real


def threshold(record: Record) -> str:
    """Where the usual threshold of 0.5 lies: at a calibrated probability, or where held-out good parts have set it."""
    if record.calibrator.method != "none":
        photos = record.noted("calibration").get("photos", "?")
        return Message(
            "{threshold}, calibrated ({method}) on {photos} validation photos",
            threshold=NumberText("0.5"),
            method=calibration_title(record.calibrator.method),
            photos=photos,
        )
    held = record.noted("facts").get("held_out")
    if not isinstance(held, Mapping) or not {"quantile", "photos"} <= set(held):
        return ""
    quantile, photos = NumberText(str(held["quantile"])), held["photos"]
    if variations := held.get("variations"):
        return Message(
            "{quantile} quantile of {photos} good validation photos and {variations} variations",
            quantile=quantile,
            photos=photos,
            variations=variations,
        )
    return Message("{quantile} quantile of {photos} good validation photos", quantile=quantile, photos=photos)


def memory(record: Record) -> str:
    """How many places of good parts a patch memory holds and what that costs; empty for any other member."""
    facts = record.noted("facts")
    if not {"places", "megabytes", "seconds"} <= set(facts):
        return ""
    places, megabytes = facts["places"], NumberText(str(facts["megabytes"]))
    if since := len(extended_by(record)):
        return Message(
            "{patches} patches ({megabytes} MB), with {count} photo added after training",
            "{patches} patches ({megabytes} MB), with {count} photos added after training",
            patches=places,
            megabytes=megabytes,
            count=since,
        )
    return Message("{patches} patches ({megabytes} MB)", patches=places, megabytes=megabytes)


OUTSIDE = Message("not used: no improvement of the ensemble on validation photos")


def weight_reason(record: Record) -> str:
    """What a vote's weight rests on, or why it has none; empty where it was never measured."""
    weighed = record.noted("weighed")
    if not record.weight:
        alone = _alone(record, weighed) if weighed else ""
        return Message("{outside} ({reason})", outside=OUTSIDE, reason=alone) if alone else OUTSIDE
    if not weighed:
        return ""
    return _alone(record, weighed)


def _alone(record: Record, weighed: Mapping[str, Any]) -> str:
    if weighed.get("auroc") is None:
        return Message("accuracy on {photos} validation photos", photos=weighed.get("good", "?"))
    told = {
        "auroc": NumberText(f"{weighed['auroc']:.2f}"),
        "good": weighed.get("good", "?"),
        "defective": weighed.get("defective", "?"),
    }
    held = record.noted("facts").get("held_out")
    varied = weighed.get("varied") or (isinstance(held, Mapping) and held.get("variations"))
    if varied and weighed.get("drawn"):
        return Message(
            "AUROC {auroc}: {good} good validation photos and variations, {defective} synthetic anomalies", **told
        )
    if weighed.get("drawn"):
        return Message("AUROC {auroc}: {good} good validation photos, {defective} synthetic anomalies", **told)
    if varied:
        return Message("AUROC {auroc}: {good} OK (photos and variations) and {defective} NOK validation photos", **told)
    return Message("AUROC {auroc}: {good} OK and {defective} NOK validation photos", **told)


def not_used() -> str:
    """Why a model does not vote, in as few words as a table has room for, as HTML."""
    return f"<span>{quiet_chip(_('not used'))}<small>{as_html(_('no gain on validation photos'))}</small></span>"


def show_choice_of_models() -> None:
    """Say by which photos training has chosen who votes, and so why the best one on others may not."""
    st.caption(
        _(
            "Models are chosen on validation photos, never on test photos: the model with the highest test accuracy "
            "may be one that is not used. A policy can still use it."
        )
    )


def show_outside(verdict: Verdict) -> None:
    """Name quietly who was not asked because it is not of the jury."""
    if outside := [each.member for each in verdict.unasked if not each.weight]:
        names = as_markdown(listed(map(model_title, outside)))
        st.caption(
            _("Not of the jury, and not asked: {models}. Their votes helped on no validation photos.", models=names)
        )


def show_weights(verdict: Verdict) -> None:
    """Say what the weights of these votes rest on, where any counts less than a whole vote."""
    records = products.records()
    reasons = [
        Message(
            "{model} weighs {weight:.2f}: {reason}",
            model=model_title(vote.member),
            weight=vote.weight,
            reason=weight_reason(records[vote.member]),
        )
        for vote in verdict.votes
        if verdict.decision
        and verdict.decision.weights.get(vote.member) == vote.weight != 1  # else the policy itself says what it counts
        and vote.member in records
        and weight_reason(records[vote.member])
    ]
    if reasons:
        lines = [_("Weights by measured quality:"), *reasons]
        st.caption("  \n".join(map(as_markdown, lines)))
