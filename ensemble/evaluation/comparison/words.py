"""A comparison in plain sentences: the answer first, then what it rests on and what it does not tell."""

from collections.abc import Iterator, Mapping
from typing import Literal

from ensemble.evaluation.comparison.values import ALPHA, Comparison, PairedTest, fewest_to_show
from ensemble.metrics import costs
from ensemble.values.language import Message, NumberText, listed, paragraph
from ensemble.values.titles import model_title, policy_title

Answer = Literal["better", "worse", "mixed", "undecided"]
ANSWER_SENTENCES: Mapping[Answer, Message] = {
    "better": Message("The new model is better."),
    "worse": Message("The new model is worse."),
    "mixed": Message("The new model is better in one figure and worse in another."),
    "undecided": Message("No difference shown."),
}
# What has become less and what more, each as a whole sentence.
CHANGE_SENTENCES: Mapping[str, tuple[Message, Message]] = {
    "escapes": (
        Message("Fewer escapes: {after} instead of {before} of {photos} ({p})."),
        Message("More escapes: {after} instead of {before} of {photos} ({p})."),
    ),
    "overkills": (
        Message("Fewer overkills: {after} instead of {before} of {photos} ({p})."),
        Message("More overkills: {after} instead of {before} of {photos} ({p})."),
    ),
    "right": (
        Message("Fewer correct verdicts: {after} instead of {before} of {photos} ({p})."),
        Message("More correct verdicts: {after} instead of {before} of {photos} ({p})."),
    ),
}
BASES = {"escapes": "escape_rate", "overkills": "overkill_rate", "right": "accuracy"}


def answer(comparison: Comparison) -> Answer:
    """Whether the newer model is better; mixed where it is better at one thing and worse at another.

    Escapes, overkills and all verdicts are tested together, and what can be chance counts for nothing.
    """
    shown = {_is_better(test) for test in _shown_tests(comparison).values()}
    if not shown:
        return "undecided"
    return "mixed" if len(shown) == 2 else "better" if shown == {True} else "worse"


def comparison_sentence(comparison: Comparison) -> Message:
    """The answer and what has changed, escapes first."""
    return paragraph(ANSWER_SENTENCES[answer(comparison)], changes_sentence(comparison))


def changes_sentence(comparison: Comparison) -> Message:
    """What has changed, escapes first, or that the photos are too few to show anything."""
    shown = _shown_tests(comparison)
    if not shown:
        tests = comparison.ensemble.tests
        smallest = min(test.adjusted for test in tests.values())
        return Message(
            "Too few changes on {count} photo: at least {fewest} one-sided changes needed ({p}).",
            "Too few changes on {count} photos: at least {fewest} one-sided changes needed ({p}).",
            count=comparison.photos,
            fewest=fewest_to_show(len(tests)),
            p=probability(smallest),
        )
    return paragraph(*(_difference(comparison, name, test) for name, test in shown.items()))


def _difference(comparison: Comparison, name: str, test: PairedTest) -> Message:
    figure = comparison.ensemble.figures[BASES[name]]
    more = (figure.after.events or 0) > (figure.before.events or 0)
    return Message(
        CHANGE_SENTENCES[name][more].text,
        after=figure.after.events,
        before=figure.before.events,
        photos=figure.before.photos,
        p=probability(test.adjusted),
    )


def remarks(comparison: Comparison) -> tuple[str, ...]:
    """What the answer rests on, and what a person should know before trusting it."""
    photos = Message("{count} photo", "{count} photos", count=comparison.photos)
    parts = Message("{count} part", "{count} parts", count=comparison.parts)
    policies = Message(
        "Policies: {before} (current), {after} (new).",
        before=policy_title(comparison.policy_before),
        after=policy_title(comparison.policy_after),
    )
    said = [paragraph(Message("Test set: {photos} of {parts}.", photos=photos, parts=parts), policies)]
    if comparison.learnt:
        said.append(
            Message(
                "The current model was trained on {photos} of these photos: its figures are too optimistic.",
                photos=comparison.learnt,
            )
        )
    return (*said, *_left_out(comparison), *_model_changes(comparison), *_methods())


def _left_out(comparison: Comparison) -> Iterator[Message]:
    if count := comparison.only_before:
        yield Message(
            "Left out, tested with the current model only: {count} photo.",
            "Left out, tested with the current model only: {count} photos.",
            count=count,
        )
    if count := comparison.only_after:
        yield Message(
            "Left out, tested with the new model only: {count} photo.",
            "Left out, tested with the new model only: {count} photos.",
            count=count,
        )
    if count := comparison.relabelled:
        yield Message(
            "Class changed since, compared by the present class: {count} photo.",
            "Class changed since, compared by the present class: {count} photos.",
            count=count,
        )


def _model_changes(comparison: Comparison) -> Iterator[Message]:
    if removed := comparison.members_before:
        yield Message("Removed models: {models}.", models=listed(map(model_title, removed)))
    if added := comparison.members_after:
        yield Message("Added models: {models}.", models=listed(map(model_title, added)))


def _methods() -> tuple[str, ...]:
    """How it was tested, and how surely."""
    sure = costs.percent(costs.CONFIDENCE_LEVEL)
    return (
        Message(
            "p-value: probability of so uneven changes by chance (exact McNemar test; captures of one part count once; "
            "corrected for several tests, Holm)."
        ),
        Message("A difference is shown where p < {alpha:.2f}.", alpha=ALPHA),
        Message(
            "Limits: {sure} confidence. Of a rate one-sided, by photo (Clopper-Pearson); of a difference by part.",
            sure=sure,
        ),
    )


def probability(p: float) -> NumberText:
    """A p value as it is read: two digits, and never 0."""
    if p < 0.001:
        return NumberText("p < 0.001")
    return NumberText(f"p = {p:.2g}" if p < 0.995 else "p = 1")


def _shown_tests(comparison: Comparison) -> dict[str, PairedTest]:
    """The tests of the ensemble that show a difference, escapes first."""
    tests = comparison.ensemble.tests
    return {name: tests[name] for name in CHANGE_SENTENCES if name in tests and tests[name].adjusted < ALPHA}


def _is_better(test: PairedTest) -> bool:
    return test.parts_won > test.parts_lost
