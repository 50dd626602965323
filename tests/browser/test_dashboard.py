"""What browser tests forgive: Streamlit's own probe of its server, and nothing else."""

import pytest

from tests.support.dashboard import is_foreign, is_forgiven

HERE = "http://127.0.0.1:8501"
SCRIPT = f"{HERE}/static/js/index.js"
UNANSWERED = "Client Error in reaching server endpoint - No response received when attempting to reach"


@pytest.mark.parametrize(
    ("text", "url", "forgiven"),
    [
        (f"{UNANSWERED} /_stcore/health", SCRIPT, True),
        (f"{UNANSWERED} /policies/_stcore/host-config", SCRIPT, True),
        ("Client Error: response received with status 404 when attempting to reach /_stcore/health", SCRIPT, True),
        ("Streamlit server is not responding. Are you connected to the internet?", SCRIPT, True),
        ("Failed to load resource: net::ERR_CONNECTION_REFUSED", f"{HERE}/_stcore/health", True),
        ("Failed to load resource: the server responded with a status of 404", f"{HERE}/help/_stcore/health", True),
        (f"{UNANSWERED} /_stcore/upload_file/1/2", SCRIPT, False),
        (f"{UNANSWERED} /_stcore/healthy", SCRIPT, False),
        ("Failed to load resource: the server responded with a status of 500", f"{HERE}/_stcore/upload_file/1", False),
        ("Failed to load resource: the server responded with a status of 404", f"{HERE}/media/1.png", False),
        ("Failed to load resource: 404", f"{HERE}/media/1.png?from=/_stcore/health", False),
        ("Uncaught TypeError: x is not a function", SCRIPT, False),
    ],
)
def test_the_probe_is_forgiven_and_nothing_else(text: str, url: str, forgiven: bool) -> None:
    assert is_forgiven(text, url) is forgiven


def test_only_this_machine_is_not_foreign() -> None:
    assert not is_foreign(f"{HERE}/media/1.png") and not is_foreign("data:image/png;base64,AA")
    assert is_foreign("https://example.org/1.png") and is_foreign("http://127.0.0.1.example.org:80/")
