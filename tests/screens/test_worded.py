"""Every screen in a language that nobody speaks: what stays outside its brackets could not be said in French either."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.values.language import PSEUDO
from tests.screens.test_words import SCREENS, words
from tests.support import app_tests
from tests.support.app_tests import healthy

MODELS = Path(__file__).resolve().parents[2] / "models"
# What has no other name in another language: the picker of languages, the product, files, types of defect, libraries.
DATA = (
    r"Language · Langue|Machined disc|VisA|\w*_\w+(\.\w+)*|average \+ std|[0-9a-f]{12,}|stage\d|\+cpu|"
    r"\breferences\.npz|\bmaps\b|"
    r"\b(missing hole|burr|crack|dent|scratch|stain)( hard)?\b|\b(numpy|scikit-learn|torch|xgboost)\b"
)
SAID = re.compile(r"⟦[^⟦⟧]*⟧")


def outside(said: str) -> list[str]:
    """The lines of letters that stand in no brackets of the language that nobody speaks."""
    while SAID.search(said):
        said = SAID.sub(" ", said)
    bare = re.sub(r"<[^>]*>|:material/\w+:|`[^`]*`", "\n", said)
    lines = (line.strip() for line in re.sub(DATA, "", bare).splitlines())
    return [line for line in lines if re.search(r"[^\W\d_]{2,}", line)]


def leaks(app: AppTest) -> list[str]:
    """What a screen says without having it worded."""
    return outside(words(app))


@pytest.mark.parametrize("screen", [*SCREENS, "help"])
def test_a_screen_says_nothing_that_is_not_worded(screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_MODELS", str(MODELS))
    app = healthy(app_tests.opened(f"pages/screens/{screen}.py", lang=PSEUDO))
    assert not leaks(app), "\n".join(leaks(app))
