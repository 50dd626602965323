"""What is loaded for good is not searched for garbage again, and what has become garbage since is still found."""

import gc
import sys
import types
import weakref

import pytest

from pages.session import memory
from pages.session.memory import MANY, settle_modules


class Ring:
    """It holds itself, so that only a search finds it to be garbage."""

    def __init__(self) -> None:
        self.self = self


def bring_modules(monkeypatch: pytest.MonkeyPatch, begin: str, count: int) -> None:
    for number in range(count):
        name = f"{begin}_{number}"
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))


def test_what_is_loaded_is_settled_once_and_again_when_many_modules_come(monkeypatch: pytest.MonkeyPatch) -> None:
    memory._settle.cache_clear()  # another test may have seen as many modules as these will be
    bring_modules(monkeypatch, "to_the_hundred", -len(sys.modules) % MANY)
    settle_modules()
    ring = Ring()
    gone = weakref.ref(ring)
    bring_modules(monkeypatch, "many_more", MANY)
    settle_modules()
    assert gc.get_freeze_count() > 10_000
    del ring
    gc.collect()
    bring_modules(monkeypatch, "a_few", MANY - 1)
    settle_modules()
    assert gone() is not None
    bring_modules(monkeypatch, "and_another", 1)
    settle_modules()
    assert gone() is None
