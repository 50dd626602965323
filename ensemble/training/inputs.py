"""What a kind of member reads of photos: its own pixels, or a backbone in the way that it wants."""

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import Input
from ensemble.members import KINDS
from ensemble.values.errors import MemberError


def source_of(kind: str, extractor: FeatureExtractor | None, side: int | None = None) -> Input:
    """What a kind reads: its own pixels, or a backbone its own way; `side` is for those that learn from good parts."""
    make = KINDS[kind]
    if make.pixels is not None:
        return make.pixels
    if extractor is None:
        raise MemberError(f"{make.title} reads a backbone. Name one with --backbone.")
    wanted = (side if make.lesson == "good" else None) or make.side
    placed = extractor.at(wanted) if wanted and make.side else extractor
    return placed.with_pooling(make.reading) if make.reading else placed
