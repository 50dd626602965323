"""New good parts extend a patch memory: what it has stays, what it lacks joins, and all else is as it was."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.coreset import farther_ones, usual_gap
from ensemble.features.photo_batch import input_key
from ensemble.features.readings import read_rows
from ensemble.members.patch_memory import PatchMemoryMember
from ensemble.store import ModelStore, versions
from ensemble.training import source_of, train
from ensemble.training.extending import EXTENDED, extend, plan_extension
from ensemble.training.own_photos import own_photos
from ensemble.training.variations import photos_shown, with_variations
from ensemble.values.errors import MemberError, StoreError
from ensemble.values.results import OK_NOK
from ensemble.values.samples import Sample
from tests.conftest import TINY_BACKBONE, Run
from tests.unit.training.test_few_good import lay_good, part

MEMORY = f"patch_memory_{TINY_BACKBONE}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    """Photos and a product trained on five good ones, with a member beside that no extension may touch; read only."""
    folder = tmp_path_factory.mktemp("extending") / "all"
    kinds, backbones = ("patch_memory", "mahalanobis"), (TINY_BACKBONE,)
    train(lay_good(folder / "data", 5), folder / "m", kinds=kinds, backbones=backbones, side=64, weights=tiny_weights)
    return folder


@pytest.fixture
def product(trained: Path, tmp_path: Path) -> ModelStore:
    """A copy of it, to write to."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return ModelStore(tmp_path / "m")


def lay_new(folder: Path) -> list[Path]:
    """Two further good photos, one with another ground, and one that the product knows."""
    paths = [folder / f"new{number}.png" for number in range(2)]
    for number, path in enumerate(paths):
        part(50 + number).save(path)
    return [*paths, folder / "data/train/good/0.png"]


def harmed(path: Path) -> Path:
    picture = part(60)
    picture.paste((255, 255, 255), (20, 20, 52, 52))
    picture.save(path)
    return path


def memory_of(store: ModelStore) -> PatchMemoryMember:
    member = store.load().members[MEMORY]
    assert isinstance(member, PatchMemoryMember)
    return member


def test_an_extension_keeps_what_is_there_and_adds_what_is_new(product: ModelStore, tmp_path: Path) -> None:
    before, old = memory_of(product), product.manifest().members
    files = {file: product.path_of(file).read_bytes() for record in old.values() for file in record.files}
    plan = plan_extension(product, lay_new(tmp_path))
    assert [path.name for path in plan.known] == ["0.png"] and not plan.refused and not plan.far
    made = extend(plan)
    after, record = memory_of(product), product.manifest().members[MEMORY]
    count = len(before.arrays_["memory"])
    assert made.photos == 2 and 0 < made.places[MEMORY] == len(after.arrays_["memory"]) - count
    assert np.array_equal(after.arrays_["memory"][:count], before.arrays_["memory"])
    assert np.array_equal(after.arrays_["held_out"][:5], before.arrays_["held_out"])
    assert len(after.arrays_["held_out"]) == len(after.arrays_["held_out_peaks"]) == 7
    assert record.training["photos"] == {"non_defective": 7, "defective": 0} and record.weight == old[MEMORY].weight
    (entry,) = record.training[EXTENDED]
    assert entry["photos"] == 2 and entry["places"] == made.places[MEMORY]
    assert set(entry["sha256"]) < set(product.evidence().learnt) and own_photos(product).missing == 0
    assert versions.version_history(product.folder)[0].reason == "Extended by 2 photos."
    for file, data in files.items():
        assert (product.path_of(file).read_bytes() == data) is (file not in record.files)
    assert any(
        "thresholds of policies and measured quality do not include the new photos" in each for each in made.notes
    )
    assert not any("Train on all photos instead" in each for each in made.notes)
    again = plan_extension(product, lay_new(tmp_path))
    assert len(again.known) == 3
    with pytest.raises(MemberError, match="is new to the product"):
        extend(again)


def test_photos_that_look_unlike_good_parts_are_named_before_anything_is_written(
    product: ModelStore, tmp_path: Path, run: Run
) -> None:
    bad = harmed(tmp_path / "bad.png")
    state = product.fingerprint()
    command = ("extend", *lay_new(tmp_path), bad, "--models", product.folder)
    code, _, said = run(*command)
    assert code == 2 and "times as far from the good parts as the farthest that pass" in said
    assert "Nothing is extended yet, because 1 photo may show a defect." in said and product.fingerprint() == state
    code, _, said = run(*command, "--force")
    assert code == 0 and "more, of 3 photos" in said and "left out. It is a photo of this product already." in said
    shown = json.loads((product.folder / "manifest.json").read_text())["members"][MEMORY]
    assert shown["training"]["facts"]["held_out"]["photos"] == 8


def test_what_was_published_meanwhile_stays(product: ModelStore, tmp_path: Path) -> None:
    plan = plan_extension(product, lay_new(tmp_path))
    manifest = product.manifest()
    lighter = {name: replace(record, weight=0.5) for name, record in manifest.members.items()}
    product.write({}, replace(manifest, members=lighter), "Weighed anew.")
    with pytest.raises(StoreError, match="has changed since the photos were looked at"):
        extend(plan)
    assert product.manifest().members == lighter


def test_as_many_new_photos_as_old_ones_are_better_trained_on(product: ModelStore, tmp_path: Path) -> None:
    paths = [tmp_path / f"many{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        part(70 + number).save(path)
    notes = extend(plan_extension(product, paths)).notes
    assert any("trained on 5 photos, extended by 5." in each for each in notes)


def test_a_product_without_a_patch_memory_is_not_extended(product: ModelStore, tmp_path: Path) -> None:
    manifest = product.manifest()
    others = {name: record for name, record in manifest.members.items() if name != MEMORY}
    product.write({}, replace(manifest, members=others), "Without a memory.")
    with pytest.raises(MemberError, match=r"has no patch memory to extend\. Train one"):
        plan_extension(product, [harmed(tmp_path / "a.png")])


def test_a_calibrated_memory_keeps_its_scale(product: ModelStore, tmp_path: Path) -> None:
    plan = plan_extension(product, lay_new(tmp_path))
    member = plan.members[MEMORY]
    assert plan.reading is not None
    scale, rows = member.scale_, next(iter(plan.reading.inputs.values()))
    assert member.extend(rows, 5, rescaled=False).scale_ == scale and len(member.arrays_["held_out"]) == 5
    assert (member.measure(rows)[0] < memory_of(product).measure(rows)[0]).all()


def test_places_join_farthest_first_until_all_lie_near() -> None:
    memory = torch.tensor([[0.0], [1.0], [2.0], [4.0]])
    assert usual_gap(memory) == 1.0 and usual_gap(memory[:1]) == 0.0
    points = torch.tensor([[5.5], [9.0], [8.5], [3.0]])
    gaps = torch.tensor([1.5, 5.0, 4.5, 1.0])
    for bounds, chosen in [
        ((0, 10), [1, 0]),
        ((0, 1), [1]),
        ((3, 10), [1, 0, 3]),
        ((9, 9), [1, 0, 3, 2]),
        ((0, 0), []),
    ]:
        assert farther_ones(points, gaps, 1.0, bounds).tolist() == chosen
    assert farther_ones(points[:0], gaps[:0], 1.0, (5, 5)).tolist() == []
    twice = torch.tensor([[7.0], [7.0]])
    assert farther_ones(twice, torch.tensor([3.0, 3.0]), 1.0, (2, 2)).tolist() == [0]


@pytest.mark.parametrize(("new", "variations"), [(1, 16), (2, 0)])
def test_variations_leave_the_scale_once_photos_are_enough(
    tmp_path: Path, tiny_weights: Path, new: int, variations: int
) -> None:
    source = source_of("patch_memory", FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights), 64)
    lay_good(tmp_path, 2 + new)
    samples = [Sample(path, "non_defective") for path in sorted((tmp_path / "train/good").iterdir())]
    few = with_variations(read_rows(samples[:2], [source], OK_NOK))
    member = PatchMemoryMember(classes=OK_NOK, input=source)
    shown = photos_shown(few.samples)
    member.fit(few.inputs[input_key(source)], np.zeros(len(shown), dtype=int), photos=shown)
    known = member.arrays_["held_out"][:2]
    member.extend(read_rows(samples[2:], [source], OK_NOK).inputs[input_key(source)], 2, rescaled=True)
    held = member.facts_["held_out"]
    assert held["photos"] == 2 + new and held.get("variations", 0) == variations
    assert np.array_equal(member.arrays_["held_out"][:2], known)
    assert len(member.arrays_["held_out"]) == len(member.arrays_["held_out_peaks"]) == 2 + new + variations
