"""What is loaded for good: it need not be looked through for garbage after every click."""

import gc
import sys
from functools import cache

MANY = 100  # modules; what fewer have brought is searched in no time


def settle_modules() -> None:
    """Leave all that is here out of later searches for garbage, whenever many modules have come.

    Streamlit has everything searched after each run, which takes a fifth of a second where torch and scikit-learn are.
    """
    _settle(len(sys.modules) // MANY)


@cache
def _settle(_hundreds: int) -> None:
    gc.unfreeze()  # what was of use the last time may be garbage by now
    gc.collect()
    gc.freeze()
