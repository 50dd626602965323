"""Photos are decoded ahead in their order, never more of them than there is room for, and no thread is left behind."""

import threading
import time
from collections.abc import Iterator

import pytest

from ensemble.imaging.photos import MAX_PIXELS, Photo
from ensemble.importers.archives import ZipEntry
from ensemble.inspection.ahead import DECODED_AHEAD, PixelRoom, declared_pixels, decoded_ahead, one_ahead
from ensemble.inspection.batches import INSPECTED_AT_ONCE, judge
from ensemble.inspection.inspector import Inspector
from ensemble.policies import SHIPPED_POLICIES
from tests.support.bad_photos import BAD, encoded, jpeg, quarters

DEMO = Inspector.for_demo()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def photos(count: int) -> list[tuple[int, ZipEntry]]:
    return [(n, ZipEntry(f"{n}.png", encoded(quarters((40 + n, 40)), "PNG"))) for n in range(count)]


def test_order_is_kept_and_no_more_is_begun_than_may_lie_ahead() -> None:
    begun: list[int] = []

    def source() -> Iterator[int]:
        for number in range(40):
            begun.append(number)
            yield number

    def decode(number: int, _pixels: int) -> int:
        time.sleep(0.002 if number % 3 == 0 else 0)  # some take longer than those behind them
        return number

    found = []
    for number in decoded_ahead(source(), decode, lambda _: 0, PixelRoom()):
        found.append(number)
        assert len(begun) - len(found) <= DECODED_AHEAD
    assert found == list(range(40))


def test_what_is_decoded_never_takes_more_room_than_there_is() -> None:
    taken: list[int] = []
    most, lock = 0, threading.Lock()

    def decode(number: int, pixels: int) -> int:
        nonlocal most
        with lock:
            taken.append(pixels)
            most = max(most, sum(taken))
        return pixels

    room = PixelRoom(10)
    for pixels in decoded_ahead(range(20), decode, lambda number: 3 + number % 5, room):
        with lock:
            taken.remove(pixels)
        room.give_back(pixels)
    assert most <= 10


def test_one_photo_always_fits_and_others_wait_until_it_is_gone() -> None:
    room, order = PixelRoom(10), []
    room.take(50)
    assert not room.has(1)

    def later() -> None:
        with room.holding(4):
            order.append("other")

    other = threading.Thread(target=later)
    other.start()
    order.append("first")
    room.give_back(50)
    other.join(10)
    assert order == ["first", "other"] and room.has(10)


@pytest.mark.parametrize(
    ("data", "pixels"),
    [(jpeg(quarters((60, 50))), 3000), (b"", 0), (None, 0), (BAD["huge_jpeg"]().data, 0)],
)
def test_declared_pixels(data: bytes | None, pixels: int) -> None:
    assert declared_pixels(data) == pixels <= MAX_PIXELS


def test_an_error_on_the_way_reaches_whoever_waits() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    found: list[int] = []
    with pytest.raises(OSError, match="gone"):
        found.extend(one_ahead(source()))
    assert next(one_ahead(iter([7]))) == 7 and found in ([], [1])


def test_the_next_chunk_is_inspected_while_the_last_one_is_kept() -> None:
    inspected, is_ahead = [], threading.Event()

    def inspect(some: object) -> list[object]:
        inspected.append(some)
        if len(inspected) == 2:
            is_ahead.set()
        return DEMO.inspect(some, SHIPPED_POLICIES[0])  # type: ignore[arg-type, return-value]

    def keep(found: object) -> list[object]:
        assert is_ahead.wait(10)
        return [each.verdict for each in found]  # type: ignore[attr-defined]

    rows = list(judge(photos(2 * INSPECTED_AT_ONCE), inspect, keep))  # type: ignore[arg-type]
    assert [row.place for chunk in rows for row in chunk] == list(range(2 * INSPECTED_AT_ONCE))


def test_whoever_stops_in_the_middle_waits_for_nothing_but_the_pass_under_way() -> None:
    seen: list[int] = []

    def inspect(some: list[Photo]) -> object:
        seen.append(len(some))
        return DEMO.inspect(some, SHIPPED_POLICIES[0])

    chunks = judge(photos(5 * INSPECTED_AT_ONCE), inspect)  # type: ignore[arg-type]
    next(chunks)
    chunks.close()
    assert len(seen) <= 3


def test_a_stop_frees_whoever_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.inspection.batches.MAX_PIXELS", 50 * 40)
    chunks = judge(photos(9), lambda some: DEMO.inspect(some, SHIPPED_POLICIES[0]))
    assert len(next(chunks)) == 2  # its room is not given back before the next is asked for
    chunks.close()
