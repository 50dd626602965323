"""Made-up cases for demonstrations: what the dummies say of photos that do not exist, with a truth they mostly meet."""

import hashlib

from ensemble.members import demo
from ensemble.policies.cases import Case, Evidence
from ensemble.values.results import Classes, mean_probability

PHOTOS = 200
NOISE = 0.5  # how far the truth may lie from what the dummies say


def demo_evidence(classes: Classes) -> Evidence:
    """The same cases in every demonstration: half to choose by, half to measure on."""
    cases = [_case(number, classes) for number in range(PHOTOS)]
    return Evidence(classes, tuple(cases[::2]), tuple(cases[1::2]))


def _case(number: int, classes: Classes) -> Case:
    digest = hashlib.sha256(f"demo part {number}".encode()).hexdigest()
    said = tuple(demo.scores(digest, classes))
    luck = hashlib.sha256(f"truth {number}".encode()).digest()
    lean = {name: mean_probability(said, name) + NOISE * luck[place] / 255 for place, name in enumerate(classes.names)}
    bare = tuple(type(score)(score.member, score.probabilities, score.seconds, regions=score.regions) for score in said)
    return Case(f"demo/part_{number:03}.png", digest, max(lean, key=lambda name: lean[name]), bare)
