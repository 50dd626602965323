"""Folders of photos: which names mean what, and what is said before training starts."""

from pathlib import Path

import pytest
from PIL import Image

from ensemble.datasets.loading import check_training_data, digest, evaluation_part, find_dataset, parse_classes
from ensemble.values.errors import DataError
from ensemble.values.results import OK_NOK, Classes


def photos(folder: Path, count: int, start: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        Image.new("RGB", (40, 40), (number, sum(map(ord, folder.parent.name)) % 256, 0)).save(folder / f"{number}.png")


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("ok", "nok"),
        ("ok_front", "def_front"),
        ("normal", "anomaly"),
        ("good", "bad"),
        ("Good", "scratched"),
        ("non_defective", "defective"),
        ("non-defective", "Defective"),
        ("fine_ones", "nok"),
        ("pass", "fail"),
    ],
)
def test_known_pairs_of_names(tmp_path: Path, good: str, bad: str) -> None:
    for part in ("train", "test"):
        photos(tmp_path / part / good, 6, start=0)
        photos(tmp_path / part / bad, 5, start=100)
    dataset = find_dataset(tmp_path)
    assert dataset.classes == OK_NOK
    assert dataset.folders == {good: "non_defective", bad: "defective"}
    assert [sum(sample.label == name for sample in dataset.train) for name in OK_NOK.names] == [6, 5]


def test_other_names_are_classes_of_their_own(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for number, name in enumerate(("topwear", "shoes", "bottomwear")):
            photos(tmp_path / part / name, 5, start=10 * number)
    dataset = find_dataset(tmp_path)
    assert dataset.classes == Classes(("bottomwear", "shoes", "topwear"))
    assert check_training_data(dataset, tmp_path) == ()


def test_classes_said_by_hand(tmp_path: Path) -> None:
    for number, name in enumerate(("io", "kratzer", "delle")):
        photos(tmp_path / "train" / name, 5, start=10 * number)
    folders = parse_classes("io=non_defective, kratzer=defective, delle=defective")
    dataset = find_dataset(tmp_path, folders)
    assert dataset.classes == OK_NOK and len(dataset.train) + len(dataset.test) == 15
    assert parse_classes("a,b,c") == {"a": "a", "b": "b", "c": "c"}
    with pytest.raises(DataError, match="holds delle, io, kratzer, which are none of the classes a, b"):
        find_dataset(tmp_path, parse_classes("a,b"))


@pytest.mark.parametrize("text", ["", "one", "a=x,b=x", "=a,b=c", "a=,b=c"])
def test_classes_that_make_no_sense(text: str) -> None:
    with pytest.raises(DataError, match="--classes names at least two"):
        parse_classes(text)


def test_without_a_test_part_some_photos_are_held_out_by_the_seed(tmp_path: Path) -> None:
    photos(tmp_path / "normal", 20)
    photos(tmp_path / "anomaly", 10, start=50)
    one, two, other = find_dataset(tmp_path), find_dataset(tmp_path), find_dataset(tmp_path, seed=1)
    assert one == two and one.test != other.test
    assert len(one.test) == 9 and not set(one.train) & set(one.test)
    assert sum(sample.label == "defective" for sample in one.test) == 3
    assert one.notes[-1] == "No test part: 9 of 30 photos are set aside for the test."


@pytest.mark.parametrize(
    ("folders", "sentence"),
    [
        ({}, "is not laid out in any way that is known here"),
        ({"train/shirts": 9}, "one class only, shirts. If these are good parts, call the folder good"),
        ({"shirts": 9}, "one class only, shirts. If these are good parts, call the folder good"),
        ({"train/nok": 9}, r"holds defective parts only \(nok\). Add photos of good parts"),
        ({"train/nok": 9, "test/ok": 2, "test/nok": 2}, "no photos of good parts to learn from, only 9 of defective"),
        (
            {"train/shirts": 9, "train/shoes": 0, "train/socks": 9, "test/shirts": 2, "test/shoes": 2},
            "photos of shirts, socks only; shoes has none",
        ),
        ({"train/ok": 0, "train/nok": 0, "test/ok": 2, "test/nok": 2}, "no photos to learn from"),
        ({"ok": 1, "nok": 1}, "too few photos to hold some out"),
        ({"train/ok": 0, "train/nok": 0}, "is not laid out in any way that is known here"),
        ({"shirts": 2, "shoes": 2, "socks": 2}, "too few photos to hold some out"),
        ({"train/review": 9, "train/shoes": 9}, "one class only, shoes"),
    ],
)
def test_what_nobody_can_learn_from(tmp_path: Path, folders: dict[str, int], sentence: str) -> None:
    for number, (name, count) in enumerate(folders.items()):
        photos(tmp_path / name, count, start=20 * number)
    with pytest.raises(DataError, match=sentence):
        check_training_data(find_dataset(tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("folders", "counts", "note"),
    [
        ({"train/good": 10}, (7, 3), "No defects in the photos: thresholds from good parts only."),
        ({"IO": 10}, (7, 3), "No defects in the photos: thresholds from good parts only."),
        ({"train/ok": 9, "test/ok": 2}, (9, 2), "No defects in the photos: thresholds from good parts only."),
        (
            {"train/ok": 9, "train/nok": 1, "test/ok": 2},
            (10, 2),
            "The test part has no photos of defective: escapes cannot be measured.",
        ),
        (
            {"train/ok": 9, "test/nok": 2},
            (9, 2),
            "The test part has no photos of non_defective: overkill cannot be measured.",
        ),
    ],
)
def test_few_defects_or_none_are_enough_where_there_are_good_parts(
    tmp_path: Path, folders: dict[str, int], counts: tuple[int, int], note: str
) -> None:
    for number, (name, count) in enumerate(folders.items()):
        photos(tmp_path / name, count, start=20 * number)
    dataset = find_dataset(tmp_path)
    assert dataset.classes == OK_NOK and (len(dataset.train), len(dataset.test)) == counts
    assert check_training_data(dataset, tmp_path) == (note,)


def mask(path: Path, size: tuple[int, int] = (40, 40)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, 255).save(path)


def category(folder: Path) -> Path:
    """An MVTec AD category: 6 + 2 good photos, 3 scratched and 2 bent ones, four of these with masks."""
    photos(folder / "train/good", 6)
    photos(folder / "test/good", 2, start=10)
    photos(folder / "test/scratch", 3, start=20)
    photos(folder / "test/bent", 2, start=30)
    for place in ("scratch/20", "scratch/21", "bent/30", "bent/31"):
        mask(folder / f"ground_truth/{place}_mask.png")
    return folder


def test_an_mvtec_category_as_it_is(tmp_path: Path) -> None:
    dataset = find_dataset(category(tmp_path))
    assert dataset.classes == OK_NOK and len(dataset.train) == 6
    assert dataset.folders == {"bent": "defective", "good": "non_defective", "scratch": "defective"}
    found = [
        (f"{sample.path.parent.name}/{sample.path.name}", sample.label, sample.defect, sample.mask and sample.mask.name)
        for sample in dataset.test
    ]
    assert found == [
        ("bent/30.png", "defective", "bent", "30_mask.png"),
        ("bent/31.png", "defective", "bent", "31_mask.png"),
        ("good/10.png", "non_defective", "", None),
        ("good/11.png", "non_defective", "", None),
        ("scratch/20.png", "defective", "scratch", "20_mask.png"),
        ("scratch/21.png", "defective", "scratch", "21_mask.png"),
        ("scratch/22.png", "defective", "scratch", None),
    ]
    assert dataset.notes[1:] == (
        "1 of 5 defective photos have no mask, such as scratch/22.png: where their defects are is not known.",
    )
    assert check_training_data(dataset, tmp_path) == ()
    assert evaluation_part(tmp_path, dataset.folders, OK_NOK)[0] == dataset.test


@pytest.mark.parametrize("folders", [{}, {"ok": "non_defective", "nok": "defective"}, {"good": "non_defective"}])
def test_kinds_of_defect_that_training_has_not_seen_are_defective(tmp_path: Path, folders: dict[str, str]) -> None:
    samples, notes = evaluation_part(category(tmp_path), folders, OK_NOK)
    assert sorted(sample.label for sample in samples) == ["defective"] * 5 + ["non_defective"] * 2
    assert notes[0] == "Taken as bent = defective, scratch = defective."


def test_a_tree_of_categories_is_one_product(tmp_path: Path) -> None:
    category(tmp_path / "nut")
    category(tmp_path / "wood/oak")
    dataset = find_dataset(tmp_path)
    assert dataset.classes == OK_NOK and (len(dataset.train), len(dataset.test)) == (12, 14)
    assert {sample.defect for sample in dataset.test} == {
        "",
        "nut/bent",
        "nut/scratch",
        "wood/oak/bent",
        "wood/oak/scratch",
    }
    assert sum(sample.mask is not None for sample in dataset.test) == 8
    assert dataset.notes[1].endswith("holds 2 categories, taken as one product: nut, wood/oak.")
    assert evaluation_part(tmp_path, dataset.folders, OK_NOK)[0] == dataset.test


@pytest.mark.parametrize(
    ("photo", "where", "defect"),
    [
        ("train/nok/a.png", "ground_truth/train/nok/a.png", "nok"),
        ("train/nok/bent/a.png", "ground_truth/train/nok/bent/a.png", "bent"),
        ("test/nok/a.png", "ground_truth/test/nok/a_mask.png", "nok"),
        ("test/nok/a.png", "ground_truth/nok/a_mask.png", "nok"),
        ("nok/deep/bent/a.png", "ground_truth/nok/deep/bent/a.png", "deep/bent"),
    ],
)
def test_masks_and_kinds_of_defect_in_every_layout(tmp_path: Path, photo: str, where: str, defect: str) -> None:
    parts = ("train/", "test/") if photo.startswith("t") else ("",)
    for number, part in enumerate(parts):
        photos(tmp_path / f"{part}ok", 6, start=20 * number)
        photos(tmp_path / f"{part}nok", 5, start=100 + 20 * number)
    mask(tmp_path / photo)
    mask(tmp_path / where)
    dataset = find_dataset(tmp_path)
    masked = [sample for sample in (*dataset.train, *dataset.test) if sample.mask]
    assert [(sample.path, sample.defect, sample.mask) for sample in masked] == [
        (tmp_path / photo, defect, tmp_path / where)
    ]


def test_odd_masks_are_said_and_misfits_refused(tmp_path: Path) -> None:
    category(tmp_path)
    (tmp_path / "ground_truth/bent/30_mask.png").write_bytes(b"no mask")
    mask(tmp_path / "ground_truth/bent/99_mask.png")
    dataset = find_dataset(tmp_path)
    truth = tmp_path / "ground_truth"
    assert dataset.notes[1:] == (
        "1 masks cannot be read and are left out, such as ground_truth/bent/30_mask.png. Export them again as grey "
        "PNG.",
        "1 masks belong to no photo, such as ground_truth/bent/99_mask.png.",
        "2 of 5 defective photos have no mask, such as bent/30.png: where their defects are is not known.",
    )
    mask(truth / "bent/31_mask.png", (40, 20))
    for attempt in (
        lambda: check_training_data(find_dataset(tmp_path), tmp_path),
        lambda: evaluation_part(tmp_path, {}, OK_NOK),
    ):
        with pytest.raises(DataError, match=r"31_mask.png has 40 × 20 pixels and its photo 31.png 40 × 40. Export"):
            attempt()


def test_a_photo_that_is_stored_turned_has_an_upright_mask(tmp_path: Path) -> None:
    category(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(tmp_path / "test/bent/31.png", exif=exif)
    mask(tmp_path / "ground_truth/bent/31_mask.png", (40, 60))
    assert check_training_data(find_dataset(tmp_path), tmp_path) == ()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        find_dataset(tmp_path / "nowhere")


def test_duplicates_and_contradictions_are_said_before_training(tmp_path: Path) -> None:
    for part in ("train", "test"):
        photos(tmp_path / part / "ok", 5, start=0 if part == "train" else 60)
        photos(tmp_path / part / "nok", 5, start=100 if part == "train" else 160)
    (tmp_path / "test/ok/copy.png").write_bytes((tmp_path / "train/ok/0.png").read_bytes())
    (tmp_path / "train/nok/twin.png").write_bytes((tmp_path / "train/ok/1.png").read_bytes())
    (tmp_path / "train/ok/notes.txt").write_text("not a photo")
    (tmp_path / "train/ok/.hidden.png").write_text("")
    dataset = find_dataset(tmp_path)
    assert dataset.notes[1:] == (
        "train/ok/notes.txt is no photo by its ending. Expected one of .jpg, .jpeg, .png, .bmp, .webp, .tif, .tiff, "
        ".gif, .pbm, .pgm, .ppm, .pnm.",
        "2 photos teach and measure nothing, because the same bytes stand under two labels, such as nok/twin.png "
        "(defective) and ok/1.png (non_defective). Keep each under one.",
    )
    (across,) = check_training_data(dataset, tmp_path)
    assert across.startswith("1 photo of the test part is also in the training part, such as copy.png")
    assert {"twin.png", "1.png"} & {sample.path.name for sample in dataset.train} == set()


def test_the_digest_knows_photos_and_labels_and_nothing_else(tmp_path: Path) -> None:
    photos(tmp_path / "a/ok", 5)
    photos(tmp_path / "a/nok", 5, start=9)
    one = find_dataset(tmp_path / "a", seed=0)
    assert digest([*one.train, *one.test]) == digest([*one.test, *one.train])
    assert digest(one.train) != digest(one.test)
    (tmp_path / "a/ok/0.png").rename(tmp_path / "a/ok/renamed.png")
    two = find_dataset(tmp_path / "a", seed=0)
    assert digest([*one.train[1:]]) != digest([*two.train, *two.test]) == digest([*two.test, *two.train])


def test_the_part_to_measure_on(tmp_path: Path) -> None:
    photos(tmp_path / "test/good", 2)
    photos(tmp_path / "test/bad", 3, start=9)
    samples, notes = evaluation_part(tmp_path, {"ok": "non_defective", "nok": "defective"}, OK_NOK)
    assert sorted(sample.label for sample in samples) == ["defective"] * 3 + ["non_defective"] * 2 and notes == ()
    with pytest.raises(DataError, match="this product knows bottomwear, shoes"):
        evaluation_part(tmp_path, {}, Classes(("bottomwear", "shoes")))
    (tmp_path / "empty/test").mkdir(parents=True)
    with pytest.raises(DataError, match="is not laid out in any way that is known here"):
        evaluation_part(tmp_path / "empty", {}, OK_NOK)


@pytest.mark.parametrize("part", ["", "train"])
def test_without_a_test_part_the_photos_are_those_that_training_has_held_out(tmp_path: Path, part: str) -> None:
    photos(tmp_path / part / "ok", 20)
    photos(tmp_path / part / "nok", 10, start=50)
    trained = find_dataset(tmp_path, seed=7)
    samples, notes = evaluation_part(tmp_path, trained.folders, OK_NOK, (7,))
    assert samples == trained.test and notes == trained.notes
    assert "too optimistic" in evaluation_part(tmp_path, trained.folders, OK_NOK, (0, 7))[1][-1]
