"""The Review screen without a browser: who gets which part, what may be seen of it, and what comes of an answer."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.datasets.collection import Collection, collections
from ensemble.policies import SHIPPED_POLICIES
from ensemble.records import queue, recording
from ensemble.records.history import inspection_called, record_review
from ensemble.records.queue import LEASE, Looker, next_part
from ensemble.records.recording import Recorder
from ensemble.records.settings import Keeping, change_settings, settings_of
from ensemble.records.values import Occasion
from ensemble.records.verifying import verify_history
from ensemble.values.language import PSEUDO
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, REVIEW, Classes
from pages.session.wishes import PRODUCT
from tests.screens.test_text_is_text import CLASSES, EVIL, loud
from tests.screens.test_worded import leaks
from tests.support.app_tests import click, healthy, opened, texts
from tests.support.kept import inspected
from tests.support.stub_product import GARMENTS, write_product

SCREEN = "pages/screens/review.py"


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """An empty history beside a product of stand-ins; nothing is drawn by chance."""
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    monkeypatch.setenv("QUORUM_MODELS", str(write_product(tmp_path / "models", ("svm_a",))))
    monkeypatch.setattr(queue.random, "random", lambda: 0.9)
    return recording.recorder()


def keep(
    records: Recorder, count: int, label: str = REVIEW, *, share: float = 0.0, classes: Classes | None = None
) -> list[str]:
    """The ids of so many inspections with one verdict and no dissent."""
    change_settings(records.database.folder, "disc", Keeping(sample_rate=share))
    made = []
    for number in range(count):
        part = inspected(number + 1000 * (label != REVIEW))
        verdict = replace(part.verdict, label=label, votes=(), doubt="")
        if classes is not None:
            verdict = replace(verdict, classes=classes, decision=None)
        made.append(replace(part, verdict=verdict))
    return [verdict.id for verdict in records.keep(made, SHIPPED_POLICIES[0], Occasion("screen"))]


def review(name: str = "Ann") -> AppTest:
    """The screen of somebody who has said who he is."""
    app = opened(SCREEN)
    if name:
        app.text_input("review_who").set_value(name)
        app = click(app, "review_start")
    return healthy(app)


def shown(app: AppTest) -> str:
    """The number of the part in hand; empty where there is none."""
    keys = [str(each.key) for each in app.button if str(each.key).startswith("review_skip_")]
    return keys[0].removeprefix("review_skip_") if keys else ""


def answered(app: AppTest, label: str, defect: str = "") -> AppTest:
    return click(app, f"review_answer_{shown(app)}_{label}_{defect}")


def labels(app: AppTest) -> dict[str, str]:
    """The keys of the answers, by what their buttons say."""
    found = (each for each in app.button if str(each.key).startswith("review_answer_"))
    return {each.label.replace("\\", ""): each.proto.shortcut for each in found}


def test_a_name_is_asked_for_first_and_an_empty_queue_says_what_to_do_next(records: Recorder) -> None:
    app = review("")
    assert "Who reviews? The history keeps who said what of a part." in texts(app)
    assert "Give your name first" in texts(click(app, "review_start"))
    app.text_input("review_who").set_value("Ann")
    app = click(app, "review_start")
    assert "Nothing waits for review." in texts(app) and "0 settled" in texts(app)
    assert [each.proto.label for each in app.get("page_link")][-2:] == ["Inspect a photo", "History"]
    demo = healthy(opened(SCREEN, demo="true"))
    assert "A demo keeps nothing. Turn demo mode off to review parts." in texts(demo)


@pytest.mark.both_databases
def test_what_a_verdict_left_open_is_settled_and_the_next_part_comes_at_once(records: Recorder) -> None:
    first, second = keep(records, 2)
    app = review()
    said = texts(app)
    assert "The verdict is left to a person." in said and "Left to a person <b>2</b>" in said
    assert labels(app) == {"OK": "o", "NOK": "n"}
    app = answered(app, DEFECTIVE)
    assert "Kept: NOK." in texts(app) and "Left to a person <b>1</b>" in texts(app) and "1 settled" in texts(app)
    found = inspection_called(records.database, first)
    assert [(each.who, each.label, each.way) for each in found.reviews] == [("Ann", DEFECTIVE, "review")]
    app = answered(app, NON_DEFECTIVE)
    assert "Nothing waits for review." in texts(app) and "You settled 2 parts." in texts(app)
    assert "Kept: OK." in texts(app)
    assert inspection_called(records.database, second).settled == NON_DEFECTIVE
    assert not verify_history(records.database).problem


def test_a_press_that_was_meant_for_another_part_settles_nothing(records: Recorder) -> None:
    def pressed() -> None:
        import streamlit as st

        from pages.session import person, review

        person.remember("Ann")
        held = review.hand()
        assert held is not None
        review.answer(held.number - 1, "defective")
        review.skip(held.number - 1)
        st.text(f"{review.hand() == held}, {review.done()} settled, {review.skipped()} skipped")

    keep(records, 2)
    app = healthy(AppTest.from_function(pressed, default_timeout=60).run())
    assert app.text[0].value == "True, 0 settled, 0 skipped"


def test_two_visitors_get_parts_of_their_own_and_leaving_gives_one_back(records: Recorder) -> None:
    keep(records, 2)
    ann, bo = review("Ann"), review("Bo")
    assert (shown(ann), shown(bo)) == ("1", "2")
    cy = review("Cy")
    assert "All parts that wait are with other people right now." in texts(cy)
    healthy(ann.switch_page("pages/screens/help.py").run())
    assert shown(click(cy, "review_again")) == "1"


def test_a_page_that_was_closed_keeps_no_part_from_others(records: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(records, 1)
    assert shown(review("Ann")) == "1" and not shown(review("Bo"))
    monkeypatch.setattr("pages.session.review.is_open", lambda session: False)
    assert shown(review("Cy")) == "1"


def test_a_lease_that_is_over_is_told_and_nothing_is_kept(records: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    (called,) = keep(records, 1)
    app = review()
    later = queue.datetime.now(queue.UTC) + 2 * LEASE
    assert next_part(records.database, "disc", Looker("Bo", "another page"), draw=0.9, at=later) is not None
    app = answered(app, DEFECTIVE)
    assert "somebody else has it now. Nothing was kept." in texts(app) and "0 settled" in texts(app)
    assert not inspection_called(records.database, called).reviews and not shown(app)


def test_a_part_whose_photo_is_gone_leaves_the_queue_with_a_sentence(records: Recorder) -> None:
    gone, _ = keep(records, 2)
    digest = inspection_called(records.database, gone).stored["kept_photo"]
    records.objects.remove(digest)
    app = review()
    assert "A part cannot be reviewed any more. The photo part_0000.png is not kept any more." in texts(app)
    assert shown(app) == "2" and "Left to a person <b>1</b>" in texts(app)


def test_a_random_part_shows_its_photo_alone(
    records: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
    (called,) = keep(records, 1, NON_DEFECTIVE, share=1.0)
    app = review()
    assert "Chosen by chance." in texts(app) and "chip ok" not in texts(app) and "part_1000" not in texts(app)
    assert app.button("review_heat").disabled
    answered(app, NON_DEFECTIVE)
    assert inspection_called(records.database, called).reviews[0].way == "sample"
    (folder,) = collections(tmp_path / "data" / "collections").values()
    assert [(each.kind, each.author) for each in Collection(folder).mistakes()] == [("agreed", "Ann")]


def test_a_blind_look_looks_like_a_random_one_and_changes_no_collection(
    records: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called, _other = keep(records, 2)
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
    record_review(records.database, called, DEFECTIVE, "Zebedee", way="review", defect="crack")
    monkeypatch.setattr(queue.random, "random", lambda: 0.0)
    app = review()
    said = texts(app)
    assert shown(app) == "1" and "Chosen by chance." in said and "NOK" not in said.partition("NOK, and")[0]
    assert not any(word in said for word in ("blind", "second look", "Zebedee", "part_0000"))
    app = answered(app, NON_DEFECTIVE)
    assert "Kept: OK." in texts(app)
    found = inspection_called(records.database, called)
    assert [(each.who, each.way) for each in found.reviews] == [("Zebedee", "review"), ("Ann", "blind")]
    assert found.settled == DEFECTIVE and not collections(tmp_path / "data" / "collections")


def test_a_defect_that_is_typed_once_has_a_key_from_then_on(records: Recorder) -> None:
    ids = keep(records, 5)
    app = review()
    assert "Type the kind of defect first." in texts(click(app, "review_named_1"))
    app.text_input("review_defect_1").set_value("  deep  scratch ")
    app = click(app, "review_named_1")
    assert "Kept: NOK, deep scratch." in texts(app) and labels(app)["deep scratch"] == "1"
    app = answered(app, DEFECTIVE, "deep scratch")
    app.text_input(f"review_defect_{shown(app)}").set_value("Deep Scratch")
    app = click(app, f"review_named_{shown(app)}")
    found = [inspection_called(records.database, called).reviews for called in ids[:3]]
    assert [each[0].defect for each in found] == ["deep scratch"] * 3
    assert labels(review("Bo"))["deep scratch"] == "1"


def test_a_skipped_part_comes_again_when_asked_for(records: Recorder) -> None:
    keep(records, 1)
    app = click(review(), "review_skip_")
    assert "Nothing else waits for review: only what you skipped." in texts(app)
    assert shown(click(app, "review_take_up")) == "1"


def test_a_settled_label_goes_into_the_collection_under_a_name_and_out_again_by_an_undo(
    records: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
    (called,) = keep(records, 1)
    app = answered(review(), DEFECTIVE)
    (folder,) = collections(tmp_path / "data" / "collections").values()
    (mistake,) = Collection(folder).mistakes()
    assert (mistake.label, mistake.kind, mistake.author) == (DEFECTIVE, "decided", "Ann")
    app = click(app, "review_undo")
    assert "Undone. Decide again." in texts(app) and shown(app) == "1" and "0 settled" in texts(app)
    assert not Collection(folder).mistakes()
    assert inspection_called(records.database, called).settled == REVIEW
    answered(app, NON_DEFECTIVE)
    assert [each.label for each in Collection(folder).mistakes()] == [NON_DEFECTIVE]


def test_a_collection_that_takes_nothing_leaves_the_answer_and_says_why(
    records: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
    (called,) = keep(records, 1)
    app = review()
    (tmp_path / "data").write_text("no folder")
    app = answered(app, DEFECTIVE)
    assert "Kept: NOK. The photo is not used for training: " in texts(app)
    assert inspection_called(records.database, called).settled == DEFECTIVE


def test_a_product_of_three_classes_has_a_key_for_each(
    records: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (called,) = keep(records, 1, classes=GARMENTS)
    app = review()
    assert labels(app) == {"bottomwear": "1", "shoes": "2", "topwear": "3"}
    assert not any(str(each.key).startswith("review_defect") for each in app.text_input)
    answered(app, "shoes")
    assert inspection_called(records.database, called).settled == "shoes"


def test_an_answer_that_was_changed_elsewhere_since_is_not_undone_and_stands_in_nobodys_way(records: Recorder) -> None:
    first, second = keep(records, 2)
    app = answered(answered(review(), NON_DEFECTIVE), NON_DEFECTIVE)
    record_review(records.database, second, DEFECTIVE, "Bo")
    app = click(app, "review_undo")
    assert "That part was corrected elsewhere since. It stays as it is." in texts(app)
    assert inspection_called(records.database, second).settled == DEFECTIVE
    app = click(app, "review_undo")
    assert "Undone. Decide again." in texts(app) and shown(app) == "1"
    assert inspection_called(records.database, first).settled == REVIEW


def test_the_share_of_the_random_sample_is_set_here(records: Recorder) -> None:
    app = review()
    app.number_input("review_share").set_value(5.0)
    assert "Changed: it holds from the next inspection on." in texts(click(app, "review_share_save"))
    assert settings_of(records.database.folder, "disc").sample_rate == 0.05


def test_a_photo_that_may_not_show_the_part_teaches_nothing(
    records: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
    part = inspected(1)
    part = replace(part, verdict=replace(part.verdict, label=REVIEW, votes=(), doubt="much darker"))
    (verdict,) = records.keep([part], SHIPPED_POLICIES[0], Occasion("screen"))
    app = answered(review(), DEFECTIVE)
    assert "Kept: NOK. The photo may not show this part: it is not used for training." in texts(app)
    assert inspection_called(records.database, verdict.id).settled == DEFECTIVE
    assert not collections(tmp_path / "data" / "collections")


def test_a_screen_with_a_part_says_nothing_that_is_not_worded(records: Recorder) -> None:
    keep(records, 3)
    app = opened(SCREEN, lang=PSEUDO)
    app.text_input("review_who").set_value("Ann")
    app = answered(click(app, "review_start"), DEFECTIVE)
    assert not leaks(app), leaks(app)
    for _part in range(2):
        app = click(app, "review_skip_")
    assert not leaks(app), leaks(app)


def test_names_from_outside_are_shown_as_they_are(records: Recorder) -> None:
    keep(records, 3, classes=CLASSES)
    app = review(f"Ann {EVIL}"[:60])
    app.text_input("review_defect_1").set_value(EVIL[:60])
    app = click(app, "review_named_1")
    assert shown(app) == "2" and len(labels(app)) == 3 and not loud(app)


def test_another_product_has_a_queue_of_its_own_and_the_part_goes_back(records: Recorder, tmp_path: Path) -> None:
    write_product(tmp_path / "models" / "plate", ("svm_a",), product="plate")
    keep(records, 1)
    plate = inspected(7, product="plate")
    plate = replace(plate, verdict=replace(plate.verdict, label=REVIEW, votes=()))
    records.keep([plate], SHIPPED_POLICIES[0], Occasion("screen"))
    app = review()
    assert shown(app) == "1"
    app.selectbox(PRODUCT).select("plate")
    assert shown(healthy(app.run())) == "2"
    assert shown(review("Bo")) == "1"
    app = opened(SCREEN, product="plate")
    app.text_input("review_who").set_value("Cy")
    assert "All parts that wait are with other people right now." in texts(click(app, "review_start"))
