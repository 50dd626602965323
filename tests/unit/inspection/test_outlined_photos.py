"""Outlined photos of a batch: one zip with names that say the verdict, and what is missing named in it."""

import io
import zipfile
from dataclasses import replace
from itertools import chain

import pytest
from PIL import Image

from ensemble.importers.archives import ZipEntry
from ensemble.inspection import outlined_photos
from ensemble.inspection.batches import Judged, judge
from ensemble.inspection.inspector import Inspector
from ensemble.inspection.outlined_photos import outlined_zip
from ensemble.policies import SHIPPED_POLICIES
from tests.support.bad_photos import encoded, quarters

DEMO = Inspector.for_demo()


def rows() -> list[Judged]:
    names = ("a.png", "sub/a.png", "bad.png")
    files = [ZipEntry(name, encoded(quarters((90 + place, 60)), "PNG")) for place, name in enumerate(names[:2])]
    entries = enumerate([*files, ZipEntry("bad.png", b"")])
    return list(chain.from_iterable(judge(entries, lambda photos: DEMO.inspect(photos, SHIPPED_POLICIES[0]))))


def contents(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_each_photo_has_its_own_size_and_name() -> None:
    found = rows()
    words = [row.verdict.word for row in found if row.verdict]
    files = contents(outlined_zip(found[:2], b"photo", demo=False))
    first, second = f"a_{words[0]}.png", f"a_{words[1]}{' (2)' if words[0] == words[1] else ''}.png"
    assert list(files) == [first, second, "results.csv"]
    assert [Image.open(io.BytesIO(files[name])).size for name in (first, second)] == [(90, 60), (91, 60)]
    assert files["results.csv"] == b"photo"


def test_without_photos_there_are_the_results() -> None:
    assert list(contents(outlined_zip([], b"", demo=False))) == ["results.csv"]


def test_what_is_no_longer_kept_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rows()
    found[0] = replace(found[0], data=b"")
    files = contents(outlined_zip(found[:2], b"photo", demo=True))
    assert files["left_out.txt"] == b"a.png\n" and len(files) == 3
    monkeypatch.setattr(outlined_photos, "MOST_ZIPPED_BYTES", -1)
    files = contents(outlined_zip(found[:2], b"photo", demo=True))
    assert files["left_out.txt"] == b"a.png\nsub/a.png\n"
