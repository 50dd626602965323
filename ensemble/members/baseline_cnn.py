"""The baseline: a small convolutional network that learns from the photos alone, without any pretrained backbone."""

import copy
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from ensemble.errors import MemberError
from ensemble.members.contract import Curves, Input, Parts, Progress
from ensemble.networks import BaselineCNN, channels_last
from ensemble.preprocessing import Preprocessing
from ensemble.results import Classes

STATE = ".pth"
EPOCHS, BATCH, LEARNING_RATE = 30, 16, 1e-3
PIXELS = Preprocessing(side=128)


class BaselineCNNMember:
    """A convolutional network trained from scratch on (N, 3, 128, 128) pixels; kept as a state dict."""

    kind: ClassVar[str] = "baseline_cnn"
    title: ClassVar[str] = "Baseline CNN"
    pixels: ClassVar[Preprocessing | None] = PIXELS
    libraries: ClassVar[tuple[str, ...]] = ()
    endings: ClassVar[tuple[str, ...]] = (STATE,)

    def __init__(self, *, classes: Classes, input: Input = PIXELS, seed: int = 0, epochs: int = EPOCHS) -> None:
        self.classes = classes
        self.input = input
        self.seed = seed
        self.epochs = epochs
        self.curves_: Curves = {}

    def fit(self, rows: np.ndarray, labels: np.ndarray, progress: Progress | None = None) -> "BaselineCNNMember":
        """Learn from mirrored and slightly relit photos; the epoch that does best on a held-out fifth is kept."""
        held = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=self.seed)
        learn, check = (torch.from_numpy(part) for part in held)
        pixels, targets = torch.from_numpy(rows), torch.from_numpy(labels).long()
        counts = torch.bincount(targets, minlength=len(self.classes.names)).float()
        loss_of = nn.CrossEntropyLoss(weight=len(targets) / (len(counts) * counts))
        with torch.random.fork_rng(), torch.enable_grad():
            torch.manual_seed(self.seed)
            network = channels_last(BaselineCNN(len(self.classes.names)))
            optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-2)
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimiser, LEARNING_RATE * 3, total_steps=self.epochs * -(-len(learn) // BATCH)
            )
            best = float("inf")
            learning_loss, held_out_loss = [], []
            for epoch in range(self.epochs):
                network.train()
                total = 0.0
                for chosen in learn[torch.randperm(len(learn))].split(BATCH):
                    loss = loss_of(network(_vary(pixels[chosen])), targets[chosen])
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
                if now <= best:
                    best, state = now, copy.deepcopy(network.state_dict())
                if progress:
                    progress((epoch + 1) / self.epochs)
        self.curves_ = {"learning_loss": learning_loss, "held_out_loss": held_out_loss}
        return self.restore({STATE: state})

    def score(self, rows: np.ndarray) -> NDArray[np.float64]:
        """(N, 3, 128, 128) uint8 pixels -> (N, K) probabilities in the order of `classes.names`."""
        with torch.inference_mode():
            logits = torch.cat([self.network_(part) for part in torch.from_numpy(rows).split(64)])
            return logits.double().softmax(dim=1).numpy()

    def parts(self) -> Parts:
        """The state dict."""
        return {STATE: self.network_.state_dict()}

    def restore(self, parts: Parts) -> "BaselineCNNMember":
        """Take a state dict made by this network for as many classes."""
        with torch.device("meta"):  # no random numbers are drawn for weights that come from the file
            empty = BaselineCNN(len(self.classes.names))
        network = channels_last(empty.to_empty(device="cpu"))
        try:
            network.load_state_dict(parts[STATE])
        except (RuntimeError, TypeError) as error:
            raise MemberError(
                f"The state dict does not fit the baseline CNN for {len(self.classes.names)} classes. Train it again."
            ) from error
        self.network_ = network.eval().requires_grad_(False)
        return self


def _vary(pixels: Tensor) -> Tensor:
    """Mirror each photo at random and change its light by up to a tenth: (N, 3, H, W) uint8, the same shape back."""
    flips = torch.rand(2, len(pixels), 1, 1, 1) < 0.5
    pixels = torch.where(flips[0], pixels.flip(2), pixels)
    pixels = torch.where(flips[1], pixels.flip(3), pixels)
    light = 0.9 + 0.2 * torch.rand(len(pixels), 1, 1, 1)
    return (pixels.float() * light).clamp(0, 255)
