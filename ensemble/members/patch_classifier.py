"""The patch classifier: a small network tells damaged places of a frozen backbone's maps from sound ones."""

from collections.abc import Mapping
from typing import ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

from ensemble.features.readings import DamageMasks
from ensemble.members.contract import Lesson, Member, Parts, Prediction
from ensemble.members.good_parts import FEWEST_GOOD, Shapes, finest_grid, grids, shapes_of
from ensemble.values.errors import MemberError
from ensemble.values.titles import KIND_TITLES
from ensemble.values.training import ShareDone

PLACES_STATE = ".pth"
HIDDEN, DROPOUT = 64, 0.2
HEADS = 2  # each starts and errs otherwise, and their mean errs less
BATCH_PHOTOS = 16
RATE, DECAY = 1e-3, 1e-2
LOOKS, EPOCHS = 11_000, (12, 40)  # about so many photos looked at, each at least and at most so many times
DAMAGE_WEIGHT = 5.0  # of a damaged place among sound ones, of which there are many more
REGION_POWER = 0.5
HOTTEST = 5  # places that judge a photo


class PatchNetwork(nn.Module):
    """Maps of a backbone's layers, (N, C, h, w) each -> logits of damage (N, h, w) on the grid of the finest.

    A place is known by its features of all layers, each averaged over 3×3 places, stretched to the finest grid and
    standardised by channel; a hidden layer judges each place, and a last one each with its neighbours.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shapes: Shapes, heads: int = HEADS) -> None:
        super().__init__()
        self.channels = [channels for channels, _, _ in shapes.values()]
        self.size = finest_grid(shapes)
        self.register_buffer("mean", torch.zeros(sum(self.channels)))
        self.register_buffer("deviation", torch.ones(sum(self.channels)))
        self.hidden = nn.Conv2d(sum(self.channels), heads * HIDDEN, 1)
        self.dropout = nn.Dropout2d(DROPOUT)  # whole channels: neighbours tell too much of a place
        self.damage = nn.Conv2d(heads * HIDDEN, heads, 3, padding=1, groups=heads)

    def forward(self, maps: Mapping[str, Tensor]) -> Tensor:
        return self.opinions(maps).mean(dim=1)

    def opinions(self, maps: Mapping[str, Tensor]) -> Tensor:
        """What each head says alone, logits (N, heads, h, w): it learns so, and the mean of all is the answer."""
        # The hidden layer treats each place alike, so it may come before places are averaged and stretched: it leaves
        # far fewer channels of them.
        weight = self.hidden.weight / self.deviation[:, None, None]  # (heads * HIDDEN, C, 1, 1)
        bias = cast(Tensor, self.hidden.bias) - weight.flatten(1) @ self.mean
        hidden = bias[:, None, None]
        for grid, part in zip(maps.values(), weight.split(self.channels, dim=1), strict=True):
            hidden = hidden + _near(functional.conv2d(grid, part), self.size)  # (N, heads * HIDDEN, h, w)
        seen = self.dropout(functional.relu(hidden))
        logits: Tensor = self._damage_where_it_learns(seen) if self.training else self.damage(seen)
        return logits

    def _damage_where_it_learns(self, seen: Tensor) -> Tensor:
        """What `damage` says of (N, heads * HIDDEN, h, w), from one product of matrices: (N, heads, h, w).

        The gradient of a convolution with one output a group takes torch as long as all the rest.
        """
        heads, size = len(self.damage.weight), seen.shape[2:]
        weights = self.damage.weight.flip(2, 3).flatten(2).mT  # (heads, 9, HIDDEN): fold adds where convolutions read
        shares = weights @ seen.unflatten(1, (heads, HIDDEN)).flatten(3)  # (N, heads, 9, h * w)
        summed = functional.fold(shares.flatten(0, 1), size, kernel_size=3, padding=1)  # (N * heads, 1, h, w)
        return summed.view(-1, heads, *size) + cast(Tensor, self.damage.bias)[:, None, None]


def _near(grid: Tensor, size: tuple[int, ...]) -> Tensor:
    """A map (N, C, h, w) averaged over 3×3 places and stretched to a size, as `good_parts.patches` does it.

    By a convolution, because torch's own averaging takes several times as long.
    """
    ninths = torch.full((grid.shape[1], 1, 3, 3), 1 / 9)
    near = functional.conv2d(grid, ninths, padding=1, groups=grid.shape[1])
    if tuple(near.shape[2:]) == size:
        return near
    return functional.interpolate(near, size=size, mode="bilinear", align_corners=False)


class PatchClassifierMember(Member):
    """A classifier of places, trained on masks where there are any and on the labels of whole photos everywhere.

    A photo is as defective as its hottest places: the mean of their logits is learnt from its label, as in multiple
    instance learning with the top places (Li and Vasconcelos, CVPR 2015).
    """

    kind: ClassVar[str] = "patch_classifier"
    points = True
    title: ClassVar[str] = KIND_TITLES["patch_classifier"]
    reading: ClassVar[str | None] = "maps"
    side: ClassVar[int | None] = 256
    lesson: ClassVar[Lesson] = "places"
    endings: ClassVar[tuple[str, ...]] = (PLACES_STATE,)

    def fit(
        self,
        rows: np.ndarray,
        labels: np.ndarray,
        progress: ShareDone | None = None,
        *,
        masks: DamageMasks | None = None,
    ) -> "PatchClassifierMember":
        """Learn from (N, D) rows of maps; a defective photo whose mask marks nothing teaches by its label alone.

        `curves_` has the loss of every epoch, `facts_` how many photos have taught with a mask and without, and how
        many synthetic anomalies.
        """
        bad = labels != self.good_column()
        if (~bad).sum() < FEWEST_GOOD or not bad.any():
            raise MemberError(
                "{title} needs at least {fewest_good} photos of good parts and one with damage. Got "
                "{good} and {bad}. Add photos.",
                title=self.title,
                fewest_good=FEWEST_GOOD,
                good=int((~bad).sum()),
                bad=int(bad.sum()),
            )
        shapes = shapes_of(self.input, self.title)
        damage = np.zeros((len(rows), *finest_grid(shapes)), dtype=bool) if masks is None else _on_grid(masks, shapes)
        marked = damage.any(axis=(1, 2))
        synthetic = np.zeros(len(rows), dtype=bool) if masks is None else masks.synthetic
        epochs = self.teaching.epochs(int(np.clip(round(LOOKS / len(rows)), *EPOCHS)))
        curves: dict[str, list[float]] = {"learning_loss": []}
        self.curves_ = curves  # which grow, for those who watch
        with torch.random.fork_rng(), torch.inference_mode(False), torch.enable_grad():
            torch.manual_seed(self.seed)
            learning = _PlaceLearning(self, shapes, rows, bad, damage)
            for epoch in range(epochs):
                curves["learning_loss"].append(round(learning.epoch(epochs), 4))
                (progress or (lambda _: None))((epoch + 1) / epochs)
        self.network_ = learning.network.eval().requires_grad_(False)
        real = bad & ~synthetic
        self.facts_ = {
            "photos": int((~synthetic).sum()),
            "with_mask": int((real & marked).sum()),
            "without_mask": int((real & ~marked).sum()),
            "synthetic": int(synthetic.sum()),
            "epochs": epochs,
        }
        return self

    def score(self, rows: np.ndarray) -> Prediction:
        """(N, D) rows of maps -> probabilities (N, 2) by the hottest places, and a heat map (N, h, w) of all.

        Photo by photo, so that none depends on its batch.
        """
        shapes, defective, maps = shapes_of(self.input, self.title), [], []
        with torch.inference_mode():
            for place in range(len(rows)):
                logits = self.network_(grids(rows[place : place + 1], shapes))
                defective.append(hottest(logits).double().sigmoid())
                maps.append(logits.sigmoid())
        return Prediction(self.by_class(torch.cat(defective).numpy()), anomaly_map=torch.cat(maps).numpy())

    def parts(self) -> Parts:
        """The state dict of the network, and in it the mean and the deviation of each channel."""
        return {PLACES_STATE: self.network_.state_dict()}

    def restore(self, parts: Parts) -> "PatchClassifierMember":
        """Take a state dict that was learnt from these layers of this backbone."""
        self.good_column()
        shapes = shapes_of(self.input, self.title)
        try:
            heads = len(parts[PLACES_STATE]["hidden.weight"]) // HIDDEN  # one alone in files of before
            with torch.random.fork_rng():  # reading a file moves nobody's random numbers
                network = PatchNetwork(shapes, heads)
            network.load_state_dict(parts[PLACES_STATE])
        except (RuntimeError, TypeError, AttributeError, KeyError) as error:
            channels = sum(channels for channels, _, _ in shapes.values())
            raise MemberError(
                "The state dict is not that of a patch classifier of {channels} channels, those of "
                "{shapes}. Train it again.",
                channels=channels,
                shapes=", ".join(shapes),
            ) from error
        self.network_ = network.eval().requires_grad_(False)
        return self


class _PlaceLearning:
    """One course of learning: the network, its photos, and the truth of each photo and of each of its places."""

    def __init__(
        self, member: PatchClassifierMember, shapes: Shapes, rows: np.ndarray, bad: np.ndarray, damage: np.ndarray
    ) -> None:
        self.shapes, self.rows = shapes, rows
        self.targets, self.damage = torch.from_numpy(bad).float(), torch.from_numpy(damage).float()
        # Of a good photo no place is damaged, of others masks say which are; where both contradict, nothing is known.
        known = damage.any(axis=(1, 2)) ^ ~bad
        self.places = torch.from_numpy(known[:, None, None] * _region_weights(damage))
        self.rarity = torch.tensor(float((~bad).sum() / bad.sum()) if member.teaching.weighted else 1.0)
        self.network = PatchNetwork(shapes)
        self._standardise()
        self.batches = -(-len(rows) // BATCH_PHOTOS)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), RATE, weight_decay=DECAY)
        self.schedule: torch.optim.lr_scheduler.OneCycleLR | None = None

    def _standardise(self) -> None:
        """The mean and the deviation of each channel over all places of all photos."""
        sums = torch.zeros(2, sum(self.network.channels), dtype=torch.float64)
        for start in range(0, len(self.rows), BATCH_PHOTOS):
            maps = grids(self.rows[start : start + BATCH_PHOTOS], self.shapes).values()
            near = [_near(grid, tuple(grid.shape[2:])) for grid in maps]
            powers = [torch.cat([(grid**power).mean(dim=(2, 3)) for grid in near], dim=1) for power in (1, 2)]
            sums += torch.stack(powers).double().sum(dim=1)  # (2, N, C) -> (2, C)
        mean, squares = sums / len(self.rows)
        self.network.mean.copy_(mean)
        self.network.deviation.copy_((squares - mean**2).clamp(min=1e-6).sqrt())

    def epoch(self, epochs: int) -> float:
        """Learn from every photo once, in a new order: the mean loss."""
        if self.schedule is None:
            steps = epochs * self.batches
            self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimiser, RATE, total_steps=steps)
        self.network.train()
        total = 0.0
        for chosen in torch.randperm(len(self.rows)).tensor_split(self.batches):
            loss = self._loss(chosen)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.schedule.step()
            total += float(loss.detach()) * len(chosen)
        return total / len(self.rows)

    def _loss(self, chosen: Tensor) -> Tensor:
        """Cross-entropy of the places that are known, and of the photos by their hottest places."""
        opinions = self.network.opinions(grids(self.rows[chosen.numpy()], self.shapes)).unbind(dim=1)
        weights, losses = self.places[chosen], []
        for logits in opinions:  # each learns alone
            places = functional.binary_cross_entropy_with_logits(
                logits, self.damage[chosen], weight=weights, reduction="sum"
            )
            photos = functional.binary_cross_entropy_with_logits(
                hottest(logits), self.targets[chosen], pos_weight=self.rarity
            )
            losses.append(places / (weights > 0).sum().clamp(min=1) + photos)
        return torch.stack(losses).sum(dim=0)


def hottest(logits: Tensor) -> Tensor:
    """Logits of places (N, h, w) -> the mean of the hottest ones (N,)."""
    places = logits.flatten(1)
    return places.topk(min(HOTTEST, places.shape[1]), dim=1).values.mean(dim=1)


def _region_weights(damage: np.ndarray) -> NDArray[np.float32]:
    """What places (N, h, w) weigh: sound ones 1, damaged ones `DAMAGE_WEIGHT` on average, those of small regions more.

    A region weighs as the root of its size, so that a small one is not lost beside a large one.
    """
    weights = np.ones(damage.shape, dtype=np.float32)
    for photo, places in enumerate(damage):
        regions, count = ndimage.label(places, structure=np.ones((3, 3)))
        sizes = np.bincount(regions.ravel(), minlength=count + 1)
        weights[photo][places] = (sizes[regions[places]]) ** -REGION_POWER
    if damage.any():
        weights[damage] *= DAMAGE_WEIGHT / weights[damage].mean()
    return weights


def _on_grid(masks: DamageMasks, shapes: Shapes) -> np.ndarray:
    """Masks (N, side, side) -> (N, h, w): a place is damaged where any of its pixels is, a thin scratch too."""
    size = finest_grid(shapes)
    parts = torch.from_numpy(masks.damage).split(BATCH_PHOTOS)  # as floats all at once would fill the memory
    return torch.cat([functional.adaptive_max_pool2d(part[:, None].float(), size)[:, 0] > 0 for part in parts]).numpy()
