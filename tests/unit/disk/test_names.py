"""Names from outside: whatever they are, a file lies below its folder under a legible name, or a sentence says why not.

Together the properties here look at 5,000 examples: every door that takes names is one of them.
"""

import contextlib
import csv
import io
import json
import sqlite3
import unicodedata
from dataclasses import replace
from itertools import count
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ensemble import jobs
from ensemble.datasets.collection import Collection
from ensemble.datasets.loading import photo_path
from ensemble.disk.files import digest_of
from ensemble.disk.names import any_path_below, path_below
from ensemble.importers import understand
from ensemble.importers.staging import staged
from ensemble.inspection import batches
from ensemble.jobs.ledger import Ledger
from ensemble.policies.cases import Case, Evidence
from ensemble.store import ModelStore, listings, swapping, versions
from ensemble.store.manifest import Manifest
from ensemble.store.places import is_product_file
from ensemble.values.errors import DataError, QuorumError, StoreError
from ensemble.values.results import OK_NOK
from ensemble.values.safe_names import clean_name, clean_parts
from ensemble.values.training import TrainingRequest
from ensemble.values.vocabulary import is_litter
from tests.support.bad_photos import jpeg
from tests.support.bad_zips import zipped
from tests.support.strange_names import ENCODABLE, HONEST, NAMES, PIECE, is_one_line, is_portable, kept, nothing_changes
from tests.support.stub_product import write_product

pytestmark = pytest.mark.slow(25)

JPEG, EVIL = jpeg(), b"evil\n"
WITH_FOLDER = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LISTS = st.lists(NAMES, min_size=1, max_size=5)
_numbers = count()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder around the one that names are to stay in, with what they might hit."""
    for name in ("secret.txt", "outside/secret.txt", "inner/secret.txt", "models/secret.txt", "b.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"precious\n")
    return tmp_path


@pytest.fixture
def inner(outside: Path) -> Path:
    """A folder with a link that leads out of it, and one that does not."""
    folder = outside / "inner" / "folder"
    (folder / "ok").mkdir(parents=True)
    (folder / "link").symlink_to(outside / "outside")
    (folder / "b.jpg").symlink_to(outside / "b.jpg")
    (folder / "a").symlink_to(folder / "ok")
    return folder


def others(outside: Path, *own: Path) -> list[Path]:
    """The folders around, those of the door's own left out."""
    return [path for path in (outside / "outside", outside / "models") if path not in own]


# ------------------------------------------------------------------------------------------------- the one function


@given(NAMES)
@settings(max_examples=1700)
@example(". .\u202e")
@example("../\u202e. ./．．/‥/x")
@example("CON\u200b.png")
def test_a_cleaned_name_is_portable_and_stays_as_it_is(name: str) -> None:
    for part in (*clean_parts(name), clean_name(name)):
        assert part == "" or is_portable(part)
        assert clean_name(part) == part and "/" not in part
        assert all(unicodedata.category(character)[0] != "C" for character in part)
        assert unicodedata.normalize("NFKC", part).strip(". ") or not part


@given(
    st.sampled_from(("CON", "nul", "LPT1", "a", "写", "CON.")),
    st.sampled_from((" ", ".", "\u00a0", ". ", "🔩")),
    st.integers(1, 260),
    st.sampled_from(("", "x.png", ".png", "x", " .png")),
)
@settings(max_examples=200)
@example("CON", " ", 250, "x.png")
def test_a_name_with_long_gaps_is_portable_and_stays_as_it_is(start: str, gap: str, times: int, end: str) -> None:
    part = clean_name(start + gap * times + end)
    assert is_portable(part) and clean_name(part) == part


@given(NAMES)
@settings(WITH_FOLDER, max_examples=1000)
@example("link/secret.txt")
@example("a/../link/x")
def test_a_path_lies_below_its_folder_or_a_sentence_says_why_not(inner: Path, name: str) -> None:
    for find in (path_below, any_path_below):
        try:
            path = find(inner, name, DataError)
        except DataError as error:
            assert str(error).endswith(".") and is_one_line(str(error)) and str(inner) in str(error)
        else:
            assert path.resolve().is_relative_to(inner) and path.resolve() != inner
            assert find is any_path_below or is_portable(path.relative_to(inner).as_posix())


def test_honest_names_are_enough() -> None:
    assert len(HONEST) >= 40


@pytest.mark.parametrize(("name", "there"), HONEST)
def test_honest_names_come_in_by_upload_zip_and_table(tmp_path: Path, name: str, there: str) -> None:
    table = io.StringIO()
    csv.writer(table).writerows([("path", "label"), (name, "ok")])
    with staged([(name, lambda: JPEG), ("labels.csv", lambda: table.getvalue().encode())], tmp_path) as laid:
        files = {path.relative_to(laid.folder).as_posix() for path in laid.folder.rglob("*") if path.is_file()}
        assert files == {there, "labels.csv"} and not laid.problems
        (entry,) = understand(laid.folder).entries
        assert (entry.name, entry.path.read_bytes()) == (there, JPEG)
    hidden = name.startswith(".")  # by its own will, and so it stays in a zip
    with staged([("set.zip", lambda: zipped(("ok/first.jpg", JPEG), (f"ok/{name}", JPEG)))], tmp_path) as laid:
        kinds = {entry.name for entry in understand(laid.folder).entries}
        assert kinds >= {"ok/first.jpg", *([] if hidden else [f"ok/{there}"])}


@pytest.mark.parametrize(
    "name",
    [name for name, _ in HONEST if "\\" not in name and len(name) < 80 and name.endswith("g")],
)
def test_honest_names_on_a_disk_are_found_by_their_table(tmp_path: Path, name: str) -> None:
    (tmp_path / name.lstrip(".")).write_bytes(JPEG)
    table = io.StringIO()
    csv.writer(table).writerows([("path", "label"), (name.lstrip("."), "ok")])
    (tmp_path / "labels.csv").write_text(table.getvalue(), encoding="utf-8")
    assert [entry.kind for entry in understand(tmp_path).entries] == ["ok"]


# ------------------------------------------------------------------------------------------------- what is brought in


def check_laid_out(inner: Path, uploads: list[tuple[str, bytes]], wanted: list[bytes]) -> None:
    """Every content is there once under a legible name, or a problem says why not; nothing else is touched."""
    below = inner.parent / "staging"
    with nothing_changes(inner.parent.parent):
        with staged([(name, lambda data=data: data) for name, data in uploads], below) as laid:  # type: ignore[misc]
            paths = [path for path in laid.folder.rglob("*") if path.is_file()]
            assert all(path.resolve().is_relative_to(laid.folder.resolve()) for path in paths)
            assert all(is_portable(path.relative_to(laid.folder).as_posix()) for path in paths)
            there = [path.read_bytes() for path in paths]
            assert len(there) == len(set(there)) and set(there) <= set(wanted)
            assert len(laid.problems) >= len(wanted) - len(there)
            assert all(problem.reason.endswith(".") and problem.name for problem in laid.problems)
        below.rmdir()


@given(LISTS)
@settings(WITH_FOLDER, max_examples=300)
@example([". .\u202e/" * 3 + "escaped.jpg"])
@example(["a", "a/b", "A", "a.", "a\u202e"])
@example([".part.jpg", "part.jpg", "._part.jpg", ".jpg"])
def test_uploads(inner: Path, names: list[str]) -> None:
    uploads = [(name, str(number).encode()) for number, name in enumerate(names) if not name.lower().endswith(".zip")]
    check_laid_out(inner, uploads, [data for _, data in uploads])


def is_left_out(path: PurePosixPath) -> bool:
    return is_litter(path.name) or any(is_litter(part, is_folder=True) for part in path.parts[:-1])


@given(st.lists(ENCODABLE, min_size=1, max_size=5, unique=True))
@settings(WITH_FOLDER, max_examples=250)
@example([". .\u202e/" * 3 + "escaped.jpg"])
@example(["ok\\1.jpg", "..\\..\\1.jpg", "C:\\1.jpg", "a:b.jpg"])
@example(["C:\\‥|", "con./COM1/.PNG"])
def test_zips(inner: Path, names: list[str]) -> None:
    entries = []
    for number, name in enumerate(names):
        with contextlib.suppress(UnicodeEncodeError):  # no zip can hold half of a character
            name.encode()
            entries.append((name, str(number).encode()))
    entries = [(name.split("\0")[0], data) for name, data in entries]  # as far as Python's writer writes it
    taken = [
        (name, data)
        for name, data in entries
        if name and not name.endswith(("/", "\\")) and not is_left_out(PurePosixPath(name.replace("\\", "/")))
    ]
    check_laid_out(
        inner, [("set.zip", zipped(*taken, ("ok/last.txt", b"last")))], [*(data for _, data in taken), b"last"]
    )


@given(LISTS)
@settings(WITH_FOLDER, max_examples=200)
def test_batches_only_name(inner: Path, names: list[str]) -> None:
    (inner / "ok" / "1.jpg").write_bytes(JPEG)
    files = [(name, inner / "ok" / "1.jpg") for name in names if not name.lower().endswith(".zip")]
    for entry in batches.batch_entries(files):
        assert entry.data == JPEG
        assert all(part.strip(". ") for part in entry.name.split("/")) and "\\" not in entry.name


@given(LISTS)
@settings(WITH_FOLDER, max_examples=200)
@example(["../secret.txt", "link/secret.txt", "b.jpg", "ok/1.jpg"])
def test_path_columns(inner: Path, names: list[str]) -> None:
    (inner / "ok" / "1.jpg").write_bytes(JPEG)
    table = io.StringIO()
    names = [name.replace("\0", "") for name in names]
    csv.writer(table).writerows([("path", "label", "mask"), *((name, "ok", name) for name in names), ("1", "ok", "")])
    (inner / "labels.csv").write_bytes(table.getvalue().encode(errors="replace"))
    with nothing_changes(inner.parent.parent):
        found = understand(inner, layout="labels_csv")
    assert {entry.path for entry in found.entries} == {inner / "ok" / "1.jpg"}
    assert all(problem.reason.endswith(".") for problem in found.problems)


@given(LISTS)
@settings(WITH_FOLDER, max_examples=100)
def test_tables_of_visa(inner: Path, names: list[str]) -> None:
    (inner / "ok" / "1.jpg").write_bytes(JPEG)
    table = io.StringIO()
    names = [name.replace("\0", "") for name in names]
    rows = [("ok", "train", "normal", name, name) for name in names]
    rows += [(name, "train", "normal", "1.jpg", "") for name in names] + [("ok", "train", "normal", "1.jpg", "")]
    csv.writer(table).writerows([("object", "split", "label", "image", "mask"), *rows])
    (inner / "split_csv").mkdir(exist_ok=True)
    (inner / "split_csv" / "1cls.csv").write_bytes(table.getvalue().encode(errors="replace"))
    with nothing_changes(inner.parent.parent):
        found = understand(inner, layout="visa")
    assert {entry.path for entry in found.entries} == {inner / "ok" / "1.jpg"}


@given(NAMES)
@settings(WITH_FOLDER, max_examples=150)
@example("link")
@example("CON")
def test_names_of_collections(inner: Path, name: str) -> None:
    with nothing_changes(inner.parent.parent / "outside", inner.parent.parent / "models"):
        try:
            made = Collection.create(inner, name)
        except DataError as error:
            assert str(error).endswith(".")
            return
    assert made.folder.resolve().parent == inner and is_portable(made.name)
    home = made.folder.resolve()
    for path in home.iterdir():
        path.unlink()
    home.rmdir()


# ------------------------------------------------------------------------------------------ what somebody's files name


@given(NAMES)
@settings(WITH_FOLDER, max_examples=200)
@example("../folder/photos/" + "0" * 64 + "/a.png")
@example("photos/" + "0" * 64 + "/..")
def test_rows_of_a_collection(outside: Path, name: str) -> None:
    collection = Collection(outside / "inner" / "disc")
    if not collection.folder.is_dir():
        Collection.create(outside / "inner", "disc")
    with sqlite3.connect(collection.folder / "collection.db") as database:
        database.execute("DELETE FROM photos")
        row = ("0" * 64, name.encode(errors="replace").decode(), *("x",) * 6, "", 0, 40, 40, "", "")
        database.execute(f"INSERT INTO photos VALUES ({', '.join('?' * len(row))})", row)
    database.close()
    with nothing_changes(outside / "outside", outside / "models"), pytest.raises(DataError, match="names the file"):
        collection.photos()


@given(st.one_of(NAMES, st.lists(PIECE, min_size=1, max_size=3).map(lambda parts: "../" + "".join(parts))))
@settings(WITH_FOLDER, max_examples=200)
@example("link/secret.txt")
def test_photos_of_evidence(inner: Path, name: str) -> None:
    product = inner.parent / "product"
    for folder in ("../folder", str(inner)):
        evidence = Evidence(OK_NOK, folder=folder)
        try:
            path = photo_path(product, evidence, Case(name, "0" * 64, "defective", ()))
        except DataError as error:
            assert str(error).endswith(".")
        else:
            assert path.resolve().is_relative_to(inner)


def test_evidence_may_name_a_folder_beside_the_product(tmp_path: Path) -> None:
    evidence = Evidence(OK_NOK, folder="../../data")
    case = Case("test/ok/Größe: 5?.png", "0" * 64, "defective", ())
    assert photo_path(tmp_path / "models" / "disc", evidence, case).resolve() == tmp_path / "data" / case.photo


def a_product(outside: Path) -> ModelStore:
    """A product of stand-ins in a folder of its own among folders that are nobody's business."""
    folder = outside / f"product {next(_numbers)}" / "disc"
    return ModelStore(write_product(folder, ("svm_a",)))


@given(st.lists(NAMES, min_size=1, max_size=3), st.booleans())
@settings(WITH_FOLDER, max_examples=300)
@example(["../config.toml"], True)
@example([".publishing"], False)
@example(["versions/../../secret.txt"], False)
@example(["\ud800"], False)  # half a character
def test_a_redo_log_that_no_publication_wrote_changes_nothing(outside: Path, names: list[str], remove: bool) -> None:
    store = a_product(outside)
    names = [name.replace("secret.txt", str(outside / "secret.txt")) for name in names]
    log = {"place": [] if remove else names, "remove": dict.fromkeys(names, digest_of(b"precious\n")) if remove else {}}
    (store.folder / "versions").mkdir()
    (store.folder / "versions" / "publishing.json").write_text(json.dumps(log))
    for name in [name for name in names if not remove]:
        with contextlib.suppress(OSError, ValueError):
            beside = (store.folder / name).with_name(f".{Path(name).name}.publishing")
            if beside.resolve().is_relative_to(outside):
                beside.write_bytes(EVIL)
    if all(map(is_product_file, names)):
        return  # such a log is one of ours, which the tests of versions look at
    with nothing_changes(store.folder, *others(outside)):
        products = ModelStore(store.folder).products()
        with pytest.raises(StoreError, match=r"publishing\.json (names .* no file of a product|cannot be read)"):
            store.manifest()
        with pytest.raises(StoreError), swapping.exclusively(store.folder):
            pass
    assert list(products) == ["disc"]


@pytest.mark.parametrize("name", ["svm_a.pkl", "versions", "versions/.lock", ".svm_a.pkl.publishing", "backbones"])
def test_a_redo_log_is_not_followed_through_links(outside: Path, name: str) -> None:
    store = a_product(outside)
    place = "backbones/a-0.safetensors" if name == "backbones" else "svm_a.pkl"
    elsewhere = outside / "outside"
    (elsewhere / "publishing.json").write_text(json.dumps({"place": [place], "remove": {}}))
    if name != "versions":
        (store.folder / "versions").mkdir()
        (elsewhere / "publishing.json").rename(store.folder / "versions" / "publishing.json")
    is_folder = name in ("versions", "backbones")
    (store.folder / name).symlink_to(elsewhere if is_folder else elsewhere / "new", target_is_directory=is_folder)
    if not name.startswith("."):
        (store.folder / ".svm_a.pkl.publishing").write_bytes(EVIL)
    with nothing_changes(store.folder, elsewhere), pytest.raises(StoreError, match="leads out of"):
        store.manifest()


@given(st.lists(NAMES, min_size=1, max_size=3), NAMES)
@settings(WITH_FOLDER, max_examples=250)
@example(["../outside/sitecustomize.py"], "")
@example(["versions/2.json"], "../../secret.txt")
def test_a_listing_that_no_publication_wrote_is_refused(outside: Path, names: list[str], digest: str) -> None:
    store = a_product(outside)
    objects = store.folder / "versions" / "objects"
    objects.mkdir(parents=True)
    manifest = (store.folder / "manifest.json").read_bytes()
    for data in (manifest, EVIL):
        (objects / digest_of(data)).write_bytes(data)
    files = {"manifest.json": digest_of(manifest), **{name: digest or digest_of(EVIL) for name in names}}
    data = {"number": 1, "at": "", "author": "", "reason": "", "files": files, "state": "candidate", "policies": None}
    text = json.dumps({"format": 1, **data, "aside": [], "publications": [], "notes": {}})
    (store.folder / "versions" / "1.json").write_text(text)
    if all(map(is_product_file, names)) and not digest:
        return
    with nothing_changes(*others(outside)):
        before = {path: data for path, data in kept(store.folder).items() if not path.endswith(".lock")}
        for look in (
            lambda: versions.version_history(store.folder),
            lambda: versions.publish_version(store.folder, 1),
            lambda: store.at(1),
        ):
            with pytest.raises(StoreError, match="cannot be read"):
                look()
        assert {path: data for path, data in kept(store.folder).items() if not path.endswith(".lock")} == before


@given(NAMES)
@settings(WITH_FOLDER, max_examples=150)
@example("../../secret.txt")
def test_a_manifest_that_names_other_files_is_never_read_there(outside: Path, name: str) -> None:
    store = a_product(outside)
    manifest = store.manifest()
    text = manifest.to_json().replace('"svm_a.pkl"', json.dumps(name)).replace('"svm_a"', json.dumps(name))
    with nothing_changes(*others(outside)), contextlib.suppress(StoreError):
        found = Manifest.from_json(text, "manifest.json")
        assert not found.members or is_product_file(name)
        (store.folder / "manifest.json").write_text(text)
        assert store.load().members == {}
    with pytest.raises(StoreError):
        store.path_of(f"../{name}")


@given(NAMES)
@settings(WITH_FOLDER, max_examples=100)
def test_a_backbone_is_looked_for_below_its_product(outside: Path, name: str) -> None:
    store = a_product(outside)
    with nothing_changes(*others(outside)):
        try:
            path = store.path_of(f"backbones/{name}-0123456789ab.safetensors")
        except StoreError as error:
            assert str(error).endswith(".")
        else:
            assert path.resolve().is_relative_to(store.folder.resolve())


@pytest.mark.parametrize("number", [0, -1, True, "1", "../../x", 1.0, None, 10**12])
def test_a_version_is_numbered(number: object) -> None:
    with pytest.raises(ValueError, match="number"):
        replace(listings.Version(1, "", "", "", {"manifest.json": "0" * 64}), number=number)  # type: ignore[arg-type]


def test_what_is_said_of_a_name_is_one_printable_line(tmp_path: Path) -> None:
    for name in ("a\n\x1b[31mb/../../c", "x" * 5_000 + "/..", 7):
        with pytest.raises(QuorumError) as refused:
            path_below(tmp_path, name, DataError)
        assert is_one_line(str(refused.value)) and len(str(refused.value)) < 500


def test_a_book_of_trainings_from_elsewhere_changes_no_other_folder(outside: Path) -> None:
    store = a_product(outside)
    (store.folder / "versions").mkdir()
    (store.folder / "versions" / ".1.json.abcdefgh").write_text("half written")
    ledger = Ledger(outside / "models")
    with ledger.alone():
        ledger.make()
        number = ledger.add(TrainingRequest("", str(store.folder)), "")
        ledger.write(number, state="running")
    with nothing_changes(store.folder):
        (found,) = jobs.jobs(outside / "models")
    assert found.state == "failed"
