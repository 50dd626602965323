"""The baseline: a small convolutional network that learns from the photos alone, without any pretrained backbone."""

from collections.abc import Collection
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ensemble.features.included import channels_last
from ensemble.features.preprocessing import Preprocessing
from ensemble.members.contract import MIRRORED_WAYS, Augmentation, Member, Parts, Prediction
from ensemble.values.errors import MemberError
from ensemble.values.titles import KIND_TITLES
from ensemble.values.training import ShareDone

STATE_ENDING = ".pth"
BATCH, PEAK_RATE = 16, 3e-3
STEPS, EPOCHS = 1000, (20, 120)  # about so many steps, but each photo at least and at most so many times
CURVE_SHARE = 0.1  # of the photos, for the curve alone
BASELINE_INPUT = Preprocessing(side=128)


class BaselineCNN(nn.Module):
    """The baseline member's network: (N, 3, H, W) pixels from 0 to 255 to (N, K) logits, one for each class.

    The head reads the average and the maximum of each channel, near and far: a scratch shows in the fine maps and moves
    their maximum, not their average; a shape shows only where a cell sees much of the photo.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.near = nn.Sequential(  # (N, 3, H, W) -> (N, 96, H/8, W/8)
            *_convolution(3, 16, side=5, stride=2),
            *_convolution(16, 32),
            nn.MaxPool2d(2),
            *_convolution(32, 64),
            nn.MaxPool2d(2),
            *_convolution(64, 96),
        )
        self.far = nn.Sequential(  # -> (N, 128, H/32, W/32)
            nn.MaxPool2d(2),
            *_convolution(96, 128),
            nn.MaxPool2d(2),
            *_convolution(128, 128),
        )
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * 96 + 2 * 128, classes))

    def forward(self, pixels: Tensor) -> Tensor:
        near = self.near((pixels.float() - 127.5) / 63.75)
        far = self.far(near)
        seen = [near.mean(dim=(2, 3)), near.amax(dim=(2, 3)), far.mean(dim=(2, 3)), far.amax(dim=(2, 3))]
        logits: Tensor = self.head(torch.cat(seen, dim=1))  # (N, 448) -> (N, K)
        return logits


def _convolution(channels_in: int, channels_out: int, *, side: int = 3, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(channels_in, channels_out, side, stride, side // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    ]


class BaselineCNNMember(Member):
    """A convolutional network trained from scratch on (N, 3, 128, 128) pixels; kept as a state dict."""

    kind: ClassVar[str] = "baseline_cnn"
    title: ClassVar[str] = KIND_TITLES["baseline_cnn"]
    pixels: ClassVar[Preprocessing | None] = BASELINE_INPUT
    endings: ClassVar[tuple[str, ...]] = (STATE_ENDING,)

    def fit(self, rows: np.ndarray, labels: np.ndarray, progress: ShareDone | None = None) -> "BaselineCNNMember":
        """Learn from photos that vary as `teaching` says; `curves_` keeps the loss there and on a held-out tenth."""
        from sklearn.model_selection import (
            train_test_split,
        )  # it takes a second to import, and judging needs none of it

        held_out = max(CURVE_SHARE, len(self.classes.names) / len(labels))  # a photo of each class at least
        held = train_test_split(np.arange(len(labels)), test_size=held_out, stratify=labels, random_state=self.seed)
        learn, check = (torch.from_numpy(part) for part in held)
        pixels, targets = torch.from_numpy(rows), torch.from_numpy(labels).long()
        counts = torch.bincount(targets, minlength=len(self.classes.names)).float()
        loss_of = nn.CrossEntropyLoss(weight=len(targets) / (len(counts) * counts) if self.teaching.weighted else None)
        with torch.random.fork_rng(), torch.enable_grad():
            torch.manual_seed(self.seed)
            network = channels_last(BaselineCNN(len(self.classes.names)))
            optimiser = torch.optim.AdamW(network.parameters(), PEAK_RATE, weight_decay=1e-2)
            steps = -(-len(learn) // BATCH)  # an epoch
            epochs = self.teaching.epochs(min(max(EPOCHS[0], -(-STEPS // steps)), EPOCHS[1]))
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=epochs * steps)
            learning_loss: list[float] = []
            held_out_loss: list[float] = []
            self.curves_ = {"learning_loss": learning_loss, "held_out_loss": held_out_loss}  # for those who watch
            for epoch in range(epochs):
                network.train()
                total = 0.0
                for chosen in learn[torch.randperm(len(learn))].split(BATCH):
                    loss = loss_of(network(vary(pixels[chosen], self.teaching.augmentation)), targets[chosen])
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    schedule.step()
                    total += float(loss.detach()) * len(chosen)
                network.eval()
                with torch.no_grad():
                    logits = torch.cat([network(pixels[chosen]) for chosen in check.split(64)])
                    now = float(loss_of(logits, targets[check]))
                learning_loss.append(round(total / len(learn), 4))
                held_out_loss.append(round(now, 4))
                if progress:
                    progress((epoch + 1) / epochs)
        return self.restore({STATE_ENDING: network.state_dict()})

    def score(self, rows: np.ndarray) -> Prediction:
        """(N, 3, 128, 128) uint8 pixels -> (N, K) probabilities in the order of `classes.names`."""
        with torch.inference_mode():
            logits = torch.cat([self.network_(part) for part in torch.from_numpy(rows).split(64)])
            return Prediction(logits.double().softmax(dim=1).numpy())

    def parts(self) -> Parts:
        """The state dict."""
        return {STATE_ENDING: self.network_.state_dict()}

    def restore(self, parts: Parts) -> "BaselineCNNMember":
        """Take a state dict made by this network for as many classes."""
        with torch.random.fork_rng():  # reading a file moves nobody's random numbers
            network = channels_last(BaselineCNN(len(self.classes.names)))
        try:
            network.load_state_dict(parts[STATE_ENDING])
        except (RuntimeError, TypeError) as error:
            raise MemberError(
                "The state dict does not fit the baseline CNN for {count} classes. Train it again.",
                count=len(self.classes.names),
            ) from error
        self.network_ = network.eval().requires_grad_(False)
        return self


def vary(pixels: Tensor, augmentation: Augmentation) -> Tensor:
    """Mirror each photo at random and relight it by up to a tenth, as far as that is wanted: (N, 3, H, W) uint8, the
    same shape back."""
    pixels = mirrored(pixels, augmentation.mirrored)
    light = 0.9 + 0.2 * torch.rand(len(pixels), 1, 1, 1)
    if not augmentation.relit:
        light = torch.ones_like(light)
    return (pixels.float() * light).clamp(0, 255).contiguous(memory_format=torch.channels_last)


def mirrored(pixels: Tensor, ways: Collection[str] = MIRRORED_WAYS) -> Tensor:
    """Each photo as it is, upside down, mirrored or both, at random: (N, 3, H, W) of any type, the same back.

    As many random numbers are drawn whatever the ways, so that what is drawn later stays the same.
    """
    choices = torch.rand(2, len(pixels), 1, 1, 1) < 0.5
    if "top_bottom" in ways:
        pixels = torch.where(choices[0], pixels.flip(2), pixels)
    return torch.where(choices[1], pixels.flip(3), pixels) if "left_right" in ways else pixels
