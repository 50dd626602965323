"""The house keeps its plan: rooms in one total order, no import circle, small modules, one door for each library."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORDER = (
    *("cli", "api", "jobs", "training", "evaluation", "inspection", "records", "store", "datasets", "importers"),
    *("members", "features", "figures", "policies", "metrics", "drawing", "imaging", "disk", "values"),
)
MOST_ROOMS, MOST_MODULES, MOST_LINES = 20, 30, 3500  # the latter two in a room
LONGEST_MODULE, LONGEST_FUNCTION = 350, 50  # lines
MOST_FLOORS = 12
MOST_LOADED = 50
DOORS = {
    "torchvision": {"ensemble/features/backbones.py"},
    "joblib": {"ensemble/store/artefacts.py"},
    "pickle": {"ensemble/store/artefacts.py"},
    "pickletools": {"ensemble/disk/model_bombs.py"},
    "safetensors": {"ensemble/features/weights.py"},
    "onnx": {"ensemble/members/detector_graph.py", "ensemble/members/trees.py"},
    "plotly": {"ensemble/figures/"},  # the whole folder
    "fastapi": {"ensemble/api/"},
    "typer": {"ensemble/cli/"},
    "cleanvision": {"ensemble/datasets/cleaning/"},
    "cleanlab": {"ensemble/datasets/cleaning/"},
    "imagehash": {"ensemble/datasets/cleaning/"},
    "sqlite3": {"ensemble/datasets/collection/", "ensemble/features/feature_cache.py", "ensemble/jobs/"},
    "sqlalchemy": {"ensemble/records/"},
    "alembic": {"ensemble/records/"},
    "reportlab": {"ensemble/inspection/documents.py"},
    "filelock": {"ensemble/disk/locks.py"},
    "psutil": {"ensemble/jobs/processes.py"},
    "openvino": {"ensemble/features/openvino_runtime.py"},
    "ray": {"ensemble/jobs/ray_engine.py"},
    "onnxruntime": {"ensemble/members/", "ensemble/features/onnx_runtime.py"},
    "captum": {"ensemble/inspection/attribution.py"},
    "codecarbon": {"ensemble/evaluation/energy.py"},
    "ultralytics": {"ensemble/members/detector_training.py"},
}
MODULES = sorted((ROOT / "ensemble").rglob("*.py"))
SCREENS = sorted((ROOT / "pages" / "screens").glob("*.py"))
HOUSE = (*MODULES, *sorted((ROOT / "pages").rglob("*.py")), ROOT / "streamlit_app.py")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path): path for path in HOUSE}


def room_of(name: str) -> str:
    """The room of `ensemble/` that a module lies in; of the screens, `pages/session`, `pages/components` and so on."""
    parts = name.split(".")
    if parts[0] == "ensemble":
        return parts[1] if len(parts) > 1 else ""
    return "/".join(parts[:2])


@cache
def imported(path: Path) -> frozenset[str]:
    """Every module named in an import statement, anywhere in the file; `from a import b` counts as a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


@cache
def ours(name: str) -> frozenset[str]:
    """The modules of the house that a module names in its imports."""
    found = {each if each in NAMES else each.rpartition(".")[0] for each in imported(NAMES[name])}
    return frozenset(each for each in found if each in NAMES and each != name)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_from_rooms_below_it(path: Path) -> None:
    own = room_of(name_of(path))
    if path == ROOT / "ensemble" / "__init__.py":
        assert imported(path) == {"os"}  # what it sets must be set before anything else is imported
        return
    below = ORDER[ORDER.index(own) + 1 :] if own in ORDER else ORDER  # `python -m ensemble` stands above all
    for name in ours(name_of(path)):
        assert room_of(name) in {own, *below}, f"{path.relative_to(ROOT)} imports {name}, which lies above it"


def test_there_is_no_import_circle() -> None:
    done: set[str] = set()

    def follow(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way[way.index(name) :], name))
        if name not in done:
            for other in ours(name):
                follow(other, (*way, name))
            done.add(name)

    for name in NAMES:
        follow(name, ())


def test_rooms_are_few_and_on_few_floors() -> None:
    rooms = {path.parent.name for path in (ROOT / "ensemble").glob("*/__init__.py")}
    assert rooms == set(ORDER) and len(rooms) <= MOST_ROOMS
    above: dict[str, set[str]] = {}
    for name in NAMES:
        above.setdefault(room_of(name), set()).update({room_of(other) for other in ours(name)} - {room_of(name)})

    def floor(room: str) -> int:
        return 1 + max((floor(other) for other in above[room]), default=0)

    assert max(map(floor, above)) <= MOST_FLOORS


@pytest.mark.parametrize("room", ORDER)
def test_a_room_is_small_and_says_what_it_is(room: str) -> None:
    paths = [path for path in MODULES if room_of(name_of(path)) == room]
    assert len(paths) <= MOST_MODULES
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths) <= MOST_LINES
    said = ast.get_docstring(ast.parse((ROOT / "ensemble" / room / "__init__.py").read_text(encoding="utf-8")))
    assert said and said.splitlines()[0].endswith(".")
    assert f"{room}/" in str(ast.get_docstring(ast.parse((ROOT / "ensemble" / "__init__.py").read_text())))


@pytest.mark.parametrize("path", HOUSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_fit_a_glance(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno + 1 <= LONGEST_FUNCTION, f"{path.name}: {node.name}"


def test_judging_a_photo_loads_little_of_the_house() -> None:
    loaded: set[str] = set()

    def load(name: str) -> None:
        if name not in loaded:
            loaded.add(name)
            parts = name.split(".")
            for other in (*(".".join(parts[:end]) for end in range(1, len(parts))), *ours(name)):
                load(other)

    load("ensemble.inspection")
    load("ensemble.inspection.inspector")
    assert len(loaded) <= MOST_LOADED, sorted(loaded)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_library_has_one_door(path: Path) -> None:
    here = str(path.relative_to(ROOT))
    libraries = {name.split(".")[0] for name in imported(path)}
    assert "streamlit" not in libraries
    for library, doors in DOORS.items():
        assert library not in libraries or here.startswith(tuple(doors)), f"{here} imports {library}"


def test_pictures_come_through_one_door() -> None:
    """`Image.open` has every decoder of Pillow, Ghostscript among them; the decoders that count stand in `formats`."""
    doors = [ROOT / "ensemble" / "imaging" / "photos.py"]
    for path in HOUSE:
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


def top_level(path: Path) -> set[str]:
    """What a module defines itself: functions, classes, constants and types; `__all__` is no name of its own."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names - {"__all__"}


def test_one_name_has_one_meaning() -> None:
    """A reader who searches for a name finds one thing: none is defined in two modules, be it public or private."""
    places: dict[str, list[str]] = {}
    for path in MODULES:
        if "migrations" in path.parts:  # Alembic gives the names there
            continue
        for name in top_level(path):
            places.setdefault(name, []).append(name_of(path))
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}
