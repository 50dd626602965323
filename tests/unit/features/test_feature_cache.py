"""Kept features: always those that would be computed, and never in the way, whatever happens to their file."""

import multiprocessing
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ensemble.datasets.cleaning.labels import bundled_features
from ensemble.disk.files import folder_of_setting
from ensemble.features import feature_cache
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import CACHE_FILE, FeatureCache, is_kept, name_of
from ensemble.features.photo_batch import FILL
from ensemble.features.preprocessing import POOLINGS, READINGS, Preprocessing
from ensemble.features.readings import read_rows
from ensemble.values.results import OK_NOK
from ensemble.values.samples import Sample
from tests.conftest import TINY_BACKBONE

PIXELS = Preprocessing(side=32)
DIGESTS = [f"{number:064x}" for number in range(40)]


@pytest.fixture(scope="module")
def extractor(tiny_weights: Path) -> FeatureExtractor:
    return FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights).at(64)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, said: list[str]) -> Iterator[FeatureCache]:
    with FeatureCache(tmp_path / "cache", notify=said.append) as opened:
        yield opened


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many photos each pass of a backbone sees."""
    seen: list[int] = []
    original = FeatureExtractor.maps

    def counted(self: FeatureExtractor, photos: torch.Tensor) -> dict[str, torch.Tensor]:
        seen.append(len(photos))
        return original(self, photos)

    monkeypatch.setattr(FeatureExtractor, "maps", counted)
    return seen


def row(number: int) -> np.ndarray:
    return np.arange(8, dtype=np.float32) + number


def samples_of(folder: Path, count: int) -> list[Sample]:
    return [Sample(path, "defective") for path in sorted(folder.rglob("*.jpg"))[:count]]


def test_what_is_kept_is_found_with_its_seconds(cache: FeatureCache, extractor: FeatureExtractor) -> None:
    cache.keep(extractor, {DIGESTS[0]: row(0), DIGESTS[1]: row(1)}, 0.25)
    found = cache.find(extractor, DIGESTS[:3])
    assert list(found) == DIGESTS[:2]
    assert found[DIGESTS[1]].row.tolist() == row(1).tolist() and found[DIGESTS[1]].row.dtype == np.float32
    assert found[DIGESTS[1]].seconds == 0.25
    assert cache.knows([extractor], DIGESTS[:3]) == set(DIGESTS[:2])
    assert cache.knows([extractor, PIXELS], DIGESTS[:3]) == set()


def test_rows_of_another_input_are_never_served(cache: FeatureCache, extractor: FeatureExtractor) -> None:
    spec = extractor.spec
    cache.keep(extractor, {DIGESTS[0]: row(0)}, 0.1)
    others = [
        replace(spec, weights="0" * 64),
        replace(spec, layers=spec.layers[:1]),
        replace(spec, pooling="grid"),
        replace(spec, name="resnet18"),
        *(
            replace(spec, preprocessing=replace(spec.preprocessing, **change))
            for change in (
                {"side": 65},
                {"mean": (0.0, 0.0, 0.0)},
                {"std": (1.0, 1.0, 1.0)},
                {"interpolation": "box"},
                {"pad": True},
            )
        ),
    ]
    for other in others:
        assert not cache.find(FeatureExtractor(other, torch.nn.Identity(), {}), DIGESTS[:1])
    assert cache.find(extractor, DIGESTS[:1])


@pytest.mark.parametrize("module", ["torch.__version__", "PIL.__version__", "numpy.__version__"])
def test_other_versions_make_other_rows(
    extractor: FeatureExtractor, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    before = name_of(extractor)
    monkeypatch.setattr(module, "0.1")
    assert name_of(extractor) != before


def test_what_is_worth_keeping(extractor: FeatureExtractor) -> None:
    kept = [reading for reading in READINGS if is_kept(extractor.with_pooling(reading))]
    assert kept == list(POOLINGS) and len(kept) >= 3
    assert is_kept(Preprocessing(side=128)) and not is_kept(Preprocessing(side=224))


def test_a_second_reading_decodes_nothing_and_gives_the_same_bits(
    cache: FeatureCache,
    extractor: FeatureExtractor,
    tiny_data: Path,
    passes: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = samples_of(tiny_data / "train", 20)
    sources = [extractor, extractor.with_pooling("grid"), PIXELS]
    plain = read_rows(samples, sources, OK_NOK)
    first = read_rows(samples, sources, OK_NOK, cache=cache)
    passes.clear()
    monkeypatch.setattr("ensemble.features.readings.read_photo", None)  # decoding would fail
    again = read_rows(samples, [*sources, extractor.with_pooling("average_std")], OK_NOK, cache=cache)
    assert passes == []
    for key, rows in plain.inputs.items():
        assert np.array_equal(rows, first.inputs[key]) and np.array_equal(rows, again.inputs[key])
    assert again.samples == plain.samples and again.labels.tolist() == plain.labels.tolist()


def test_only_new_photos_are_computed_and_all_come_in_their_order(
    cache: FeatureCache, extractor: FeatureExtractor, tiny_data: Path, passes: list[int]
) -> None:
    samples = samples_of(tiny_data / "train", 24)
    read_rows(samples[::2], [extractor], OK_NOK, cache=cache)
    passes.clear()
    mixed = read_rows(samples, [extractor], OK_NOK, cache=cache)
    assert passes == [16]  # twelve new photos, filled up: their bits must not depend on how many are new
    assert np.array_equal(mixed.inputs[extractor.spec], read_rows(samples, [extractor], OK_NOK).inputs[extractor.spec])


@pytest.mark.parametrize("known", [False, True])
def test_photos_that_cannot_be_opened_are_named_and_leave_no_gap(
    cache: FeatureCache, extractor: FeatureExtractor, tiny_data: Path, tmp_path: Path, known: bool
) -> None:
    samples = samples_of(tiny_data / "train", 6)
    (tmp_path / "broken.jpg").write_bytes(samples[0].path.read_bytes()[:200])
    bad = [Sample(tmp_path / "broken.jpg", "defective"), Sample(tmp_path / "missing.jpg", "defective")]
    if known:
        read_rows(samples, [extractor], OK_NOK, cache=cache)
    mixed = read_rows([*samples[:2], *bad, *samples[2:]], [extractor], OK_NOK, cache=cache)
    assert mixed.samples == tuple(samples)
    assert [sentence.split()[0] for sentence in mixed.refused] == ["broken.jpg", "missing.jpg"]
    assert np.array_equal(mixed.inputs[extractor.spec], read_rows(samples, [extractor], OK_NOK).inputs[extractor.spec])


@pytest.mark.parametrize("change", ["data", "photo", "input"])
def test_a_row_that_is_not_what_was_written_is_computed_again(
    cache: FeatureCache, extractor: FeatureExtractor, change: str
) -> None:
    cache.keep(extractor, {DIGESTS[0]: row(0)}, 0.1)
    cache.keep(PIXELS, {DIGESTS[1]: row(1)}, 0.1)
    with sqlite3.connect(cache.path) as database:
        if change == "data":
            database.execute("UPDATE rows SET data = zeroblob(32) WHERE input = 1")
        elif change == "photo":
            database.execute("UPDATE rows SET photo = ? WHERE input = 1", (bytes.fromhex(DIGESTS[2]),))
        else:
            database.execute("UPDATE rows SET input = 1")
    assert list(cache.find(extractor, DIGESTS[:3])) == ([DIGESTS[0]] if change == "input" else [])


def test_the_longest_unused_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1_000_000, 9_000_000, 100_000))
    monkeypatch.setattr(feature_cache.time, "time", lambda: next(clock))
    large = np.zeros((64, 64), dtype=np.float32)
    with FeatureCache(tmp_path, most_bytes=2_000_000) as cache:
        for number in range(4):
            cache.keep(PIXELS, {f"{100 * number + each:064x}": large + each for each in range(40)}, 0.1)
            cache.find(PIXELS, [f"{each:064x}" for each in range(40)])  # the first ones stay in use
        kept = [len(cache.find(PIXELS, [f"{100 * number + each:064x}" for each in range(40)])) for number in range(4)]
        assert kept[0] > 0 and kept[3] == 40 and kept[1] == 0
        assert cache.path.stat().st_size <= 2_000_000


@pytest.mark.parametrize("content", [b"no database at all" * 300, b"SQLite format 3\0" + b"\1" * 8000])
def test_a_damaged_file_is_thrown_away_and_made_anew(tmp_path: Path, said: list[str], content: bytes) -> None:
    (tmp_path / CACHE_FILE).write_bytes(content)
    with FeatureCache(tmp_path, notify=said.append) as cache:
        cache.keep(PIXELS, {DIGESTS[0]: row(0)}, 0.1)
        assert cache.find(PIXELS, DIGESTS[:1])
    assert len(said) == 1 and "damaged" in said[0] and "computed again" in said[0]


def test_damage_while_in_use_costs_a_sentence(tmp_path: Path, said: list[str]) -> None:
    with FeatureCache(tmp_path) as cache:
        cache.keep(PIXELS, {digest: np.zeros(5000, dtype=np.float32) for digest in DIGESTS}, 0.1)
    data = bytearray((tmp_path / CACHE_FILE).read_bytes())
    data[8192:120_000] = os.urandom(120_000 - 8192)
    (tmp_path / CACHE_FILE).write_bytes(data)
    with FeatureCache(tmp_path, notify=said.append) as cache:
        found = cache.find(PIXELS, DIGESTS)
        assert all(not kept.row.any() for kept in found.values())
        cache.keep(PIXELS, {DIGESTS[0]: row(0)}, 0.1)
        cache.keep(PIXELS, {DIGESTS[0]: row(0)}, 0.1)
        assert cache.find(PIXELS, DIGESTS[:1])[DIGESTS[0]].row.tolist() == row(0).tolist()


def test_it_may_be_deleted_at_any_moment(cache: FeatureCache, said: list[str]) -> None:
    cache.keep(PIXELS, {DIGESTS[0]: row(0)}, 0.1)
    shutil.rmtree(cache.path.parent)
    cache.keep(PIXELS, {DIGESTS[1]: row(1)}, 0.1)
    cache.keep(PIXELS, {DIGESTS[1]: row(1)}, 0.1)
    assert set(cache.find(PIXELS, DIGESTS[:2])) <= set(DIGESTS[:2])
    assert len(said) <= 1


def test_a_place_that_cannot_be_written_costs_one_sentence(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = FeatureCache(tmp_path / "file" / "cache", notify=said.append)
    cache.keep(PIXELS, {DIGESTS[0]: row(0)}, 0.1)
    assert cache.find(PIXELS, DIGESTS[:1]) == {} and cache.knows([PIXELS], DIGESTS[:1]) == set()
    assert len(said) == 1 and "only takes longer" in said[0]


def test_a_full_disk_costs_one_sentence(cache: FeatureCache, said: list[str]) -> None:
    with cache._trying():
        raise sqlite3.OperationalError("database or disk is full")
    cache.keep(PIXELS, {DIGESTS[0]: row(0)}, 0.1)
    assert not cache and len(said) == 1 and "disk is full" in said[0]


def write(folder: Path, writer: int, said: list[str]) -> None:
    with FeatureCache(folder, notify=said.append) as cache:
        for digest in [f"{writer * 1000 + number:064x}" for number in range(40)]:
            cache.keep(PIXELS, {digest: np.full(500, writer, dtype=np.float32)}, 0.1)
            cache.find(PIXELS, [digest])
    os._exit(len(said))


def test_several_processes_write_at_once_and_one_is_killed(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=write, args=(tmp_path, writer, [])) for writer in range(3)]
    for writer in writers:
        writer.start()
    time.sleep(0.05)
    writers[0].kill()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers[1:]] == [0, 0]
    with FeatureCache(tmp_path) as cache:
        for number in (1, 2):
            found = cache.find(PIXELS, [f"{number * 1000 + each:064x}" for each in range(40)])
            assert len(found) == 40 and {float(kept.row.mean()) for kept in found.values()} == {number}


@pytest.mark.parametrize(
    ("setting", "expected"), [("off", None), ("/some/where", Path("/some/where")), ("", Path(".cache/quorum"))]
)
def test_where_features_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, expected: Path | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("QUORUM_CACHE", setting)
    assert folder_of_setting() == (expected if setting else tmp_path / str(expected))


def test_a_home_that_cannot_be_written_leaves_the_build_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("no folder")
    monkeypatch.delenv("QUORUM_CACHE")
    assert folder_of_setting() == Path("build/cache")


def test_looking_for_wrong_labels_keeps_what_a_training_reads(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passes: list[int]
) -> None:
    monkeypatch.setenv("QUORUM_CACHE", str(tmp_path))
    photos = [Sample(sample.path, sample.label) for sample in samples_of(tiny_data, 3)]
    first, again = (bundled_features(photos, OK_NOK, lambda _: None) for _ in range(2))
    assert passes == [FILL] and (first == again).all()
