"""The notebooks: they run on small data, leave what the app picks up, define nothing, and are one text in two files."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jupytext
import nbformat
import pytest
from ipykernel.kernelspec import write_kernel_spec
from jupyter_client import KernelManager
from nbclient import NotebookClient

from ensemble.datasets.collection import Collection
from ensemble.datasets.loading import find_dataset
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.members import KINDS
from ensemble.store import ModelStore
from ensemble.store.policy_history import policy_states
from tests.conftest import TINY_BACKBONE

pytestmark = pytest.mark.slow(95)

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
LOOK, BASELINE, CLASSICAL = "01_look_at_the_data", "02_baseline_cnn", "03_backbones_and_classical_models"
GOOD_ONLY, POLICIES, FROM_99 = "04_anomaly_members", "05_thresholds_and_policies", "06_ok_from_99"
CLOTHING, BY_TYPE = "07_clothing", "08_errors_by_type"
ALL = (LOOK, BASELINE, CLASSICAL, GOOD_ONLY, POLICIES, FROM_99, CLOTHING, BY_TYPE)
GOOD_KINDS = [kind for kind, make in KINDS.items() if make.lesson == "good"]
GOOD_MEMBERS = {kind if KINDS[kind].pixels else f"{kind}_{TINY_BACKBONE}" for kind in GOOD_KINDS}
HAND_MADE = {f"{kind}_{TINY_BACKBONE}" for kind in ("svm", "rf", "xgb")}
EVERYONE = {"baseline_cnn", *HAND_MADE, *GOOD_MEMBERS}
PRODUCTS = {
    "": EVERYONE,
    "by_hand": HAND_MADE,
    "ok_from_99": {f"finetuned_{TINY_BACKBONE}"},
    "clothing": {"baseline_cnn", f"svm_{TINY_BACKBONE}"},
}
QUICKLY = """
import gc

from ensemble.members import autoencoder, baseline_cnn, classical, finetuned, good_parts

baseline_cnn.EPOCHS = (5, 10)
autoencoder.STEPS = 20
finetuned.FROZEN_EPOCHS, finetuned.PHOTOS, finetuned.EPOCHS = 2, 32, (1, 1)
classical.ForestMember.trees, good_parts.GoodPartsMember.side = 30, 96
gc.freeze()  # what is loaded is no garbage, which each reset looks for
"""  # enough to learn something, in every notebook: they share a kernel
AFTER_SETTINGS = {LOOK: QUICKLY, CLOTHING: "DRAWN = 6"}
LARGEST = 300_000  # bytes of a committed notebook with its outputs
KERNEL = "this-interpreter"


class Ran(NamedTuple):
    models: Path
    collections: Path
    notebooks: dict[str, nbformat.NotebookNode]
    touched: set[str]

    def outputs(self, name: str) -> str:
        """All that a notebook printed or showed as text."""
        shown = [output for cell in self.notebooks[name].cells for output in cell.get("outputs", [])]
        return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in shown)

    def pictures(self, name: str) -> int:
        """How many pictures a notebook showed."""
        shown = [output for cell in self.notebooks[name].cells for output in cell.get("outputs", [])]
        return len([each for each in shown if "image/jpeg" in each.get("data", {})])


def files(*folders: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_mtime_ns) for folder in folders for path in folder.rglob("*") if path.is_file()}


def execute(manager: KernelManager, name: str, before: str) -> nbformat.NotebookNode:
    """Run a notebook in an empty namespace of the kernel, after a cell of the test's own."""
    notebook = jupytext.read(NOTEBOOKS / f"{name}.py")
    setup = next(place for place, cell in enumerate(notebook.cells) if "SEED = 0" in cell.source)
    notebook.cells.insert(setup + 1, nbformat.v4.new_code_cell(AFTER_SETTINGS.get(name, "")))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(f"%reset -f\n{before}"))
    found: nbformat.NotebookNode = NotebookClient(notebook, km=manager, timeout=240).execute()
    return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path, tiny_weights: Path) -> Iterator[Ran]:
    """All notebooks, run one after the other by a person who starts with an empty models folder.

    The collection that the first one makes is what the others learn from. One kernel serves all: starting it and
    importing torch takes longer than most of them do.
    """
    own = tmp_path_factory.mktemp("notebooks")
    write_kernel_spec(str(own / "jupyter" / "kernels" / KERNEL))
    settings = {
        "JUPYTER_PATH": own / "jupyter",
        "JUPYTER_RUNTIME_DIR": own / "runtime",
        "IPYTHONDIR": own / "ipython",
        "QUORUM_DATA": tiny_data,
        "QUORUM_COLLECTIONS": own / "collections",
        "QUORUM_MODELS": own / "models",
        "QUORUM_WEIGHTS": tiny_weights,
        "QUORUM_BACKBONES": TINY_BACKBONE,
        "OMP_NUM_THREADS": "1",  # on so few photos, waking threads costs more than they bring
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    watched = [NOTEBOOKS, ROOT / "data", ROOT / "models", tiny_data, tiny_weights]
    before = files(*watched)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, str(value))
        manager = KernelManager(kernel_name=KERNEL)
        manager.start_kernel(cwd=str(NOTEBOOKS))
        try:
            notebooks = {LOOK: execute(manager, LOOK, "")}
            goes_on = f"import os\nos.environ['QUORUM_DATA'] = {str(own / 'collections' / 'sample')!r}"
            notebooks |= {name: execute(manager, name, goes_on) for name in ALL[1:]}
        finally:
            manager.shutdown_kernel(now=True)
    yield Ran(own / "models", own / "collections", notebooks, {path for path, _ in files(*watched) ^ before})


def test_the_collection_is_ready_for_training(ran: Ran) -> None:
    collection = Collection(ran.collections / "sample")
    assert [decision.action for decision in collection.decisions()][-2:] == ["drop", "import"]
    assert collection.decisions()[-2].undone
    dataset = find_dataset(collection.folder)
    assert [len(part) for part in (dataset.train, dataset.calibration, dataset.test)] == [24, 8, 8]
    assert "Once more: 0 photos came in, 40 were there already." in ran.outputs(LOOK)
    assert ran.pictures(LOOK) == 2


@pytest.mark.parametrize("folder", PRODUCTS)
def test_members_are_there_ready_and_vote(ran: Ran, tiny_data: Path, folder: str) -> None:
    photo = read_photo(next((tiny_data / "test" / "defective").iterdir()))
    store = ModelStore(ran.models / folder)
    inspector = Inspector.open(store)
    assert (set(inspector.members), inspector.absent, store.quarantine()) == (PRODUCTS[folder], (), [])
    verdict = inspector.inspect([photo], store.policies()[0])[0]
    assert {vote.member for vote in verdict.votes} == PRODUCTS[folder]
    assert not verdict.absent


@pytest.mark.parametrize(
    ("folder", "active", "saved"),
    [("", "LEAST_COST", "ONE_IS_SURE"), ("ok_from_99", "OK_FROM_99", "OK_FROM_TUNED")],
)
def test_policies_are_in_force_or_saved_with_their_author(ran: Ran, folder: str, active: str, saved: str) -> None:
    store = ModelStore(ran.models / folder)
    found = {policy.name: policy for policy in store.policies()}
    assert next(iter(found)) == active
    assert saved in found
    assert found[active].basis["photos"] == "held out"
    assert policy_states(store.folder)[-1].author.startswith("Notebook 0")


def test_a_part_passes_only_where_ok_is_at_least_0_99_probable(ran: Ran) -> None:
    policy = ModelStore(ran.models / "ok_from_99").policies()[0]
    assert (policy.rule, policy.reject_from) == ("mean", 0.010001)
    assert "0.99" in ran.outputs(FROM_99)


def test_three_classes_have_curves_a_confusion_and_misclassified_photos(ran: Ran) -> None:
    shown = ran.outputs(CLOTHING)
    assert "These clothes are drawn, 6 of each class. They are no photos." in shown
    assert "of 3 test photos are misclassified" in shown
    assert ran.pictures(CLOTHING) == 2
    store = ModelStore(ran.models / "clothing")
    assert store.manifest().classes.names == ("bottomwear", "shoes", "topwear")
    assert "curves" in store.manifest().members["baseline_cnn"].training


def test_errors_are_told_by_type(ran: Ran) -> None:
    shown = ran.outputs(BY_TYPE)
    assert "First to photograph: " in shown
    assert "ONE_IS_SURE" in shown
    assert ran.pictures(BY_TYPE) == 1


def test_files_have_the_names_that_the_readme_gives(ran: Ran) -> None:
    expected = {"manifest.json", "evidence.json", "policies.json", "policies_history.json", "references.npz"}
    expected |= {"baseline_cnn.pth"}
    expected |= {
        f"{kind}_{TINY_BACKBONE}{ending}" for kind in ("svm", "rf", "xgb") for ending in (".pkl", "_scaler.pkl")
    }
    expected |= {name + ending for name in GOOD_MEMBERS for ending in KINDS[name.split("_" + TINY_BACKBONE)[0]].endings}
    assert {path.name for path in ran.models.iterdir() if path.is_file()} == expected


def test_manifest_knows_quality_photos_and_curves(ran: Ran) -> None:
    records = ModelStore(ran.models).manifest().members
    for name, record in records.items():
        assert record.training["photos"] == {"non_defective": 12, "defective": 0 if name in GOOD_MEMBERS else 12}
        assert 0 <= record.metrics["accuracy"] <= 1
    curves = records["baseline_cnn"].training["curves"]
    assert set(curves) == {"learning_loss", "held_out_loss"}
    assert len(curves["learning_loss"]) == len(curves["held_out_loss"]) == 10  # of two steps each
    assert set(records["autoencoder"].training["curves"]) == {"learning_loss", "held_out_loss"}
    assert {name for name, record in records.items() if "curves" in record.training} == {"baseline_cnn", "autoencoder"}


def test_the_reader_sees_where_each_threshold_comes_from_and_what_each_vote_weighs(ran: Ran) -> None:
    shown = ran.outputs(GOOD_ONLY)
    records = ModelStore(ran.models).manifest().members
    for name in GOOD_MEMBERS:
        assert records[name].training["facts"]["held_out"]["photos"] > 0
        assert 0.1 <= records[name].weight <= 1
        assert name in shown
    assert ran.pictures(GOOD_ONLY) == 2


def test_the_reader_sees_quarantine_and_then_ready_members(ran: Ran) -> None:
    shown = ran.outputs(CLASSICAL)
    assert shown.index("The manifest does not know this file.") < shown.index("ready")
    assert "true class" in shown
    assert "10 epochs, held-out loss" in ran.outputs(BASELINE)


def test_no_cell_warns(ran: Ran) -> None:
    warned = [
        output.text
        for notebook in ran.notebooks.values()
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert warned == []


def test_nothing_is_written_outside_the_folders_that_were_named(ran: Ran) -> None:
    assert ran.touched == set()


@pytest.mark.parametrize("name", ALL)
def test_both_files_hold_one_text(name: str) -> None:
    text, paired = (jupytext.read(NOTEBOOKS / f"{name}{ending}") for ending in (".py", ".ipynb"))
    assert [(cell.cell_type, cell.source) for cell in text.cells] == [
        (cell.cell_type, cell.source) for cell in paired.cells
    ]
    nbformat.validate(paired)
    assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < LARGEST


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_defines_nothing(path: Path) -> None:
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    assert not [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, defined)]


def test_every_notebook_is_among_those_that_are_run() -> None:
    assert {path.stem for path in NOTEBOOKS.iterdir() if path.is_file()} == set(ALL)
