"""A training reads each file once, however many of its steps need it; what lies beyond the bound of memory, again."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.imaging import photos
from ensemble.imaging.photos import file_digest, files_read_once, read_photo_bytes
from tests.support.forked_dashboard import ended, forked


@pytest.mark.slow(12)
def test_a_training_of_300_photos_reads_each_file_once(tmp_path: Path, tiny_weights: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(300):
        split, label = ("test" if number % 5 == 4 else "train"), ("good" if number % 2 else "scratch")
        pixels = random.integers(90, 120, (48, 48, 3), dtype=np.uint8)
        if label == "scratch":
            pixels[10:14, 4:40] = 250
            mask = np.zeros((48, 48), np.uint8)
            mask[10:14, 4:40] = 255
            path = tmp_path / "photos/ground_truth/scratch" / f"{split}_{number:03d}_mask.png"
            if split == "test":
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask).save(path)
        path = tmp_path / "photos" / split / label / f"{split}_{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    environment, said = os.environ | {"QUORUM_CACHE": str(tmp_path / "cache")}, tmp_path / "said"
    folders = [str(each) for each in (tmp_path / "photos", tmp_path / "models", tiny_weights)]
    ended(forked("tests.support.forked_reading", folders, str(said), environment))
    times = json.loads(said.read_text().splitlines()[-1])
    files = sorted(str(path) for path in (tmp_path / "photos").rglob("*.png"))
    assert len(files) == 330 and sorted(times) == files
    assert set(times.values()) == {1}


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    with files_read_once():
        first = read_photo_bytes(path), file_digest(path)
        path.write_bytes(b"another")
        assert read_photo_bytes(path) == b"another" and file_digest(path) != first[1]
    assert first[0] == b"one"


@pytest.mark.parametrize(("bound", "expected"), [(3, [b"one"]), (2, []), (100, [b"one", b"two2"])])
def test_no_more_is_kept_than_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: int, expected: list[bytes]
) -> None:
    monkeypatch.setattr(photos, "MAX_KEPT_BYTES", bound)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, data in zip(paths, (b"one", b"two2"), strict=True):
        path.write_bytes(data)
    with files_read_once():
        for path in paths:
            read_photo_bytes(path)
        with files_read_once():  # one within another ends with the outer one
            pass
        assert list(photos._read_files.contents.values()) == expected
    assert photos._read_files.contents == {} and not photos._read_files.keeps
