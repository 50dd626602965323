"""What is done about classes of unlike numbers: their photos weigh unlike, some are left aside, or nothing."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ensemble.values.errors import MemberError
from ensemble.values.samples import Sample

WEIGHTS, UNDERSAMPLE, NONE = "weights", "undersample", "none"
BALANCES = (WEIGHTS, UNDERSAMPLE, NONE)


def check_balance(balance: str) -> None:
    """A MemberError where it is none of `BALANCES`."""
    if balance not in BALANCES:
        raise MemberError(f"Balance must be one of {', '.join(BALANCES)}. Got {balance!r}.")


def undersampled(samples: Sequence[Sample], seed: int) -> list[Sample]:
    """As many photos of each class as the rarest has, drawn by the seed, in their order."""
    fewest = min(Counter(sample.label for sample in samples).values())
    shuffled = np.random.default_rng(seed).permutation(len(samples)).tolist()
    left, kept = dict.fromkeys({sample.label for sample in samples}, fewest), []
    for place in shuffled:
        if left[samples[place].label]:
            left[samples[place].label] -= 1
            kept.append(place)
    return [samples[place] for place in sorted(kept)]


def balance_note(samples: Sequence[Sample], balance: str) -> tuple[str, ...]:
    """What a person should know of it, where classes are of unlike numbers and the usual weights are not wanted."""
    counts = Counter(sample.label for sample in samples)
    if balance == WEIGHTS or len(set(counts.values())) < 2:
        return ()
    numbers = ", ".join(f"{count} {label}" for label, count in sorted(counts.items()))
    if balance == NONE:
        return (f"Classes are not balanced: of {numbers} photos each counts alike, so rare classes count little.",)
    fewest = min(counts.values())
    return (f"Members learn from {fewest} photos of each class, drawn by the seed from {numbers}.",)
