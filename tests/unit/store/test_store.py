"""The product's folder: what is trusted loads, whatever else there is is named, and nothing runs from a model file."""

import io
import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ensemble.disk import files as store_files
from ensemble.disk.files import write_atomically
from ensemble.features.backbones import FeatureExtractor
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.policies import SHIPPED_POLICIES
from ensemble.store import FittedMember, Manifest, ModelStore, artefacts, policy_history
from ensemble.store.trust import members_to_trust, trust_members
from ensemble.values.errors import PolicyError, StoreError, WeightsError
from tests.conftest import TINY_BACKBONE

pytestmark = pytest.mark.slow(15)

SVM, FOREST = f"svm_{TINY_BACKBONE}", f"rf_{TINY_BACKBONE}"


@pytest.fixture
def product(tiny_product: Path, tmp_path: Path) -> ModelStore:
    return ModelStore(Path(shutil.copytree(tiny_product, tmp_path / "disc")))


def edit_manifest(store: ModelStore, member: str, **changes: object) -> None:
    path = store.folder / "manifest.json"
    data = json.loads(path.read_text())
    record = data["members"][member]
    for key, value in changes.items():
        inner = isinstance(value, dict) and key in ("backbone", "preprocessing")
        record[key] = record[key] | value if inner else value
    path.write_text(json.dumps(data))


def reason(store: ModelStore, member: str) -> str:
    loaded = store.load()
    assert member not in loaded.members
    return next(absence.reason for absence in loaded.absent if absence.member == member)


def test_everything_that_was_trained_is_ready(product: ModelStore) -> None:
    loaded = product.load()
    assert sorted(loaded.members) == [FOREST, SVM] and loaded.absent == () and product.quarantine() == []
    manifest = product.manifest()
    assert manifest.product == "disc" and manifest.classes.defect == "defective"
    assert Manifest.from_json(manifest.to_json(), "again") == manifest
    record = manifest.members[SVM]
    assert set(record.files) == {f"{SVM}.pkl", f"{SVM}_scaler.pkl"} and record.features == 768
    assert set(record.libraries) == {"scikit-learn", "torch", "numpy"} and len(record.training["data"]) == 64
    # Members that read one backbone share one network.
    inputs = [member.input for member in loaded.members.values()]
    assert all(isinstance(each, FeatureExtractor) for each in inputs)
    assert len({id(each._network) for each in inputs if isinstance(each, FeatureExtractor)}) == 1


def test_a_missing_file_is_named(product: ModelStore) -> None:
    (product.folder / f"{SVM}_scaler.pkl").unlink()
    assert reason(product, SVM).startswith(f"{SVM}_scaler.pkl is missing or cannot be read.")


@pytest.mark.parametrize("ending", [".pkl", "_scaler.pkl"])
def test_one_flipped_byte_is_enough(product: ModelStore, ending: str) -> None:
    path = product.folder / f"{SVM}{ending}"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "is not the file that was trusted" in reason(product, SVM)
    assert [(entry.file, entry.known) for entry in product.quarantine()] == [(path.name, True)]
    assert FOREST in product.load().members


def test_swapped_files_are_refused(product: ModelStore) -> None:
    shutil.copy(product.folder / f"{FOREST}.pkl", product.folder / f"{SVM}.pkl")
    assert "is not the file that was trusted" in reason(product, SVM)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"libraries": {"scikit-learn": "1.2.0"}}, "made with scikit-learn 1.2.0"),
        ({"libraries": {}}, "made with scikit-learn an unknown version"),
        ({"kind": "oracle"}, "kind 'oracle' is unknown"),
        ({"classes": ["defective", "non_defective"]}, "trained for defective, non_defective"),
        ({"files": {}}, "manifest should list"),
        ({"files": None}, "entry in manifest.json cannot be read (TypeError"),
        ({"files": {f"{SVM}.pkl": 1}}, "must be texts"),
        ({"kind": ["svm"]}, "must be texts"),
        ({"classes": 2}, "entry in manifest.json cannot be read"),
        ({"preprocessing": {"side": "224"}}, "side must be a whole number"),
        ({"preprocessing": {"interpolation": "magic"}}, "Interpolation must be one"),
        ({"preprocessing": {"mean": [0.5]}}, "three numbers each"),
        ({"backbone": {"name": "lenet"}}, "weights of its backbone lenet are missing"),
        ({"backbone": {"name": "resnet18"}}, "weights of its backbone resnet18 are missing"),
        ({"backbone": {"name": {}}}, "must be texts"),
        ({"backbone": {"layers": [["features.7"]]}}, "must be texts"),
        ({"backbone": {"pooling": "max"}}, "Pooling must be one of"),
        ({"backbone": {"preprocessing": None}}, "entry in manifest.json cannot be read (TypeError"),
        ({"metrics": {"accuracy": "good"}}, "must be numbers"),
        ({"training": {"photos": 12}}, "entry in manifest.json cannot be read"),
    ],
)
def test_what_does_not_fit_is_absent_and_the_others_vote(
    product: ModelStore, changes: dict[str, object], sentence: str
) -> None:
    edit_manifest(product, SVM, **changes)
    assert sentence in reason(product, SVM)
    assert list(product.load().members) == [FOREST]


def test_an_entry_that_cannot_be_read_stays_until_its_member_is_new(product: ModelStore) -> None:
    """Were it dropped by the next write, the others would decide as if that member had never been."""
    path = product.folder / "manifest.json"
    data = json.loads(path.read_text())
    del data["members"][SVM]["kind"]
    path.write_text(json.dumps(data))
    assert "KeyError: 'kind'" in reason(product, SVM)
    manifest, members = product.manifest(), product.load().members
    product.save("disc", manifest.classes, manifest.folders, [FittedMember(FOREST, members[FOREST], {}, {})])
    assert "KeyError: 'kind'" in reason(product, SVM)
    trust_members(product, [SVM])
    assert set(product.load().members) == {SVM, FOREST} and product.manifest().unreadable == {}


def test_a_missing_backbone_silences_its_members_and_leads_to_review(product: ModelStore, tiny_data: Path) -> None:
    for path in (product.folder / "backbones").iterdir():
        path.unlink()
    assert f"weights of its backbone {TINY_BACKBONE} are missing" in reason(product, SVM)
    photo = read_photo(next((tiny_data / "test" / "non_defective").iterdir()))
    (verdict,) = Inspector.open(product).inspect([photo], SHIPPED_POLICIES[0])
    assert verdict.label == "review" and len(verdict.absent) == 2 and verdict.votes == ()


def test_a_flipped_backbone_is_refused(product: ModelStore) -> None:
    (path,) = (product.folder / "backbones").iterdir()
    data = bytearray(path.read_bytes())
    data[-5] ^= 255
    path.write_bytes(data)
    assert "missing or have changed" in reason(product, SVM)


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> object:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
@pytest.mark.parametrize("wrap", [lambda evil: evil, lambda evil: np.array([evil], dtype=object)])
def test_a_malicious_pickle_never_runs(product: ModelStore, tmp_path: Path, compress: object, wrap: object) -> None:
    target = tmp_path / "ran"
    joblib.dump(wrap(Evil(target)), product.folder / f"{SVM}.pkl", compress=compress)  # type: ignore[operator]
    product.load()
    with pytest.raises(StoreError, match=r"is refused: it asks for [\w.]+, which no model needs"):
        trust_members(product, [SVM])
    assert not target.exists()
    assert "is not the file that was trusted" in reason(product, SVM)


def test_a_whole_pickled_network_is_refused() -> None:
    buffer = io.BytesIO()
    torch.save(torch.nn.Linear(2, 2), buffer)
    with pytest.raises(StoreError, match="plain state dict"):
        artefacts.load_artefact(buffer.getvalue(), ".pth")


def test_damaged_bytes_are_one_sentence() -> None:
    whole = artefacts.dump(StandardScaler().fit(np.eye(3)), ".pkl")
    for data in (b"", b"nonsense", whole[:40], pickle.dumps({"a": print})):
        with pytest.raises(StoreError):
            artefacts.load_artefact(data, ".pkl")


def test_a_pickle_of_another_scikit_learn_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sklearn.base.__version__", "1.0.2")
    old = artefacts.dump(StandardScaler().fit(np.eye(3)), ".pkl")
    monkeypatch.undo()
    with pytest.raises(StoreError, match=r"made with scikit-learn 1\.0\.2"):
        artefacts.load_artefact(old, ".pkl")


@pytest.mark.parametrize("use_names", [False, True])
@pytest.mark.parametrize(
    "classifier",
    [SVC(), LogisticRegression(), RandomForestClassifier(50, random_state=0)],
    ids=lambda each: type(each).__name__,
)
def test_a_pair_from_a_notebook(
    product: ModelStore, tiny_data: Path, tiny_weights: Path, classifier: object, use_names: bool
) -> None:
    """Files named KIND_BACKBONE are in quarantine until somebody vouches for them; then they vote."""
    extractor = FeatureExtractor.open(TINY_BACKBONE, pooling="grid", weights=tiny_weights)
    photos = [read_photo(path) for path in sorted((tiny_data / "train").rglob("*.jpg"))]
    rows = extractor.extract([photo.picture for photo in photos]).numpy()
    names = [path.parent.name for path in sorted((tiny_data / "train").rglob("*.jpg"))]
    labels = np.array(names if use_names else [int(name == "defective") for name in names])
    for path in product.folder.glob("svm_*"):
        path.unlink()
    edit = json.loads((product.folder / "manifest.json").read_text())
    del edit["members"][SVM]
    (product.folder / "manifest.json").write_text(json.dumps(edit))
    scaler = StandardScaler().fit(rows)
    classifier.fit(scaler.transform(rows), labels)  # type: ignore[attr-defined]
    joblib.dump(classifier, product.folder / f"{SVM}.pkl")
    joblib.dump(scaler, product.folder / f"{SVM}_scaler.pkl", compress=3)

    assert [entry.file for entry in product.quarantine()] == [f"{SVM}.pkl", f"{SVM}_scaler.pkl"]
    assert SVM not in product.load().members and members_to_trust(product) == [SVM]
    (record,) = trust_members(product, members_to_trust(product), tiny_weights)
    assert record.features == 3072 and record.backbone is not None and record.backbone.pooling == "grid"
    assert product.quarantine() == [] and members_to_trust(product) == []
    inspector = Inspector.open(product)
    assert set(inspector.members) == {SVM, FOREST}
    probabilities = inspector.members[SVM].score(rows).probabilities
    agree = (probabilities[:, 1] >= 0.5) == (np.array(names) == "defective")
    assert probabilities.shape == (28, 2) and agree.mean() > 0.9


@pytest.mark.parametrize(
    ("files", "name", "sentence"),
    [
        ({"svm_squeezenet1_1.pkl": SVC()}, "svm_squeezenet1_1", "is missing"),
        ({"best.pkl": SVC()}, "best", "does not say what it is"),
        ({"svm_squeezenet1_1.pkl": SVC(), "svm_squeezenet1_1_scaler.pkl": StandardScaler()}, SVM, "fitted scaler"),
        (
            {
                "svm_squeezenet1_1.pkl": StandardScaler(),
                "svm_squeezenet1_1_scaler.pkl": StandardScaler().fit(np.eye(9)),
            },
            SVM,
            "not a pair",
        ),
        (
            {
                "svm_squeezenet1_1.pkl": SVC().fit(np.eye(4), [0, 1, 0, 1]),
                "svm_squeezenet1_1_scaler.pkl": StandardScaler().fit(np.eye(4)),
            },
            SVM,
            "the scaler expects 4",
        ),
        (
            {
                "svm_squeezenet1_1.pkl": SVC().fit(np.eye(768)[:6], [0, 1, 2, 0, 1, 2]),
                "svm_squeezenet1_1_scaler.pkl": StandardScaler().fit(np.eye(768)[:6]),
            },
            SVM,
            "knows 0, 1, 2; this product has",
        ),
    ],
)
def test_what_cannot_be_trusted_says_why(
    tmp_path: Path, tiny_weights: Path, files: dict[str, object], name: str, sentence: str
) -> None:
    for file, value in files.items():
        joblib.dump(value, tmp_path / file)
    with pytest.raises(Exception, match=sentence):
        trust_members(ModelStore(tmp_path), [name], tiny_weights)
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize("file", ["patch_memory_squeezenet1_1.npz", "finetuned_squeezenet1_1.pth"])
def test_files_that_do_not_say_how_they_read_a_backbone_need_their_manifest(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_bytes(b"never opened")
    store, name = ModelStore(tmp_path), Path(file).stem
    assert [entry.file for entry in store.quarantine()] == [file] and members_to_trust(store) == []
    with pytest.raises(StoreError, match=rf"{name} cannot be vouched for by hand: .* Restore the manifest"):
        trust_members(store, [name])
    with pytest.raises(StoreError, match=r"one of the kinds svm, rf, xgb; or baseline_cnn\.pth"):
        trust_members(store, ["best"])


def test_a_folder_without_a_product_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"manifest\.json is missing. Train one, or use demo mode"):
        ModelStore(tmp_path).manifest()
    assert ModelStore(tmp_path).products() == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 9}', '{"format": 1, "classes": ["a"]}', '"x"', "null"])
def test_a_broken_manifest_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=r"manifest\.json"):
        ModelStore(tmp_path).manifest()


def test_trust_names_a_backbone_that_is_unknown(tmp_path: Path) -> None:
    for ending in (".pkl", "_scaler.pkl"):
        joblib.dump(StandardScaler().fit(np.eye(4)), tmp_path / f"svm_lenet{ending}")
    with pytest.raises(WeightsError, match="No backbone is called 'lenet'"):
        trust_members(ModelStore(tmp_path), ["svm_lenet"])


@pytest.mark.parametrize("file", ["manifest.json", "policies.json"])
def test_a_file_that_cannot_be_read_is_one_sentence(
    product: ModelStore, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Path.read_bytes

    def denied(path: Path) -> bytes:
        if path.name == file:
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises((StoreError, PolicyError), match=rf"{file} cannot be read \(Permission denied\)"):
        product.policies()


def test_products_live_side_by_side(tiny_product: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_product, tmp_path / "models")
    shutil.copytree(tiny_product, tmp_path / "models" / "second")
    found = ModelStore(tmp_path / "models").products()
    assert list(found) == ["disc", "disc (second)"] and found["disc (second)"].name == "second"


def test_the_fingerprint_follows_every_file(product: ModelStore) -> None:
    before = product.fingerprint()
    assert product.fingerprint() == before
    path = product.folder / f"{SVM}.pkl"
    path.write_bytes(path.read_bytes())
    assert product.fingerprint() != before


def test_a_products_own_policies_come_first_and_the_active_one_leads(product: ModelStore) -> None:
    assert [policy.name for policy in product.policies()] == [policy.name for policy in SHIPPED_POLICIES]
    own = '{"active": "B", "policies": [{"name": "A", "rule": "any"}, {"name": "B", "rule": "all"}]}'
    (product.folder / "policies.json").write_text(own)
    assert [policy.name for policy in product.policies()] == ["B", "A"]
    (product.folder / "policies.json").write_text("{")
    with pytest.raises(PolicyError, match=r"policies\.json, line 1"):
        product.policies()


def test_a_policy_that_names_a_strange_member_is_refused(product: ModelStore) -> None:
    own = '{"policies": [{"name": "A", "rule": "any", "thresholds": {"svm_lost": 0.3}}]}'
    (product.folder / "policies.json").write_text(own)
    with pytest.raises(PolicyError, match=r"line 1: Policy 'A' names 'svm_lost', which is no member of this product"):
        product.policies()


def test_a_broken_file_leaves_the_last_good_policies_in_force(product: ModelStore) -> None:
    path = product.folder / "policies.json"
    by_hand = '{"policies": [{"name": "MINE", "rule": "any", "threshold": 0.3}]}'
    path.write_text(by_hand)
    assert product.policies_in_force().problem == ""
    path.write_text('{"policies": [{"name": "MINE", "rule": "any", "threshold": 3}]}')
    found = product.policies_in_force()
    assert [(policy.name, policy.threshold) for policy in found.policies] == [("MINE", 0.3)]
    assert "line 1: Policy 'MINE': the threshold of every member must lie in [0, 1]. Got 3." in found.problem
    assert found.problem.endswith("Until then the last good policies are in force.")
    assert [state.text for state in policy_history.policy_states(product.folder)][-1] == by_hand


def test_policies_are_put_in_force_with_a_name_and_rolled_back(product: ModelStore) -> None:
    before = product.policy_book()
    policy_history.enforce_policies(product.folder, replace(before, active="ALL"), "Ada", "Too many rechecks.")
    state = policy_history.policy_states(product.folder)[-1]
    assert (state.author, state.reason, state.book().active) == ("Ada", "Too many rechecks.", "ALL")
    assert product.policies()[0].name == "ALL"
    first = policy_history.state(product.folder, policy_history.policy_states(product.folder)[0].number)
    policy_history.enforce_policies(product.folder, first.book(), "Ada", "Back.")
    assert product.policies()[0].name == "MAJORITY"
    with pytest.raises(PolicyError, match="There is no state 99 of the policies"):
        policy_history.state(product.folder, 99)
    (product.folder / "policies_history.json").write_text("{}")
    with pytest.raises(StoreError, match=r"policies_history\.json cannot be read"):
        policy_history.policy_states(product.folder)


def test_policies_are_no_part_of_the_fingerprint_for_no_member_rests_on_them(product: ModelStore) -> None:
    before = product.fingerprint()
    policy_history.enforce_policies(product.folder, product.policy_book(), "Ada", "The same again.")
    assert product.fingerprint() == before


def test_evidence_is_read_only_as_training_wrote_it(product: ModelStore) -> None:
    evidence = product.evidence()
    assert {case.label for case in evidence.test} == {"non_defective", "defective"}
    assert all((product.folder / evidence.folder / case.photo).suffix == ".jpg" for case in evidence.test)
    path = product.folder / "evidence.json"
    path.write_text(path.read_text().replace('"label":"defective"', '"label":"non_defective"', 1))
    with pytest.raises(StoreError, match=r"evidence\.json is not the file that training wrote"):
        product.evidence()
    path.unlink()
    with pytest.raises(StoreError, match="No photos with a known truth are kept with this product"):
        product.evidence()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.json"
    write_atomically(target, b"old")

    def no_space(*_arguments: object) -> None:
        raise OSError(122, "Disk quota exceeded")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(StoreError, match=r"a\.json cannot be written: the disk that holds \S+ is full\."):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_a_file_that_is_being_read_is_replaced_once_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is on Windows, where nothing can be moved over an open file."""
    path, tries, original = tmp_path / "file", [], Path.replace
    path.write_text("old")

    def read_by_somebody(fresh: Path, target: Path) -> Path:
        tries.append(target)
        if len(tries) < 3:
            raise PermissionError(13, "The process cannot access the file")
        return original(fresh, target)

    monkeypatch.setattr(Path, "replace", read_by_somebody)
    monkeypatch.setattr(store_files, "READERS", 60.0)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new" and tries == [path] * 3
    tries.clear()
    monkeypatch.setattr(store_files, "READERS", 0.0)
    with pytest.raises(StoreError, match="cannot be written"):
        write_atomically(path, b"newer")
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]
