"""The lock of a product while it is trained: the process that trains it holds it, and it is gone with that process.

A training that a screen has started takes it itself, for no lock can be handed to another process on every system. That
this training is under way is known by a second lock, of the training's own number, and before that by its process.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ensemble.disk.full_disk import why_not_written
from ensemble.disk.locks import locked_alone
from ensemble.values.errors import JobError

LOCK = ".training.lock"
PATIENCE = 2.0  # seconds; whoever only looks whether it is held has it for a moment


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else trains the product meanwhile; a JobError where somebody does already."""
    with _asked_for(folder, PATIENCE) as is_ours:
        if not is_ours:
            raise JobError(f"{folder} is being trained by somebody else. Wait for the end of that training.")
        yield


def is_taken(folder: Path) -> bool:
    """Whether the product is being trained; a JobError where its folder cannot be written."""
    if not folder.exists():  # to make it and take it away again would take it from whoever begins meanwhile
        return False
    with _asked_for(folder, 0.0) as is_ours:
        return not is_ours


@contextlib.contextmanager
def _asked_for(folder: Path, patience: float) -> Iterator[bool]:
    made = not folder.exists()
    try:
        with contextlib.ExitStack() as held:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                is_ours = held.enter_context(locked_alone(folder / LOCK, patience))
            except OSError as error:
                raise JobError(f"{folder} cannot be written: {why_not_written(error, folder)}") from error
            yield is_ours
    finally:
        if made:
            with contextlib.suppress(OSError):  # it holds something
                folder.rmdir()
