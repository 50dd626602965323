"""The same picture twice, also turned, stretched or brightened: links between prints, groups of them, findings."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import torch
from scipy.cluster.hierarchy import DisjointSet
from torch import Tensor
from torch.nn import functional

from ensemble.datasets.cleaning.prints import DETAIL_SIDE, Prints, agreement, align, similarity, standardised, untouched
from ensemble.datasets.collection.values import EXACT_DUPLICATE, FINDING_KINDS, LEAK, NEAR_DUPLICATE, Finding
from ensemble.datasets.splits import linked
from ensemble.values.language import Message, paragraph
from ensemble.values.results import word
from ensemble.values.samples import Sample

NEIGHBOURS = 10  # candidates a photo, by glance and by hash each
GROUPS = 40  # groups that a photo which stays alone is compared with
UNLIKE = 0.85  # correlation of glances: no copy made by the changes above was seen below 0.90
COPY_CORRELATION = 0.9  # correlation of whole pictures, laid over each other at 32 pixels: no copy was seen below 0.93
TURN_LEAD = 0.06  # by so much of that correlation of glances the best turn must lead, or the next best is tried too
AGREED = {DETAIL_SIDE: 0.79, DETAIL_SIDE // 2: 0.87}  # agreement of detail, by side, from which a pair counts as a copy
WORTH = 0.75  # agreement at half the side below which the whole is not looked at
GLANCE_SIDE = 32
PAIRS_AT_ONCE = 64  # pairs: 10 MB for each copy of their squares


@dataclass(frozen=True, slots=True)
class Link:
    """Two photos that are copies, by their places, and how far their detail agrees, up to 1."""

    one: int
    other: int
    agreement: float


def by_first(groups: DisjointSet) -> dict[int, list[int]]:
    """The places of each group in order, by the first of them; those alone too."""
    return {places[0]: places for places in sorted(map(sorted, groups.subsets()))}


def find_links(prints: Prints, groups: DisjointSet, progress: Callable[[float], None]) -> list[Link]:
    """Links between copies, and `groups` joined by them; pairs that are in one group already are not looked at."""
    links = _linked(prints, groups, candidate_pairs(prints), lambda share: progress(0.7 * share))
    if links:
        links += _linked(prints, groups, second_candidates(prints, groups), lambda share: progress(0.7 + 0.3 * share))
    progress(1.0)
    return links


def _linked(
    prints: Prints, groups: DisjointSet, pairs: Sequence[tuple[int, int]], progress: Callable[[float], None]
) -> list[Link]:
    links = []
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        open_pairs = [pair for pair in pairs[start : start + PAIRS_AT_ONCE] if not groups.connected(*pair)]
        for link in confirmed_copies(prints, open_pairs) if open_pairs else ():
            links.append(link)
            groups.merge(link.one, link.other)
        progress(start / len(pairs))
    return links


def candidate_pairs(prints: Prints) -> list[tuple[int, int]]:
    """Pairs worth laying over each other, most alike first."""
    likeness: dict[tuple[int, int], float] = {}
    count = min(NEIGHBOURS, len(prints) - 1)
    for start in range(0, len(prints), 128):
        places = range(start, min(start + 128, len(prints)))
        glances, distances = prints.glance_at(places), prints.hash_distances(places)  # (n, N) each
        own = torch.tensor(places)[:, None]
        glances.scatter_(1, own, -1.0)
        distances.scatter_(1, own, torch.inf)
        nearest = torch.cat([glances.topk(count).indices, distances.topk(count, largest=False).indices], dim=1)
        for place, others, alike in zip(places, nearest.tolist(), glances.gather(1, nearest).tolist(), strict=True):
            for other, value in zip(others, alike, strict=True):
                if value >= UNLIKE:
                    likeness[min(place, other), max(place, other)] = value
    return _most_alike_first(likeness)


def second_candidates(prints: Prints, groups: DisjointSet) -> list[tuple[int, int]]:
    """For each photo that is alone, the photo most like it of each of the groups that are most like it."""
    members = by_first(groups)
    alone = [first for first, group in members.items() if len(group) == 1]
    first_of = {place: first for first, group in members.items() for place in group}
    group_of = torch.tensor([first_of[place] for place in range(len(prints))])
    likeness: dict[tuple[int, int], float] = {}
    for start in range(0, len(alone), 128):
        places = alone[start : start + 128]
        glances = prints.glance_at(places).scatter_(1, torch.tensor(places)[:, None], -1.0)
        best = torch.full_like(glances, -1.0).scatter_reduce_(1, group_of.expand_as(glances), glances, "amax")
        values, nearest = best.topk(min(GROUPS, len(members)))  # (n, groups)
        for row, place in enumerate(places):
            for value, group in zip(values[row].tolist(), nearest[row].tolist(), strict=True):
                if value >= UNLIKE:
                    other = max(members[group], key=lambda member: float(glances[row, member]))
                    likeness[min(place, other), max(place, other)] = value
    return _most_alike_first(likeness)


def _most_alike_first(likeness: dict[tuple[int, int], float]) -> list[tuple[int, int]]:
    return sorted(likeness, key=lambda pair: (-likeness[pair], pair))


def confirmed_copies(prints: Prints, pairs: Sequence[tuple[int, int]]) -> list[Link]:
    """Those of the pairs that are copies."""
    turns, warps, alike = _laid_over(prints, pairs)
    kept = (alike >= COPY_CORRELATION).nonzero()[:, 0]
    side = prints.side()
    for tried, least in ((DETAIL_SIDE // 2, WORTH), (side, AGREED[side])):
        if not len(kept):
            return []
        fixed = prints.squares([pairs[place][0] for place in kept])
        moving = prints.squares([pairs[place][1] for place in kept], [turns[place] for place in kept])
        agreed = agreement(_reduced_print(fixed, tried), _reduced_print(moving, tried), warps[kept])
        enough = agreed >= least
        kept, agreed = kept[enough], agreed[enough]
    found = zip((pairs[place] for place in kept), agreed.tolist(), strict=True)
    return [Link(one, other, min(1.0, value)) for (one, other), value in found]


def _laid_over(prints: Prints, pairs: Sequence[tuple[int, int]]) -> tuple[list[int], Tensor, Tensor]:
    """For each pair the turn of its second photo, the warp (2, 3) and how alike the two then are at 32 pixels."""
    likeness, ways = prints.turn_likeness(pairs).topk(2)  # (n, 8) -> (n, 2)
    turns, (warps, alike) = ways[:, 0].clone(), _turns_tried(prints, pairs, ways[:, 0].tolist())
    unsure = (likeness[:, 0] - likeness[:, 1] < TURN_LEAD).nonzero()[:, 0]
    if len(unsure):
        other_warps, other_alike = _turns_tried(prints, [pairs[place] for place in unsure], ways[unsure, 1].tolist())
        better = other_alike > alike[unsure]
        chosen = unsure[better]
        turns[chosen], warps[chosen], alike[chosen] = ways[chosen, 1], other_warps[better], other_alike[better]
    kept = (alike >= COPY_CORRELATION).nonzero()[:, 0]
    if len(kept):
        fixed = standardised(prints.small([pairs[place][0] for place in kept]))
        moving = standardised(prints.small([pairs[place][1] for place in kept], turns[kept].tolist()))
        warps[kept] = align(fixed, moving, warps[kept], steps=4)
    return turns.tolist(), warps, alike


def _turns_tried(prints: Prints, pairs: Sequence[tuple[int, int]], turns: Sequence[int]) -> tuple[Tensor, Tensor]:
    fixed = standardised(_reduced_print(prints.small([one for one, _ in pairs]), GLANCE_SIDE))
    moving = standardised(_reduced_print(prints.small([other for _, other in pairs], turns), GLANCE_SIDE))
    warps = align(fixed, moving, untouched(len(pairs)), steps=12)
    return warps, similarity(fixed, moving, warps)


def _reduced_print(squares: Tensor, side: int) -> Tensor:
    return functional.avg_pool2d(squares, squares.shape[-1] // side)


TEST, LEARNT_FROM = "test", ("train", "calibration")
COPIES_NAMED = 8  # copies that a finding names; its sentence counts them all


def copy_findings(
    photos: Sequence[Sample], pixels: Sequence[str], groups: DisjointSet, links: Sequence[Link]
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
    for members in by_first(groups).values():
        learnt = [place for place in members if photos[place].split in LEARNT_FROM]
        measured = [place for place in members if photos[place].split == TEST]
        found += [_leak(photos, pixels, place, learnt, surest) for place in measured if learnt]
        rest = [place for place in members if photos[place].split != TEST]
        for side in (rest, measured) if learnt and measured else (members,):
            for place in side[1:]:
                if (finding := _duplicate(photos, pixels, place, side, surest)) is not None:
                    found.append(finding)
    return found


def same_pixels(pixels: Sequence[str]) -> DisjointSet:
    """Groups of photos with equal digests of their pixels."""
    together = DisjointSet(range(len(pixels)))
    first: dict[str, int] = {}
    for place, digest in enumerate(pixels):
        together.merge(first.setdefault(digest, place), place)
    return together


def kept_together(photos: Sequence[Sample], copies: DisjointSet) -> list[Hashable]:
    """A group for each photo: copies, and photos of one known part, are in one."""
    joined = linked((place, copies[place], photo.part or place) for place, photo in enumerate(photos))
    return [joined[place] for place in range(len(photos))]


def _leak(
    photos: Sequence[Sample], pixels: Sequence[str], place: int, learnt: Sequence[int], surest: Sequence[float]
) -> Finding:
    same = [other for other in learnt if pixels[other] == pixels[place]]
    others = [*same, *(other for other in learnt if other not in same)]
    what = Message(
        "Duplicate in training: {count} photo ({match:.0%} detail match).",
        "Duplicate in training: {count} photos ({match:.0%} detail match).",
        count=len(others),
        match=float(surest[place]),
    )
    if same:
        what = Message(
            "Duplicate in training: {count} photo (identical pixels).",
            "Duplicate in training: {count} photos (identical pixels).",
            count=len(others),
        )
    return _copies_finding(LEAK, photos, place, others, 1.0 if same else surest[place], what)


def _duplicate(
    photos: Sequence[Sample], pixels: Sequence[str], place: int, side: Sequence[int], surest: Sequence[float]
) -> Finding | None:
    same = [other for other in side if other != place and pixels[other] == pixels[place]]
    if same and min(same) < place:
        what = Message(
            "Identical pixels in {count} other photo.", "Identical pixels in {count} other photos.", count=len(same)
        )
        return _copies_finding(EXACT_DUPLICATE, photos, place, same, 1.0, what)
    others = [other for other in side if other != place]
    part = photos[place].part
    if part and all(photos[other].part == part for other in others):
        return None  # they are known to show one part, and splits keep that together anyway
    what = Message(
        "Near duplicate of {count} photo ({match:.0%} detail match).",
        "Near duplicate of {count} photos ({match:.0%} detail match).",
        count=len(others),
        match=float(surest[place]),
    )
    return _copies_finding(NEAR_DUPLICATE, photos, place, others, surest[place], what)


def _copies_finding(
    kind: str, photos: Sequence[Sample], place: int, others: Sequence[int], score: float, what: str
) -> Finding:
    photo = photos[place]
    differing = sorted({photos[other].label for other in others} - {photo.label})
    labels = ""
    if differing:
        there = ", ".join(map(word, differing))
        labels = Message("Labels differ: {label} here, {there} there.", label=word(photo.label), there=there)
    named = tuple(photos[other].sha256 for other in others[:COPIES_NAMED])
    return Finding(kind, photo.sha256, named, round(score, 4), paragraph(what, labels, FINDING_KINDS[kind].advice))
