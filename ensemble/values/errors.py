"""What can go wrong, told to the person who can mend it: what, what was expected, what came, what to do."""

import contextlib
from collections.abc import Iterator
from typing import Any

from ensemble.values.language import Message

# What strange JSON makes its readers raise.
MISSHAPEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError)
LONGEST_SENTENCE = 600  # characters of a sentence


def brief(error: Exception) -> str:
    """What an error says; a value that somebody has filled with pages of text is cut out of the middle."""
    message = getattr(error, "message", None)
    said = message if isinstance(message, Message) else str(error)
    return (
        said if len(said) <= LONGEST_SENTENCE else f"{said[: LONGEST_SENTENCE // 2]} … {said[-LONGEST_SENTENCE // 2 :]}"
    )


class QuorumError(Exception):
    """Base of every error whose message is a sentence for a person; an edge shows it without a traceback.

    It is raised with a text and what stands in its placeholders, as a `Message` is made.
    """

    def __init__(self, text: str = "", several: str = "", /, **values: Any) -> None:
        self.message = text if isinstance(text, Message) and not values else Message(text, several, **values)
        super().__init__(self.message)


class PhotoError(QuorumError):
    """A file is not a photo that can be inspected."""


class RefusalError(Exception):
    """Bytes or pixels that are no picture: a text and its values, but for the name of the {photo}."""

    def __init__(self, text: str, /, **values: Any) -> None:
        super().__init__(text)
        self.text, self.values = str(text), values

    def of(self, photo: str) -> PhotoError:
        """The same, said of the photo of this name."""
        return PhotoError(self.text, photo=photo, **self.values)


class ArchiveError(QuorumError):
    """A zip file, or one of its entries, cannot be taken."""


class DataError(QuorumError):
    """A folder of photos cannot be learnt from or measured on."""


class WeightsError(QuorumError):
    """A backbone's weights are missing or do not fit."""


class SettingError(QuorumError):
    """A setting of the environment asks for what is not there."""


class StoreError(QuorumError):
    """A product's folder, its manifest or one of its files cannot be used."""


@contextlib.contextmanager
def readable(source: object, advice: str) -> Iterator[None]:
    """Where the block stumbles over strange JSON, a StoreError says of what file, why, and what to do."""
    try:
        yield
    except MISSHAPEN as error:
        raise StoreError(
            "{source} cannot be read ({kind}: {problem}). {advice}",
            source=source,
            kind=type(error).__name__,
            problem=brief(error),
            advice=advice,
        ) from error


class PolicyError(QuorumError):
    """A policies file or a policy in it cannot be used."""


class MemberError(QuorumError):
    """A member cannot be fitted or cannot vote."""


class RecordsError(QuorumError):
    """The history of verdicts cannot be read or written."""


class JobError(QuorumError):
    """A training in a process of its own cannot be started, found or cancelled."""
