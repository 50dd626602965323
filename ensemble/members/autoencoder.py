"""The autoencoder: it learns to paint good parts from a few numbers; what it cannot paint is unlike a good part."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ensemble.features.included import channels_last
from ensemble.features.photo_batch import Input
from ensemble.features.preprocessing import Preprocessing
from ensemble.members.baseline_cnn import mirrored
from ensemble.members.contract import Parts
from ensemble.members.good_parts import (
    ARRAYS,
    HELD_OUT_FACTS,
    MEASURED_AT_ONCE,
    GoodPartsMember,
    HeldOut,
    Measured,
    SyntheticAnomalies,
)
from ensemble.values.errors import MemberError
from ensemble.values.results import Classes
from ensemble.values.titles import KIND_TITLES
from ensemble.values.training import ShareDone

STATE, USUAL = ".pth", "usual_errors"
AUTOENCODER_INPUT = Preprocessing(side=128)
BATCH, PEAK_RATE = 16, 2e-3
STEEPEST = 0.1  # norm of a gradient: without batch norm one steep step can undo all that was learnt
STEPS = 1200  # however many photos there are
POINT = 60  # steps from one point of the curves to the next
SHARE, FEWEST_HELD_OUT = 0.2, 10  # a fifth, but so many, or half of the photos, where a fifth is few
SHRINK, BLURS = 2, (5, 3)  # pixels to a place of the map, then the places that are averaged, twice
ERROR_FLOOR = 0.3  # of the mean error: where parts are painted almost perfectly, noise is no defect


class SmallAutoencoder(nn.Module):
    """The autoencoder member's network: (N, 3, 128, 128) values around 0 through 64 numbers and back again.

    So narrow a middle cannot carry what most parts do not have, so a defect is not painted again (after Bergmann et
    al., VISAPP 2019, with fewer and narrower layers and the squared error).
    """

    def __init__(self, numbers: int = 64) -> None:
        super().__init__()
        self.encoder = nn.Sequential(  # (N, 3, 128, 128) -> (N, 64, 4, 4) -> (N, numbers, 1, 1)
            *_leaky(nn.Conv2d(3, 16, 5, 2, 2)),
            *_leaky(nn.Conv2d(16, 32, 3, 2, 1)),
            *_leaky(nn.Conv2d(32, 48, 3, 2, 1)),
            *_leaky(nn.Conv2d(48, 64, 3, 2, 1)),
            *_leaky(nn.Conv2d(64, 64, 3, 2, 1)),
            nn.Conv2d(64, numbers, 4),
        )
        self.decoder = nn.Sequential(  # and back
            *_leaky(nn.ConvTranspose2d(numbers, 64, 4)),
            *_leaky(nn.ConvTranspose2d(64, 64, 4, 2, 1)),
            *_leaky(nn.ConvTranspose2d(64, 48, 4, 2, 1)),
            *_leaky(nn.ConvTranspose2d(48, 32, 4, 2, 1)),
            *_leaky(nn.ConvTranspose2d(32, 16, 4, 2, 1)),
            nn.ConvTranspose2d(16, 3, 4, 2, 1),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        painted: Tensor = self.decoder(self.encoder(pixels))
        return painted


def _leaky(layer: nn.Module) -> list[nn.Module]:
    return [layer, nn.LeakyReLU(0.1, inplace=True)]


class AutoencoderMember(GoodPartsMember):
    """A convolutional autoencoder of good parts; the error of its painting is a photo's distance, and its map.

    After Bergmann et al., "Improving unsupervised defect segmentation by applying structural similarity to
    autoencoders", VISAPP 2019, with the squared error. The error of a place is compared with what good parts have at
    that place, where edges are always painted badly; the worst place is the photo's distance.

    Training is long, so it is done once, on four fifths of the good photos, and the scale comes from the last fifth
    (or from ten, or half of them, where a fifth is few). Those choose nothing: the number of steps is fixed.
    """

    kind: ClassVar[str] = "autoencoder"
    points = True
    title: ClassVar[str] = KIND_TITLES["autoencoder"]
    pixels: ClassVar[Preprocessing | None] = AUTOENCODER_INPUT
    reading: ClassVar[str | None] = None
    side: ClassVar[int | None] = None
    endings: ClassVar[tuple[str, ...]] = (STATE,)

    def __init__(self, *, classes: Classes, input: Input = AUTOENCODER_INPUT, seed: int = 0) -> None:
        super().__init__(classes=classes, input=input, seed=seed)

    def _fit(
        self, rows: np.ndarray, photos: np.ndarray, damaged: SyntheticAnomalies, progress: ShareDone
    ) -> tuple[Mapping[str, np.ndarray], HeldOut]:
        """What is learnt from most rows, and what each of the others measures."""
        mixed = np.random.default_rng(self.seed).permutation(len(rows))
        mixed = np.array(sorted(mixed.tolist(), key=lambda place: place not in damaged))  # those are held out first
        held = max(round(SHARE * len(rows)), min(len(rows) // 2, FEWEST_HELD_OUT))
        hold, learn = (torch.from_numpy(rows[chosen]) for chosen in (mixed[:held], mixed[held:]))
        with torch.random.fork_rng(), torch.inference_mode(False), torch.enable_grad():
            torch.manual_seed(self.seed)
            curves: dict[str, list[float]] = {"learning_loss": [], "held_out_loss": []}
            self.curves_ = curves  # which grow, for those who watch
            network = _train_network(learn, hold, curves, self.teaching.epochs(STEPS), progress)
        self.network_ = network.eval().requires_grad_(False)
        usual = np.concatenate([_blurred(self._errors(part)) for part in learn.split(MEASURED_AT_ONCE)]).mean(axis=0)
        arrays = {name: value.numpy() for name, value in network.state_dict().items()}
        arrays |= {USUAL: usual + ERROR_FLOOR * usual.mean(), "learnt_from": np.asarray(len(learn))}
        distances, maps = self._measure_all(arrays, hold.numpy())
        harmed = self._measure_synthetic(arrays, damaged, mixed[:held])
        return arrays, HeldOut(distances, distances, float(np.median(maps)) if maps is not None else 0.0, harmed)

    def _measure(self, arrays: Mapping[str, np.ndarray], rows: np.ndarray) -> Measured:
        maps = _blurred(self._errors(torch.from_numpy(rows))) / arrays[USUAL]
        return maps.max(axis=(1, 2)).astype(np.float64), maps

    def _errors(self, pixels: Tensor) -> Tensor:
        """The squared error of each pixel of (N, 3, side, side): (N, 1, side, side)."""
        with torch.inference_mode():
            wanted = _scaled_pixels(pixels)
            return (self.network_(wanted) - wanted).square().mean(dim=1, keepdim=True)

    def reconstruct(self, rows: np.ndarray) -> np.ndarray:
        """How it paints photos: (N, 3, 128, 128) uint8 pixels -> the same shape and type."""
        with torch.inference_mode():
            parts = [self.network_(_scaled_pixels(part)) for part in torch.from_numpy(rows).split(MEASURED_AT_ONCE)]
            return torch.cat(parts).add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).numpy()

    def parts(self) -> Parts:
        """The state dict of the network, and beside it what held-out good parts have measured."""
        return {STATE: {name: torch.from_numpy(np.array(array)) for name, array in self.arrays_.items()}}

    def restore(self, parts: Parts) -> "AutoencoderMember":
        """Take such a state dict; a MemberError says what does not fit."""
        state = parts[STATE]
        if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
            raise MemberError("The file holds no state dict of an autoencoder. Train it again.")
        super().restore({ARRAYS: {name: value.numpy() for name, value in state.items()}})
        return self

    def _names(self, arrays: Mapping[str, np.ndarray]) -> Iterable[str]:
        return arrays  # what its network does not know, `_check` refuses

    def _check(self, arrays: Mapping[str, np.ndarray]) -> None:
        network, own = _empty(), {*HELD_OUT_FACTS, USUAL, "learnt_from"}
        try:
            network.load_state_dict(
                {name: torch.from_numpy(array) for name, array in arrays.items() if name not in own}
            )
        except (RuntimeError, TypeError) as error:
            raise MemberError("The state dict is not that of this autoencoder. Train it again.") from error
        if {USUAL, "learnt_from"} - set(arrays) or arrays[USUAL].shape != (AUTOENCODER_INPUT.side // SHRINK,) * 2:
            raise MemberError("The autoencoder's file lacks the errors of good parts. Train it again.")
        self.network_ = network.eval().requires_grad_(False)

    def _trained_facts(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        return {"learnt_from": int(arrays["learnt_from"])}


def _empty() -> SmallAutoencoder:
    with torch.device("meta"):  # no random numbers are drawn for weights that come from the file
        empty = SmallAutoencoder()
    return channels_last(empty.to_empty(device="cpu"))


def _train_network(
    learn: Tensor, hold: Tensor, curves: Mapping[str, list[float]], steps: int, progress: ShareDone
) -> SmallAutoencoder:
    """A network for (N, 3, side, side) pixels; its loss on those it learns from and on those held out into `curves`."""
    network = channels_last(SmallAutoencoder())
    optimiser = torch.optim.AdamW(network.parameters(), PEAK_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps)
    total = torch.zeros(())
    for step in range(1, steps + 1):
        photos = _scaled_pixels(mirrored(learn[torch.randint(len(learn), (BATCH,))]))
        loss = nn.functional.mse_loss(network(photos), photos)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), STEEPEST)
        optimiser.step()
        schedule.step()
        total += loss.detach()
        if step % POINT == 0:
            with torch.no_grad():
                losses = [
                    nn.functional.mse_loss(network(_scaled_pixels(part)), _scaled_pixels(part))
                    for part in hold.split(MEASURED_AT_ONCE)
                ]
            curves["learning_loss"].append(round(float(total) / POINT, 6))
            curves["held_out_loss"].append(round(float(torch.stack(losses).mean()), 6))
            total.zero_()
            progress(step / steps)
    return network


def _scaled_pixels(pixels: Tensor) -> Tensor:
    """uint8 pixels -> the same shape from -1 to 1."""
    return pixels.float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)


def _blurred(errors: Tensor) -> np.ndarray:
    """Errors (N, 1, side, side) -> (N, h, w) averages over a neighbourhood, which noise does not reach."""
    grid = nn.functional.avg_pool2d(errors, SHRINK)
    for side in BLURS:
        grid = nn.functional.avg_pool2d(grid, side, 1, side // 2, count_include_pad=False)
    return grid[:, 0].numpy()
