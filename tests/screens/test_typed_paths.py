"""Paths as people type and paste them."""

from pathlib import Path

import pytest

from ensemble.values.errors import DataError
from pages.session import sources
from pages.session.typed_paths import as_path

HOME = "/home/ada"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("  /data/parts \n", "/data/parts"),
        ('"/data/my parts"', "/data/my parts"),
        ("'/data/parts'", "/data/parts"),
        ("\u201c/data/parts\u201d", "/data/parts"),
        ("~/parts", f"{HOME}/parts"),
        ('"~/parts"', f"{HOME}/parts"),
        ("file:///data/my%20parts", "/data/my parts"),
        ("file://localhost/data/parts", "/data/parts"),
        ("file:///C:/parts", "C:/parts"),
        ("data", "data"),
        ('"', '"'),
    ],
)
def test_what_is_meant(typed: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)
    assert as_path(typed) == Path(meant)


STRANGE = ("~nosuchuser/photos", "a\0b", "x" * 5000, "/x" * 3000, "", '""', "/etc/passwd", "~", "file:", "..", "\ud800")


@pytest.mark.parametrize("typed", STRANGE)
def test_a_strange_path_is_one_sentence(typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path))
    with pytest.raises(DataError) as refused:
        sources.folder_source(typed)
    assert "\n" not in str(refused.value) and "\0" not in str(refused.value) and len(str(refused.value)) < 600


def test_the_setting_may_name_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("QUORUM_FOLDERS", "~/photos:~nosuchuser/more: ")
    assert sources.folder_source("~/photos").files == tmp_path / "photos"
    assert sources.folder_source(f"'{tmp_path}/photos'").title == "photos"


def test_a_path_that_may_not_be_looked_at_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path))

    def denied(*_: object, **__: object) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", denied)
    with pytest.raises(DataError, match=r"cannot be looked at \(Permission denied\)"):
        sources.folder_source(str(tmp_path / "secret"))
