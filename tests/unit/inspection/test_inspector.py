"""The Inspector: who cannot speak is named, photo by photo, and never makes a verdict laxer."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.features.preprocessing import Preprocessing
from ensemble.imaging.photos import Photo
from ensemble.inspection.inspector import Inspector
from ensemble.members import Loaded, Prediction
from ensemble.policies import SHIPPED_POLICIES, Policy, Stage
from ensemble.store import ModelStore
from ensemble.values.errors import MemberError
from ensemble.values.results import OK_NOK, Region


class Says:
    """A member that says one thing of every photo, points where it is told to, and fails on black ones likewise."""

    def __init__(self, defective: float, *, fails_on_black: bool = False, points: bool = False) -> None:
        self.input = Preprocessing(side=32)
        self.defective, self.fails_on_black, self.points = defective, fails_on_black, points
        self.asked: list[int] = []

    def score(self, rows: np.ndarray) -> Prediction:
        if self.fails_on_black and any(row.max() == 0 for row in rows):
            raise MemberError("It sees nothing in the dark.")
        self.asked.append(len(rows))
        said = np.tile([1 - self.defective, self.defective], (len(rows), 1))
        return Prediction(said, np.full((len(rows), 4, 4), self.defective, np.float32) if self.points else None)


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


def test_members_that_the_only_policy_does_not_ask_are_not_loaded(tiny_product: Path, tmp_path: Path) -> None:
    store, policy = ModelStore(Path(shutil.copytree(tiny_product, tmp_path / "disc"))), SHIPPED_POLICIES[0]
    manifest = store.manifest()
    first, *others = manifest.members
    records = {name: replace(each, weight=1.0 if name != first else 0.0) for name, each in manifest.members.items()}
    store.write({}, replace(manifest, members=records), "Weighed.")
    alone, whole = Inspector.open(store, policy), Inspector.open(store)
    assert list(alone.members) == others and alone.names() == whole.names() == (first, *others)
    (found,), (expected,) = (each.inspect([photo("one", "white")], policy) for each in (alone, whole))
    scores = [[(vote.member, vote.score) for vote in each.votes] for each in (found, expected)]
    assert scores[0] == scores[1] and found.unasked == expected.unasked and found.label == expected.label


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


@pytest.mark.parametrize(
    ("first", "label", "asked", "regions"),
    [
        (0.1, "non_defective", [], 0),  # nobody needs to see where
        (0.9, "defective", [2], 1),
    ],
)
def test_members_that_point_are_asked_where_a_part_is_not_ok_and_their_votes_count_for_nothing(
    first: float, label: str, asked: list[int], regions: int
) -> None:
    stage = Stage(("quick",), ok_below=0.2, nok_from=0.8)
    policy = Policy("STAGED", "mean", review=0.3, reject=0.7, cascade=(stage,))
    slow, quick = Says(0.9, points=True), Says(first)
    photos = [photo("one", "white"), photo("two", "red")]
    found = Inspector(Loaded({"quick": quick, "slow": slow}, (), OK_NOK)).inspect(photos, policy)  # type: ignore[arg-type]
    alone = Inspector(Loaded({"quick": quick, "slow": replaced(slow)}, (), OK_NOK)).inspect(photos, policy)  # type: ignore[arg-type]
    for verdict, before in zip(found, alone, strict=True):
        same = ("label", "reason", "votes", "unasked", "absent", "decision", "confidence")
        assert verdict.label == label
        assert [getattr(verdict, name) for name in same if name != "votes"] == [
            getattr(before, name) for name in same if name != "votes"
        ]
        assert [vote.member for vote in verdict.votes] == [vote.member for vote in before.votes]
        assert len(verdict.regions) == regions and (verdict.anomaly_map is not None) == bool(regions)
    assert slow.asked == asked


def replaced(member: Says) -> Says:
    """The same member, which does not point."""
    return Says(member.defective)
