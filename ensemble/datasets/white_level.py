"""The depth of photos whose files have 16 bits a channel and do not say how many of them the camera uses."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ensemble.imaging.formats import may_be_deep
from ensemble.imaging.photos import Photo, read_photo, read_photo_bytes
from ensemble.values.errors import PhotoError
from ensemble.values.language import Message
from ensemble.values.samples import Sample
from ensemble.values.view import AS_IT_IS, DEPTHS, View

TELLING_BYTES = 32  # of a file, which tell whether it may be deep
LOOKED_AT = 20  # files of a training part, which tell whether its photos may be


@dataclass(slots=True)
class WhiteLevel:
    """What has been seen so far of photos of 16 bits that declare no depth: how many, and their largest value."""

    photos: int = 0
    brightest: int = 0

    def add(self, photo: Photo) -> None:
        """Count a photo, where it is one of them."""
        if photo.brightest is not None:
            self.photos += 1
            self.brightest = max(self.brightest, photo.brightest)

    @property
    def bits(self) -> int | None:
        """The fewest bits that hold every value; None without such photos, or where all of them are black."""
        return next(bits for bits in DEPTHS if self.brightest < 1 << bits) if self.brightest else None

    @property
    def view(self) -> View:
        """How these photos are to be looked at."""
        return AS_IT_IS if self.bits is None else View(self.bits)

    def notes(self) -> tuple[Message, ...]:
        """What a person should know of it, where there are such photos."""
        if self.bits is None:
            return ()
        return (
            Message(
                "White level: {bits} bits. {photos} photo has 16 bits a channel and declares no depth; its brightest "
                "value is {brightest}.",
                "White level: {bits} bits. {photos} photos have 16 bits a channel and declare no depth; their "
                "brightest value is {brightest}.",
                count=self.photos,
                photos=self.photos,
                bits=self.bits,
                brightest=self.brightest,
            ),
        )

    def beside(self, known: View) -> tuple[int | None, tuple[Message, ...]]:
        """The bits of white of a product that is looked at so, and what a person should know; set by hand they stay."""
        if not known.white_by_hand:
            return self.bits, self.notes()
        bits = {"bits": known.white_level, "measured": self.bits}
        if self.bits is None:
            return known.white_level, (Message("White level: {bits} bits, set by hand.", bits=known.white_level),)
        if self.bits <= (known.white_level or 0):
            said = Message("White level: {bits} bits, set by hand; the training photos reach {measured} bits.", **bits)
            return known.white_level, (said,)
        return known.white_level, (
            Message(
                "White level: {bits} bits, set by hand. The training photos reach {measured} bits: photos beyond white "
                "are REVIEW.",
                **bits,
            ),
        )


def white_level_of(samples: Sequence[Sample], progress: Callable[[float], None] = lambda _: None) -> WhiteLevel:
    """Look at all photos of 16 bits; those that cannot be opened are named where they are read."""
    found = WhiteLevel()
    deep = list(_deep(sample.path for sample in samples))
    for number, path in enumerate(deep, 1):
        with suppress(PhotoError):
            found.add(read_photo(path))
        progress(number / len(deep))
    return found


def begins_deep(samples: Sequence[Sample]) -> bool:
    """Whether one of a few photos may have 16 bits a channel, by how its file begins: none is read whole."""
    for sample in samples[:: max(1, len(samples) // LOOKED_AT)]:
        with suppress(OSError), sample.path.open("rb") as file:
            if may_be_deep(file.read(TELLING_BYTES)):
                return True
    return False


def _deep(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        with suppress(PhotoError):  # whole, because it is read once and learnt from later
            if may_be_deep(read_photo_bytes(path)[:TELLING_BYTES]):
                yield path
