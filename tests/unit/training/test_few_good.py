"""One to eight good photos: a product that inspects, and what it is worth said plainly."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.datasets.loading import evaluation_part, find_dataset
from ensemble.evaluation.model_card import card_of
from ensemble.features.preprocessing import Preprocessing
from ensemble.features.readings import PartReading, read_rows
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.members.good_parts import held_together
from ensemble.policies import choose
from ensemble.store import ModelStore
from ensemble.training import TrainingOutcome, train
from ensemble.training.variations import few_good, photos_shown, shifted, with_variations
from ensemble.values.errors import DataError, MemberError
from ensemble.values.results import OK_NOK
from ensemble.values.samples import Sample
from tests.conftest import TINY_BACKBONE

OPTIONS = {"backbones": (TINY_BACKBONE,), "side": 64}


def part(seed: int) -> Image.Image:
    """A grey disc on a dark ground with a little noise: the same upside down and mirrored."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:72, :72] - 35.5
    grey = np.where(x**2 + y**2 < 700, 170, 60) + random.normal(0, 6, (72, 72))
    return Image.fromarray(np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2))


def lay_good(folder: Path, count: int) -> Path:
    (folder / "train/good").mkdir(parents=True)
    for number in range(count):
        part(number).save(folder / f"train/good/{number}.png")
    return folder


def learn(folder: Path, weights: Path, kinds: tuple[str, ...] = ("patch_memory",)) -> tuple[TrainingOutcome, list[str]]:
    heard: list[str] = []
    outcome = train(folder, folder / "m", kinds=kinds, notify=heard.append, weights=weights, **OPTIONS)  # type: ignore[arg-type]
    return outcome, heard


@pytest.mark.parametrize(
    ("count", "learnt", "said"),
    [
        (1, 1, "Trained on 1 good photo and 8 variations: overkill rate unknown."),
        (2, 2, "Trained on 2 good photos and 16 variations: 0 of 2 rejected in cross-validation, "),
        (3, 3, "overkill rate up to 63.2% (95%)."),
        (
            5,
            5,
            "Trained on 5 good photos: 0 of 5 rejected in cross-validation, overkill rate up to 45.1% (95%).",
        ),
        (8, 5, "Trained on 5 good photos: 0 of 5 rejected in cross-validation"),
    ],
)
def test_few_good_photos_make_a_product_that_tells_damage(
    tmp_path: Path, tiny_weights: Path, count: int, learnt: int, said: str
) -> None:
    outcome, heard = learn(lay_good(tmp_path, count), tiny_weights)
    assert any(said in sentence for sentence in heard), heard
    store = ModelStore(tmp_path / "m")
    (record,) = store.manifest().members.values()
    assert record.training["photos"] == {"non_defective": learnt, "defective": 0}
    assert record.noted("facts")["held_out"]["photos"] == learnt
    assert outcome.quality["photos"] == count - learnt
    part(100).save(tmp_path / "fresh.png")
    harmed = part(101)
    harmed.paste((255, 255, 255), (32, 32, 40, 40))
    harmed.save(tmp_path / "harmed.png")
    photos = [read_photo(tmp_path / name) for name in ("fresh.png", "harmed.png")]
    verdicts = Inspector.open(store).inspect(photos, choose(store.policies(), "MAJORITY"))
    assert [verdict.votes[0].label for verdict in verdicts] == ["non_defective", "defective"]
    assert count > 1 or card_of(store).to_markdown()


def test_photos_that_show_nothing_teach_nothing(tmp_path: Path, tiny_weights: Path) -> None:
    (tmp_path / "train/good").mkdir(parents=True)
    Image.new("RGB", (72, 72), (90, 90, 90)).save(tmp_path / "train/good/grey.png")
    with pytest.raises(MemberError, match=r"Nothing but one grey is on 1 good photo\. Add photos"):
        learn(tmp_path, tiny_weights)


@pytest.mark.parametrize("kind", ["mahalanobis", "feature_reconstruction", "autoencoder"])
def test_members_that_few_photos_cannot_teach_name_the_one_that_they_can(
    tmp_path: Path, tiny_weights: Path, kind: str
) -> None:
    with pytest.raises(MemberError, match=r"Needs 4 photos of good parts, found 1\. Patch memory needs fewer"):
        learn(lay_good(tmp_path, 1), tiny_weights, (kind,))


def test_folders_of_few_good_photos_alone_have_nothing_to_measure_on(tmp_path: Path) -> None:
    found = find_dataset(lay_good(tmp_path, 5))
    assert (len(found.train), len(found.test)) == (
        5,
        0,
    ) and "are used for training, and quality is not measured" in found.notes[-1]
    with pytest.raises(DataError, match=r"holds no photos to measure on\. No test part"):
        evaluation_part(tmp_path, {}, OK_NOK)
    part(6).save(tmp_path / "train/good/6.png")
    assert len(find_dataset(tmp_path).test) == 2


def reading(pictures: list[Image.Image], folder: Path) -> PartReading:
    for number, picture in enumerate(pictures):
        picture.save(folder / f"{number}.png")
    samples = [Sample(folder / f"{number}.png", "non_defective") for number in range(len(pictures))]
    return read_rows(samples, [Preprocessing(32)], OK_NOK)


def test_variations_are_relit_shifted_and_mirrored_where_that_changes_nothing(tmp_path: Path) -> None:
    lopsided = part(0)
    lopsided.paste((255, 255, 255), (0, 0, 72, 30))  # white above: mirrored upside down it would be another part
    for picture, count in [(part(0), 8), (lopsided, 7)]:
        before = reading([picture], tmp_path)
        found = with_variations(before)
        rows = found.inputs[Preprocessing(32)]
        assert len(rows) == 1 + count and np.array_equal(rows[:1], before.inputs[Preprocessing(32)])
        assert photos_shown(found.samples).tolist() == [0] * len(rows)
        assert rows[1].mean() < rows[0].mean() < rows[2].mean()
    four = reading([part(number) for number in range(4)], tmp_path)
    assert with_variations(four) is four


def test_a_shift_moves_what_is_there_and_fills_with_its_mirror_image() -> None:
    row = Image.fromarray(np.arange(10, dtype=np.uint8).repeat(3).reshape(1, 10, 3).repeat(4, axis=0))
    assert np.asarray(shifted(row, 0.2, 0.0))[0, :, 0].tolist() == [2, 1, 0, 1, 2, 3, 4, 5, 6, 7]
    assert np.asarray(shifted(row, -0.1, 0.0))[0, :, 0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 8]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"photos": 9, "above": 0}, ""),
        ({}, ""),
        ({"photos": 8, "above": 0}, "overkill rate up to 31.3% (95%)."),
        (
            {"photos": 2, "above": 1, "variations": 16},
            "1 of 2 rejected in cross-validation, overkill rate up to 97.5% (95%).",
        ),
        ({"photos": 1, "variations": 1}, "Trained on 1 good photo and 1 variation: overkill rate unknown."),
    ],
)
def test_what_few_good_photos_are_worth(held: dict[str, int], said: str) -> None:
    assert said in few_good(held) and bool(said) is bool(few_good(held))


def test_a_variation_is_held_out_with_its_photo() -> None:
    assert held_together(np.array([0, 1, 0, 1])).tolist() == [0, 1, 0, 1]
    assert held_together(np.array([0, 0, 0])).tolist() == [0, 1, 2]
