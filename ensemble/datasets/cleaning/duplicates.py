"""Groups of copies as findings: exact, near, and across train and test."""

from collections.abc import Sequence

from ensemble.datasets.cleaning.copies import Groups, Link
from ensemble.datasets.cleaning.findings import EXACT_DUPLICATE, KINDS, LEAK, NEAR_DUPLICATE, Finding, Looked
from ensemble.values.results import word

TEST, LEARNT_FROM = "test", ("train", "calibration")
NAMED = 8  # copies that a finding names; its sentence counts them all


def copy_findings(
    photos: Sequence[Looked], pixels: Sequence[str], groups: Groups, links: Sequence[Link]
) -> list[Finding]:
    """One finding for each photo that could go: all but the first of a group.

    `pixels` are digests of decoded pixels. A photo of the test split whose copy is learnt from is a leak; then the
    photos on either side are told apart among themselves.
    """
    surest = [0.0] * len(photos)
    for link in links:
        for place in (link.one, link.other):
            surest[place] = max(surest[place], link.agreement)
    found = []
    for members in groups.members().values():
        learnt = [place for place in members if photos[place].split in LEARNT_FROM]
        measured = [place for place in members if photos[place].split == TEST]
        found += [_leak(photos, pixels, place, learnt, surest) for place in measured if learnt]
        rest = [place for place in members if photos[place].split != TEST]
        for side in (rest, measured) if learnt and measured else (members,):
            for place in side[1:]:
                if (finding := _duplicate(photos, pixels, place, side, surest)) is not None:
                    found.append(finding)
    return found


def same_pixels(pixels: Sequence[str]) -> Groups:
    """Groups of photos with equal digests of their pixels."""
    together = Groups(len(pixels))
    first: dict[str, int] = {}
    for place, digest in enumerate(pixels):
        together.join(first.setdefault(digest, place), place)
    return together


def kept_together(photos: Sequence[Looked], copies: Groups) -> list[int]:
    """A group for each photo: copies, and photos of one known part, are in one."""
    joined = Groups(len(photos))
    first: dict[str, int] = {}
    for place, photo in enumerate(photos):
        joined.join(copies.of(place), place)
        if photo.part:
            joined.join(first.setdefault(photo.part, place), place)
    return [joined.of(place) for place in range(len(photos))]


def _leak(
    photos: Sequence[Looked], pixels: Sequence[str], place: int, learnt: Sequence[int], surest: Sequence[float]
) -> Finding:
    same = [other for other in learnt if pixels[other] == pixels[place]]
    others = [*same, *(other for other in learnt if other not in same)]
    how = "The very same pixels are" if same else f"The same picture ({_seen(surest[place])}) is"
    what = f"{how} among the photos that are learnt from, in {_count(len(others))}"
    return _finding(LEAK, photos, place, others, 1.0 if same else surest[place], what)


def _duplicate(
    photos: Sequence[Looked], pixels: Sequence[str], place: int, side: Sequence[int], surest: Sequence[float]
) -> Finding | None:
    same = [other for other in side if other != place and pixels[other] == pixels[place]]
    if same and min(same) < place:
        return _finding(EXACT_DUPLICATE, photos, place, same, 1.0, f"The same pixels are in {_count(len(same))}")
    others = [other for other in side if other != place]
    part = photos[place].part
    if part and all(photos[other].part == part for other in others):
        return None  # they are known to show one part, and splits keep that together anyway
    what = f"The same picture ({_seen(surest[place])}) is in {_count(len(others))}"
    return _finding(NEAR_DUPLICATE, photos, place, others, surest[place], what)


def _seen(agreement: float) -> str:
    return f"laid over each other, fine detail agrees by {agreement:.0%}"


def _count(number: int) -> str:
    return "1 other photo" if number == 1 else f"{number} other photos"


def _finding(
    kind: str, photos: Sequence[Looked], place: int, others: Sequence[int], score: float, what: str
) -> Finding:
    photo = photos[place]
    differing = sorted({photos[other].label for other in others} - {photo.label})
    contradiction = (
        f" It is labelled {word(photo.label)} here and {' and '.join(map(word, differing))} there: one is wrong."
        if differing
        else ""
    )
    named = tuple(photos[other].sha256 for other in others[:NAMED])
    return Finding(kind, photo.sha256, named, round(score, 4), f"{what}.{contradiction} {KINDS[kind].advice}")
