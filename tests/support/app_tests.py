"""Screens without a browser: opened, read and clicked through Streamlit's AppTest."""

import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from ensemble.jobs.batch_running import batch_job

APP = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")
PATIENCE = 180.0  # seconds; only what never ends is to fail
KINDS = ("html", "markdown", "caption", "error", "warning", "info", "success", "header", "subheader", "text")


def opened(screen: str = "", **query: str) -> AppTest:
    """The app on a screen, by its file below the project's folder, with what its address says."""
    app = AppTest.from_file(APP, default_timeout=180)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    return app.switch_page(screen).run() if screen else app


def healthy(app: AppTest) -> AppTest:
    """The same screen, on which nothing has failed."""
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    """All that a person reads beside buttons and fields, without what only lays it out."""
    shown = (str(getattr(each, "value", None) or each.proto.body) for kind in KINDS for each in app.get(kind))
    return "\n".join(shown).replace("\\", "").replace("\N{NO-BREAK SPACE}", " ").replace("<wbr>", "")


def click(app: AppTest, key: str) -> AppTest:
    """The screen after a click on the first button whose key begins so."""
    return healthy(next(each for each in app.button if str(each.key).startswith(key)).click().run())


def judged(app: AppTest) -> AppTest:
    """The screen once the batch that it shows has ended."""
    last = time.monotonic() + PATIENCE
    while batch_job(app.session_state["_batch"]).is_open:
        assert time.monotonic() < last, "the batch does not end"
        time.sleep(0.02)
    return app.run()


def done(app: AppTest, key: str) -> AppTest:
    """The screen once work in the background has ended."""
    last = time.monotonic() + PATIENCE
    while any(button.key == f"stop {key}" for button in healthy(app.run()).button):
        assert time.monotonic() < last, "the work does not end"
        time.sleep(0.05)
    return app
