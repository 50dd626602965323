"""Products, collections, versions and policies that an earlier Quorum wrote: opened, judged alike, and gone on with.

`tests/support/folder_of_before.zip` was made by the commit before the rooms of the house were moved: a collection of 48
drawn photos with two decisions, one of them taken back; a product of two versions and a policy that a person had put in
force; and what that commit's inspector said of every photo, by either version and every policy.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ensemble.datasets.collection import Collection
from ensemble.features.preprocessing import BUNDLED
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.store import ModelStore, policy_history, versions
from ensemble.training import train

pytestmark = pytest.mark.slow(15)

ROOT = Path(__file__).resolve().parents[2]
LAST_DIGIT = 2e-6  # scores are kept to six digits, and another processor may round the last of them otherwise


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    with zipfile.ZipFile(ROOT / "tests" / "support" / "folder_of_before.zip") as file:
        file.extractall(folder)
    return folder / "folder_of_before"


@pytest.fixture(scope="module")
def expected(before: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((before / "expected.json").read_text())
    return found


def test_a_collection_is_read_with_all_that_was_decided(before: Path, expected: dict[str, Any]) -> None:
    collection = Collection(before / "collections" / "disc")
    photos = {photo.sha256: photo for photo in collection.photos()}
    assert photos.keys() == expected["photos"].keys() and len(photos) == 48
    for digest, known in expected["photos"].items():
        kept = photos[digest]
        assert (kept.name, kept.label, kept.split, kept.dropped) == (
            *(known["name"], known["label"], known["split"], known["dropped"]),
        )
    assert [decision.action for decision in collection.decisions()] == expected["decisions"]
    assert len(collection.findings()) == expected["findings"]


def test_every_verdict_is_the_one_of_before(before: Path, expected: dict[str, Any]) -> None:
    store, collection = ModelStore(before / "models" / "disc"), Collection(before / "collections" / "disc")
    policies = store.policies()
    assert policies[0].name == expected["active"] == "STRICT"
    for number in ("1", "2"):
        inspector = Inspector.open(store.at(int(number)))
        for photo in collection.photos():
            verdict = inspector.inspect([read_photo(photo.path)], policies[0])[0]
            known = expected["photos"][photo.sha256][number]
            scores = {vote.member: vote.probabilities["defective"] for vote in verdict.votes}
            assert scores == pytest.approx(known["scores"], abs=LAST_DIGIT) and verdict.doubt == known["doubt"]
            assert {policy.name: policy.revise(verdict).label for policy in policies} == known["says"]


def test_it_is_trained_further_published_and_rolled_back(before: Path, expected: dict[str, Any]) -> None:
    store = ModelStore(before / "models" / "disc")
    assert store.quarantine() == [] and len(policy_history.policy_states(store.folder)) == expected["states"]
    assert [found.number for found in versions.version_history(store.folder)] == [2, 1]
    files = {path.name: path.read_bytes() for path in store.folder.glob("*.pkl")}
    settings: dict[str, Any] = {"kinds": ("svm", "xgb"), "backbones": (BUNDLED,), "profile": "quick", "seed": 2}
    outcome = train(before / "collections" / "disc", store.folder, **settings, publish=False)
    assert outcome.version == 3 and store.load().absent == ()
    versions.publish_version(store.folder, 3, "A. Meier", "Newer.")
    assert store.load().absent == () and store.policies()[0].name == "STRICT"
    assert {path.name: path.read_bytes() for path in store.folder.glob("*.pkl")} != files  # a photo less to learn from
    versions.publish_version(store.folder, 2, "A. Meier", "Back.")
    assert store.quarantine() == [] and store.load().absent == ()
    (current,) = [found for found in versions.version_history(store.folder) if found.current]
    assert current.number == 2
    assert {path.name: path.read_bytes() for path in store.folder.glob("*.pkl")} == files
