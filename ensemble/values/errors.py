"""What can go wrong, told to the person who can mend it: what, what was expected, what came, what to do."""

import contextlib
from collections.abc import Iterator

# What strange JSON makes its readers raise.
MISSHAPEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError)
LONGEST_SENTENCE = 600  # characters of a sentence


def brief(error: Exception) -> str:
    """What an error says; a value that somebody has filled with pages of text is cut out of the middle."""
    said = str(error)
    return (
        said if len(said) <= LONGEST_SENTENCE else f"{said[: LONGEST_SENTENCE // 2]} … {said[-LONGEST_SENTENCE // 2 :]}"
    )


class QuorumError(Exception):
    """Base of every error whose message is a sentence for a person; an edge shows it without a traceback."""


class PhotoError(QuorumError):
    """A file is not a photo that can be inspected."""


class ArchiveError(QuorumError):
    """A zip file, or one of its entries, cannot be taken."""


class DataError(QuorumError):
    """A folder of photos cannot be learnt from or measured on."""


class WeightsError(QuorumError):
    """A backbone's weights are missing or do not fit."""


class StoreError(QuorumError):
    """A product's folder, its manifest or one of its files cannot be used."""


@contextlib.contextmanager
def readable(source: object, advice: str) -> Iterator[None]:
    """Where the block stumbles over strange JSON, a StoreError says of what file, why, and what to do."""
    try:
        yield
    except MISSHAPEN as error:
        raise StoreError(f"{source} cannot be read ({type(error).__name__}: {brief(error)}). {advice}") from error


class PolicyError(QuorumError):
    """A policies file or a policy in it cannot be used."""


class MemberError(QuorumError):
    """A member cannot be fitted or cannot vote."""


class JobError(QuorumError):
    """A training in a process of its own cannot be started, found or cancelled."""
