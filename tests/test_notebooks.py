"""The notebooks: they run on small data, leave members that vote, define nothing, and stay one text in two files."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jupytext
import nbformat
import pytest
from ipykernel.kernelspec import write_kernel_spec
from nbclient import NotebookClient

from ensemble.inspector import Inspector
from ensemble.members import KINDS
from ensemble.photos import read_photo
from ensemble.store import ModelStore
from tests.conftest import TINY_BACKBONE

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
BASELINE, CLASSICAL, GOOD_ONLY = "02_baseline_cnn", "03_backbones_and_classical_models", "04_anomaly_members"
ALL = (BASELINE, CLASSICAL, GOOD_ONLY)
GOOD_KINDS = [kind for kind, make in KINDS.items() if make.lesson == "good"]
GOOD_MEMBERS = {kind if KINDS[kind].pixels else f"{kind}_{TINY_BACKBONE}" for kind in GOOD_KINDS}
QUICKLY = {  # a cell after the settings: enough to learn something
    BASELINE: "import ensemble.members.baseline_cnn\n\nensemble.members.baseline_cnn.EPOCHS = (5, 30)",
    GOOD_ONLY: "import ensemble.members.autoencoder\n\nensemble.members.autoencoder.STEPS = 40",
}
LARGEST = 300_000  # bytes of a committed notebook with its outputs
KERNEL = "this-interpreter"


class Ran(NamedTuple):
    models: Path
    notebooks: dict[str, nbformat.NotebookNode]
    touched: set[str]

    def outputs(self, name: str) -> str:
        """All that a notebook printed or showed as text."""
        shown = [output for cell in self.notebooks[name].cells for output in cell.get("outputs", [])]
        return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in shown)


def files(*folders: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_mtime_ns) for folder in folders for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path, tiny_weights: Path) -> Iterator[Ran]:
    """All notebooks, run one after the other by a person who starts with an empty models folder."""
    own = tmp_path_factory.mktemp("notebooks")
    write_kernel_spec(str(own / "jupyter" / "kernels" / KERNEL))
    settings = {
        "JUPYTER_PATH": own / "jupyter",
        "JUPYTER_RUNTIME_DIR": own / "runtime",
        "IPYTHONDIR": own / "ipython",
        "QUORUM_DATA": tiny_data,
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
        notebooks = {}
        for name in ALL:
            notebook = jupytext.read(NOTEBOOKS / f"{name}.py")
            if name in QUICKLY:
                setup = next(place for place, cell in enumerate(notebook.cells) if "SEED = 0" in cell.source)
                notebook.cells.insert(setup + 1, nbformat.v4.new_code_cell(QUICKLY[name]))
            client = NotebookClient(
                notebook, kernel_name=KERNEL, timeout=240, resources={"metadata": {"path": str(NOTEBOOKS)}}
            )
            notebooks[name] = client.execute(env=dict(os.environ))
    yield Ran(own / "models", notebooks, {path for path, _ in files(*watched) ^ before})


def test_members_are_there_ready_and_vote(ran: Ran, tiny_data: Path) -> None:
    hand_made = {f"{kind}_{TINY_BACKBONE}" for kind in ("svm", "rf", "xgb")}
    photo = read_photo(next((tiny_data / "test" / "defective").iterdir()))
    everyone = {"baseline_cnn", *hand_made, *GOOD_MEMBERS}
    for folder, expected in [(ran.models, everyone), (ran.models / "by_hand", hand_made)]:
        store = ModelStore(folder)
        inspector = Inspector.open(store)
        assert (set(inspector.members), inspector.absent, store.quarantine()) == (expected, (), [])
        verdict = inspector.inspect([photo], store.policies()[0])[0]
        assert {vote.member for vote in verdict.votes} == expected
        assert not verdict.absent


def test_files_have_the_names_that_the_readme_gives(ran: Ran) -> None:
    expected = {"baseline_cnn.pth", "manifest.json", "evidence.json", "policies.json", "policies_history.json"}
    expected |= {
        f"{kind}_{TINY_BACKBONE}{ending}" for kind in ("svm", "rf", "xgb") for ending in (".pkl", "_scaler.pkl")
    }
    expected |= {name + ending for name in GOOD_MEMBERS for ending in KINDS[name.split("_" + TINY_BACKBONE)[0]].endings}
    assert {path.name for path in ran.models.iterdir() if path.is_file()} == expected


def test_manifest_knows_quality_photos_and_curves(ran: Ran) -> None:
    records = ModelStore(ran.models).manifest().members
    for name, record in records.items():
        assert record.training["photos"] == {"non_defective": 14, "defective": 0 if name in GOOD_MEMBERS else 14}
        assert 0 <= record.metrics["accuracy"] <= 1
    curves = records["baseline_cnn"].training["curves"]
    assert set(curves) == {"learning_loss", "held_out_loss"}
    assert len(curves["learning_loss"]) == len(curves["held_out_loss"]) == 30  # of two steps each
    assert set(records["autoencoder"].training["curves"]) == {"learning_loss", "held_out_loss"}
    assert {name for name, record in records.items() if "curves" in record.training} == {"baseline_cnn", "autoencoder"}


def test_the_reader_sees_where_each_threshold_comes_from_and_what_each_vote_weighs(ran: Ran) -> None:
    shown = ran.outputs(GOOD_ONLY)
    records = ModelStore(ran.models).manifest().members
    for name in GOOD_MEMBERS:
        assert records[name].training["facts"]["held_out"]["photos"] > 0
        assert 0.1 <= records[name].weight <= 1
        assert name in shown
    pictures = [output for cell in ran.notebooks[GOOD_ONLY].cells for output in cell.get("outputs", [])]
    assert len([each for each in pictures if "image/jpeg" in each.get("data", {})]) == 2


def test_the_reader_sees_quarantine_and_then_ready_members(ran: Ran) -> None:
    shown = ran.outputs(CLASSICAL)
    assert shown.index("The manifest does not know this file.") < shown.index("ready")
    assert "true class" in shown
    assert "30 epochs, held-out loss" in ran.outputs(BASELINE)


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
