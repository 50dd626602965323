"""Backbones: where weights come from, what is refused, and that the fast network gives the plain network's features."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ensemble.features import backbones, weights
from ensemble.features.backbones import FeatureExtractor, build_network
from ensemble.features.included import as_grid, pool
from ensemble.features.preprocessing import BUNDLED, LAYERS, LITE, POOLINGS
from ensemble.values.errors import WeightsError
from tests.conftest import TINY_BACKBONE

pytestmark = pytest.mark.slow(15)


@pytest.fixture
def pictures() -> list[Image.Image]:
    noise = np.random.default_rng(0).integers(0, 256, (2, 90, 120, 3), dtype=np.uint8)
    return [Image.fromarray(each) for each in noise]


def save_state(name: str, folder: Path, *, without: str = "never") -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        state = build_network(name).state_dict()
    path = folder / f"{name}-some.safetensors"
    save_file({key: value for key, value in state.items() if not key.startswith(without)}, path)
    return path


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "densenet121", BUNDLED, LITE])
def test_the_trimmed_and_fused_network_gives_the_plain_networks_maps(
    name: str, tmp_path: Path, pictures: list[Image.Image]
) -> None:
    save_state(name, tmp_path)
    extractor = FeatureExtractor.open(name, weights=tmp_path)
    plain = build_network(name)
    plain.load_state_dict(extractor.state, strict=False)
    caught: dict[str, torch.Tensor] = {}
    for layer in LAYERS[name]:
        plain.get_submodule(layer).register_forward_hook(
            lambda _module, _inputs, output, layer=layer: caught.__setitem__(layer, output.clone())
        )
    with torch.inference_mode():
        plain(extractor.spec.preprocessing.prepare(pictures))
    maps = extractor.maps(pictures)
    assert list(maps) == list(LAYERS[name])
    for layer, expected in caught.items():
        assert torch.allclose(maps[layer], expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_pooling_by_hand() -> None:
    grid = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])  # one photo, one channel, 2×2
    assert pool({"a": grid}, "average").tolist() == [[3.0]]
    assert pool({"a": grid}, "average_std")[0].tolist() == pytest.approx([3.0, 3.5**0.5])
    assert pool({"a": grid}, "grid").tolist() == [[1.0, 2.0, 3.0, 6.0]]
    assert pool({"a": grid, "b": grid * 2}, "average").tolist() == [[3.0, 6.0]]


def test_the_pooling_is_found_by_the_width(tiny_weights: Path) -> None:
    extractor = FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights)
    widths = {pooling: extractor.with_pooling(pooling).width() for pooling in POOLINGS}
    assert widths == {
        "average": 768,
        "average_std": 1536,
        "grid": 3072,
    }  # no two alike: a file tells it by nothing else
    assert extractor.for_width(3072).spec.pooling == "grid"
    with pytest.raises(WeightsError, match=r"768 \(average\).*expects 5"):
        extractor.for_width(5)


def test_whoever_opens_the_same_weights_again_shares_the_network(tiny_weights: Path, tmp_path: Path) -> None:
    one, again = (FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights, pooling=each) for each in POOLINGS[:2])
    assert again.passes.network is one.passes.network and again.spec.pooling != one.spec.pooling
    save_state(TINY_BACKBONE, tmp_path)
    other = FeatureExtractor.open(TINY_BACKBONE, weights=tmp_path)
    assert other.passes.network is not one.passes.network and other.spec.weights != one.spec.weights


@pytest.mark.parametrize(
    ("name", "layer"), [("shufflenet_v2_x0_5", "conv5"), ("swin_t", "permute"), ("efficientnet_b0", "features")]
)
def test_any_torchvision_classifier_is_a_backbone(
    name: str, layer: str, tmp_path: Path, pictures: list[Image.Image]
) -> None:
    save_state(name, tmp_path)
    extractor = FeatureExtractor.open(name, weights=tmp_path)
    assert extractor.spec.layers == (layer,)
    (grid,) = extractor.maps(pictures[:1]).values()
    assert grid.ndim == 4 and grid.shape[0] == 1 and grid.shape[2] == grid.shape[3] > 1


def test_the_tokens_of_a_transformer_become_a_grid() -> None:
    tokens = torch.arange(10.0).view(1, 5, 2)  # a class token, then 2×2 tokens of two channels
    assert as_grid(tokens).tolist() == [[[[2.0, 4.0], [6.0, 8.0]], [[3.0, 5.0], [7.0, 9.0]]]]


def test_a_partial_file_is_enough_where_it_covers_the_layers(tmp_path: Path, pictures: list[Image.Image]) -> None:
    save_state("resnet18", tmp_path, without="layer4")
    assert FeatureExtractor.open("resnet18", weights=tmp_path).extract(pictures).shape == (2, 384)
    with pytest.raises(
        WeightsError, match=r"does not cover the layers layer4 of resnet18: \d+ of \d+ weights are missing"
    ):
        FeatureExtractor.open("resnet18", weights=tmp_path, layers=["layer4"])


def test_without_weights_the_error_names_file_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "cache"))
    monkeypatch.delenv(weights.WEIGHTS_SETTING, raising=False)
    (tmp_path / "mine").mkdir()
    with pytest.raises(WeightsError) as caught:
        FeatureExtractor.open("vgg16", weights=tmp_path / "mine")
    assert "vgg16-397923af.pth" in str(caught.value) and str(tmp_path / "mine") in str(caught.value)
    with pytest.raises(WeightsError, match="does not exist"):
        FeatureExtractor.open("vgg16", weights=tmp_path / "nowhere")
    with pytest.raises(WeightsError, match="No backbone is called 'resnet1'"):
        FeatureExtractor.open("resnet1")


def test_weights_are_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, setting, cache = tmp_path / "named", tmp_path / "setting", tmp_path / "cache" / "checkpoints"
    for folder in (named, setting, cache):
        folder.mkdir(parents=True)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "cache"))
    in_cache = cache / "vgg16-397923af.pth"
    in_cache.touch()
    assert backbones.find_weights("vgg16", [named, setting]) == in_cache
    (setting / "vgg16.pth").touch()
    assert backbones.find_weights("vgg16", [named, setting]) == setting / "vgg16.pth"
    (named / "vgg16_bn-1.pth").touch()  # another network
    (named / "vgg16-mine.safetensors").touch()
    assert backbones.find_weights("vgg16", [named, setting]) == named / "vgg16-mine.safetensors"


def test_a_download_that_fails_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_arguments: object, **_settings: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    with pytest.raises(
        WeightsError, match=r"could not be downloaded \(no route to host\). Put vgg16-397923af.pth into"
    ):
        backbones.find_weights("vgg16", [], download=True)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.write_bytes(b""), "is not a readable weights file"),
        (lambda path: path.write_bytes(b"\x80\x04nonsense"), "is not a readable weights file"),
        (lambda path: torch.save(build_network("squeezenet1_1"), path), "Expected a state dict"),
        (lambda path: torch.save([torch.zeros(1)], path), "Expected a state dict"),
        (lambda path: torch.save(build_network("squeezenet1_0").state_dict(), path), "does not fit|does not cover"),
    ],
)
def test_files_that_are_no_weights(make: object, sentence: str, tmp_path: Path) -> None:
    make(tmp_path / "squeezenet1_1.pth")  # type: ignore[operator]
    with pytest.raises(WeightsError, match=sentence):
        FeatureExtractor.open("squeezenet1_1", weights=tmp_path)


def test_the_weights_a_product_keeps_give_the_same_backbone(tiny_weights: Path, pictures: list[Image.Image]) -> None:
    whole = FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights)
    kept = FeatureExtractor.from_bytes(TINY_BACKBONE, whole.weights_bytes(), Path("x.safetensors"))
    assert kept.spec == whole.spec
    assert torch.equal(kept.extract(pictures), whole.extract(pictures))
    assert kept.weights_bytes() == whole.weights_bytes()
