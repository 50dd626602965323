"""What is wrong with photos is found, copies above all, and ordinary photos are left in peace."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from ensemble.datasets.cleaning import FINDING_KINDS, Finding, find_issues, findings_report, groups
from ensemble.datasets.cleaning.copies import DisjointSet, by_first
from ensemble.datasets.cleaning.labels import doubtful_labels, judged
from ensemble.datasets.cleaning.quality import Measures, measure_quality, odd_photos
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Classes, word
from ensemble.values.samples import Sample

SIDE = 224


def casting(seed: int) -> Image.Image:
    """A part from one mould, always the same rings, with a grain of its own."""
    random = np.random.default_rng(seed)
    grain = Image.fromarray(random.integers(90, 190, (SIDE, SIDE), np.uint8)).filter(ImageFilter.GaussianBlur(1.2))
    picture = ImageEnhance.Contrast(grain).enhance(2.0)
    draw = ImageDraw.Draw(picture)
    for radius, grey in ((95, 30), (60, 220), (25, 60)):
        box = (112 - radius, 112 - radius, 112 + radius, 112 + radius)
        draw.ellipse(box, outline=grey, width=8)
    draw.rectangle((100, 20, 124, 40), fill=240)  # so that the eight turns differ
    return picture.convert("RGB")


def stretched(picture: Image.Image) -> Image.Image:
    return picture.transform(
        picture.size, Image.Transform.AFFINE, (1.06, 0.05, -12, -0.03, 0.95, 8), Image.Resampling.BICUBIC
    )


COPIES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "turned": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "transposed": lambda picture: picture.transpose(Image.Transpose.TRANSVERSE),
    "brightened": lambda picture: ImageEnhance.Brightness(picture).enhance(1.25),
    "flatter": lambda picture: ImageEnhance.Contrast(picture).enhance(0.6),
    "stretched": stretched,
    "smaller": lambda picture: picture.resize((200, 200), Image.Resampling.LANCZOS),
    "cropped": lambda picture: picture.crop((8, 6, 218, 216)),
    "mirrored, stretched, brightened": lambda picture: ImageEnhance.Brightness(
        stretched(picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    ).enhance(0.85),
}


def looked(folder: Path, name: str, picture: Image.Image, label: str = NON_DEFECTIVE, split: str = "train") -> Sample:
    path = folder / name
    picture.save(path, quality=88)
    return Sample(path, label, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), split=split)


def found(photos: list[Sample], **settings: object) -> tuple[Finding, ...]:
    return find_issues(photos, classes=OK_NOK, label_errors=False, **settings)  # type: ignore[arg-type]


def named(findings: tuple[Finding, ...], photos: list[Sample], *kinds: str) -> dict[str, tuple[str, ...]]:
    """File name -> names of the photos that its finding names."""
    names = {photo.sha256: photo.path.name for photo in photos}
    return {names[f.sha256]: tuple(names[o] for o in f.others) for f in findings if f.kind in kinds}


@pytest.fixture(scope="module")
def castings(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Twelve parts from one mould, and one copy of the first nine by each of the ways above."""
    folder = tmp_path_factory.mktemp("castings")
    photos = [looked(folder, f"part{number}.jpg", casting(number)) for number in range(12)]
    for number, (way, change) in enumerate(COPIES.items()):
        photos.append(looked(folder, f"{way}.jpg", change(casting(number)), split="test"))
    return photos


def test_copies_are_found_however_they_were_changed_and_parts_of_one_mould_are_not(castings: list[Sample]) -> None:
    findings = found(castings)
    expected = {f"{way}.jpg": (f"part{number}.jpg",) for number, way in enumerate(COPIES)}
    assert named(findings, castings, "leak") == expected
    assert {f.kind for f in findings} <= {"leak", "odd_size"}
    assert all("detail match" in f.sentence and f.score >= 0.79 for f in findings if f.kind == "leak")


def test_copies_on_one_side_are_near_duplicates_and_all_but_the_first_are_named(castings: list[Sample]) -> None:
    photos = [replace(photo, split="") for photo in castings]
    findings = found(photos)
    assert named(findings, photos, "near_duplicate")["turned.jpg"] == ("part0.jpg",)
    assert len(named(findings, photos, "near_duplicate")) == len(COPIES)
    assert not named(findings, photos, "leak")
    assert sorted(map(len, groups(findings))) == [2] * len(COPIES)


def test_photos_of_one_known_part_are_no_news_unless_they_cross_train_and_test(castings: list[Sample]) -> None:
    photos = [replace(photo, part="p", split="train") for photo in castings]
    assert not named(found(photos), photos, "near_duplicate", "leak")
    photos = [replace(photo, part="p") for photo in castings]
    assert len(named(found(photos), photos, "leak")) == len(COPIES)


def test_equal_pixels_in_different_files_are_exact_and_contradicting_labels_are_said(tmp_path: Path) -> None:
    picture = casting(1)
    photos = [
        looked(tmp_path, "one.png", picture),
        looked(tmp_path, "two.bmp", picture, DEFECTIVE),
        looked(tmp_path, "three.tif", picture, split="test"),
        looked(tmp_path, "other.png", casting(2)),
    ]
    findings = found(photos)
    assert named(findings, photos, "exact_duplicate") == {"two.bmp": ("one.png",)}
    assert named(findings, photos, "leak") == {"three.tif": ("one.png", "two.bmp")}
    exact = next(f for f in findings if f.kind == "exact_duplicate")
    assert "Labels differ: NOK here, OK there." in exact.sentence
    assert [len(group) for group in groups(findings)] == [3]
    assert findings_report(findings)["findings"] == {"leak": 1, "exact_duplicate": 1}
    assert json.loads(json.dumps(findings_report(findings))) == findings_report(findings)


def test_a_photo_that_cannot_be_read_is_a_finding_and_the_rest_goes_on(tmp_path: Path) -> None:
    photos = [looked(tmp_path, "part0.png", casting(0)), looked(tmp_path, "part1.png", casting(1))]
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff" + b"no photo")
    photos.insert(1, Sample(broken, NON_DEFECTIVE, sha256="b" * 64))
    stages: list[tuple[str, float]] = []
    findings = found(photos, progress=lambda stage, done: stages.append((stage, done)))
    assert [(f.kind, f.sha256) for f in findings] == [("unreadable", "b" * 64)]
    assert findings[0].sentence.startswith("broken.jpg is damaged")
    assert {stage for stage, _ in stages} == {"Checking photos", "Checking duplicates"}
    assert all(0 <= done <= 1 for _, done in stages)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_photos_give_no_findings(tmp_path: Path, count: int) -> None:
    photos = [looked(tmp_path, f"part{number}.png", casting(number)) for number in range(count)]
    assert find_issues(photos, classes=OK_NOK) == ()
    assert findings_report(()) == {"findings": {}, "photos": {}, "groups": 0, "largest_group": 0}


SPOILT: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "dark": lambda picture: ImageEnhance.Brightness(picture).enhance(0.12),
    "light": lambda picture: Image.eval(picture, lambda value: 243 + value // 22),
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(4)),
    "low_information": lambda picture: Image.new("RGB", picture.size, (128, 128, 128)),
    "odd_size": lambda picture: picture.resize((400, 400)),
    "odd_aspect": lambda picture: picture.crop((0, 0, 224, 120)),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_one_spoilt_photo_among_many_is_named(kind: str) -> None:
    pictures = [casting(number) for number in range(21)] + [SPOILT[kind](casting(50))]
    photos = [Sample(Path("photo"), NON_DEFECTIVE, sha256=str(number)) for number in range(22)]
    findings = odd_photos(photos, [measure_quality(picture) for picture in pictures])
    assert kind in {f.kind for f in findings}
    assert {f.sha256 for f in findings} == {"21"}
    sentence = next(f.sentence for f in findings if f.kind == kind)
    assert ", usual " in sentence and sentence.endswith(FINDING_KINDS[kind].advice)


USUAL = Measures(300, 300, 0.2, 0.1, 2.5, 12.0)  # darker and emptier than any threshold of cleanvision allows


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({}, set()),
        ({"brightest": 0.19}, set()),
        ({"brightest": 0.1}, {"dark"}),
        ({"entropy": 0.3}, {"low_information"}),
        ({"entropy": 2.2}, set()),
        ({"edges": 4.0}, {"blurred"}),
        ({"edges": 40.0}, set()),
        ({"width": 1200, "height": 1200}, {"odd_size"}),
        ({"width": 400, "height": 225}, {"odd_aspect"}),
    ],
)
def test_a_dark_set_is_not_dark_but_what_differs_in_it_is_named(odd: dict[str, float], expected: set[str]) -> None:
    photos = [Sample(Path("photo"), NON_DEFECTIVE, sha256=str(number)) for number in range(40)]
    measures = [USUAL] * 39 + [replace(USUAL, **odd)]  # type: ignore[arg-type]
    assert {finding.kind for finding in odd_photos(photos, measures)} == expected


def test_what_many_photos_have_is_usual() -> None:
    photos = [Sample(Path("photo"), NON_DEFECTIVE, sha256=str(number)) for number in range(40)]
    landscape = replace(USUAL, width=400, height=300)
    assert len(odd_photos(photos, [landscape] * 4 + [USUAL] * 36)) == 4
    assert not odd_photos(photos, [landscape] * 5 + [USUAL] * 35)


def rows_of(truth: list[str]) -> Callable[..., np.ndarray]:
    """Features in which the true classes lie apart."""
    names = sorted(set(truth))
    random = np.random.default_rng(0)
    centres = np.repeat([[float(name == other) for other in names] for name in truth], 60, axis=1)
    rows = centres + random.normal(0, 0.6, centres.shape)
    return lambda photos, _classes, _progress: rows[[int(photo.sha256) for photo in photos]]


@pytest.mark.parametrize(
    "classes", [OK_NOK, Classes(("bottomwear", "shoes", "topwear"))], ids=["two classes", "three classes"]
)
def test_turned_labels_are_found_with_the_class_that_is_meant(classes: Classes) -> None:
    truth = [classes.names[number % len(classes.names)] for number in range(90)]
    labels = list(truth)
    turned = {4, 7, 23, 30, 40, 53, 66, 71, 85}
    for place in turned:
        labels[place] = classes.names[(classes.names.index(truth[place]) + 1) % len(classes.names)]
    photos = [Sample(Path("photo"), label, sha256=str(number)) for number, label in enumerate(labels)]
    findings = doubtful_labels(photos, range(90), classes, seed=0, progress=lambda _: None, features=rows_of(truth))
    assert all(int(f.sha256) in turned and f.suggestion == truth[int(f.sha256)] for f in findings)
    assert len(findings) >= 6  # confident learning estimates how many labels are wrong, and names no more than that
    assert all(f", model predicts {word(f.suggestion)} (" in f.sentence for f in findings)


def test_copies_do_not_vouch_for_each_other() -> None:
    truth = [OK_NOK.names[number % 2] for number in range(60)] + [NON_DEFECTIVE] * 6
    labels = truth[:60] + [DEFECTIVE] * 6  # six copies of one good photo, all mislabelled
    photos = [Sample(Path("photo"), label, sha256=str(number)) for number, label in enumerate(labels)]
    group = [*range(60), *[60] * 6]
    findings = doubtful_labels(photos, group, OK_NOK, seed=0, progress=lambda _: None, features=rows_of(truth))
    assert {f.sha256 for f in findings} == {str(place) for place in range(60, 66)}


@pytest.mark.parametrize(
    ("labels", "copies", "count", "reason"),
    [
        ([NON_DEFECTIVE] * 9, False, 0, "(found: OK 9, NOK 0)."),
        ([NON_DEFECTIVE] * 9 + [DEFECTIVE] * 4, False, 0, "(found: OK 9, NOK 4)."),
        ([NON_DEFECTIVE] * 9 + [DEFECTIVE] * 5, False, 14, ""),
        ([NON_DEFECTIVE] * 9 + [DEFECTIVE] * 9, True, 0, "(found: OK 1, NOK 1)."),
    ],
)
def test_too_few_photos_of_a_class_are_skipped_with_a_reason(
    labels: list[str], copies: bool, count: int, reason: str
) -> None:
    photos = [Sample(Path("photo"), label, sha256=str(number)) for number, label in enumerate(labels)]
    places, said = judged(photos, labels if copies else range(len(labels)), OK_NOK)
    assert (len(places), said.endswith(reason), bool(said)) == (count, True, bool(reason))


def test_a_finding_checks_itself() -> None:
    with pytest.raises(ValueError, match="A finding is one of contradiction, leak, "):
        Finding("odd", "a", (), 0.5, "")
    with pytest.raises(ValueError, match="must lie in"):
        Finding("dark", "a", (), 1.5, "")


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=20))
def test_groups_are_what_pairs_connect(pairs: list[tuple[int, int]]) -> None:
    together = DisjointSet(range(13))
    for one, other in pairs:
        together.merge(one, other)
    findings = [Finding("near_duplicate", str(one), (str(other),), 1, "") for one, other in pairs]
    expected = {frozenset(map(str, members)) for members in by_first(together).values() if len(members) > 1}
    assert set(groups(findings)) == expected
    assert all(first == min(members) for first, members in by_first(together).items())
