"""Photos that teach nothing: trainings on them end in a sentence, whatever the members."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ensemble.members import KINDS
from ensemble.training import train
from ensemble.values.errors import QuorumError
from tests.conftest import TINY_BACKBONE

LEARN_ALL = tuple(kind for kind, make in KINDS.items() if make.lesson == "all")
LEARN_GOOD = tuple(kind for kind, make in KINDS.items() if make.lesson == "good")


def lay(folder: Path, label: str, count: int, grey: int | None) -> None:
    """Photos of one grey, or of noise where there is none; each file has bytes of its own."""
    for part in ("train", "test"):
        place = folder / part / label
        place.mkdir(parents=True)
        for number in range(count):
            told = PngInfo()
            told.add_text("number", f"{part} {label} {number}")
            noise = np.random.default_rng(number + 100 * len(label)).integers(0, 255, (40, 40, 3), dtype=np.uint8)
            picture = Image.fromarray(noise) if grey is None else Image.new("RGB", (40, 40), (grey, grey, grey))
            picture.save(place / f"{number}.png", pnginfo=told)


def taught(folder: Path, weights: Path, kinds: tuple[str, ...]) -> list[str]:
    heard: list[str] = []
    settings = {"backbones": (TINY_BACKBONE,), "weights": weights, "side": 64, "profile": "quick"}
    train(folder, folder / "m", kinds=kinds, notify=heard.append, **settings)  # type: ignore[arg-type]
    return heard


@pytest.mark.parametrize("kind", [*LEARN_ALL, *LEARN_GOOD])
def test_photos_that_are_all_alike_end_in_a_sentence(tmp_path: Path, tiny_weights: Path, kind: str) -> None:
    lay(tmp_path, "ok", 6, 90)
    lay(tmp_path, "nok", 6, 90)
    with pytest.raises(QuorumError, match="look the same"):
        taught(tmp_path, tiny_weights, (kind,))
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(("ok", "nok"), [(90, 200), (None, 90)], ids=["each", "defective"])
def test_one_class_of_photos_that_are_all_alike_is_learnt_or_said(
    tmp_path: Path, tiny_weights: Path, ok: int | None, nok: int | None
) -> None:
    lay(tmp_path, "ok", 6, ok)
    lay(tmp_path, "nok", 6, nok)
    heard = taught(tmp_path, tiny_weights, ("svm", "mahalanobis"))
    alike = [sentence for sentence in heard if "look the same" in sentence]
    assert bool(alike) is (ok is not None)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_hardly_any_photos_end_in_a_sentence(tmp_path: Path, tiny_weights: Path, count: int) -> None:
    lay(tmp_path, "ok", count, None)
    lay(tmp_path, "nok", count, None)
    with pytest.raises(QuorumError, match="Needs 5 photos of each class"):
        taught(tmp_path, tiny_weights, LEARN_ALL)
