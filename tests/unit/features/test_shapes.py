"""Inputs in the photos' own shape: their sizes, what a manifest keeps of them, and where on the photo things lie."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torchvision.models import VisionTransformer
from torchvision.models.feature_extraction import create_feature_extractor

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import is_kept, name_of
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import BackboneSpec, Preprocessing
from tests.conftest import TINY_BACKBONE

SQUARE = '{"side": 224, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "interpolation": "bilinear", '


@pytest.mark.parametrize(
    ("side", "aspect", "size"),
    [
        (224, 1.0, (224, 224)),
        (300, 1, (300, 300)),
        (256, 2.5, (640, 256)),
        (256, 0.4, (256, 640)),
        (320, 2.5, (800, 320)),
        (224, 2.5, (576, 224)),
        (224, 1.5, (352, 224)),
        (224, 0.25, (224, 896)),
        (64, 1.3, (96, 64)),
        (300, 1.01, (300, 300)),  # never shorter than the side itself
    ],
)
def test_the_shorter_side_keeps_its_pixels(side: int, aspect: float, size: tuple[int, int]) -> None:
    reads = Preprocessing(side, aspect=aspect)
    assert reads.size == size and reads.pixels == size[0] * size[1]
    photo = Image.new("RGB", (500, 200))
    assert reads.resize([photo]).shape == (1, 3, size[1], size[0])
    assert reads.resize_mask(photo.convert("L")).shape == (size[1], size[0])
    assert Preprocessing.from_json(json.loads(json.dumps(reads.as_json()))) == reads


def test_a_square_is_written_and_called_as_before() -> None:
    square = Preprocessing()
    assert json.dumps(square.as_json()) == SQUARE + '"pad": false}'
    assert repr(square) == (
        "Preprocessing(side=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), interpolation='bilinear', "
        "pad=False)"
    )
    before = Preprocessing.from_json(json.loads(SQUARE[:-2] + "}"))
    assert before == square and hash(before) == hash(square)
    assert json.dumps(Preprocessing(aspect=0.4).as_json()) == SQUARE + '"pad": false, "aspect": 0.4}'
    assert name_of(Preprocessing(64)) != name_of(Preprocessing(64, aspect=1.5)) != name_of(Preprocessing(64, aspect=2))
    assert is_kept(Preprocessing(128)) and not is_kept(Preprocessing(128, aspect=2.0))


@pytest.mark.parametrize("aspect", [0.2, 4.1, 0, float("nan"), "wide", None, True])
def test_an_aspect_out_of_range_is_one_sentence(aspect: object) -> None:
    with pytest.raises(ValueError, match=r"An aspect must lie from 0.25 to 4.0\. Got"):
        Preprocessing.from_json(json.loads(SQUARE + '"pad": false}') | {"aspect": aspect})
    with pytest.raises(ValueError, match=r"No side may have more than 4096 pixels\. Got 8192 × 2048\."):
        Preprocessing(2048, aspect=4.0)


aspects = st.floats(0.25, 4.0)
sizes = st.tuples(st.integers(32, 2000), st.integers(32, 2000))
shares = st.tuples(st.floats(0, 0.95), st.floats(0, 0.95), st.floats(0.01, 0.05), st.floats(0.01, 0.05))


@given(st.integers(32, 512), aspects, sizes, shares, st.booleans())
def test_boxes_come_back_to_their_place_on_the_photo(
    side: int, aspect: float, size: tuple[int, int], share: tuple[float, float, float, float], pad: bool
) -> None:
    reads = Preprocessing(side, aspect=aspect, pad=pad)
    left, top, right, bottom = reads.frame(size)
    across, down = reads.size
    assert 0 <= left < right <= across and 0 <= top < bottom <= down
    x, y, wide, high = share
    box = (x, y, x + wide, y + high)  # of the photo
    ours = tuple(
        (start + each * (stop - start)) / length
        for each, start, stop, length in zip(box, (left, top) * 2, (right, bottom) * 2, (across, down) * 2, strict=True)
    )
    assert reads.on_photo((ours[0], ours[1], ours[2], ours[3]), size) == pytest.approx(box, abs=1e-9)
    area = (ours[2] - ours[0]) * (ours[3] - ours[1])
    assert reads.area_on_photo(area, size) == pytest.approx(wide * high, abs=1e-9)


def test_damage_lies_in_the_same_place_of_pixels_and_mask() -> None:
    reads = Preprocessing(64, aspect=2.5)
    pixels = np.zeros((100, 250, 3), np.uint8)
    pixels[20:30, 200:225] = 255
    photo = Image.fromarray(pixels)
    seen = reads.resize([photo])[0, 0].numpy() > 127
    mask = reads.resize_mask(photo.convert("L"))
    assert seen.shape == mask.shape == (64, 160)
    rows, columns = np.nonzero(seen)
    assert (rows.min(), rows.max() + 1) == (13, 19) and (columns.min(), columns.max() + 1) == (128, 144)
    assert mask[seen].all()


def test_a_backbone_follows_the_shape(tiny_weights: Path) -> None:
    extractor = FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights).at(64)
    wide = extractor.shaped(2.5)
    assert wide.spec.preprocessing == Preprocessing(64, aspect=2.5)
    assert BackboneSpec.from_json(json.loads(json.dumps(wide.spec.as_json()))) == wide.spec
    assert all(width > 2 * height for _, height, width in wide.shapes().values())
    assert wide.at(96).spec.preprocessing.size == (256, 96)  # another side, the same shape
    assert wide.at(64, 1.0).spec == extractor.spec
    assert wide.with_pooling("pixels").width() == 3 * 64 * 160
    assert wide.width() == extractor.width()  # what is pooled has no shape
    batch = PhotoBatch([Image.new("RGB", (500, 200))])
    assert batch.rows(wide).shape == batch.rows(extractor).shape
    assert batch.rows(wide.with_pooling("pixels")).shape == (1, 3, 64, 160)


class Tokens(nn.Module):
    """Patches of 16 pixels as tokens behind a class token, of pictures of any shape."""

    def forward(self, photos: torch.Tensor) -> dict[str, torch.Tensor]:
        tokens = photos[:, :, ::16, ::16].flatten(2).transpose(1, 2)
        return {"a": torch.cat([tokens[:, :1], tokens], dim=1)}


def test_a_network_of_tokens_stays_square() -> None:
    layer = "encoder.layers.encoder_layer_0"
    spec = BackboneSpec("small", (layer,), "average", Preprocessing(32), "")
    transformer = create_feature_extractor(VisionTransformer(32, 16, 1, 2, 8, 8).eval(), {layer: layer})
    for network in (transformer, Tokens()):
        extractor = FeatureExtractor(spec, network, {})
        assert extractor.shaped(2.0) is extractor and extractor.width() > 0
