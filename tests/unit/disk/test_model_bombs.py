"""Model files that would exhaust the machine, or whose bytes lie elsewhere: refused by what they declare, cheaply."""

import io
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable

import joblib
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save as save_safetensors
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC
from xgboost import XGBClassifier

from ensemble.disk.model_bombs import MOST_MODEL_BYTES, allowance
from ensemble.features.weights import read_state
from ensemble.members.detector import DetectorMember
from ensemble.members.detector_file import DetectorFile
from ensemble.store import artefacts
from ensemble.values.bombs import BombError
from ensemble.values.errors import MemberError, StoreError, WeightsError
from ensemble.values.results import OK_NOK
from tests.support.drawn_detector import drawn_detector

GREATER = 100_000_000  # bytes: more than any of these small files may become
SPARED, STEPS = 2_000_000, 40_000  # the limits of these tests, for the sake of their time
CALM = 20_000_000  # bytes that a refusal may take beside them


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.disk.model_bombs.SPARED_BYTES", SPARED)
    monkeypatch.setattr("ensemble.disk.model_bombs.MOST_ENTRIES", 200)
    monkeypatch.setattr("ensemble.store.artefacts.MOST_STEPS", STEPS)
    monkeypatch.setattr("ensemble.members.detector_graph.MOST_MESSAGES", 20_000)


def test_the_limits_leave_room_for_the_largest_models() -> None:
    assert MOST_MODEL_BYTES >= 2_600_000_000 and allowance(528_000_000) == MOST_MODEL_BYTES and allowance(1) == SPARED
    assert allowance(5_000_000) == 100_000_000


def head(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": kind, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def zipped(content: bytes, zeros: int = 0, method: int = zipfile.ZIP_DEFLATED, name: str = "x.npy") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive, archive.open(name, "w", force_zip64=True) as entry:
        entry.write(content)
        for _ in range(zeros // 10_000_000):
            entry.write(bytes(10_000_000))
    return stream.getvalue()


def lying(data: bytes, size: int) -> bytes:
    """The same zip, whose directory says that its file has another size."""
    place = data.rindex(b"PK\x01\x02") + 24
    return data[:place] + struct.pack("<I", size) + data[place + 4 :]


def many_files() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(201):
            archive.writestr(f"{number}.npy", b"")
    return stream.getvalue()


def stepwise(code: bytes, count: int = 1_100_000) -> bytes:
    """A pickle of very many empty things, of which each byte takes up to 200 bytes of memory."""
    return pickle.MARK + code * count + pickle.TUPLE + pickle.STOP


def called(function: object, *arguments: object) -> bytes:
    class Call:
        def __reduce__(self) -> object:
            return function, arguments

    return pickle.dumps(Call())


def wrapped(shape: tuple[int, ...]) -> bytes:
    """An array as joblib writes it, whose numbers are missing."""
    stream = io.BytesIO()
    joblib.dump(np.zeros(3, np.uint8), stream)
    return stream.getvalue().replace(b"K\x03\x85", b"J" + struct.pack("<i", shape[0]) + b"\x85")


ZEROS = bytes(GREATER)
PICKLES: dict[str, Callable[[], bytes]] = {
    "zlib": lambda: zlib.compress(ZEROS[: 2 * SPARED]),
    "bytes in zlib": lambda: zlib.compress(pickle.dumps(ZEROS[: 2 * SPARED])),
    "sets": lambda: zlib.compress(stepwise(pickle.EMPTY_SET, 41_000)),
    "lists": lambda: stepwise(pickle.EMPTY_LIST, 41_000),
    "a bytearray of a number": lambda: called(bytearray, GREATER),
    "an array of a shape": lambda: called(np.ndarray, (GREATER,)),
    "a rebuilt array": lambda: called(np._core.multiarray._reconstruct, np.ndarray, (GREATER,), b"b"),  # type: ignore[attr-defined]
    "a number of many bytes": lambda: called(np._core.multiarray.scalar, np.dtype(f"V{GREATER}")),  # type: ignore[attr-defined]
    "numbers that are missing": lambda: wrapped((GREATER,)),
}


def measured(work: Callable[[], object]) -> int:
    """The most memory that some work takes, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", list(PICKLES))
def test_a_pickle_that_outgrows_its_file_is_refused(kind: str) -> None:
    data = PICKLES[kind]()

    def refuse() -> None:
        with pytest.raises(StoreError):
            artefacts.load_artefact(data, ".pkl")

    assert measured(refuse) < SPARED + CALM


@pytest.mark.parametrize("packing", [("zlib", 9), ("gzip", 9), ("bz2", 9), ("xz", 6), ("lzma", 6)])
def test_a_joblib_file_that_outgrows_its_packing_is_refused(packing: tuple[str, int]) -> None:
    stream = io.BytesIO()
    joblib.dump(np.zeros(3 * SPARED, np.uint8), stream, compress=packing)
    with pytest.raises(StoreError, match=r"far more memory than a model of its size \(more than 2 MB out of 0"):
        artefacts.load_artefact(stream.getvalue(), ".pkl")


ARRAYS: dict[str, tuple[Callable[[], bytes], str]] = {
    "zeros": (lambda: zipped(head((10_000_000,)), 10_000_000), r"far more memory .* \(10 MB out of 0\.0 MB\)"),
    "a shape alone": (lambda: zipped(head((10**12,))), "an array of 1,000,000,000,000 bytes as uint8 where 0 are"),
    "wide numbers": (lambda: zipped(head((1,), f"|V{GREATER}")), "far more memory"),
    "objects": (lambda: zipped(head((1,), "|O") + pickle.dumps([1])), "far more memory"),
    "texts": (lambda: zipped(head((1,), "<U10000000")), "far more memory"),
    "a size that is not so": (lambda: lying(zipped(head((3,)) + b"abc"), GREATER), "far more memory"),
    "a small lie": (lambda: lying(zipped(head((3,)) + b"abc"), 90), "far more memory|damaged"),
    "very many files": (many_files, "more than 200 files in one"),
    "another packing": (lambda: zipped(head((3,)) + b"abc", method=zipfile.ZIP_LZMA), "damaged"),
    "no array": (lambda: zipped(b"text"), "damaged"),
    "a zip behind a text": (lambda: b"text" + zipped(head((3,)) + b"abc"), "damaged"),
    "nothing": (lambda: b"", "damaged"),
}


@pytest.mark.parametrize("kind", list(ARRAYS))
def test_arrays_are_no_larger_than_they_declare(kind: str) -> None:
    make, sentence = ARRAYS[kind]
    data = make()

    def refuse() -> None:
        with pytest.raises(StoreError, match=sentence):
            artefacts.load_artefact(data, ".npz")

    assert measured(refuse) < CALM


def state_file(state: object, *, old: bool = False) -> bytes:
    stream = io.BytesIO()
    torch.save(state, stream, _use_new_zipfile_serialization=not old)
    return stream.getvalue()


def repacked(data: bytes, method: int, **changed: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", method) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, changed.get(entry.filename.rpartition("/")[2], old.read(entry)))
    return stream.getvalue()


PLAIN = OrderedDict(a=torch.zeros(3, 4), b=torch.ones(2, dtype=torch.int64))


@pytest.mark.parametrize("data", [state_file(PLAIN), state_file(PLAIN, old=True), state_file(dict(PLAIN))])
def test_plain_state_dicts_of_any_age_are_read(data: bytes) -> None:
    state = read_state(data, ".pth")
    assert {name: value.tolist() for name, value in state.items()} == {"a": [[0.0] * 4] * 3, "b": [1, 1]}


STATES: dict[str, tuple[Callable[[], bytes], str]] = {
    "compressed": (lambda: repacked(state_file(PLAIN), zipfile.ZIP_DEFLATED), "compressed tensors"),
    "one number seen many times": (lambda: state_file({"a": torch.zeros(1).expand(GREATER)}), "400 MB out of 0.0 MB"),
    "the same before": (lambda: state_file({"a": torch.zeros(1).expand(GREATER)}, old=True), "400 MB out of 0.0 MB"),
    "a long list": (
        lambda: repacked(state_file(PLAIN), zipfile.ZIP_STORED, **{"data.pkl": stepwise(pickle.EMPTY_SET)}),
        "a list of tensors of 1,100,003 bytes",
    ),
    "a bytearray": (
        lambda: repacked(state_file(PLAIN), zipfile.ZIP_STORED, **{"data.pkl": called(bytearray, GREATER)}),
        "no state dict",
    ),
    "an old bytearray": (lambda: called(bytearray, GREATER), "no state dict"),
    "an old long list": (lambda: stepwise(pickle.EMPTY_SET, 10_000), "no state dict"),
}


@pytest.mark.parametrize("kind", list(STATES))
def test_weights_that_outgrow_their_file_are_refused(kind: str) -> None:
    make, sentence = STATES[kind]
    data = make()

    def refuse() -> None:
        with pytest.raises((BombError, WeightsError, ValueError)) as caught:
            read_state(data, ".pth")
        assert sentence == "no state dict" or sentence in str(caught.value)
        with pytest.raises(StoreError):
            artefacts.load_artefact(data, ".pth")

    assert measured(refuse) < CALM


def test_a_long_list_of_tensors_is_refused() -> None:
    assert set(read_state(save_safetensors(dict(PLAIN)), ".safetensors")) == {"a", "b"}
    with pytest.raises(BombError, match="a list of tensors of 2,000,000 bytes"):
        read_state(struct.pack("<Q", 2_000_000) + b" " * 2_000_000, ".safetensors")


@pytest.mark.parametrize("model", [SVC(), RandomForestClassifier(20), XGBClassifier(n_estimators=5)])
@pytest.mark.parametrize("names", [["a", "b"], np.array(["a", "b"], dtype=object), [0, 1]])
def test_honest_models_are_read_as_they_were(model: object, names: object) -> None:
    rows = np.random.default_rng(0).random((40, 6)).astype(np.float32)
    wanted = np.array([0, 1]) if isinstance(model, XGBClassifier) else np.asarray(names)
    model.fit(rows, np.tile(wanted, 20))  # type: ignore[attr-defined]
    for data in (artefacts.dump(model, ".pkl"), pickle.dumps(model)):
        again = artefacts.load_artefact(data, ".pkl")
        assert (again.predict(rows) == model.predict(rows)).all()  # type: ignore[attr-defined]


def elsewhere(tensor: TensorProto) -> TensorProto:
    tensor.ClearField("float_data")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.data")
    return tensor


def hidden(place: str) -> bytes:
    """The drawn detector with weights in another file, or a sparse tensor, somewhere in it."""
    model = onnx.load_from_string(drawn_detector())
    graph, tensor = model.graph, numpy_helper.from_array(np.zeros(4, np.float32), "w")
    inner = helper.make_graph([], "inner", [], [], [tensor if place == "sparse" else elsewhere(tensor)])
    sparse = helper.make_sparse_tensor(tensor, numpy_helper.from_array(np.arange(4), "i"), [10**9])
    if place == "initialisers":
        elsewhere(graph.initializer[0])
    elif place == "a constant":
        graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))
    elif place == "a branch in a branch":
        branch = helper.make_graph([helper.make_node("If", ["x"], [], then_branch=inner)], "outer", [], [])
        graph.node.append(helper.make_node("If", ["x"], [], then_branch=branch, else_branch=branch))
    elif place == "a function":
        node = helper.make_node("Loop", [], [], body=inner)
        model.functions.append(helper.make_function("own", "f", [], [], [node], []))
    elif place == "training":
        model.training_info.add().initialization.CopyFrom(inner)
    elif place == "a list of graphs":
        attribute = onnx.AttributeProto(name="graphs", type=onnx.AttributeProto.GRAPHS, graphs=[inner])
        graph.node.add(op_type="Strange").attribute.append(attribute)
    else:
        graph.sparse_initializer.append(sparse)
    return bytes(model.SerializeToString())


PLACES = ("initialisers", "a constant", "a branch in a branch", "a function", "training", "a list of graphs")


@pytest.mark.parametrize("place", PLACES)
def test_weights_in_another_file_are_refused_wherever_they_are_named(place: str) -> None:
    with pytest.raises(MemberError, match=r"Its weights lie beside it, in weights\.data, .* Export it in one file"):
        DetectorMember(classes=OK_NOK).restore({".onnx": hidden(place)})


def graph_of(*nodes: onnx.NodeProto, **constants: np.ndarray) -> onnx.GraphProto:
    return helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 5, 100])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )


def many_parts() -> bytes:
    return bytes(helper.make_model(graph_of(*[onnx.NodeProto()] * 20_001)).SerializeToString())


def doubling(depth: int, *, endless: bool = False) -> bytes:
    """Functions that each call the next one twice."""
    model = helper.make_model(graph_of(onnx.NodeProto(op_type="f0", domain="own")))
    for number in range(depth):
        name = "f0" if endless and number == depth - 1 else f"f{number + 1}"
        calls = [onnx.NodeProto(op_type=name, domain="own")] * 2
        model.functions.append(helper.make_function("own", f"f{number}", [], [], calls, []))
    return bytes(model.SerializeToString())


def asking(gigabytes: int) -> bytes:
    """A graph of 300 bytes that computes so much."""
    nodes = (
        helper.make_node("ConstantOfShape", ["shape"], ["much"]),
        helper.make_node("ReduceSum", ["much"], ["sum"], keepdims=0),
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Add", ["sum", "mean"], ["output0"]),
    )
    graph = graph_of(*nodes, shape=np.array([gigabytes * 250_000_000]))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    model.metadata_props.add(key="names", value="{0: 'a'}")
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (hidden("sparse"), "It holds sparse tensors"),
        (many_parts(), "more than 20,000 parts"),
        (doubling(30), "functions call each other without a measure"),
        (doubling(4, endless=True), "functions call each other without a measure"),
        (doubling(5000), "functions call each other without a measure"),
        (asking(2), "Available memory of|fails on a grey photo|no ONNX file that"),
    ],
    ids=["sparse", "parts", "doubling", "endless", "deep", "memory"],
)
def test_a_detector_that_outgrows_its_file_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(MemberError, match=sentence):
        DetectorFile.from_bytes(data)
