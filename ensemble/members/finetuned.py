"""The fine-tuned classifier: a pretrained backbone with a new head, whose deep part goes on learning here."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.included import as_grid, channels_last
from ensemble.members.baseline_cnn import vary
from ensemble.members.contract import Facts, Member, Parts, Prediction
from ensemble.values.errors import MemberError
from ensemble.values.titles import KIND_TITLES
from ensemble.values.training import ShareDone

NETWORK_ENDING = ".pth"
FEWEST_TO_FINETUNE = 5  # photos of a class
BATCH_SIZE = 16
FINETUNING_HELD_OUT = 0.2  # of the photos, to choose the epoch
VIEWS, FROZEN_EPOCHS, FROZEN_RATE = 3, 10, 3e-3
PHOTOS, EPOCHS = 6000, (2, 10)  # about so many photos while unfrozen, each at least and at most so many times
RATES = 1e-5, 1e-3  # of the backbone and the head: without its batch norm a backbone bears small steps only
FROZEN_SHARE = 0.25  # of the time, as the progress shows it
EPOCHS_OF_PATIENCE = 4  # unfrozen epochs without a better one
READ_AT_ONCE = 32  # photos at a time where nothing is learnt, which bounds the memory


class TunedNetwork(nn.Module):
    """A backbone's layers, averaged over their places and standardised, then dropout and a linear head: (N, K) logits.

    The backbone's batch norm is folded into its convolutions, and what is left of it stays in evaluation mode: the
    statistics of small batches are worse than those that the weights came with. The averages alone are standardised
    by the batch while learning, so that the head does not lose its footing where tuning moves all of them together.
    """

    def __init__(self, extractor: FeatureExtractor, classes: int) -> None:
        super().__init__()
        width = sum(channels for channels, _, _ in extractor.shapes().values())
        self.body = extractor.trainable()
        self.norm = nn.BatchNorm1d(width, affine=False)
        self.dropout = nn.Dropout(0.2)
        self.head = skip_init(nn.Linear, width, classes)  # drawn by fit, or read from a file

    def pooled(self, photos: Tensor) -> Tensor:
        """Prepared photos (N, 3, h, w) -> (N, D)."""
        return torch.cat([as_grid(output).mean(dim=(2, 3)) for output in self.body(photos).values()], dim=1)

    def decide(self, pooled: Tensor) -> Tensor:
        """(N, D) -> logits (N, K)."""
        logits: Tensor = self.head(self.dropout(self.norm(pooled)))
        return logits

    def forward(self, photos: Tensor) -> Tensor:
        return self.decide(self.pooled(photos))

    def train(self, mode: bool = True) -> "TunedNetwork":
        super().train(mode)
        self.body.eval()
        return self


class FinetunedMember(Member):
    """A pretrained network that goes on learning: first the head alone, then the deep part of the backbone with it.

    The early layers stay as they came: what they see is the same for all photos (Yosinski et al., NIPS 2014).
    """

    kind: ClassVar[str] = "finetuned"
    title: ClassVar[str] = KIND_TITLES["finetuned"]
    reading: ClassVar[str | None] = "pixels"
    endings: ClassVar[tuple[str, ...]] = (NETWORK_ENDING,)

    def fit(self, rows: np.ndarray, labels: np.ndarray, progress: ShareDone | None = None) -> "FinetunedMember":
        """Learn from photos that vary as `teaching` says, and keep the epoch that tells the held-out fifth apart best.

        `curves_` has the losses and the AUROC of every epoch (one class against the others where there are more than
        two), those with a frozen backbone first. Where one tells no better for some epochs, learning ends.
        """
        learning = _Learning(self, rows, labels, progress or (lambda _: None))
        self.curves_ = learning.curves  # which grow, for those who watch
        with torch.random.fork_rng(), torch.inference_mode(False), torch.enable_grad():
            torch.manual_seed(self.seed)
            learning.frozen()
            learning.unfrozen()
        self.facts_ = learning.facts()
        return self.restore({NETWORK_ENDING: learning.best_state})

    def score(self, rows: np.ndarray) -> Prediction:
        """(N, 3, h, w) uint8 pixels -> (N, K) probabilities in the order of `classes.names`."""
        prepare = self.extractor().spec.preprocessing.normalise
        with torch.inference_mode():
            logits = [self.network_(prepare(part)) for part in torch.from_numpy(rows).split(READ_AT_ONCE)]
            return Prediction(torch.cat(logits).double().softmax(dim=1).numpy())

    def parts(self) -> Parts:
        """The state dict of the whole network, backbone and head."""
        return {NETWORK_ENDING: self.network_.state_dict()}

    def restore(self, parts: Parts) -> "FinetunedMember":
        """Take a state dict that was tuned from this backbone for as many classes."""
        network = channels_last(TunedNetwork(self.extractor(), len(self.classes.names)))
        try:
            network.load_state_dict(parts[NETWORK_ENDING])
        except (RuntimeError, TypeError, AttributeError) as error:
            raise MemberError(
                "The state dict does not fit {spec} with a head for {count} classes. Train it again.",
                spec=self.extractor().spec.name,
                count=len(self.classes.names),
            ) from error
        self.network_ = network.eval().requires_grad_(False)
        return self

    def extractor(self) -> FeatureExtractor:
        """The backbone that it starts from; a MemberError where its input is none."""
        if not isinstance(self.input, FeatureExtractor):
            raise MemberError("{title} starts from a backbone. Name one with --backbone.", title=self.title)
        return self.input


class _Learning:
    """One course of learning: the network, its photos, the curves so far and the state of the best epoch."""

    def __init__(self, member: FinetunedMember, rows: np.ndarray, labels: np.ndarray, progress: ShareDone) -> None:
        from sklearn.model_selection import (
            train_test_split,
        )  # it takes a second to import, and judging needs none of it

        kinds = len(member.classes.names)
        _check_photos(member, rows, labels)
        share = max(FINETUNING_HELD_OUT, kinds / len(labels))  # a photo of each class at least
        held = train_test_split(np.arange(len(labels)), test_size=share, stratify=labels, random_state=member.seed)
        self.learn, self.check = (torch.from_numpy(part) for part in held)
        self.pixels, self.targets = torch.from_numpy(rows), torch.from_numpy(labels).long()
        counts = torch.bincount(self.targets, minlength=kinds).float()
        weight = len(labels) / (kinds * counts) if member.teaching.weighted else None
        self.loss_of: Callable[[Tensor, Tensor], Tensor] = nn.CrossEntropyLoss(weight=weight)
        self.prepare: Callable[[Tensor], Tensor] = member.extractor().spec.preprocessing.normalise
        self.network = channels_last(TunedNetwork(member.extractor(), kinds))
        self.batches = -(-len(self.learn) // BATCH_SIZE)  # of about one size: averages need more than one photo
        self.epochs = member.teaching.epochs(min(max(EPOCHS[0], round(PHOTOS / len(self.learn))), EPOCHS[1]))
        self.augmentation = member.teaching.augmentation
        self.progress = progress
        self.curves: dict[str, list[float]] = {"learning_loss": [], "held_out_loss": [], "held_out_auroc": []}
        self.best, self.best_epoch = (-1.0, 0.0), 0
        self.best_state: dict[str, Tensor] = {}

    def frozen(self) -> None:
        """The head alone learns from rows that the backbone makes once of a few variations of each photo."""
        views = [self._pooled(self.learn, varied=number > 0, share=number) for number in range(VIEWS)]
        held_out = self._pooled(self.check, varied=False, share=VIEWS)
        self.network.head.reset_parameters()
        optimiser = torch.optim.AdamW(self.network.head.parameters(), FROZEN_RATE, weight_decay=1e-2)
        for _ in range(FROZEN_EPOCHS):
            self.network.train()
            total = 0.0
            for view in views:
                for chosen in torch.randperm(len(self.learn)).tensor_split(self.batches):
                    logits = self.network.decide(view[chosen])
                    total += self._step(optimiser, logits, self.targets[self.learn[chosen]])
            self.network.eval()
            with torch.no_grad():
                self._note(total / len(views), self.network.decide(held_out))

    def unfrozen(self) -> None:
        """From the best head on, the deep part of the backbone learns with it, until it helps no more."""
        self.network.load_state_dict(self.best_state)
        deep = [weight for weight in self.network.body.parameters() if weight.requires_grad]
        groups = [{"params": deep}, {"params": self.network.head.parameters()}]
        optimiser, peaks = torch.optim.AdamW(groups, RATES[0], weight_decay=1e-2), list(RATES)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peaks, total_steps=self.epochs * self.batches)
        for epoch in range(self.epochs):
            self.network.train()
            total = 0.0
            for number, places in enumerate(torch.randperm(len(self.learn)).tensor_split(self.batches)):
                chosen = self.learn[places]
                logits = self.network(self.prepare(vary(self.pixels[chosen], self.augmentation)))
                total += self._step(optimiser, logits, self.targets[chosen])
                schedule.step()
                self.progress(FROZEN_SHARE + (1 - FROZEN_SHARE) * (epoch + number / self.batches) / self.epochs)
            self.network.eval()
            with torch.no_grad():
                parts = self.check.split(READ_AT_ONCE)
                logits = torch.cat([self.network(self.prepare(self.pixels[chosen])) for chosen in parts])
            self._note(total, logits)
            if len(self.curves["held_out_auroc"]) - max(self.best_epoch, FROZEN_EPOCHS) >= EPOCHS_OF_PATIENCE:
                break
        self.progress(1.0)

    def facts(self) -> Facts:
        """What a person should know of the choice of the epoch."""
        return {
            "learnt_from": len(self.learn),
            "chosen_on": len(self.check),
            "frozen_epochs": FROZEN_EPOCHS,
            "epochs": len(self.curves["held_out_auroc"]),
            "best_epoch": self.best_epoch,
        }

    def _pooled(self, places: Tensor, *, varied: bool, share: int) -> Tensor:
        parts = []
        for start in range(0, len(places), READ_AT_ONCE):
            pixels = self.pixels[places[start : start + READ_AT_ONCE]]
            with torch.no_grad():
                parts.append(self.network.pooled(self.prepare(vary(pixels, self.augmentation) if varied else pixels)))
            self.progress(FROZEN_SHARE * (share + start / len(places)) / (VIEWS + 1))
        return torch.cat(parts)

    def _step(self, optimiser: torch.optim.Optimizer, logits: Tensor, targets: Tensor) -> float:
        loss = self.loss_of(logits, targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss.detach()) * len(targets)

    def _note(self, learning_loss: float, logits: Tensor) -> None:
        """Write an epoch down and keep it if it is the best; the lower loss decides between equal AUROCs."""
        targets = self.targets[self.check]
        loss, auroc = float(self.loss_of(logits, targets)), _mean_auroc(logits, targets)
        for curve, value in zip(self.curves.values(), (learning_loss / len(self.learn), loss, auroc), strict=True):
            curve.append(round(value, 4))
        if (auroc, -loss) > self.best:
            self.best, self.best_epoch = (auroc, -loss), len(self.curves["held_out_auroc"])
            self.best_state = {name: value.detach().clone() for name, value in self.network.state_dict().items()}


def _mean_auroc(logits: Tensor, targets: Tensor) -> float:
    """The AUROC of the second of two classes; the mean of each against the others where there are more."""
    from sklearn.metrics import roc_auc_score  # it takes a second to import, and judging needs none of it

    probabilities = logits.double().softmax(dim=1).numpy()
    if probabilities.shape[1] == 2:
        return float(roc_auc_score(targets.numpy(), probabilities[:, 1]))
    return float(roc_auc_score(targets.numpy(), probabilities, multi_class="ovr"))


def _check_photos(member: FinetunedMember, rows: np.ndarray, labels: np.ndarray) -> None:
    counts = np.bincount(labels, minlength=len(member.classes.names))
    few = [
        f"{name} ({count})"
        for name, count in zip(member.classes.names, counts, strict=True)
        if count < FEWEST_TO_FINETUNE
    ]
    if few:
        raise MemberError(
            "{member} needs {fewest_to_finetune} photos of each class. Too few: {few}.",
            member=member.title,
            fewest_to_finetune=FEWEST_TO_FINETUNE,
            few=", ".join(few),
        )
    if (rows == rows[:1]).all():
        raise MemberError(
            "The {count} photos are all alike, so there is nothing to tell apart. Add other photos.", count=len(rows)
        )
