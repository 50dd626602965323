"""A comparison in plain sentences: the answer first, then what it rests on and what it does not tell."""

from typing import Literal

from ensemble.evaluation.comparison.values import ALPHA, Comparison, PairedTest, fewest_to_show
from ensemble.metrics import costs
from ensemble.values.digits import many

Answer = Literal["better", "worse", "mixed", "undecided"]
NOUNS = {"escapes": "escapes", "overkills": "overkills", "right": "photos decided rightly"}
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
    """The answer in one sentence, escapes first."""
    shown = _shown_tests(comparison)
    if not shown:
        tests = comparison.ensemble.tests
        smallest = min(test.adjusted for test in tests.values())
        least = fewest_to_show(len(tests))
        return (
            f"No difference can be shown on {many(comparison.photos, 'photo')} ({probability(smallest)}): "
            f"{_counted_words(comparison)}. At least {least} parts must change, all in one direction, before one shows."
        )
    word = {"better": "Better", "worse": "Worse", "mixed": "Mixed"}[answer(comparison)]
    return f"{word}: {', but '.join(_change_sides(comparison, shown))}."


def _change_sides(comparison: Comparison, shown: dict[str, PairedTest]) -> list[str]:
    """What has changed, in the direction of the first change and then against it."""
    first = _is_better(next(iter(shown.values())))
    sides = []
    for better in (first, not first):
        said = [_difference(comparison, name, test) for name, test in shown.items() if _is_better(test) == better]
        if said:
            sides.append(" and ".join(said))
    return sides


def _difference(comparison: Comparison, name: str, test: PairedTest) -> str:
    figure = comparison.ensemble.figures[BASES[name]]
    more = (figure.after.events or 0) > (figure.before.events or 0)
    counts = f"{figure.after.events} instead of {figure.before.events} of {figure.before.photos}"
    return f"{'more' if more else 'fewer'} {NOUNS[name]} ({counts}, {probability(test.adjusted)})"


def _counted_words(comparison: Comparison) -> str:
    """What was counted on both sides."""
    parts = []
    for name in comparison.ensemble.tests:
        figure = comparison.ensemble.figures[BASES[name]]
        if figure.before.photos:
            told = f"{figure.before.events} before and {figure.after.events} now of {figure.before.photos}"
            parts.append(f"{NOUNS[name]} {told}")
    return ", ".join(parts)


def remarks(comparison: Comparison) -> tuple[str, ...]:
    """What the answer rests on, and what a person should know before trusting it."""
    said = [
        f"Both were measured on the same {many(comparison.photos, 'test photo')} of "
        f"{many(comparison.parts, 'part')}, the older one by the policy {comparison.policy_before}, the newer one by "
        f"{comparison.policy_after}."
    ]
    if comparison.learnt:
        said.append(
            f"The older model has learnt from {comparison.learnt} of these photos, which flatters it: it may be worse "
            "than it looks here."
        )
    apart = ((comparison.only_before, "older"), (comparison.only_after, "newer"))
    said += [
        f"{many(count, 'photo')} that only the {side} model has judged {'is' if count == 1 else 'are'} left out."
        for count, side in apart
        if count
    ]
    if comparison.relabelled:
        count = comparison.relabelled
        said.append(f"{many(count, 'photo')} had another class before; the class that counts is today's.")
    gone = ((comparison.members_before, "older"), (comparison.members_after, "newer"))
    said += [f"Only the {side} model has {', '.join(names)}." for names, side in gone if names]
    return (*said, *_methods(comparison))


def _methods(comparison: Comparison) -> tuple[str, ...]:
    """How it was tested, and how surely."""
    sure = costs.percent(costs.CONFIDENCE_LEVEL)
    together = f"those of the {len(comparison.members)} members together" if len(comparison.members) > 1 else ""
    ours = "those of escapes, overkills and all verdicts together" if comparison.classes.defect else ""
    corrected = " and ".join(filter(None, (ours, together)))
    tests = (
        "p is the probability that parts come out so unevenly where each part that tells the models apart is as "
        "likely to favour either (exact McNemar test; captures of one part count once)."
    )
    return (
        tests + (f" Tests made together are corrected for that: {corrected} (Holm)." if corrected else ""),
        f"A difference counts as shown where p is below {ALPHA:.2f}. Limits are for {sure}; those of a single side "
        "are one-sided (Clopper-Pearson) and count every photo, those of a difference every part.",
    )


def probability(p: float) -> str:
    """A p value as it is read: two digits, and never 0."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.2g}" if p < 0.995 else "p = 1"


def _shown_tests(comparison: Comparison) -> dict[str, PairedTest]:
    """The tests of the ensemble that show a difference, escapes first."""
    tests = comparison.ensemble.tests
    return {name: tests[name] for name in NOUNS if name in tests and tests[name].adjusted < ALPHA}


def _is_better(test: PairedTest) -> bool:
    return test.parts_won > test.parts_lost
