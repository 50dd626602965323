"""Long work in the background of this process: it goes on whatever somebody touches, and a reload finds it again."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from ensemble.values.errors import QuorumError
from ensemble.values.language import Message

Progress = Callable[[str, float], None]


class StoppedError(QuorumError):
    """Somebody has stopped the work."""


@dataclass(slots=True)
class Work:
    """One piece of work: how far it is, and what came of it."""

    title: str
    stage: str = ""
    share: float = 0.0
    since: float = 0.0  # of the stage, by the process's clock
    stop: bool = False
    error: str = ""
    result: Any = None
    ended: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.ended.is_set()

    def seconds_left(self) -> float | None:
        """How long the stage will take by its pace so far; None while that cannot be told."""
        if self.share < 0.02:
            return None
        return (time.monotonic() - self.since) * (1 - self.share) / self.share


@st.cache_resource
def _works() -> dict[str, Work]:
    return {}


def start_work(key: str, title: str, do: Callable[[Progress], Any]) -> bool:
    """Begin a piece of work unless one of that key is going on, and say whether it began.

    `do` gets what it reports its progress by.
    """
    known = work(key)
    if known is not None and not known.done:
        return False
    _works()[key] = begun = Work(title, since=time.monotonic())
    threading.Thread(target=_run, args=(begun, do), daemon=True, name=str(title)).start()
    return True


def _run(begun: Work, do: Callable[[Progress], Any]) -> None:
    def report(stage: str, share: float) -> None:
        if begun.stop:
            raise StoppedError(Message("Stopped. Nothing was changed."))
        if stage != begun.stage:
            begun.stage, begun.since = stage, time.monotonic()
        begun.share = share

    try:
        begun.result = do(report)
    except QuorumError as error:
        begun.error = error.message
    except Exception as error:  # whatever it is, the screen must tell it: nobody sees a thread's own traceback
        kind = type(error).__name__
        begun.error = Message("It has failed ({kind}: {problem}). Nothing was changed.", kind=kind, problem=error)
        logging.getLogger(__name__).exception("%s has failed", begun.title)
    finally:
        begun.ended.set()


def work(key: str) -> Work | None:
    """The work of that key, going on or done."""
    return _works().get(key)


def stop_work(key: str) -> None:
    """Ask a piece of work to stop; for a button's callback."""
    if (found := work(key)) is not None:
        found.stop = True


def forget_work(key: str) -> None:
    """Forget a piece of work that is done; for a button's callback."""
    if (found := work(key)) is not None and found.done:
        _works().pop(key, None)
