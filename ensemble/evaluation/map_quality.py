"""The members' heat maps against the masks, measured while the photos pass, so that no map has to be kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ensemble.imaging.localisation import combine
from ensemble.imaging.masks import damaged_pixels, read_mask
from ensemble.metrics.pixel_metrics import PixelTally, Truth
from ensemble.values.errors import DataError
from ensemble.values.results import Classes, Score
from ensemble.values.samples import Sample


@dataclass(slots=True)
class MapQuality:
    """What has been measured so far of the maps of each member, and of those of good-only members as one.

    A good photo is undamaged as a whole; a defective one without a mask, or with an empty one, is left out and counted.
    Without any mask, or without a defect among the classes, nothing is measured.
    """

    good: str | None = None
    good_only: tuple[str, ...] = ()
    tallies: dict[str, PixelTally] = field(default_factory=dict)
    together: PixelTally = field(default_factory=PixelTally)
    photos: int = 0
    regions: int = 0
    without_mask: int = 0
    refused: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, samples: Sequence[Sample], classes: Classes, good_only: tuple[str, ...]) -> "MapQuality":
        """For photos with these masks and members with these names."""
        return cls(classes.good if any(sample.mask for sample in samples) else None, good_only)

    def add(self, sample: Sample, size: tuple[int, int], scores: Sequence[Score]) -> None:
        """Measure the maps of one photo of this (width, height)."""
        maps = [(self.tallies.setdefault(score.member, PixelTally()), score.heat) for score in scores if score.heat]
        truth = self._truth(sample, size) if maps and self.good is not None else None
        if truth is None:
            return
        self.photos += 1
        self.regions += truth.regions
        for tally, heat in maps:
            tally.add(heat, truth)
        together = combine([score for score in scores if score.member in self.good_only])
        if together and len(self.good_only) > 1:
            self.together.add(together, truth)

    def figures(self, member: str) -> dict[str, float | None]:
        """`pixel_auroc` and `aupro` of a member, None where nothing was measured; nothing for one without maps."""
        return self.tallies[member].figures() if member in self.tallies else {}

    def figures_together(self) -> dict[str, float | None]:
        """`pixel_auroc` and `aupro` of the good-only members' combined map; nothing where none of them has maps."""
        return self.together.figures() if set(self.good_only) & set(self.tallies) else {}

    def counts(self) -> dict[str, Any]:
        """How many photos and damaged regions the figures rest on, and how many photos had no mask for them."""
        return {"photos": self.photos, "regions": self.regions, "without_mask": self.without_mask}

    def _truth(self, sample: Sample, size: tuple[int, int]) -> Truth | None:
        try:
            truth = Truth.of(damaged_pixels(read_mask(sample.mask, size))) if sample.mask else Truth.undamaged(size)
        except DataError as error:
            self.refused.append(str(error))
            return None
        if sample.label != self.good and not truth.regions:
            self.without_mask += 1
            return None
        return truth
