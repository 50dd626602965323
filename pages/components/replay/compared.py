"""What a version of the models says of kept photos beside what was said then: verdicts, votes and photos."""

from collections.abc import Mapping, Sequence

import streamlit as st

from ensemble.inspection.candidate import CandidateComparison, ComparedMember, ComparedVote, change_json
from ensemble.inspection.time_machine import DecidedAgain
from ensemble.jobs.reinspection_folder import ReinspectionJob
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.titles import model_title, policy_title
from pages.components.common.charts import show_json
from pages.components.common.sheet import as_html, show_sheet
from pages.components.replay.outcome import show_changed, show_changed_csv, show_deviations, show_what_if


def show_compared(job: ReinspectionJob, found: CandidateComparison) -> None:
    """Show what came of a comparison, of its part that is done."""
    verdicts = found.what_if
    if verdicts.moves:
        policy = policy_title(job.request.decides().name)
        show_what_if(verdicts, Message("with version {number}, {policy}", number=job.request.version, policy=policy))
    _show_facts(found)
    _show_members(found.members)
    show_changed(verdicts, lambda each: _telling(found.votes, each))
    if verdicts.changes:
        with st.container(horizontal=True):
            show_changed_csv(verdicts, "comparison")
            rows = [change_json(each, found.votes[each.id]) for each in verdicts.changes]
            show_json(rows, "comparison", _("Changed verdicts with votes (JSON)"))
    if verdicts.deviations:
        show_deviations(_("Some photos could not be inspected again:"), verdicts.deviations)


def _show_facts(found: CandidateComparison) -> None:
    if found.seconds is not None:
        st.caption(_("{seconds:.2f} s a photo.", seconds=found.seconds))
    if found.without_photo:
        st.caption(
            _(
                "{count} inspection is left out: its photo was not kept.",
                "{count} inspections are left out: their photos were not kept.",
                count=found.without_photo,
            )
        )


def _show_members(members: Sequence[ComparedMember]) -> None:
    if not members:
        return
    st.subheader(_("Votes, model by model"), anchor=False)
    rows = [
        [
            as_html(model_title(each.member)),
            as_html(_votes(each)),
            str(each.flipped) if each.both else "–",
            _difference(each.mean),
            _difference(each.biggest),
        ]
        for each in sorted(members, key=lambda each: (-each.flipped, each.member))
    ]
    columns = (_("Model"), _("Votes"), _("Votes changed"), _("Mean difference"), _("Biggest difference"))
    show_sheet(columns, rows, folding=True)
    st.caption(_("Differences of the model's score, from 0 to 1: now less then."))


def _votes(found: ComparedMember) -> str:
    if not found.both and not found.only_after:
        return _("only then: {count}", count=found.only_before)
    if not found.both and not found.only_before:
        return _("only now: {count}", count=found.only_after)
    if found.only_before or found.only_after:
        return _(
            "{both} compared, {then} only then, {now} only now",
            both=found.both,
            then=found.only_before,
            now=found.only_after,
        )
    return str(found.both)


def _difference(value: float | None) -> str:
    return "–" if value is None else worded(NumberText(f"{value:+.3f}"))


def _telling(votes: Mapping[str, Sequence[ComparedVote]], decided: DecidedAgain) -> str:
    """The votes that speak for the verdict of now and were not there then, as HTML."""
    lines = [as_html(_vote(vote)) for vote in votes.get(decided.id, ()) if vote.flipped or _is_new(vote, decided)]
    return "".join(f"<small>{line}</small>" for line in lines)


def _is_new(vote: ComparedVote, decided: DecidedAgain) -> bool:
    return vote.before is None and vote.label_after == decided.after


def _vote(vote: ComparedVote) -> str:
    model, after = model_title(vote.member), NumberText(f"{vote.after:.2f}")
    if vote.before is None:
        return Message("{model}: only now, {after}", model=model, after=after)
    before = NumberText(f"{vote.before:.2f}")
    return Message("{model}: {before} → {after}", model=model, before=before, after=after)
