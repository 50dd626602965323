"""Versions of a product: published whole or not at all, whatever happens on the way, and rolled back as easily."""

import builtins
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ensemble.policies import Policy, PolicyBook
from ensemble.store import FittedMember, ModelStore, listings, policy_history, swapping, versions
from ensemble.store.listings import Publication, Version
from ensemble.store.places import object_path
from ensemble.store.trust import trust_members
from ensemble.values.errors import StoreError
from ensemble.values.language import Message
from ensemble.values.results import OK_NOK, Classes
from tests.conftest import TINY_BACKBONE, Run

SVM, FOREST = f"svm_{TINY_BACKBONE}", f"rf_{TINY_BACKBONE}"
OWN = Policy("MINE", "any", author="Ada", threshold=0.3)
PICKY = Policy("PICKY", "any", author="Ada", thresholds={FOREST: 0.4})


@pytest.fixture
def product(tiny_product: Path, tmp_path: Path) -> ModelStore:
    return ModelStore(Path(shutil.copytree(tiny_product, tmp_path / "disc")))


@pytest.fixture
def old(product: ModelStore) -> ModelStore:
    """A product from before there were versions."""
    shutil.rmtree(product.folder / "versions")
    return product


def save(store: ModelStore, *names: str, product: str = "disc", publish: bool = True, **settings: Any) -> int:
    """Save members once more, as a training would; the product's name tells one version from another."""
    manifest, members = store.manifest(), store.load().members if names else {}
    learnt = [FittedMember(name, members[name], {}, {"accuracy": 0.5}) for name in names]
    return store.save(product, manifest.classes, manifest.folders, learnt, publish=publish, **settings).version


def files(folder: Path) -> dict[str, bytes]:
    """What lies in a product's folder for people."""
    found = [path for path in folder.rglob("*") if path.is_file() and folder / "versions" not in path.parents]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def kept(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_training_publishes_a_version(product: ModelStore) -> None:
    (found,) = versions.version_history(product.folder)
    assert (found.number, found.state, found.current, found.reason) == (1, "published", True, "Trained.")
    assert set(found.members) == {SVM, FOREST} and "accuracy" in found.members[SVM]
    assert found.publications[0].at.endswith("+00:00") and found.author == ""


def test_the_state_of_before_is_kept_and_can_be_rolled_back_to(old: ModelStore) -> None:
    before = files(old.folder)
    assert versions.version_history(old.folder) == ()
    assert save(old, SVM, product="new", author="Ada", reason="More photos.") == 2
    assert old.manifest().product == "new" and len(old.load().members) == 2 and old.quarantine() == []
    versions.publish_version(old.folder, 1, "Ben", "The new one is slower.")
    after = files(old.folder)
    assert after.pop("policies_history.json") is not None and before.pop("policies_history.json", None) is not None
    assert after == before
    second, first = versions.version_history(old.folder)
    assert (second.current, first.current) == (False, True)
    assert [entry.reason for entry in first.publications] == [versions.FOUND, "The new one is slower."]
    assert (second.author, second.reason) == ("Ada", "More photos.")


def test_a_candidate_changes_nothing_until_it_is_published(product: ModelStore) -> None:
    before, key = files(product.folder), product.fingerprint()
    number = save(product, SVM, product="better", publish=False)
    assert files(product.folder) == before and product.fingerprint() == key
    candidate = product.at(number)
    assert candidate.manifest().product == "better" and set(candidate.load().members) == {SVM, FOREST}
    assert [policy.name for policy in candidate.policies()] == [policy.name for policy in product.policies()]
    assert candidate.quarantine() == [] and candidate.fingerprint() not in (key, product.fingerprint())
    with pytest.raises(StoreError, match="is kept as it is"):
        candidate.save("x", OK_NOK, {}, [])
    versions.annotate(product.folder, number, {"comparison": {"better": True}})
    versions.publish_version(product.folder, number, "Ada", "Better.")
    assert product.manifest().product == "better"
    assert versions.version_history(product.folder)[0].notes == {"comparison": {"better": True}}


def test_a_candidate_of_a_product_that_is_not_there_yet(product: ModelStore, tmp_path: Path) -> None:
    fresh, manifest = ModelStore(tmp_path / "fresh"), product.manifest()
    learnt = [FittedMember(SVM, product.load().members[SVM], {}, {})]
    number = fresh.save("fresh", manifest.classes, {}, learnt, publish=False).version
    assert files(fresh.folder) == {} and ModelStore(tmp_path).products().keys() == {"disc"}
    versions.publish_version(fresh.folder, number)
    assert list(fresh.load().members) == [SVM] and fresh.policies()


def test_a_discarded_candidate_leaves_a_line_and_no_files(product: ModelStore) -> None:
    number = save(product, SVM, product="worse", publish=False)
    versions.discard_version(product.folder, number)
    found = versions.version_history(product.folder)[0]
    assert (found.number, found.state, found.current, set(found.members)) == (number, "discarded", False, {SVM, FOREST})
    listed = {digest for each in (1, number) for digest in listings.version(product.folder, each).files.values()}
    assert set(kept(product.folder / "versions" / "objects")) == listed
    assert set(listings.version(product.folder, number).files) == {"manifest.json"}
    with pytest.raises(StoreError, match=rf"Version {number} of .* was discarded"):
        versions.publish_version(product.folder, number)
    with pytest.raises(StoreError, match=r"Version 1 of .* is published: only a candidate can be discarded"):
        versions.discard_version(product.folder, 1)
    with pytest.raises(StoreError, match=r"keeps no version 9\. Kept are 1, 2"):
        versions.publish_version(product.folder, 9)


def test_files_of_other_members_go_and_come_back_and_a_persons_own_stay(product: ModelStore) -> None:
    (product.folder / "notes.txt").write_text("Ada's")
    (product.folder / "svm_other.pkl").write_bytes(b"dropped in")
    members = product.load().members
    product.save("garments", Classes(("good", "bad"), "bad"), {}, [])
    assert sorted(files(product.folder)) == sorted(
        ["manifest.json", "notes.txt", "policies.json", "policies_history.json", "svm_other.pkl"]
    )
    versions.publish_version(product.folder, 1)
    assert product.load().members.keys() == members.keys()
    assert (product.folder / "svm_other.pkl").read_bytes() == b"dropped in"


def test_a_file_that_somebody_has_replaced_is_not_removed(product: ModelStore) -> None:
    (product.folder / f"{SVM}.pkl").write_bytes(b"mine")
    product.save("garments", Classes(("good", "bad"), "bad"), {}, [])
    assert (product.folder / f"{SVM}.pkl").read_bytes() == b"mine"
    assert f"{SVM}_scaler.pkl" not in files(product.folder)


def test_what_a_person_has_put_into_the_folder_is_a_version_too(product: ModelStore) -> None:
    path = product.folder / "manifest.json"
    path.write_text(path.read_text().replace('"product": "disc"', '"product": "by hand"'))
    assert [found.current for found in versions.version_history(product.folder)] == [False]
    save(product, SVM, product="new")
    versions.publish_version(product.folder, 2)
    assert (
        product.manifest().product == "by hand" and versions.version_history(product.folder)[1].reason == versions.FOUND
    )


def test_a_broken_manifest_is_mended_by_publishing_a_version(product: ModelStore) -> None:
    (product.folder / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        save(product, SVM)
    versions.publish_version(product.folder, 1)
    assert set(product.load().members) == {SVM, FOREST}


def test_to_trust_a_file_is_to_publish_a_version(product: ModelStore) -> None:
    shutil.copy(product.folder / f"{FOREST}.pkl", product.folder / "keep.bin")
    before = product.policy_book()
    trust_members(product, [SVM])
    newest = versions.version_history(product.folder)[0]
    assert newest.reason == f"Trusted by hand: {SVM}." and newest.current
    assert product.evidence() and product.policy_book() == before and product.quarantine() == []


def test_only_the_newest_versions_and_the_one_in_force_are_kept(product: ModelStore) -> None:
    for number in range(12):
        save(product, product=f"try {number}", publish=False)
    assert [found.number for found in versions.version_history(product.folder)] == [*range(13, 3, -1), 1]
    listed = {digest for each in listings.versions(product.folder) for digest in each.files.values()}
    assert set(kept(product.folder / "versions" / "objects")) == listed


def test_a_damaged_version_is_refused_and_changes_nothing(product: ModelStore) -> None:
    save(product, SVM, product="new")
    before = files(product.folder)
    digest = product.at(1).manifest().members[FOREST].files[f"{FOREST}.pkl"]
    object_path(product.folder, digest).write_bytes(b"bit rot")
    (product.folder / f"{FOREST}.pkl").unlink()
    with pytest.raises(StoreError, match=rf"Version 1 of .* is damaged: {FOREST}.pkl"):
        versions.publish_version(product.folder, 1)
    assert files(product.folder) == {name: data for name, data in before.items() if name != f"{FOREST}.pkl"}


# -------------------------------------------------------------------------------------------------------- policies


def test_a_persons_policies_stay_and_those_that_do_not_fit_wait(product: ModelStore) -> None:
    book = product.policy_book()
    policy_history.enforce_policies(product.folder, PolicyBook((*book.policies, OWN, PICKY), "PICKY"), "Ada", "Mine.")
    forest_less = replace(product.manifest(), members={SVM: product.manifest().members[SVM]})
    product.write({}, forest_less, "Without the forest.")
    found = product.policy_book()  # and no error about a member that is not there
    assert OWN in found.policies and PICKY not in found.policies and found.active == "MAJORITY"
    versions.publish_version(product.folder, 1, "Ada", "Back.")
    found = product.policy_book()
    assert OWN in found.policies and PICKY in found.policies
    assert policy_history.policy_states(product.folder)[-1].reason == "Restored with version 1. Unchanged: MINE, PICKY."


def test_the_products_own_thresholds_go_with_its_members(product: ModelStore) -> None:
    trained = next(policy for policy in product.policies() if policy.name == "BALANCED")
    threshold = replace(trained, threshold=0.77)
    save(product, SVM, policies=[threshold])
    assert threshold in product.policies()
    versions.publish_version(product.folder, 1)
    assert threshold not in product.policies() and product.policies() == product.at(1).policies()
    versions.publish_version(product.folder, 2)
    assert threshold in product.policies()


def test_a_broken_policies_file_is_never_overwritten(product: ModelStore) -> None:
    save(product, SVM)
    (product.folder / "policies.json").write_text("{")
    versions.publish_version(product.folder, 1)
    assert (product.folder / "policies.json").read_text() == "{"


# --------------------------------------------------------------------------------------------------------- crashes


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs on the disk."""


class Disk:
    """Counts what is done to the disk, in order, and dies at one step, or fails there and goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, below: Path) -> None:
        self.steps: list[tuple[str, str, str]] = []
        self.end: int | None = None
        self.error: BaseException = Killed()
        self.below = below
        self.names: dict[int, str] = {}
        self.patch = monkeypatch

    def __enter__(self) -> "Disk":
        for name in ("fsync", "replace", "unlink", "open"):
            self.patch.setattr(os, name, self._step(name, getattr(os, name)))
        opened = builtins.open

        def write(path: Path, mode: str = "r", *arguments: Any, **settings: Any) -> Any:
            if "w" not in mode:
                return read(path, mode, *arguments, **settings)
            self._count("write", str(path), "")
            file = opened(path, mode, *arguments, **settings)
            self.names[file.fileno()] = str(path)
            return Torn(self, file) if self.end == len(self.steps) else file

        read = Path.open
        self.patch.setattr(Path, "open", write)
        return self

    def __exit__(self, *_exception: object) -> None:
        self.patch.undo()

    def _step(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **settings: Any) -> Any:
            if name == "open":
                handle = original(*arguments, **settings)
                self.names[handle] = str(arguments[0])
                return handle
            paths = [self.names.get(each, "") if isinstance(each, int) else str(each) for each in arguments[:2]]
            if any(path.startswith(str(self.below)) for path in paths):
                self._count(name, *(*paths, "")[:2])
            return original(*arguments, **settings)

        return call

    def _count(self, name: str, first: str, second: str) -> None:
        self.steps.append((name, first, second))
        if self.end is not None and len(self.steps) > self.end:
            if not isinstance(self.error, Killed) and len(self.steps) > self.end + 1:
                return
            raise self.error


class Torn:
    """A file of which only the first half is written before the end."""

    def __init__(self, disk: Disk, file: Any) -> None:
        self.disk, self.file = disk, file

    def __enter__(self) -> "Torn":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.file.close()

    def write(self, data: bytes) -> None:
        self.file.write(data[: len(data) // 2])
        self.disk._count("write", "", "")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@pytest.fixture
def small(product: ModelStore) -> ModelStore:
    """A product whose next version changes members, policies and the manifest."""
    book = product.policy_book()
    policy_history.enforce_policies(product.folder, PolicyBook((*book.policies, PICKY), "PICKY"), "Ada", "Mine.")
    svm_alone = replace(product.manifest(), members={SVM: product.manifest().members[SVM]}, product="new")
    product.write({}, svm_alone, "Without the forest.")
    return product


def essence(state: dict[str, bytes]) -> dict[str, bytes]:
    """A state without the history of policies, which has a time in every entry."""
    return {name: data for name, data in state.items() if name != "policies_history.json"}


def copies(folder: Path, place: Path) -> Iterator[tuple[int, ModelStore]]:
    number = 0
    while True:
        shutil.rmtree(place, ignore_errors=True)
        yield number, ModelStore(Path(shutil.copytree(folder, place)))
        number += 1


def test_a_kill_at_every_step_leaves_the_old_state_or_the_new_one(
    small: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = essence(files(small.folder))
    versions.publish_version(Path(shutil.copytree(small.folder, tmp_path / "done")), 1)
    after = essence(files(tmp_path / "done"))
    seen = []
    for number, store in copies(small.folder, tmp_path / "copy"):
        with Disk(monkeypatch, store.folder) as disk:
            disk.end = number
            try:
                versions.publish_version(store.folder, 1)
                finished = True
            except Killed:
                finished = False
        if number % 16 == 0:  # whoever opens it, a reader or a writer, mends it
            assert store.load().absent == () and store.quarantine() == []
        else:
            store.manifest()
        found = essence(files(store.folder))
        clean = {name: data for name, data in found.items() if not name.endswith(".publishing")}
        assert clean in (before, after), number
        assert store.policies()
        seen.append(clean == after)
        if number % 8 == 0:
            versions.publish_version(store.folder, 1)
            assert essence(files(store.folder)) == after and not list(store.folder.rglob(".*publishing*"))
        if finished:
            break
    assert seen == sorted(seen) and True in seen and False in seen and len(seen) > 20  # old, old, … new, new


def test_a_kill_at_every_step_of_recovery_is_recovered_from(
    small: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swapping, "_finish", lambda *_arguments: None)  # killed as soon as the log stands
    versions.publish_version(small.folder, 1)
    monkeypatch.undo()
    for number, store in copies(small.folder, tmp_path / "copy"):
        with Disk(monkeypatch, store.folder) as disk:
            disk.end = number
            try:
                store.manifest()
                finished = True
            except Killed:
                finished = False
        assert store.manifest().product == "disc" and set(store.manifest().members) == {SVM, FOREST}
        assert store.quarantine() == [] and store.policies()
        assert "A publication was interrupted." in swapping.interruption(store.folder)
        swapping.acknowledge(store.folder)
        assert swapping.interruption(store.folder) == ""
        if finished:
            break
    assert number > 5


def test_the_disk_has_new_bytes_before_they_are_named_and_names_before_the_log_goes(
    small: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power may fail between any two steps: then only what was synced is sure to be there."""
    with Disk(monkeypatch, small.folder) as disk:
        versions.publish_version(small.folder, 1)
    log = str(small.folder / "versions" / "publishing.json")
    steps = disk.steps
    stands = next(place for place, step in enumerate(steps) if step[0] == "replace" and step[2] == log)
    goes = next(place for place, step in enumerate(steps) if step[:2] == ("unlink", log))
    renames = [step for step in steps[stands + 1 : goes] if step[0] == "replace"]
    assert len(renames) > 4 and renames[-1][2].endswith("manifest.json")
    for _, new, place in renames:
        assert ("fsync", new, "") in steps[:stands] and ("fsync", str(Path(new).parent), "") in steps[:stands]
        assert ("fsync", str(Path(place).parent), "") in steps[:goes][-4:]
    assert steps[stands + 1] == ("fsync", str(Path(log).parent), "")
    outside = [step[2] for step in steps[:stands] if step[0] == "replace" and "/versions/" not in step[2]]
    assert outside == []


@pytest.mark.parametrize("number", [0, 3, 9])
def test_a_full_disk_is_one_sentence_and_nothing_has_changed(
    small: ModelStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = essence(files(small.folder))
    with Disk(monkeypatch, small.folder) as disk:
        disk.end, disk.error = number, OSError(28, "No space left on device")
        with pytest.raises(StoreError, match=r"cannot be written.*: the disk that holds .* is full"):
            versions.publish_version(small.folder, 1)
    assert essence(files(small.folder)) == before and not swapping.is_pending(small.folder)
    versions.publish_version(small.folder, 1)
    assert small.manifest().product == "disc"


def test_a_reader_beside_a_publisher_never_sees_half_a_product(product: ModelStore) -> None:
    save(product, SVM, product="new")
    wrong: list[object] = []
    ended = threading.Event()

    def read() -> None:
        store = ModelStore(product.folder)
        while not ended.is_set():
            wrong.extend(store.quarantine())  # all bytes are hashed: those of another version would be named
            wrong.extend({store.policy_book().active} - {"MAJORITY"})

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(14):
        versions.publish_version(product.folder, 1 + number % 2)
    ended.set()
    reader.join()
    assert wrong == []


def test_the_command_line_lists_publishes_and_discards(product: ModelStore, run: Run) -> None:
    save(product, product="new", publish=False, author="Ada", reason="More photos.")
    code, _, said = run("versions", "--models", product.folder)
    assert code == 0 and "candidate" in said and "in force" in said and "More photos." in said
    code, _, said = run("versions", "publish", 2, "--models", product.folder, "--author", "Ada")
    assert (code, product.manifest().product) == (0, "new") and "Version 2 is in force" in said
    assert versions.version_history(product.folder)[0].publications[0].author == "Ada"
    code, _, said = run("versions", "discard", 2, "--models", product.folder)
    assert code == 2 and "only a candidate can be discarded" in said
    assert "has no versions yet" in run("versions", "--models", product.folder / "backbones")[2]


def test_why_a_version_came_into_force_is_kept_with_its_values() -> None:
    why = Message("Extended by {count} photo.", "Extended by {count} photos.", count=2)
    made = Version(1, "", "Ada", why, {"manifest.json": "0" * 64}, publications=(Publication("", "Ada", why),))
    data = json.loads(made.to_bytes())
    assert data["reason"] == data["publications"][0]["reason"] == "Extended by 2 photos."
    again = Version.from_json(json.dumps(data), "1.json")
    for reason in (again.reason, again.publications[0].reason):
        assert isinstance(reason, Message) and reason.values == {"count": 2}
    del data["reason_code"], data["publications"][0]["reason_code"]  # as those of before are
    assert Version.from_json(json.dumps(data), "1.json") == made
