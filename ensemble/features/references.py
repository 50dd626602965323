"""A few photos of good parts that a product keeps: beside a photo stands the one that is most like it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ensemble.disk.files import parsed
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import Input, PhotoBatch
from ensemble.features.preprocessing import BackboneSpec
from ensemble.imaging.photos import open_own

POOLING = "grid"  # keeps roughly what lies where, so that a part in the same position is found
ALIKE_SIDE = 32  # pixels a side of what `most_alike` compares
LARGEST_REFERENCES = 400_000  # of photos and vectors together


@dataclass(frozen=True, slots=True, eq=False)
class ReferencePhotos:
    """Small JPEGs of N good parts, and what a backbone gives for each: vectors (N, D) float16."""

    backbone: BackboneSpec
    vectors: np.ndarray
    photos: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or not 0 < len(self.vectors) == len(self.photos):
            raise ValueError(f"Each photo has a row. Got {len(self.photos)} and the shape {self.vectors.shape}.")
        if not np.isfinite(self.vectors).all():
            raise ValueError("The rows must be finite numbers.")

    @classmethod
    def of(cls, backbone: BackboneSpec, rows: np.ndarray, photos: Sequence[bytes]) -> "ReferencePhotos":
        """The first of these photos with their (N, D) rows: as many as `LARGEST_REFERENCES` hold, at least one."""
        vectors = np.clip(rows, -6e4, 6e4).astype(np.float16)
        sizes = np.cumsum([len(photo) + vectors[0].nbytes for photo in photos])
        count = max(1, int((sizes <= LARGEST_REFERENCES).sum()))
        return cls(backbone, vectors[:count], tuple(photos[:count]))

    def nearest(self, batch: PhotoBatch, source: Input) -> list[int] | None:
        """For each photo of a batch the place of the photo that is most like it.

        None where the source is another backbone, or has not run on the batch: no photo passes a network for this.
        """
        if not isinstance(source, FeatureExtractor) or not batch.has_maps(source):
            return None
        extractor = source.with_pooling(POOLING)
        if extractor.spec != self.backbone:
            return None
        rows, known = batch.rows(extractor).astype(np.float32), self.vectors.astype(np.float32)
        if rows.shape[1] != known.shape[1]:
            return None
        return [int(np.square(known - row).sum(axis=1).argmin()) for row in rows]

    def most_alike(self, picture: Image.Image) -> bytes:
        """The photo that looks most like a picture at a glance: small, grey and of even contrast, without a network.

        A PhotoError where a photo cannot be read.
        """
        wanted = _small_row(picture)
        return max(self.photos, key=lambda photo: float(wanted @ _small_row(open_own(photo))))

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Plain arrays by name, as a file keeps them."""
        backbone = json.dumps(self.backbone.as_json()).encode()
        return {
            "backbone": np.frombuffer(backbone, np.uint8),
            "vectors": self.vectors,
            "photos": np.frombuffer(b"".join(self.photos), np.uint8),
            "sizes": np.array([len(photo) for photo in self.photos], np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "ReferencePhotos":
        """The inverse of `as_arrays`; a ValueError, KeyError or TypeError where they do not fit together."""
        spec = BackboneSpec.from_json(parsed(arrays["backbone"].tobytes().decode()))
        whole, ends = arrays["photos"].tobytes(), np.cumsum(arrays["sizes"]).tolist()
        if ends[-1:] != [len(whole)] or min(arrays["sizes"].tolist()) < 1:
            raise ValueError("The photos are not as long as their sizes say.")
        photos = (whole[start:end] for start, end in zip([0, *ends], ends, strict=False))
        return cls(spec, arrays["vectors"], tuple(photos))


def _small_row(picture: Image.Image) -> np.ndarray:
    """A picture as one row of numbers around 0, of length 1 unless it shows nothing at all."""
    row = np.asarray(picture.convert("L").resize((ALIKE_SIDE, ALIKE_SIDE), Image.Resampling.BOX), np.float32).ravel()
    row = row - row.mean()
    return row / max(float(np.linalg.norm(row)), 1e-6)
