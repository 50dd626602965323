"""Where what is once computed is kept on this machine."""

import contextlib
import os
from pathlib import Path

CACHE_SETTING = "QUORUM_CACHE"
OFF = "off"  # the setting's value that lets nothing be kept


def folder_of_setting() -> Path | None:
    """Where features are kept: QUORUM_CACHE, else ~/.cache/quorum, else build/cache where that cannot be written.

    None where QUORUM_CACHE is `off`.
    """
    named = os.environ.get(CACHE_SETTING)
    if named:
        return None if named == OFF else Path(named)
    home = Path("~/.cache/quorum").expanduser()
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
    return home if os.access(home, os.W_OK) else Path("build/cache")
