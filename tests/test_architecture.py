"""The house keeps its shape: rows import downwards, and each library has one door."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROWS = (
    {
        "results",
        "errors",
        "digits",
        "locks",
        "processes",
        "strict_json",
        "legible",
        "samples",
        "safe_names",
        "sample_plan",
    },
    {
        "photos",
        "names",
        "full_disk",
        "colours",
        "depths",
        "tiff_layout",
        "archives",
        "bombs",
        "model_bombs",
        "captures",
        "cases",
        "policy_making",
        "cheaper",
        "policies",
        "preprocessing",
        "networks",
        "weights",
        "drawing",
        "previews",
        "localisation",
        "out_of_distribution",
        "masks",
        "damage",
        "detections",
        "exports",
        "energy",
        "overlays",
        "image_metrics",
        "pixel_metrics",
        "risk",
        "voters",
        "reliability",
        "calibrators",
        "calibration",
        "vocabulary",
        "costs",
        "thresholds",
        "curves",
    },
    {
        "backbones",
        "datasets",
        "ground_truth",
        "layouts",
        "listing",
        "mask_files",
        "sources",
        "mvtec",
        "members",
        "store",
        "figures",
        "lessons",
        "readings",
        "demo_cases",
        "yolo",
        "yolo_training",
        "importers",
        "staging",
        "collection",
        "splits",
        "evidence_photos",
        "feature_cache",
        "photo_batch",
    },
    {
        "inspector",
        "batches",
        "training",
        "weighing",
        "voting",
        "held_out",
        "replay",
        "mvtec_training",
        "pretraining",
        "evaluation",
        "map_quality",
        "attribution",
        "performance",
        "cleaning",
        "comparison",
        "hyperparameters",
        "jobs",
        "model_card",
        "workbench",
        "candidates",
        "publication",
        "own_photos",
    },
    {"__main__", "mvtec_commands", "data_commands", "version_commands", "terminal", "api"},
)
DOORS = {
    "torchvision": {"ensemble/backbones.py"},
    "joblib": {"ensemble/store/artefacts.py", "ensemble/store/unpickling.py"},
    "pickle": {"ensemble/store/artefacts.py", "ensemble/store/unpickling.py"},
    "pickletools": {"ensemble/model_bombs.py"},
    "safetensors": {"ensemble/weights.py"},
    "onnx": {"ensemble/members/onnx_graph.py"},
    "plotly": {"ensemble/figures/"},  # the whole folder
    "fastapi": {"ensemble/api.py"},
    "typer": {
        "ensemble/__main__.py",
        "ensemble/mvtec_commands.py",
        "ensemble/data_commands.py",
        "ensemble/version_commands.py",
        "ensemble/terminal.py",
    },
    "cleanvision": {"ensemble/cleaning/"},
    "cleanlab": {"ensemble/cleaning/"},
    "imagehash": {"ensemble/cleaning/"},
    "sqlite3": {"ensemble/collection/", "ensemble/feature_cache.py", "ensemble/jobs/"},
    "filelock": {"ensemble/locks.py"},
    "psutil": {"ensemble/processes.py"},
    "onnxruntime": {"ensemble/members/"},
    "captum": {"ensemble/attribution.py"},
    "codecarbon": {"ensemble/energy.py"},
    "ultralytics": {"ensemble/yolo_training.py"},
}
MODULES = sorted((ROOT / "ensemble").rglob("*.py"))
SCREENS = sorted((ROOT / "pages" / "screens").glob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module named in an import statement, anywhere in the file; `from a import b` counts as a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def row_of(name: str) -> int:
    return next(number for number, row in enumerate(ROWS) if name in row)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_from_the_rows_below_it(path: Path) -> None:
    parts = path.relative_to(ROOT / "ensemble").with_suffix("").parts
    if parts == ("__init__",):
        assert imported(path) == {"os"}  # what it sets must be set before anything else is imported
        return
    own = row_of(parts[0])
    for name in imported(path):
        if name.startswith("ensemble.") and (other := name.split(".")[1]) != parts[0]:
            assert row_of(other) <= own, f"{path.name} imports {name} from a row above"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_library_has_one_door(path: Path) -> None:
    here = str(path.relative_to(ROOT))
    libraries = {name.split(".")[0] for name in imported(path)}
    assert "streamlit" not in libraries
    for library, doors in DOORS.items():
        assert library not in libraries or here.startswith(tuple(doors)), f"{here} imports {library}"


def test_pictures_come_through_one_door() -> None:
    """`Image.open` has every decoder of Pillow, Ghostscript among them; the decoders that count stand in `photos`."""
    doors = [ROOT / "ensemble" / "photos.py"]
    for path in (*MODULES, *sorted((ROOT / "pages").rglob("*.py")), ROOT / "streamlit_app.py"):
        names = imported(path)
        opening = re.search(r"\bImage\s*\.\s*open\b|\bimread\b|\bread_image\b", path.read_text(encoding="utf-8"))
        where = path.relative_to(ROOT)
        assert path in doors or not opening, f"{where} opens a picture itself"
        assert not names & {"PIL.Image.open", "cv2", "imageio", "torchvision.io", "skimage.io"}, f"{where} has a reader"


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: path.name)
def test_a_screen_describes_and_defines_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)]


def test_there_are_screens_and_modules_to_look_at() -> None:
    assert len(MODULES) > 15 and len(SCREENS) >= 4
