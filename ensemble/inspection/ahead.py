"""Photos on their way to the models: decoded ahead in threads, and never more of them than the memory has room for."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from ensemble.imaging.photos import MAX_PIXELS, open_header

DECODING_THREADS = min(4, os.cpu_count() or 1)
DECODED_AHEAD = 8  # photos at most
ROOM = 2 * MAX_PIXELS  # pixels of all photos that are decoded at a time: some 300 MB

Undecoded = TypeVar("Undecoded")
Decoded = TypeVar("Decoded")
_END = object()


class PixelRoom:
    """Room for so many decoded pixels at a time; whoever wants more waits, and one photo always fits."""

    def __init__(self, pixels: int = ROOM) -> None:
        self._most = pixels
        self._taken = 0
        self._is_limited = True
        self._changed = threading.Condition()

    def has(self, pixels: int) -> bool:
        """Whether nobody would have to wait for so much."""
        return not self._is_limited or self._taken == 0 or self._taken + pixels <= self._most

    def take(self, pixels: int) -> None:
        """Wait until there is room, and take it."""
        with self._changed:
            self._changed.wait_for(lambda: self.has(pixels))
            self._taken += pixels

    def give_back(self, pixels: int) -> None:
        """Let others have it."""
        with self._changed:
            self._taken -= pixels
            self._changed.notify_all()

    def lift(self) -> None:
        """Nobody waits any more: what is under way is about to end."""
        with self._changed:
            self._is_limited = False
            self._changed.notify_all()

    @contextmanager
    def holding(self, pixels: int) -> Iterator[None]:
        """The room is taken while the block runs."""
        self.take(pixels)
        try:
            yield
        finally:
            self.give_back(pixels)


def declared_pixels(data: bytes | None) -> int:
    """How many pixels a photo says to have; 0 where it will be refused before it is decoded."""
    try:
        width, height = open_header(data, checked=False).size if data else (0, 0)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, decoding says so
        return 0
    return width * height if width * height <= MAX_PIXELS else 0


def decoded_ahead(
    things: Iterable[Undecoded],
    decode: Callable[[Undecoded, int], Decoded],
    pixels_of: Callable[[Undecoded], int],
    room: PixelRoom,
) -> Iterator[Decoded]:
    """What things are decoded to, in their order; the next ones are decoded in threads meanwhile.

    `decode` is told how much room was taken for the thing; whoever takes what it gives, gives that back in the end.
    """
    coming: deque[Future[Decoded]] = deque()
    with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decode") as pool:
        try:
            for thing in things:
                pixels = pixels_of(thing)
                while coming and (len(coming) >= DECODED_AHEAD or not room.has(pixels)):
                    yield coming.popleft().result()
                room.take(pixels)
                coming.append(pool.submit(decode, thing, pixels))
            while coming:
                yield coming.popleft().result()
        finally:
            for each in coming:
                each.cancel()


def one_ahead(things: Iterator[Decoded]) -> Generator[Decoded, None, None]:
    """The same things; the next one is made in a thread of its own while the last is looked at."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(next, things, _END)
        while (thing := coming.result()) is not _END:
            coming = pool.submit(next, things, _END)
            yield thing  # type: ignore[misc]
            del thing
