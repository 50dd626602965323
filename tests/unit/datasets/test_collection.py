"""Collections: photos by content, decisions that are written at once and can be taken back, nothing half."""

import contextlib
import hashlib
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.datasets.collection import Collection, Correction, Finding, collections, counts
from ensemble.datasets.collection.contents import PHOTOS
from ensemble.datasets.collection.database import writing
from ensemble.datasets.collection.values import waiting_note
from ensemble.datasets.loading import evaluation_part, find_dataset
from ensemble.importers import FoundPhoto
from ensemble.values.errors import DataError
from ensemble.values.language import Message, speaking, worded
from ensemble.values.results import OK_NOK, Classes

MEANING = {"good": "non_defective", "scratch": "defective"}


def photo(folder: Path, name: str, seed: int) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def entry(folder: Path, name: str, seed: int, kind: str = "good", **known: object) -> FoundPhoto:
    return FoundPhoto(photo(folder, name, seed), name, kind, **known)  # type: ignore[arg-type]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return Collection.create(tmp_path / "collections", "Disc")


@pytest.fixture
def filled(collection: Collection, source: Path) -> Collection:
    """Four photos: three in the training split, one of them defective, and a test photo."""
    entries = [
        entry(source, "train/good/a.png", 1, split="train"),
        entry(source, "train/good/b.png", 2, split="train"),
        entry(source, "train/scratch/c.png", 3, "scratch", split="train", defect="scratch"),
        entry(source, "test/good/d.png", 4, split="test"),
    ]
    assert collection.add(entries, MEANING, origin="a folder").added == 4
    return collection


def by_name(collection: Collection, name: str) -> str:
    return next(photo.sha256 for photo in collection.photos() if photo.name.endswith(name))


def shown(collection: Collection) -> dict[str, tuple[str, str, bool]]:
    return {Path(photo.name).name: (photo.label, photo.split, photo.dropped) for photo in collection.photos()}


def test_a_photo_comes_in_once_whatever_its_name(collection: Collection, source: Path) -> None:
    entries = [
        entry(source, "good/a.png", 1),
        entry(source, "good/again.png", 1),
        entry(source, "scratch/b.png", 2, "scratch"),
    ]
    added = collection.add(entries, MEANING, origin="first")
    assert (added.added, [each.name for each in added.known]) == (2, ["good/again.png"])
    assert "the same file as good/a.png" in added.known[0].reason
    (other,) = collection.add([entry(source, "scratch/a.png", 1, "scratch")], MEANING, origin="x").known
    assert other.reason.startswith("good/a.png is labelled OK and scratch/a.png NOK, but they are the same file")
    assert collection.add(entries, MEANING, origin="second").added == 0
    assert len(list((collection.folder / PHOTOS).iterdir())) == 2
    assert collection.classes() == OK_NOK


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 photo has two labels. Decide under Data, Check."),
        (3, "3 photos have two labels. Decide under Data, Check."),
    ],
)
def test_photos_under_two_labels_are_counted_in_a_whole_sentence(count: int, said: str) -> None:
    assert waiting_note(count) == (said,) and waiting_note(0) == ()


@pytest.mark.parametrize("first", ["good", "scratch"])
def test_the_same_bytes_under_two_labels_wait_for_a_person_whichever_came_first(
    collection: Collection, source: Path, first: str
) -> None:
    second = "scratch" if first == "good" else "good"
    masked = source / "mask.png"
    pair = {
        "good": entry(source, "good/a.png", 1),
        "scratch": entry(source, "scratch/a.png", 1, "scratch", defect="deep", mask=masked),
    }
    Image.new("L", (48, 40), 255).save(masked)
    others = [entry(source, "good/b.png", 2), entry(source, "scratch/c.png", 3, "scratch")]
    added = collection.add([pair[first], *others, pair[second]], MEANING, origin="a folder")
    assert (added.added, [each.name for each in added.known]) == (2, [f"{second}/a.png"])
    assert added.notes[-1].startswith("1 photo has two labels.")
    (doubt,) = collection.findings()
    same = by_name(collection, "a.png")
    assert (doubt.kind, doubt.sha256, doubt.suggestion) == ("contradiction", same, MEANING[second])
    assert sum(not kept.dropped for kept in collection.photos()) == 2

    collection.keep_findings([])
    assert collection.findings() == (doubt,)  # looking through the photos settles nothing
    for label in ("non_defective", "defective"):
        collection.decide("relabel", [same], label)
        kept = next(photo for photo in collection.photos() if photo.sha256 == same)
        assert (kept.label, kept.dropped, collection.findings()) == (label, False, ())
        assert kept.defect == "deep" and kept.mask is not None
        collection.add([pair["good"], pair["scratch"]], MEANING, origin="once more")
        assert collection.findings() == ()  # a person has said it
        collection.undo()
        assert collection.findings() == (doubt,)
    collection.decide("drop", [same])
    assert collection.findings() == ()
    collection.undo()
    collection.undo()
    assert collection.findings() == () and all(kept.dropped for kept in collection.photos())


@pytest.fixture
def doubted(filled: Collection, source: Path) -> str:
    """The photo a.png of `filled`, which has come in as defective too."""
    added = filled.add([entry(source, "nok/a.png", 1, "scratch")], MEANING, origin="another folder")
    assert len(added.notes) == 1
    return by_name(filled, "a.png")


def test_two_labels_are_not_kept_as_they_are(filled: Collection, doubted: str) -> None:
    (doubt,) = filled.findings()
    dark = Finding("dark", by_name(filled, "b.png"), (), 0.1, "It is dark.")
    with pytest.raises(DataError, match="Say which label is right, or leave it out"):
        filled.keep([dark, doubt])
    with sqlite3.connect(filled.folder / "collection.db") as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        connection.execute("INSERT INTO kept VALUES (?)", (doubt.key(),))  # as it was once possible
    assert filled.findings() == (doubt,)


def test_a_restored_photo_waits_on_until_its_label_is_said(filled: Collection, doubted: str) -> None:
    (doubt,) = filled.findings()
    assert filled.decide("restore", [doubted]) is None and filled.findings() == (doubt,)
    filled.decide("drop", [doubted])
    assert filled.findings() == ()
    filled.decide("restore", [doubted])
    assert filled.findings() == (doubt,) and shown(filled)["a.png"][2]
    said = filled.decide("relabel", [doubted], "defective")
    assert said is not None and said.sentence() == "Class changed (NOK): 1 photo."
    filled.decide("drop", [doubted])
    filled.decide("restore", [doubted])
    assert shown(filled)["a.png"] == ("defective", "train", False)


def test_an_import_that_was_taken_back_holds_nothing_up(filled: Collection, doubted: str) -> None:
    filled.undo()
    filled.decide("drop", [doubted])
    filled.decide("restore", [doubted])
    assert not shown(filled)["a.png"][2]


def test_a_mask_that_went_away_costs_its_own_photo_alone(collection: Collection, source: Path) -> None:
    entries = [entry(source, "a.png", 1, "scratch", mask=source / "gone.png"), entry(source, "b.png", 2)]
    added = collection.add(entries, MEANING, origin="x")
    assert (added.added, [each.name for each in added.refused]) == (1, ["a.png"])
    assert "gone.png cannot be read (No such file or directory)" in added.refused[0].reason


def test_a_file_outside_that_cannot_be_read_is_not_called_unwritable(collection: Collection, tmp_path: Path) -> None:
    for path, word in ((tmp_path / "elsewhere.png", "read"), (collection.folder / "photos", "written")):
        with pytest.raises(DataError, match=f"{path.name} cannot be {word}"), writing(collection.folder):
            raise PermissionError(13, "Permission denied", str(path))


def test_what_is_no_photo_is_named_and_the_others_come_in(collection: Collection, source: Path) -> None:
    broken = photo(source, "good/broken.jpg", 1)
    broken.write_bytes(b"\xff\xd8\xff" + bytes(200))
    gone = FoundPhoto(source / "good/gone.png", "good/gone.png", "good")
    added = collection.add(
        [FoundPhoto(broken, "good/broken.jpg", "good"), gone, entry(source, "good/a.png", 2)], MEANING, origin="x"
    )
    assert added.added == 1
    assert [each.name for each in added.refused] == ["good/broken.jpg", "good/gone.png"]
    assert "damaged" in added.refused[0].reason and "cannot be read" in added.refused[1].reason


def test_a_kind_that_means_nothing_stays_out(collection: Collection, source: Path) -> None:
    entries = [entry(source, "good/a.png", 1), entry(source, "dirt/b.png", 2, "dirt")]
    assert collection.add(entries, MEANING | {"dirt": None}, origin="x").added == 1


@pytest.mark.parametrize(
    ("first", "then", "says"),
    [
        ({"a": "non_defective", "b": "defective"}, {"a": "shoes", "b": "shirts"}, "shirts, shoes is neither"),
    ],
)
def test_classes_that_do_not_go_together_bring_nothing_in(
    collection: Collection, source: Path, first: dict[str, str], then: dict[str, str], says: str
) -> None:
    entries = [entry(source, "a.png", 1, "a"), entry(source, "b.png", 2, "b")]
    more = [entry(source, "c.png", 3, "a"), entry(source, "d.png", 4, "b")]
    with pytest.raises(DataError, match=says):
        collection.add(entries, first, origin="x")
        collection.add(more, then, origin="y")
    assert {photo.label for photo in collection.photos()} <= set(first.values())
    assert len(collection.decisions()) == 1


def test_new_classes_widen_those_of_several(collection: Collection, source: Path) -> None:
    collection.add(
        [entry(source, f"{name}.png", number, name) for number, name in enumerate("ab")],
        {"a": "a", "b": "b"},
        origin="x",
    )
    collection.add([entry(source, "c.png", 9, "c")], {"c": "c"}, origin="x")
    assert collection.classes() == Classes(("a", "b", "c"))


def test_masks_come_along_as_grey_values(collection: Collection, source: Path) -> None:
    mask = source / "index.png"
    source.mkdir()
    Image.fromarray(np.pad(np.full((10, 10), 2, np.uint8), ((0, 30), (0, 38)))).save(mask)
    small = source / "small.png"
    Image.new("L", (5, 5)).save(small)
    added = collection.add(
        [
            entry(source, "a.png", 1, "scratch", mask=mask, mask_scale="index"),
            entry(source, "b.png", 2, "scratch", mask=small),
        ],
        MEANING,
        origin="x",
    )
    assert [each.name for each in added.refused] == ["b.png"] and "40" in added.refused[0].reason
    (kept,) = collection.photos()
    assert kept.mask is not None
    values = np.asarray(Image.open(kept.mask))
    assert (values == 255).sum() == 100 and (values == 0).sum() == 40 * 48 - 100


def test_photos_of_a_part_follow_it_into_its_split(collection: Collection, source: Path) -> None:
    collection.add([entry(source, "a.png", 1, part="p1", split="test")], MEANING, origin="x")
    more = [entry(source, "b.png", 2, part="p1"), entry(source, "c.png", 3, part="p2")]
    added = collection.add(more, MEANING, origin="y", split="train")
    assert shown(collection) == {
        "a.png": ("non_defective", "test", False),
        "b.png": ("non_defective", "test", False),
        "c.png": ("non_defective", "train", False),
    }
    assert added.notes == ("Put into the split of their part: 1 photo.",)


@pytest.mark.parametrize(
    ("action", "value", "after"),
    [
        ("move", "calibration", ("non_defective", "calibration", False)),
        ("relabel", "defective", ("defective", "train", False)),
        ("drop", "", ("non_defective", "train", True)),
    ],
)
def test_a_decision_is_written_at_once_and_can_be_taken_back(
    filled: Collection, action: str, value: str, after: tuple[str, str, bool]
) -> None:
    before = shown(filled)
    decision = filled.decide(action, [by_name(filled, "a.png")], value, reason="seen", author="A")
    assert shown(Collection(filled.folder)) == before | {"a.png": after}
    assert decision is not None and (decision.reason, decision.author) == ("seen", "A")
    assert filled.decisions()[0] == decision
    assert filled.undo().number == decision.number
    assert shown(filled) == before
    assert filled.decisions()[0].undone
    assert filled.decide("move", [by_name(filled, "a.png")], "train") is None  # where it is already


def test_what_a_later_decision_rests_on_is_not_taken_back(filled: Collection) -> None:
    digest = by_name(filled, "a.png")
    first = filled.decide("move", [digest], "test")
    second = filled.decide("move", [digest], "calibration")
    assert first is not None and second is not None
    with pytest.raises(DataError, match="later one rests on it"):
        filled.undo(first.number)
    filled.undo(second.number)
    filled.undo(first.number)
    assert shown(filled)["a.png"][1] == "train"
    with pytest.raises(DataError, match="does not stand"):
        filled.undo(first.number)


def test_an_import_is_a_decision_like_others(filled: Collection) -> None:
    filled.undo()
    assert all(dropped for _, _, dropped in shown(filled).values())
    with pytest.raises(DataError, match="no decision to take back"):
        filled.undo()


@pytest.mark.parametrize(
    ("action", "value", "says"),
    [
        ("paint", "", "can be moved"),
        ("move", "elsewhere", "A split is one of"),
        ("relabel", "shoes", "none of the classes"),
    ],
)
def test_a_decision_that_means_nothing_is_refused(filled: Collection, action: str, value: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        filled.decide(action, [by_name(filled, "a.png")], value)
    with pytest.raises(DataError, match="no photo with the SHA-256 ffff"):
        filled.decide("drop", ["f" * 64])


def test_findings_stay_open_until_somebody_decides(filled: Collection) -> None:
    one, two = by_name(filled, "a.png"), by_name(filled, "d.png")
    dark = Finding("dark", one, (), 0.1, "It is dark.")
    leak = Finding("leak", one, (two,), 0.99, "It lies in train and test.")
    filled.keep_findings([dark, leak])
    assert filled.findings() == (dark, leak) and filled.looked_at()
    filled.keep([dark], author="A")
    filled.keep_findings([leak, dark])  # looked for anew
    assert filled.findings() == (leak,)
    filled.decide("drop", [two])
    assert filled.findings() == ()
    filled.undo()
    filled.undo()
    assert set(filled.findings()) == {dark, leak}


def test_a_confirmed_mistake_waits_and_is_pulled_into_training(filled: Collection, source: Path) -> None:
    fresh = photo(source, "new.png", 9).read_bytes()
    assert filled.confirm(fresh, "new.png", "defective", "non_defective", author="A")[0].kind == "escape"
    test_photo = next(each for each in filled.photos() if each.split == "test")
    assert filled.confirm(test_photo.path.read_bytes(), "d", "non_defective", "defective")[0].kind == "overkill"
    assert [mistake.kind for mistake in filled.mistakes()] == ["escape", "overkill"]
    decision = filled.pull(author="A")
    assert isinstance(decision, Correction) and len(decision.after) == 2
    assert filled.mistakes() == ()
    assert shown(filled)["new.png"] == ("defective", "train", False)
    assert shown(filled)["d.png"] == ("non_defective", "train", False)
    filled.undo()
    assert len(filled.mistakes()) == 2
    filled.undo()  # the import of the first; the second had its label already, so that nothing was decided
    assert [mistake.kind for mistake in filled.mistakes()] == ["overkill"]


def test_a_verdict_that_was_right_waits_too_unless_its_photo_is_here_with_that_label(
    filled: Collection, source: Path
) -> None:
    fresh = photo(source, "new.png", 9).read_bytes()
    mistake, made = filled.confirm(fresh, "new.png", "defective", "defective", author="A")
    assert (mistake.kind, made and worded(made.reason)) == ("agreed", "Confirmed verdict: new.png")
    assert filled.mistakes() == (mistake,)
    filled.undo()
    assert filled.mistakes() == ()
    known = next(each for each in filled.photos() if each.split == "test" and each.label == "non_defective")
    assert filled.confirm(known.path.read_bytes(), "k", "non_defective", "non_defective")[1] is None
    assert filled.mistakes() == ()


def test_findings_and_reasons_are_kept_with_their_values_and_said_in_the_readers_language(filled: Collection) -> None:
    said = Message("Dark (brightest pixels {own:.2f}, usual {usual:.2f}).", own=0.1, usual=0.5)
    filled.keep_findings([Finding("dark", by_name(filled, "a.png"), (), 0.9, said)])
    (finding,) = filled.findings()
    assert finding.sentence == "Dark (brightest pixels 0.10, usual 0.50)."
    filled.decide("drop", [by_name(filled, "b.png")], reason='{"text": no sentence}')
    assert filled.decisions()[0].reason == '{"text": no sentence}'
    filled.split(
        {by_name(filled, "c.png"): "test"}, reason=Message("{shares}, seed {seed}", shares="test 20 %", seed=3)
    )
    assert filled.decisions()[0].reason == "test 20 %, seed 3"
    with speaking("qps"):
        assert worded(finding.sentence).startswith("⟦Dårk (brîghtést pîxéls 0.10, ûsûål 0.50).")
        assert worded(filled.decisions()[0].reason).startswith("⟦test 20 %, sééd 3")
        assert worded(filled.decisions()[0].undone_sentence()).startswith("⟦Ûñdöñé: “⟦")


def mistake_rows(folder: Path) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "collection.db")) as book:
        return book.execute(
            "SELECT rowid, sha256, kind, label, verdict, author FROM mistakes ORDER BY rowid"
        ).fetchall()


def test_undo_of_a_second_correction_restores_the_row_that_waited_before(filled: Collection, source: Path) -> None:
    data = photo(source, "new.png", 9).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    _, first = filled.confirm(data, "new.png", "non_defective", "defective", author="Ada")
    other, _ = filled.confirm(photo(source, "other.png", 8).read_bytes(), "other.png", "defective", "review")
    one = [
        (1, digest, "overkill", "non_defective", "defective", "Ada"),
        (2, other.sha256, "decided", "defective", "review", ""),
    ]
    assert mistake_rows(filled.folder) == one
    _, second = filled.confirm(data, "new.png", "defective", "review", author="Bob")
    assert mistake_rows(filled.folder) == [(1, digest, "decided", "defective", "review", "Bob"), one[1]]
    assert first is not None and second is not None
    with pytest.raises(DataError, match="Take the later one back first"):
        filled.undo(first.number)
    filled.undo(second.number)
    assert mistake_rows(filled.folder) == one and shown(filled)["new.png"] == ("non_defective", "", False)
    filled.undo(first.number)
    assert mistake_rows(filled.folder) == [one[1]] and shown(filled)["new.png"] == ("non_defective", "", True)


def test_a_data_set_is_what_the_splits_say(filled: Collection) -> None:
    filled.decide("move", [by_name(filled, "b.png")], "calibration")
    found = find_dataset(filled.folder)
    names = [[sample.path.name for sample in part] for part in (found.train, found.calibration, found.test)]
    assert names == [["a.png", "c.png"], ["b.png"], ["d.png"]]
    assert found.classes == OK_NOK and found.train[1].defect == "scratch"
    assert [sample.path.name for sample in evaluation_part(filled.folder, {}, OK_NOK)[0]] == ["d.png"]
    filled.decide("drop", [by_name(filled, "d.png")])
    with pytest.raises(DataError, match="no test photos"):
        find_dataset(filled.folder)


def test_photos_without_a_split_are_counted_aloud(filled: Collection, source: Path) -> None:
    filled.add([entry(source, "late.png", 8)], MEANING, origin="later")
    assert find_dataset(filled.folder).notes == ("Not used: 1 of 5 photos have no split. Split them first.",)
    assert counts(filled.photos())[""] == {"non_defective": 1}


def test_an_import_that_is_cut_off_leaves_nothing_that_counts(collection: Collection, source: Path) -> None:
    entries = [entry(source, f"{number}.png", number) for number in range(6)]

    def stop(done: int, _total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collection.add(entries, MEANING, origin="x", progress=stop)
    assert collection.photos() == () and collection.decisions() == ()
    collection.add(entries[5:], MEANING, origin="x")
    assert len(list((collection.folder / PHOTOS).iterdir())) == 1  # what was left lying is swept away


def test_a_killed_import_leaves_nothing_that_counts(filled: Collection, source: Path) -> None:
    before = shown(filled)
    for number in range(20):
        photo(source, f"more/{number}.png", 100 + number)
    script = (
        "import os, signal, sys; from pathlib import Path; from ensemble.datasets.collection import Collection; "
        "from ensemble.importers import FoundPhoto; "
        "kill = lambda done, total: os.kill(os.getpid(), signal.SIGKILL) if done == 15 else None; "
        "photos = [FoundPhoto(p, p.name, 'good') for p in sorted(Path(sys.argv[2]).iterdir())]; "
        "Collection(Path(sys.argv[1])).add(photos, {'good': 'non_defective'}, origin='x', progress=kill)"
    )
    ended = subprocess.run([sys.executable, "-c", script, filled.folder, source / "more"], check=False)
    assert ended.returncode == -9
    assert shown(filled) == before
    assert filled.add([entry(source, "z.png", 999)], MEANING, origin="y").added == 1
    assert len(list((filled.folder / PHOTOS).iterdir())) == 5


def test_bad_files_are_one_sentence(filled: Collection, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no collection"):
        Collection(tmp_path).photos()
    with pytest.raises(DataError, match="is a collection called Disc already"):
        Collection.create(filled.folder.parent, "Disc")
    for name in ("", " ", "..", "/"):
        with pytest.raises(DataError, match="needs a name"):
            Collection.create(tmp_path, name)
    assert collections(filled.folder.parent) == {"Disc": filled.folder}
    database = filled.folder / "collection.db"
    whole = database.read_bytes()
    database.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(DataError, match="cannot be used"):
        filled.photos()
    database.write_bytes(whole)
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(DataError, match="has the format 9"):
        filled.photos()


def test_a_collection_can_be_moved(filled: Collection, tmp_path: Path) -> None:
    moved = Collection(Path(shutil.move(filled.folder, tmp_path / "elsewhere")))
    assert all(photo.path.is_file() for photo in moved.photos())


def test_an_import_that_was_taken_back_comes_in_again_with_what_it_says_now(
    collection: Collection, source: Path
) -> None:
    wrong = [entry(source, "x/a.png", 1, "x"), entry(source, "y/b.png", 2, "y")]
    collection.add(wrong, {"x": "defective", "y": "defective"}, origin="first")
    collection.undo()
    assert collection.classes() is None
    assert collection.add(wrong, {"x": "non_defective", "y": "defective"}, origin="second", split="train").added == 2
    assert shown(collection) == {"a.png": ("non_defective", "train", False), "b.png": ("defective", "train", False)}
    assert collection.photos()[1].defect == "y"  # a kind that was taken for defective names its type
    collection.undo()
    assert all(dropped for _, _, dropped in shown(collection).values())


def test_a_mask_outlives_another_label_and_comes_back(collection: Collection, source: Path) -> None:
    mask = photo(source, "mask.png", 5)
    collection.add([entry(source, "a.png", 1, "scratch", mask=mask), entry(source, "b.png", 2)], MEANING, origin="x")
    collection.decide("relabel", [by_name(collection, "a.png")], "non_defective")
    collection.add([entry(source, "c.png", 3)], MEANING, origin="y")
    collection.undo()
    collection.undo()
    kept = collection.photos()[0]
    assert kept.label == "defective" and kept.mask is not None and kept.mask.is_file()


def test_photos_of_one_part_and_copies_move_together(collection: Collection, source: Path) -> None:
    names = ["exp1_num_100.png", "exp2_num_101.png", "exp1_num_9000.png", "copy.png"]
    entries = [entry(source, name, number, split="test") for number, name in enumerate(names)]
    collection.add(entries, MEANING, origin="x")
    copy, other = by_name(collection, "copy.png"), by_name(collection, "exp1_num_9000.png")
    collection.keep_findings([Finding("near_duplicate", copy, (other,), 0.9, "They are copies.")])
    collection.decide("move", [by_name(collection, names[0])], "train")
    assert [shown(collection)[name][1] for name in names] == ["train", "train", "test", "test"]
    collection.confirm((source / "copy.png").read_bytes(), "copy.png", "non_defective", "defective")
    collection.pull()
    assert {split for _, split, _ in shown(collection).values()} == {"train"}
    collection.add([entry(source, "exp3_num_102.png", 50, split="test")], MEANING, origin="later")
    assert shown(collection)["exp3_num_102.png"][1] == "train"  # a later import of the same part


def test_a_dropped_photo_that_is_confirmed_comes_back(filled: Collection) -> None:
    digest = by_name(filled, "a.png")
    filled.decide("drop", [digest])
    path = next(each.path for each in filled.photos() if each.sha256 == digest)
    filled.confirm(path.read_bytes(), "a.png", "defective", "non_defective")
    assert shown(filled)["a.png"] == ("defective", "train", False)


def test_the_first_mistake_of_a_product_of_many_classes_can_be_confirmed(collection: Collection, source: Path) -> None:
    data = photo(source, "shoe.png", 1).read_bytes()
    assert collection.confirm(data, "shoe.png", "shoes", "shirts")[0].kind == "confused"
    assert len(collection.mistakes()) == 1
    with pytest.raises(DataError, match="photos of shoes only"):
        find_dataset(collection.folder)


def test_what_is_mended_is_no_longer_odd(filled: Collection) -> None:
    one, two = by_name(filled, "a.png"), by_name(filled, "d.png")
    filled.keep_findings(
        [
            Finding("label", one, (), 0.9, "It looks defective.", "defective"),
            Finding("leak", one, (two,), 0.9, "Train and test."),
        ]
    )
    filled.decide("relabel", [one], "defective")
    assert [found.kind for found in filled.findings()] == ["leak"]
    filled.decide("move", [two], "train")
    assert filled.findings() == ()


def test_classes_are_those_of_photos_that_take_part(collection: Collection, source: Path) -> None:
    entries = [entry(source, f"{number}.png", number, "abc"[number % 3]) for number in range(6)]
    collection.add(entries, {kind: kind for kind in "abc"}, origin="x")
    collection.decide("relabel", [photo.sha256 for photo in collection.photos() if photo.label == "c"], "b")
    assert collection.classes() == Classes(("a", "b"))


# ------------------------------------------------------------------------------------------- what is a person's, stays


def test_what_a_person_keeps_among_the_photos_stays(filled: Collection, source: Path, tmp_path: Path) -> None:
    photos, big = filled.folder / PHOTOS, tmp_path / "big disk"
    home = filled.photos()[0].path.parent
    mine = {
        photos / "my notes" / "report.txt": b"hours of work",
        photos / "loose.txt": b"a list",
        photos / ("a" * 64) / "mine.png": b"under a name like ours",
        photos / ".new-abcdefgh" / "mine.txt": b"hidden",
        home / "remark.txt": b"beside a photo of ours",
        filled.folder / "masks" / "mine" / "mask.png": b"drawn by hand",
    }
    for path, data in mine.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    shutil.move(photos, big)
    photos.symlink_to(big)  # a bigger disk, where other things lie too
    (big / "holiday").mkdir()
    (big / "holiday" / "1.jpg").write_bytes(b"precious")
    assert filled.add([entry(source, "e.png", 9)], MEANING, origin="x").added == 1
    assert {path: path.read_bytes() for path in mine} == mine
    assert (big / "holiday" / "1.jpg").read_bytes() == b"precious"
    assert len(filled.photos()) == 5 and all(photo.path.is_file() for photo in filled.photos())


def test_photos_that_no_database_knows_any_more_stay(filled: Collection, source: Path) -> None:
    there = {photo.path for photo in filled.photos()}
    (filled.folder / "collection.db").unlink()  # moved away, as a damaged one is to be
    assert filled.add([entry(source, "e.png", 9)], MEANING, origin="x").added == 1
    assert all(path.is_file() for path in there)


def test_a_photo_goes_beside_what_lies_under_its_digest_already(filled: Collection, source: Path) -> None:
    lost = filled.photos()[0]
    lost.path.write_bytes(b"overwritten by hand")
    (again,) = [photo for photo in filled.photos() if photo.sha256 == lost.sha256]
    assert filled.add([entry(source, "train/good/a.png", 1)], MEANING, origin="x").added == 0
    assert again.path.read_bytes() == b"overwritten by hand"
    assert [path.name for path in sorted(again.path.parent.iterdir())] == ["a (2).png", "a.png"]


def test_what_an_import_notes_is_no_order_to_delete(filled: Collection, source: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file.txt").write_bytes(b"")
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of no bytes
    (filled.folder / PHOTOS / digest).symlink_to(precious)
    (filled.folder / ".importing").write_text(f"../../precious\nphotos/{digest}\n/etc\nphotos/..\n")
    filled.add([entry(source, "e.png", 9)], MEANING, origin="x")
    assert (precious / "file.txt").is_file()


@pytest.mark.parametrize("name", ["../outside", "photos/x/a.png", f"photos/{'0' * 64}/../../../x", "/etc/passwd", ""])
def test_a_row_that_names_another_file_is_refused(filled: Collection, name: str) -> None:
    with sqlite3.connect(filled.folder / "collection.db") as database:
        database.execute("UPDATE photos SET file = ? WHERE rowid = 1", (name,))
    database.close()
    with pytest.raises(DataError, match="names the file"):
        filled.photos()


def test_a_photo_that_is_a_link_elsewhere_is_refused(filled: Collection, tmp_path: Path) -> None:
    path = filled.photos()[0].path
    path.rename(tmp_path / "elsewhere.png")
    path.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(DataError, match="leads out of"):
        filled.photos()


def test_a_full_disk_is_named_and_not_the_database(
    filled: Collection, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def full(*arguments: object, **settings: object) -> sqlite3.Connection:
        connection = connect(*arguments, **settings)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 1")  # no more than there is
        return connection  # type: ignore[no-any-return]

    long = [entry(source, f"{'x' * 90}{number}.png", 20 + number) for number in range(40)]
    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", full)
        with pytest.raises(DataError, match=r"Disc is as it was: the disk that holds .* is full\. Make room on it"):
            filled.add(long, MEANING, origin="x")
    assert len(filled.photos()) == 4
    assert filled.add(long, MEANING, origin="x").added == 40
