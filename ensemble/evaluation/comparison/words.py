"""A comparison in plain sentences: the answer first, then what it rests on and what it does not tell."""

from collections.abc import Mapping
from typing import Literal

from ensemble.evaluation.comparison.values import ALPHA, Comparison, PairedTest, fewest_to_show
from ensemble.metrics import costs
from ensemble.values.digits import many
from ensemble.values.titles import model_title, policy_title

Answer = Literal["better", "worse", "mixed", "undecided"]
ANSWER_SENTENCES: Mapping[Answer, str] = {
    "better": "The new model is better.",
    "worse": "The new model is worse.",
    "mixed": "The new model is better in one figure and worse in another.",
    "undecided": "No difference shown.",
}
# What has become less and what more, each as a whole sentence.
CHANGE_SENTENCES: Mapping[str, tuple[str, str]] = {
    "escapes": (
        "Fewer escapes: {after} instead of {before} of {photos} ({p}).",
        "More escapes: {after} instead of {before} of {photos} ({p}).",
    ),
    "overkills": (
        "Fewer overkills: {after} instead of {before} of {photos} ({p}).",
        "More overkills: {after} instead of {before} of {photos} ({p}).",
    ),
    "right": (
        "Fewer correct verdicts: {after} instead of {before} of {photos} ({p}).",
        "More correct verdicts: {after} instead of {before} of {photos} ({p}).",
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


def comparison_sentence(comparison: Comparison) -> str:
    """The answer and what has changed, escapes first."""
    return f"{ANSWER_SENTENCES[answer(comparison)]} {changes_sentence(comparison)}"


def changes_sentence(comparison: Comparison) -> str:
    """What has changed, escapes first, or that the photos are too few to show anything."""
    shown = _shown_tests(comparison)
    if not shown:
        tests = comparison.ensemble.tests
        smallest = min(test.adjusted for test in tests.values())
        return (
            f"Too few changes on {many(comparison.photos, 'photo')}: at least {fewest_to_show(len(tests))} one-sided "
            f"changes needed ({probability(smallest)})."
        )
    return " ".join(_difference(comparison, name, test) for name, test in shown.items())


def _difference(comparison: Comparison, name: str, test: PairedTest) -> str:
    figure = comparison.ensemble.figures[BASES[name]]
    more = (figure.after.events or 0) > (figure.before.events or 0)
    return CHANGE_SENTENCES[name][more].format(
        after=figure.after.events,
        before=figure.before.events,
        photos=figure.before.photos,
        p=probability(test.adjusted),
    )


def remarks(comparison: Comparison) -> tuple[str, ...]:
    """What the answer rests on, and what a person should know before trusting it."""
    said = [
        f"Test set: {many(comparison.photos, 'photo')} of {many(comparison.parts, 'part')}. Policies: "
        f"{policy_title(comparison.policy_before)} (current), {policy_title(comparison.policy_after)} (new)."
    ]
    if comparison.learnt:
        said.append(
            f"The current model was trained on {comparison.learnt} of these photos: its figures are too optimistic."
        )
    if comparison.only_before:
        said.append(f"Left out, tested with the current model only: {many(comparison.only_before, 'photo')}.")
    if comparison.only_after:
        said.append(f"Left out, tested with the new model only: {many(comparison.only_after, 'photo')}.")
    if comparison.relabelled:
        said.append(f"Class changed since, compared by the present class: {many(comparison.relabelled, 'photo')}.")
    if comparison.members_before:
        said.append(f"Removed models: {', '.join(map(model_title, comparison.members_before))}.")
    if comparison.members_after:
        said.append(f"Added models: {', '.join(map(model_title, comparison.members_after))}.")
    return (*said, *_methods())


def _methods() -> tuple[str, ...]:
    """How it was tested, and how surely."""
    sure = costs.percent(costs.CONFIDENCE_LEVEL)
    return (
        "p-value: probability of so uneven changes by chance (exact McNemar test; captures of one part count once; "
        "corrected for several tests, Holm).",
        f"A difference is shown where p < {ALPHA:.2f}.",
        f"Limits: {sure} confidence. Of a rate one-sided, by photo (Clopper-Pearson); of a difference by part.",
    )


def probability(p: float) -> str:
    """A p value as it is read: two digits, and never 0."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.2g}" if p < 0.995 else "p = 1"


def _shown_tests(comparison: Comparison) -> dict[str, PairedTest]:
    """The tests of the ensemble that show a difference, escapes first."""
    tests = comparison.ensemble.tests
    return {name: tests[name] for name in CHANGE_SENTENCES if name in tests and tests[name].adjusted < ALPHA}


def _is_better(test: PairedTest) -> bool:
    return test.parts_won > test.parts_lost
