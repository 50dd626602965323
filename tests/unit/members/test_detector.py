"""The detector: the right boxes on a drawn photo, whatever its file's size and names; a sentence for any other file."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from ensemble.features.photo_batch import PhotoBatch
from ensemble.imaging.photos import Photo
from ensemble.inspection.inspector import Inspector
from ensemble.members import Loaded
from ensemble.members.detector import DetectorMember
from ensemble.members.detector_file import CONFIDENCE_KEY, MOST_BOXES, OVERLAP, decode, on_scale
from ensemble.policies import SHIPPED_POLICIES
from ensemble.store import ModelStore
from ensemble.store.trust import members_to_trust, trust_members
from ensemble.values.errors import MemberError, StoreError
from ensemble.values.results import OK_NOK, Classes
from tests.support.drawn_detector import MARKS, SIZE, as_file, drawn_detector, drawn_photo, write_drawn_detector


def member(data: bytes, classes: Classes = OK_NOK) -> DetectorMember:
    return DetectorMember(classes=classes).restore({".onnx": data})


@pytest.mark.parametrize(("side", "size"), [(320, SIZE), (64, SIZE), (640, SIZE), (320, (960, 720))])
def test_boxes_lie_on_the_marks_of_the_photo(side: int, size: tuple[int, int]) -> None:
    inspector = Inspector(Loaded({"detector": member(drawn_detector(side))}, (), OK_NOK))
    photos = [Photo("marked", "0", drawn_photo(size)), Photo("good", "1", drawn_photo(size, marked=False))]
    marked, good = inspector.inspect(photos, SHIPPED_POLICIES[0])
    assert (marked.label, good.label) == ("defective", "non_defective") and good.regions == ()
    found = {region.label: region for region in marked.regions}
    assert len(marked.regions) == 2 and set(found) == set(MARKS)
    scale = size[0] / SIZE[0]
    for name, expected in MARKS.items():
        within = 0 if (side, size) == (320, SIZE) else size[0] / side + 1
        assert np.abs(np.subtract(found[name].pixels(size), np.multiply(expected, scale))).max() <= within
        left, top, right, bottom = expected
        share = (right - left) * (bottom - top) / (SIZE[0] * SIZE[1])  # of the photo, not of the padded square
        assert found[name].area == pytest.approx(share, rel=0.01 if side == 320 else 0.4)
        assert 0.5 < found[name].score < 1


@pytest.mark.parametrize("size", [(300, 300), (400, 100), (100, 400)])
def test_boxes_undo_the_bars_of_any_shape(size: tuple[int, int]) -> None:
    detector = member(drawn_detector(320, ("leak",)))
    photo = drawn_photo(size)
    (regions,) = detector.score(PhotoBatch([photo]).rows(detector.input)).regions or ()
    boxes = np.array([detector.input.on_photo(region.box, size) for region in regions])
    expected = np.array(MARKS["leak"]) / np.array(SIZE * 2)
    around = [*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)]  # a mark may lie in several of its fields
    assert np.abs(around - expected).max() < 0.03


def test_a_dynamic_file_reads_the_size_of_its_metadata() -> None:
    detector = member(drawn_detector(96, dynamic=True))
    assert detector.input.side == 96 and detector.input.pad
    assert member(drawn_detector(96)).input == detector.input


def test_the_stated_confidence_becomes_one_half() -> None:
    photos = PhotoBatch([drawn_photo(), drawn_photo(marked=False)])
    confident = (230 - 20) / 255
    for stated, defective in ((None, True), (0.1, True), (confident + 0.01, False)):
        detector = member(drawn_detector(320, metadata={} if stated is None else {CONFIDENCE_KEY: str(stated)}))
        prediction = detector.score(photos.rows(detector.input))
        assert (
            (prediction.probabilities[0, 1] >= 0.5) == defective == bool(prediction.regions and prediction.regions[0])
        )
        assert prediction.probabilities[1, 1] < 0.05
        assert detector.file_.confidence == (stated or 0.25)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1, width=32), min_size=1), st.floats(0.001, 0.999))
def test_the_scale_keeps_the_order_and_the_middle(confidences: list[float], stated: float) -> None:
    values = np.unique(np.array(confidences, dtype=np.float32))
    scores = on_scale(values, stated)
    assert (scores > 0).all() and (scores < 1).all()
    told_apart = np.diff(np.clip(values.astype(float), 1e-12, None)) > 1e-9  # as far as numbers below 1 can be
    assert (np.diff(scores) >= 0).all() and (np.diff(scores)[told_apart & (scores[1:] < 0.999)] > 0).all()
    assert on_scale(np.array(stated), stated) == pytest.approx(0.5)


BOXES = st.tuples(*[st.integers(0, 99)] * 2, *[st.integers(1, 40)] * 2, st.floats(0, 1), st.floats(0, 1))


@settings(max_examples=40)
@given(st.lists(BOXES, min_size=1, max_size=40))
def test_each_thing_is_found_once(rows: list[tuple[float, ...]]) -> None:
    output = np.array(rows).T
    found = decode(output, 100, 0.3)
    assert (np.diff(found.confidences) <= 0).all() and len(found.boxes) <= MOST_BOXES
    assert ((found.boxes >= 0) & (found.boxes <= 1)).all() and (found.confidences >= 0.3).all()
    every = [(box_of(row), max(row[4:]), int(row[5] > row[4])) for row in rows if max(row[4:]) >= 0.3]
    kept = list(zip(found.boxes.tolist(), found.confidences.tolist(), found.classes.tolist(), strict=True))
    for number, (box, _, kind) in enumerate(kept):
        assert all(overlap(box, other) <= OVERLAP + 1e-9 for other, _, same in kept[:number] if same == kind)
    for box, confidence, kind in every:
        rivals = [other for other, more, same in kept if same == kind and more >= confidence]
        assert any(overlap(box, other) > OVERLAP - 1e-9 for other in rivals)


def box_of(row: tuple[float, ...]) -> list[float]:
    x, y, width, height = row[:4]
    edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return [min(1.0, max(0.0, edge / 100)) for edge in edges]


def overlap(first: list[float], second: list[float]) -> float:
    width = max(0.0, min(first[2], second[2]) - max(first[0], second[0]))
    height = max(0.0, min(first[3], second[3]) - max(first[1], second[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return width * height / (sum(areas) - width * height)


def constant(
    output: tuple[int, ...],
    photo: tuple[int | str, ...] = (1, 3, 64, 64),
    kind: int = TensorProto.FLOAT,
    inputs: int = 1,
    outputs: int = 1,
    **metadata: str,
) -> bytes:
    """A file that says the same of every photo."""
    nodes = []
    for number in range(outputs):
        value = helper.make_tensor("value", TensorProto.FLOAT, output, np.zeros(int(np.prod(output)), np.float32))
        nodes.append(helper.make_node("Constant", [], [f"output{number}"], value=value))
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info(f"input{number}", kind, photo) for number in range(inputs)],
        [helper.make_tensor_value_info(f"output{number}", TensorProto.FLOAT, output) for number in range(outputs)],
    )
    return as_file(graph, {"names": "{0: 'crack'}", **metadata})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"no model", "no ONNX file that onnxruntime can open"),
        (b"", "no ONNX file that onnxruntime can open"),
        (drawn_detector()[:2000], "no ONNX file that onnxruntime can open"),
        (constant((1, 5, 84), task="segment"), "made for the task segment"),
        (constant((1, 5, 84), inputs=2), r"one input, a photo. It has 2 \(input0, input1\)"),
        (constant((1, 5, 84), outputs=2), "one output. It has 2"),
        (constant((1, 5, 84), kind=TensorProto.UINT8), "of floating-point numbers"),
        (constant((4, 5, 84), (4, 3, 64, 64)), r"It reads \(4, 3, 64, 64\)"),
        (constant((1, 5, 84), (1, 1, 64, 64)), "reads one RGB photo"),
        (constant((1, 5, 84), (1, 3, 64, 96)), "reads square photos. It reads 64 × 96 pixels"),
        (constant((1, 5, 84), (1, 3, "h", "w"), imgsz="[64, 96]"), "square photos. It reads 64 × 96"),
        (constant((1, 5, 84), (1, 3, "h", "w"), imgsz="big"), "metadata imgsz cannot be read: 'big'"),
        (constant((1, 300, 6)), r"\(1, 4 \+ classes, places\). It gives \(1, 300, 6\)"),
        (constant((1, 7)), r"It gives \(1, 7\)"),
        (constant((1, 6, 84)), r"names 1 classes \(crack\) and tells 2 apart"),
        (constant((1, 5, 84), names="{}"), "does not name what it finds"),
        (constant((1, 5, 84), names="{1: 'crack'}"), "does not name what it finds"),
        (constant((1, 5, 84), names="__import__('os')"), "metadata names cannot be read"),
        (constant((1, 5, 84), names="{0: 'non_defective'}"), r"points at good parts alone \(non_defective\)"),
        (constant((1, 6, 84), names="{0: 'Good', 1: 'OK'}"), r"points at good parts alone \(Good, OK\)"),
        (constant((1, 5, 84), (1, 3, "h", "w"), imgsz="50000"), "reads 50000 × 50000 pixels, and 4096 a side are the"),
        (constant((1, 5, 84), **{CONFIDENCE_KEY: "1.5"}), "must be a number between 0 and 1. Got 1.5"),
    ],
)
def test_any_other_file_is_refused_in_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(MemberError, match=sentence):
        member(data)


@pytest.mark.parametrize(
    ("names", "classes", "shown"),
    [
        (("good", "scratch"), OK_NOK, ["scratch"]),
        (("OK", "NOK"), OK_NOK, ["NOK"]),
        (("Normal", "anomaly"), OK_NOK, ["anomaly"]),
        (("non_defective", "scratch"), OK_NOK, ["scratch"]),
        (("scratch", "NON-DEFECTIVE"), OK_NOK, ["scratch"]),
        (("Fein", "Kratzer"), Classes(("fein", "Kratzer"), "Kratzer"), ["Kratzer"]),
        (("leak", "stain"), OK_NOK, ["leak", "stain"]),
    ],
)
def test_a_box_that_says_good_is_no_defect(names: tuple[str, ...], classes: Classes, shown: list[str]) -> None:
    """Where the photo has a mark of each class, and where it has one of the good class alone."""
    detector = member(drawn_detector(SIZE[0], names), classes)
    rows = detector.input.resize([drawn_photo()])
    (regions,) = detector.score(rows.numpy()).regions or ()
    assert sorted(region.label for region in regions) == shown
    good = [number for number, name in enumerate(names) if name not in shown]
    for number in good:
        alone = drawn_photo()
        other = list(MARKS.values())[1 - number]
        alone.paste((160, 160, 160), (other[0] - 2, other[1] - 2, other[2] + 2, other[3] + 2))
        prediction = detector.score(detector.input.resize([alone]).numpy())
        defective = prediction.probabilities[0, classes.names.index(classes.defect or "")]
        assert prediction.regions == [()] and defective < 0.05


def test_a_product_without_a_defect_has_no_use_for_a_detector() -> None:
    with pytest.raises(MemberError, match="bottomwear, shoes have no defect"):
        member(drawn_detector(), Classes(("bottomwear", "shoes")))


def test_a_file_dropped_into_models_is_trusted_and_votes_at_its_own_size(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    write_drawn_detector(tmp_path / "detector.onnx", side=96)
    assert members_to_trust(store) == ["detector"]
    (record,) = trust_members(store, ["detector"])
    assert record.preprocessing.side == 96 and record.preprocessing.pad and record.backbone is None
    photo = Photo("marked", "0", drawn_photo())
    (verdict,) = Inspector.open(store).inspect([photo], SHIPPED_POLICIES[0])
    assert verdict.absent == () and verdict.label == "defective" and len(verdict.regions) == 2
    assert verdict.as_json()["regions"][0]["label"] in MARKS


def test_a_file_that_is_no_detector_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "detector.onnx").write_bytes(constant((1, 300, 6)))
    with pytest.raises(StoreError, match=r"detector: A detector gives each of many places"):
        trust_members(ModelStore(tmp_path), ["detector"])
    assert [path.name for path in tmp_path.iterdir()] == ["detector.onnx"]


def lesson(damaged: int, good: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photos of 64 pixels with their labels and masks; one defective photo's mask is empty."""
    count = damaged + good
    rows = np.full((count + 1, 3, 64, 64), 120, dtype=np.uint8)
    masks = np.zeros((count + 1, 64, 64), dtype=bool)
    masks[:damaged, 8:16, 24:40] = True
    return rows, np.array([1] * damaged + [0] * good + [1]), masks


def test_learning_holds_a_fifth_out_and_says_what_it_has_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, dict[str, str]] = {}

    def train(folder: Path, side: int, epochs: int, seed: int, progress: object) -> None:
        for part in ("train", "val"):
            paths = sorted((folder / "labels" / part).iterdir())
            seen[part] = {path.stem: path.read_text() for path in paths}
            assert {path.stem for path in (folder / "images" / part).iterdir()} == set(seen[part])
        assert (side, epochs, seed) == (64, 100, 7)
        (folder / "detector.onnx").write_bytes(drawn_detector(side, ("defect",)))
        result = {"curves": {"map50": [0.1, 0.4]}, "epoch": 2, "map50": 0.4, "map50_95": 0.2, "confidence": 0.125}
        (folder / "result.json").write_text(json.dumps(result))

    monkeypatch.setattr(DetectorMember, "needs", None)
    monkeypatch.setattr("ensemble.members.detector._train_apart", train)
    rows, labels, masks = lesson(damaged=15, good=20)
    learnt = DetectorMember(classes=OK_NOK, seed=7).fit(rows, labels, masks=masks)
    assert (len(seen["train"]), len(seen["val"])) == (12 + 4, 3 + 1)  # a third as many good parts
    every = seen["train"] | seen["val"]
    assert "35" not in every  # defective with an empty mask: it would pass for a good part
    assert sum(text == "" for text in every.values()) == 5
    assert every["0"].startswith("0 0.50000000 0.18750000 0.25000000 0.12500000")
    assert learnt.facts_["held_out_map50"] == 0.4 and learnt.facts_["held_out"] == 4 and learnt.facts_["photos"] == 20
    assert learnt.curves_ == {"map50": [0.1, 0.4]} and learnt.file_.confidence == 0.125
    assert member(learnt.parts()[".onnx"]).file_.confidence == 0.125
    onnx.checker.check_model(onnx.load_from_string(learnt.parts()[".onnx"]))


def test_what_keeps_a_detector_from_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels, masks = lesson(damaged=5, good=5)
    new = DetectorMember(classes=OK_NOK)
    monkeypatch.setattr(DetectorMember, "needs", "no_such_package")
    with pytest.raises(MemberError, match=r"no_such_package\. Install it with pip install -r requirements-extras\.txt"):
        new.fit(rows, labels, masks=masks)
    monkeypatch.setattr(DetectorMember, "needs", None)
    with pytest.raises(MemberError, match="learns from masks"):
        new.fit(rows, labels)
    with pytest.raises(MemberError, match=r"at least 5 photos with damage in their masks. Got 4"):
        new.fit(rows[1:], labels[1:], masks=masks[1:])


def test_a_training_process_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DetectorMember, "needs", None)
    monkeypatch.setattr("ensemble.members.detector.PROCESS", "ensemble.no_such_module")
    with pytest.raises(MemberError, match=r"Training the detector failed \(.*No module named"):
        DetectorMember(classes=OK_NOK).fit(*lesson(5, 5)[:2], masks=lesson(5, 5)[2])
