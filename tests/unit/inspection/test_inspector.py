"""The Inspector: who cannot speak is named, photo by photo, and never makes a verdict laxer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.features.preprocessing import Preprocessing
from ensemble.imaging.photos import Photo
from ensemble.inspection.inspector import Inspector
from ensemble.members import Loaded, Prediction
from ensemble.policies import SHIPPED_POLICIES
from ensemble.store import ModelStore
from ensemble.values.errors import MemberError
from ensemble.values.results import OK_NOK, Region


class Says:
    """A member that says one thing of every photo, and fails on black ones where it is told to."""

    def __init__(self, defective: float, *, fails_on_black: bool = False) -> None:
        self.input = Preprocessing(side=32)
        self.defective, self.fails_on_black = defective, fails_on_black

    def score(self, rows: np.ndarray) -> Prediction:
        if self.fails_on_black and any(row.max() == 0 for row in rows):
            raise MemberError("It sees nothing in the dark.")
        return Prediction(np.tile([1 - self.defective, self.defective], (len(rows), 1)))


def photo(name: str, colour: str) -> Photo:
    """Half of it in the colour, so that something is on it; nothing but black for black."""
    picture = Image.new("RGB", (40, 40), colour)
    if colour != "black":
        picture.paste((90, 90, 90), (0, 0, 20, 40))
    return Photo(name, name, picture)


def test_a_photo_on_which_a_member_fails_costs_its_neighbours_no_vote() -> None:
    members = {"steady": Says(0.1), "timid": Says(0.1, fails_on_black=True)}
    inspector = Inspector(Loaded(members, (), OK_NOK))  # type: ignore[arg-type]
    one, dark, two = inspector.inspect(
        [photo("one", "white"), photo("dark", "black"), photo("two", "red")], SHIPPED_POLICIES[0]
    )
    assert [len(verdict.votes) for verdict in (one, dark, two)] == [2, 1, 2]
    assert [verdict.label for verdict in (one, dark, two)] == ["non_defective", "review", "non_defective"]
    assert dark.absent[0].member == "timid" and dark.absent[0].reason == "It sees nothing in the dark."


@pytest.mark.parametrize("answer", [np.nan, 1.5, -0.1])
def test_a_score_that_is_no_probability_is_no_vote(answer: float) -> None:
    inspector = Inspector(Loaded({"wild": Says(answer), "steady": Says(0.1)}, (), OK_NOK))  # type: ignore[arg-type]
    (verdict,) = inspector.inspect([photo("one", "white")], SHIPPED_POLICIES[0])
    assert verdict.label == "review" and [absence.member for absence in verdict.absent] == ["wild"]


def test_verdicts_do_not_depend_on_the_batch(tiny_product: Path) -> None:
    inspector = Inspector.open(ModelStore(tiny_product))
    random = np.random.default_rng(0)
    photos = [
        Photo(str(i), str(i), Image.fromarray(random.integers(0, 256, (50, 60, 3), dtype=np.uint8))) for i in range(18)
    ]
    together = inspector.inspect(photos, SHIPPED_POLICIES[0])
    alone = [inspector.inspect([each], SHIPPED_POLICIES[0])[0] for each in photos]
    assert [verdict.label for verdict in together] == [verdict.label for verdict in alone]
    for left, right in zip(together, alone, strict=True):
        assert [vote.score for vote in left.votes] == pytest.approx([vote.score for vote in right.votes], abs=1e-4)


def test_a_box_that_reaches_into_the_grey_bars_is_cut_to_the_photo() -> None:
    class Points(Says):
        def score(self, rows: np.ndarray) -> Prediction:
            return replace(super().score(rows), regions=[(Region("dent", (0.25, 0.0, 0.5, 0.5), 0.9, 0.125),)])

    member = Points(0.9)
    member.input = Preprocessing(side=320, pad=True)
    wide = Photo("wide", "wide", Image.new("RGB", (640, 320)))  # its square has a quarter of grey above and below
    (verdict,) = Inspector(Loaded({"points": member}, (), OK_NOK)).inspect([wide], SHIPPED_POLICIES[0])  # type: ignore[dict-item]
    (region,) = verdict.regions
    assert region.box == (0.25, 0.0, 0.5, 0.5) and region.area == pytest.approx(0.125)
