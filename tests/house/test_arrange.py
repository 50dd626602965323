"""The split of the magnetic tile photos: by part, by type, by seed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.arrange import app, parts, split, split_good


def photos(kind: str, *starts: int) -> list[Path]:
    """Six captures a part, 15 frames apart, beginning at each start."""
    return [Path(f"MT_{kind}/Imgs/exp{shot}_num_{start + 15 * shot}.jpg") for start in starts for shot in range(1, 7)]


def test_captures_of_one_part_stay_together() -> None:
    grouped = parts([*photos("Free", 1000, 5000), *photos("Crack", 2000, 5007)])
    assert [len(part) for part in grouped] == [6, 6, 12]  # the two parts that were filmed side by side count as one


@pytest.mark.parametrize("seed", range(4))
def test_no_part_is_on_both_sides_and_every_type_is_on_each(seed: int) -> None:
    taken = [*photos("Free", *range(0, 40_000, 1000)), *photos("Crack", *range(100_000, 110_000, 1000))]
    sides = split(taken, test_share=0.3, seed=seed)
    assert sorted(sides["train"] + sides["test"]) == sorted(taken)
    assert len(sides["test"]) == 6 * (12 + 3)
    groups = {side: set(chosen) for side, chosen in sides.items()}
    for part in parts(taken):
        assert set(part) <= groups["train"] or set(part) <= groups["test"]
    assert {photo.parts[0] for photo in sides["test"]} == {"MT_Free", "MT_Crack"}


def test_the_seed_decides_the_split() -> None:
    taken = photos("Free", *range(0, 40_000, 1000))
    first = split(taken, test_share=0.3, seed=0)
    assert first == split(reversed(taken), test_share=0.3, seed=0)
    assert first != split(taken, test_share=0.3, seed=1)


def test_the_command_copies_photos_into_class_folders(tmp_path: Path) -> None:
    for photo in [*photos("Free", 0, 1000, 2000), *photos("Fray", 5000, 6000, 7000)]:
        path = tmp_path / "source" / photo
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo.name.encode())
    outcome = CliRunner().invoke(app, ["tile", str(tmp_path / "source"), str(tmp_path / "out")])
    assert outcome.exit_code == 0
    assert outcome.output.splitlines() == [
        "train: 12 defective, 12 non_defective",
        "test: 6 defective, 6 non_defective",
    ]
    assert not (tmp_path / "out" / "ground_truth").exists()
    again = CliRunner().invoke(app, ["tile", str(tmp_path / "source"), str(tmp_path / "out")])
    assert again.exit_code == 2


@pytest.mark.parametrize("seed", range(4))
def test_good_photos_to_train_on_come_from_parts_without_defect(seed: int) -> None:
    taken = [*photos("Free", *range(0, 10_000, 1000), 100_007), *photos("Crack", 50_000, 100_000)]
    sides = split_good(taken, train=20, seed=seed)
    assert len(sides["train"]) == 20 and len(sides["test"]) == len(taken) - 24  # four parts, the last one threshold
    assert {photo.parts[0] for photo in sides["train"]} == {"MT_Free"}
    for part in parts(taken):
        assert not (set(part) & set(sides["train"]) and set(part) & set(sides["test"]))
        assert not (set(part) & set(sides["train"]) and any(photo.parts[0] == "MT_Crack" for photo in part))


def test_too_few_good_photos_are_said() -> None:
    with pytest.raises(ValueError, match="Parts without defect have 6 photos; 7 are wanted"):
        split_good(photos("Free", 0), train=7, seed=0)


def test_the_good_only_command_makes_an_mvtec_category(tmp_path: Path) -> None:
    for photo in [*photos("Free", 0, 1000, 2000), *photos("Fray", 5000)]:
        path = tmp_path / "source" / photo
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo.name.encode())
        path.with_suffix(".png").write_bytes(f"mask of {photo.name}".encode())
    outcome = CliRunner().invoke(
        app, ["tile-good-only", str(tmp_path / "source"), str(tmp_path / "out"), "--train", "10"]
    )
    assert outcome.exit_code == 0
    assert outcome.output.splitlines() == ["train: 10 good", "test: 6 fray, 6 good"]
    assert (tmp_path / "out/ground_truth/fray/exp1_num_5015_mask.png").read_text() == "mask of exp1_num_5015.jpg"
    assert sorted(path.name for path in (tmp_path / "out/ground_truth").iterdir()) == ["fray"]


def test_masks_go_where_their_photos_are_looked_for(tmp_path: Path) -> None:
    for photo in [*photos("Free", 0, 1000), *photos("Fray", 5000, 6000)]:
        path = tmp_path / "source" / photo
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo.name.encode())
        path.with_suffix(".png").write_bytes(f"mask of {photo.name}".encode())
    outcome = CliRunner().invoke(app, ["tile", str(tmp_path / "source"), str(tmp_path / "out"), "--masks"])
    assert outcome.exit_code == 0
    masks = sorted((tmp_path / "out" / "ground_truth").rglob("*.png"))
    assert len(masks) == 12 and {mask.parent.name for mask in masks} == {"defective"}
    for mask in masks:
        photo = tmp_path / "out" / mask.parent.parent.name / "defective" / f"{mask.stem}.jpg"
        assert mask.read_bytes() == b"mask of " + photo.read_bytes()
