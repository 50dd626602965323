"""What a model looked at: patches of the photo lose their fine detail in turn, and the member is asked again.

The only door to captum. It asks the member alone, so it works for every kind of voter.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from ensemble.features.photo_batch import PhotoBatch, source_preprocessing
from ensemble.imaging.looking import Look
from ensemble.members import Member
from ensemble.values.results import AnomalyMap

PATCH, STEP = 5, 8  # a patch is a fifth of the shorter side, the next one begins an eighth further on
PATCHES_AT_ONCE = 16
SMOOTH = 16  # the median filter's window is so small a part of the side: cracks and pits go, holes and edges stay
LOG_ODDS_END = 1e-6  # log-odds end here, so that a probability of 1 can still fall
LEAST_CHANGE = 0.05  # a change of log-odds below this is no look at anything


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """What made one member give a label its probability on one photo.

    `values` (h, w) in [0, 1] over the whole photo: how much less probable the label gets where a place is
    smoothed, as a share of the strongest place of this very photo, so never to be compared between photos. All are 0
    where no place matters.
    """

    member: str
    label: str
    values: NDArray[np.float32]


def attribute(member: Member, name: str, shown: Image.Image | Look, label: str) -> Attribution:
    """What the member looked at, by occlusion with a smoothed photo (Zeiler and Fergus 2014, arXiv:1311.2901).

    Grey or blurred patches would look like damage themselves; where a median filter has passed, damage is gone.
    """
    from captum.attr import Occlusion  # brings matplotlib and a second's work, which whoever never asks is spared

    picture = shown.picture if isinstance(shown, Look) else shown
    reads = source_preprocessing(member.input)
    column = member.classes.names.index(label)
    square = reads.resize([picture])
    smooth = Image.fromarray(_picture(square[0])).filter(ImageFilter.MedianFilter(reads.side // SMOOTH | 1))
    window, step = max(1, reads.side // PATCH), max(1, reads.side // STEP)
    with torch.inference_mode():
        changes = Occlusion(lambda pixels: _log_odds(member, pixels, column)).attribute(
            square.float(),
            sliding_window_shapes=(3, window, window),
            strides=(3, step, step),
            baselines=torch.from_numpy(np.asarray(smooth).copy()).permute(2, 0, 1)[None].float(),
            perturbations_per_eval=PATCHES_AT_ONCE,
        )
    left, top, right, bottom = reads.frame(picture.size)
    found = changes[0, 0, top:bottom, left:right].clamp_min(0).float().numpy()  # a patch covers all three colours
    across, down = (max(2 * STEP, round(2 * STEP * length / reads.side)) for length in reads.size)
    coarse = Image.fromarray(found).resize((across, down), Image.Resampling.BOX)  # no finer than the patches
    values = np.asarray(coarse, dtype=np.float32)
    strongest = float(values.max())
    shares: NDArray[np.float32] = values / strongest if strongest >= LEAST_CHANGE else np.zeros_like(values)
    return Attribution(name, label, shown.on_photo(AnomalyMap(shares)).values if isinstance(shown, Look) else shares)


def _log_odds(member: Member, pixels: Tensor, column: int) -> Tensor:
    """(N, 3, h, w) pixels of the member's input -> (N,) log-odds of one class."""
    rows = PhotoBatch([Image.fromarray(_picture(square)) for square in pixels]).rows(member.input)
    probability = np.clip(member.score(rows).probabilities[:, column], LOG_ODDS_END, 1 - LOG_ODDS_END)
    return torch.from_numpy(np.log(probability / (1 - probability)))


def _picture(square: Tensor) -> NDArray[np.uint8]:
    return np.ascontiguousarray(square.permute(1, 2, 0).round().to(torch.uint8).numpy())  # (3, H, W) -> (H, W, 3)
