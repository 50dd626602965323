"""The evidence of one inspection on paper: photo, heat map, votes, thresholds, policy, models, digests."""

from collections.abc import Callable, Iterable, Sequence

from ensemble.figures import PALETTES, tone, vote_texts
from ensemble.imaging.overlays import canvas, overlay
from ensemble.imaging.photos import Photo
from ensemble.inspection.documents import Block, Document
from ensemble.inspection.kept import classes_of
from ensemble.inspection.kept_parts import KeptPart
from ensemble.policies import reasons
from ensemble.records.values import Inspection
from ensemble.values.digits import threshold_text
from ensemble.values.language import NumberText, _, worded
from ensemble.values.results import Verdict, word
from ensemble.values.titles import model_title, policy_title
from ensemble.values.trace import TRACE

SIGNS = {"ok": "✓", "nok": "✗", "review": "?", "plain": "–"}
OPACITY = 0.6


def evidence_document(
    inspection: Inspection, verdict: Verdict, photo: Photo | None, entry: str, when: Callable[[str], str]
) -> Document:
    """What is known of one inspection; `entry` is the digest of its entry in the chain, `when` tells a stored time."""
    look = tone(verdict.label, verdict.classes)
    pictures = []
    if photo is not None:
        drawn = canvas(photo.picture)
        pictures.append((drawn, _("The photo as it came")))
        if verdict.anomaly_map is not None or verdict.regions:
            marked = overlay(drawn, verdict.anomaly_map, verdict.regions, OPACITY)
            pictures.append((marked, _("Heat map and regions")))
    blocks = [_facts_block(inspection, when), _votes_block(verdict), _thresholds_block(verdict)]
    if inspection.reviews:
        blocks.append(_reviews_block(inspection, when))
    note = "" if photo is not None else _("The photo is not kept.")
    return Document(
        _("Evidence of the inspection of {photo}", photo=verdict.photo),
        f"{SIGNS[look]} {worded(verdict.word)}",
        worded(verdict.reason),
        [*blocks, _digests_block(inspection, entry, note)],
        colour=_colour(look),
        pictures=pictures,
    )


def part_document(found: KeptPart, views: Iterable[Document], when: Callable[[str], str]) -> Document:
    """What is known of a part that several photos show: its verdict, its views, then the evidence of each photo."""
    classes = classes_of(found.photos[0].stored)
    look = tone(found.verdict.label, classes)
    rows = [
        (
            each.stored["trace"]["view"] or "–",
            worded(word(each.settled)),
            worded(word(each.stored["verdict"])),
            each.stored["photo"],
            when(each.stored["time"]),
            each.stored["who"] or "–",
        )
        for each in found.photos
    ]
    rows += [(view, _("missing"), "–", "–", "–", "–") for view in found.verdict.missing]
    columns = (_("View"), _("After reviews"), _("As inspected"), _("Photo"), _("Time"), _("Who"))
    facts = [(_("Part"), found.verdict.part), (_("Product"), found.photos[0].stored["product"])]
    facts += [(_("Lot"), found.lot)] if found.lot else []
    return Document(
        _("Evidence of the part {part}", part=found.verdict.part),
        f"{SIGNS[look]} {worded(word(found.verdict.label))}",
        worded(found.verdict.reason),
        [Block(_("Part"), facts), Block(_("Views"), rows, columns)],
        colour=_colour(look),
        parts=views,
    )


def _colour(look: str) -> str:
    return {"ok": PALETTES["light"].ok, "nok": PALETTES["light"].nok, "review": "#7A4F00"}.get(look, "#1D252B")


def _facts_block(inspection: Inspection, when: Callable[[str], str]) -> Block:
    stored = inspection.stored
    policy, state = policy_title(stored["policy"]), stored["policy_state"]
    rows = [
        (_("Time"), when(stored["time"])),
        (_("Time (UTC)"), stored["time"]),
        (_("Product"), stored["product"]),
        (_("Model version"), "–" if stored["model_version"] is None else str(stored["model_version"])),
        (
            _("Policy"),
            worded(policy) if state is None else _("{policy}, version {number}", policy=policy, number=state),
        ),
        (_("Who"), stored["who"] or "–"),
    ]
    names = {
        "part": _("Part"),
        "serial": _("Serial number"),
        "lot": _("Lot"),
        "station": _("Station"),
        "shift": _("Shift"),
        "view": _("View"),
    }
    rows += [(names[name], stored["trace"][name]) for name in TRACE if stored["trace"].get(name)]
    if stored["batch"]:
        rows.append((_("Batch"), stored["batch"]))
    note = _("A trial policy gave this verdict: it does not count.") if stored["trial"] else ""
    return Block(_("Inspection"), rows, note=note)


def _votes_block(verdict: Verdict) -> Block:
    rows: list[Sequence[str]] = [
        (
            worded(model_title(vote.member)),
            worded(word(vote.label)),
            *vote_texts(vote),
            worded(NumberText(f"{vote.weight:.2f}")),
            worded(NumberText(f"{vote.seconds:.3f}")),
        )
        for vote in verdict.votes
    ]
    rows += [
        (worded(model_title(each.member)), worded(each.reason), "–", "–", worded(NumberText(f"{each.weight:.2f}")), "–")
        for each in (*verdict.absent, *verdict.unasked)
    ]
    columns = (_("Model"), _("Vote"), _("Score"), _("Threshold"), _("Weight"), _("Seconds"))
    return Block(_("Votes as they were then"), rows, columns)


def _thresholds_block(verdict: Verdict) -> Block:
    decision = verdict.decision
    if decision is None:
        return Block(_("Thresholds"), [], note=_("No score has decided"))
    names = ((_("OK below"), "ok_below"), (_("REVIEW from"), "review_from"), (_("NOK from"), "reject_from"))
    rows = [(worded(reasons.quantity_title(decision)), worded(NumberText(f"{decision.score:.3f}")))]
    for title, name in names:
        limit = getattr(decision, name)
        if limit is not None:
            rows.append((title, worded(threshold_text(limit))))
    return Block(_("Thresholds"), rows)


def _reviews_block(inspection: Inspection, when: Callable[[str], str]) -> Block:
    rows = [
        (
            when(review.at),
            review.who or "–",
            _("undone") if review.withdraws is not None else worded(word(review.label)),
            "; ".join(each for each in (review.defect, review.reason) if each) or "–",
        )
        for review in inspection.reviews
    ]
    return Block(_("Reviews"), rows, (_("Time"), _("Who"), _("Says"), _("Reason")))


def _digests_block(inspection: Inspection, entry: str, note: str) -> Block:
    stored = inspection.stored
    rows = [
        (_("Inspection"), inspection.id),
        (_("Entry of the history"), str(inspection.number)),
        (_("SHA-256 of the entry"), entry),
        (_("SHA-256 of the photo"), stored["sha256"]),
        (_("SHA-256 of the models"), stored["model_digest"]),
        (_("SHA-256 of the policy"), stored["policy_digest"]),
        (_("Software"), stored["software"]),
    ]
    return Block(_("Evidence"), rows, note=note)
