"""What every screen says: models by their titles, the field's own terms, and no endless numbers."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.store import ModelStore
from pages.components.common.places import _lengths
from tests.support import app_tests
from tests.support.app_tests import healthy, texts

MODELS = Path(__file__).resolve().parents[2] / "models"
SCREENS = (
    *("inspect_photo", "inspect_batch", "history", "review", "policies", "replay", "performance"),
    *("members", "model_card", "data", "training"),
)
FORBIDDEN = {
    "held out": r"\bheld[ -]out\b",
    "in force": r"\bin force\b",
    "cut": r"\bcuts?\b",
    "six digits": r"\d\.\d{6}",
}


def words(app: AppTest) -> str:
    """All texts of a screen, those of buttons, fields and charts too, without tags and styles."""
    fields = (
        str(each.label) for kind in ("button", "selectbox", "slider", "toggle", "radio") for each in app.get(kind)
    )
    charts = (str(chart.proto.alt) for chart in app.get("plotly_chart"))
    said = re.sub(r"<(style|script)>.*?</\1>", " ", texts(app), flags=re.DOTALL)
    return "\n".join((re.sub(r"<[^>]*>", " ", said), *fields, *charts)).replace("\\", "")


@pytest.mark.parametrize("screen", [*SCREENS, "help"])
def test_a_screen_speaks_the_words_of_the_field(screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_MODELS", str(MODELS))
    said = words(healthy(app_tests.opened(f"pages/screens/{screen}.py")))
    assert said.strip()
    names = {name: rf"\b{name}\b(?!\.|_scaler)" for name in ModelStore(MODELS).manifest().members}
    found = {}
    for name, pattern in (FORBIDDEN | names).items():
        if match := re.search(pattern, said):
            found[name] = said[max(0, match.start() - 40) : match.end() + 40]
    assert not found, found


def test_a_region_is_told_in_millimetres_where_the_scale_is_known() -> None:
    assert _lengths(19, 8, None) == "19 × 8 px"
    assert _lengths(19, 8, 0.05) == "19 × 8 px (0.95 × 0.40 mm)"
