"""A trained product keeps photos of good parts; no verdict rests on them."""

import shutil
from pathlib import Path

import pytest

from ensemble.imaging.photos import open_own, read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.policies import SHIPPED_POLICIES
from ensemble.store import ModelStore
from ensemble.store.places import REFERENCES

MAJORITY = SHIPPED_POLICIES[0]


@pytest.fixture
def product(tiny_product: Path, tmp_path: Path) -> ModelStore:
    shutil.copytree(tiny_product, tmp_path / "disc")
    return ModelStore(tmp_path / "disc")


def test_the_good_part_most_like_a_photo_is_named_with_its_verdict(product: ModelStore, tiny_data: Path) -> None:
    kept = product.load().references
    assert kept is not None and 1 <= len(kept.photos) == len(kept.vectors) <= 24
    assert all(max(open_own(data).size) <= 320 for data in kept.photos)
    assert (product.folder / REFERENCES).stat().st_size <= 410_000 and not product.quarantine()
    photos = [read_photo(path) for path in sorted((tiny_data / "test").rglob("*.jpg"))[:3]]
    verdicts = Inspector.open(product).inspect(photos, MAJORITY)
    assert len(verdicts) == 3 and all(verdict.reference in range(len(kept.photos)) for verdict in verdicts)
    assert "reference" not in verdicts[0].as_json()


def test_without_them_or_with_others_than_were_trusted_the_verdicts_are_the_same(
    product: ModelStore, tiny_data: Path
) -> None:
    photo = read_photo(next((tiny_data / "test").rglob("*.jpg")))
    before = Inspector.open(product).inspect([photo], MAJORITY)[0]
    (product.folder / REFERENCES).write_bytes(b"something else")
    assert product.load().references is None
    assert [entry.file for entry in product.quarantine() if entry.known] == [REFERENCES]
    after = Inspector.open(product).inspect([photo], MAJORITY)[0]
    assert after.reference is None and [vote.score for vote in after.votes] == [vote.score for vote in before.votes]
