"""What is loaded for good is not searched for garbage again, and what has become garbage since is still found."""

import gc
import sys
import types
import weakref

import pytest

from pages.session import memory
from pages.session.memory import settle_modules


class Ring:
    """It holds itself, so that only a search finds it to be garbage."""

    def __init__(self) -> None:
        self.self = self


def test_what_is_loaded_is_settled_once_and_again_when_modules_come(monkeypatch: pytest.MonkeyPatch) -> None:
    memory._settle.cache_clear()  # another test may have seen as many modules as these will be
    settle_modules()
    ring = Ring()
    gone = weakref.ref(ring)
    monkeypatch.setitem(sys.modules, "one_more", types.ModuleType("one_more"))
    settle_modules()
    assert gc.get_freeze_count() > 10_000
    del ring
    gc.collect()
    assert gone() is not None
    monkeypatch.setitem(sys.modules, "and_another", types.ModuleType("and_another"))
    settle_modules()
    assert gone() is None
