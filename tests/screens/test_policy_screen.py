"""The policy desk, in every state that a person can meet, without a browser."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.policies import Policy, PolicyBook, from_json
from ensemble.policies.cases import Case, Evidence
from ensemble.policies.counting import SizeLimit
from ensemble.store import policy_history
from ensemble.values.language import PSEUDO
from ensemble.values.results import OK_NOK
from ensemble.values.view import MarkedSize
from tests.support import app_tests
from tests.support.app_tests import healthy, texts
from tests.support.drawn_cases import case, drawn_cases, keep_evidence
from tests.support.stub_product import GARMENTS, write_product

pytestmark = pytest.mark.slow(65)

ROOT = Path(__file__).resolve().parents[2]
SCREEN = "pages/screens/policies.py"
MEMBERS = ("svm_a", "rf_a")
Downloads = dict[str, tuple[str, bytes]]
# One escape and one overkill under MAJORITY with two members: a tie counts as defective.
KNOWN = tuple(
    case(f"{number}.png", label, {"svm_a": (1 - first, first), "rf_a": (1 - second, second)})
    for number, (label, first, second) in enumerate(
        (
            ("non_defective", 0.1, 0.2),
            ("non_defective", 0.7, 0.1),
            ("non_defective", 0.1, 0.1),
            ("defective", 0.2, 0.3),
            ("defective", 0.9, 0.8),
            ("defective", 0.9, 0.9),
        )
    )
)


def product(tmp_path: Path, held_out: tuple[Case, ...] = KNOWN, test: tuple[Case, ...] = KNOWN) -> Path:
    folder = write_product(tmp_path / "models", MEMBERS)
    keep_evidence(folder, Evidence(OK_NOK, held_out, test))
    return folder


def opened(**query: str) -> AppTest:
    return healthy(app_tests.opened(SCREEN, **query))


def book(folder: Path) -> PolicyBook:
    return from_json((folder / "policies.json").read_text())


def numbers(app: AppTest) -> list[str]:
    """The large numbers of the draft's tiles: escapes, overkills, reviews, money."""
    html = next(each.proto.body for each in app.get("html") if "tiles draft" in each.proto.body)
    return [part.partition("</b>")[0] for part in html.split("<b>")[1:]]


def save(app: AppTest, name: str, author: str = "A. Meier", reason: str = "Fewer escapes.") -> AppTest:
    app.text_input(key="save_name").set_value(name)
    app.text_input(key="save_author").set_value(author)
    app.text_input(key="save_reason").set_value(reason)
    return next(button for button in app.button if button.label == "Save draft").click().run()


def confirm(app: AppTest, label: str, author: str = "B. Rossi", reason: str | None = "Agreed.") -> AppTest:
    app.text_input(key="confirm_author").set_value(author)
    if reason is not None:
        app.text_input(key="confirm_reason").set_value(reason)
    return next(button for button in app.button if button.label.replace("\\", "") == label).click().run()


class TestHeadline:
    def test_names_the_policy_its_rule_and_its_honest_risk(self, tmp_path: Path) -> None:
        product(tmp_path)
        said = texts(opened())
        assert 'class="word">Majority<' in said
        assert "NOK if at least half of the models vote NOK. Model threshold 0.50." in said
        assert "Escapes: 1 of 3 (upper limit 86.5%, 95% confidence)." in said
        assert "Overkill: 1 of 3 (upper limit 86.5%, 95% confidence)." in said

    def test_says_why_an_active_policy_may_not_be_called_safe(self, tmp_path: Path) -> None:
        folder = product(tmp_path)
        changed = PolicyBook(book(folder).policies, "SAFE_0FN")
        policy_history.enforce_policies(folder, changed, "A. Meier", "Try.")
        said = texts(opened())
        assert "**Zero escapes is not proven safe.** Validation photos of defective parts: 0. SAFE needs" in said

    def test_without_a_defective_photo_it_says_that_nothing_is_known(self, tmp_path: Path) -> None:
        product(tmp_path, KNOWN[:3], KNOWN[:3])
        assert "Escapes: unknown, no defective part was tested." in texts(opened())


# Twenty defective parts that MAJORITY lets pass, as neither member reaches 0.5, and SAFE_0FN (a mean of 0.35) does not.
FAINT = tuple(
    case(f"{number}.png", label, {"svm_a": (1 - score, score), "rf_a": (0.95 - score, score + 0.05)})
    for number, (label, score) in enumerate([("non_defective", 0.1)] * 20 + [("defective", 0.4)] * 20)
)


class TestCheaper:
    def test_a_clearly_cheaper_policy_is_named_with_figures_and_a_way_to_choose_it(self, tmp_path: Path) -> None:
        folder = product(tmp_path, held_out=FAINT)
        app = opened()
        said = texts(app)
        assert "**Zero escapes costs less than Majority**: 0.00 instead of 5,000 per 1000 parts (40 validation" in said
        app.button(key="choose_cheaper").click().run()
        assert "**From Majority to Zero escapes**" in texts(app)
        assert app.selectbox(key="candidate SAFE_0FN").value == "SAFE_0FN"
        assert book(folder).active == "MAJORITY"  # nothing is activated without a confirmation

    def test_nothing_is_said_where_photos_do_not_show_it(self, tmp_path: Path) -> None:
        product(tmp_path)
        assert "costs less" not in texts(opened())


class TestDraft:
    def test_starts_from_the_active_policy_and_counts_on_held_out_photos(self, tmp_path: Path) -> None:
        product(tmp_path, KNOWN, KNOWN[:1])
        assert numbers(opened()) == ["1", "1", "0", "1,833"]  # (10 + 1) / 6 for 1000 parts

    def test_a_moved_threshold_of_the_members_changes_the_counts(self, tmp_path: Path) -> None:
        product(tmp_path)
        app = opened()
        app.slider[0].set_value(0.3).run()
        assert numbers(app)[:3] == ["0", "1", "0"]
        app.slider[0].set_value(0.75).run()
        assert numbers(app)[:3] == ["1", "0", "0"]

    def test_two_thresholds_of_a_mean_send_parts_to_a_person(self, tmp_path: Path) -> None:
        product(tmp_path)
        app = opened(**{"from": "BALANCED"})
        assert app.slider[0].value == (0.5, 0.5)
        assert numbers(app)[:3] == ["1", "0", "0"]
        app.slider[0].set_value((0.22, 0.6)).run()
        assert numbers(app)[:3] == ["0", "0", "2"]

    def test_the_smallest_defect_is_set_in_millimetres_where_the_view_states_them(self, tmp_path: Path) -> None:
        small = MarkedSize(1, 8.0, 20.0, 0.05)
        marked = tuple(
            replace(each, scores=tuple(replace(score, marks=small) for score in each.scores)) for each in KNOWN
        )
        folder = product(tmp_path, marked)
        assert "Smallest defect" not in " ".join(each.label for each in opened().number_input)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["view"] = {"reference": "0" * 64, "size": [100, 100], "mm_per_pixel": 0.05}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        app = opened()
        field = next(each for each in app.number_input if each.label == "Smallest defect (mm)")
        assert field.value is None
        field.set_value(0.4).run()
        assert numbers(app)[:3] == ["1", "1", "0"]
        field = next(each for each in app.number_input if each.label == "Smallest defect (mm)")
        field.set_value(0.5).run()
        assert numbers(app)[:3] == ["3", "0", "0"]
        assert "OK if all marks are below 0.5 mm." in texts(app)
        save(healthy(app), "PORES")
        policy = next(policy for policy in book(folder).policies if policy.name == "PORES")
        assert policy.smallest_defect == SizeLimit("mm", 0.5) and policy.basis["photos"] == "held out"

    def test_prices_and_the_share_of_the_line_change_the_money(self, tmp_path: Path) -> None:
        product(tmp_path)
        app = opened(escape_price="30", defects="1")
        assert numbers(app)[3] == "430"  # 10 defective parts, a third of them at 30, and 990 good ones, a third at 1

    def test_the_draft_is_a_file_that_reads_as_a_policy(self, tmp_path: Path, offered: Downloads) -> None:
        product(tmp_path)
        opened(**{"from": "BALANCED"}).slider[0].set_value((0.22, 0.6)).run()
        name, content = offered["draft-policy"]
        entry = json.loads(content)
        assert "_draft-policy_" in name and (entry["review"], entry["reject"]) == (0.22, 0.6)
        assert entry["basis"] == {
            "chosen": "by hand",
            "photos": "held out",
            "good": 3,
            "defective": 3,
            "escapes": 0,
            "overkills": 0,
        }
        assert Policy(**entry)

    def test_a_threshold_moved_on_test_photos_has_no_counts_to_rest_on(
        self, tmp_path: Path, offered: Downloads
    ) -> None:
        product(tmp_path)
        app = opened(photos="test", **{"from": "BALANCED"})
        assert "Do not choose thresholds on **test** photos" in texts(app)
        app.slider[0].set_value((0.22, 0.6)).run()
        assert json.loads(offered["draft-policy"][1])["basis"] == {"chosen": "by hand", "photos": "test"}

    def test_escapes_are_grey_tiles_where_photos_are_gone_and_show_their_votes(self, tmp_path: Path) -> None:
        product(tmp_path)
        app = opened()
        assert "**Escapes (1)**" in texts(app)
        assert 'class="photo-gone">3<' in texts(app)
        app.button(key="escape 0").click().run()
        charts = [chart.proto.alt for chart in app.get("plotly_chart")]
        assert any("SVM · a: OK, 0.20" in alt for alt in charts)

    def test_every_chart_has_words_and_rows(self, tmp_path: Path, offered: Downloads) -> None:
        product(tmp_path)
        app = opened()
        assert all(chart.proto.alt for chart in app.get("plotly_chart"))
        for kind in ("scores", "confusion", "costs", "policies"):
            assert list(csv.DictReader(io.StringIO(offered[kind][1].decode("utf-8-sig"))))

    def test_without_held_out_photos_it_says_so(self, tmp_path: Path) -> None:
        product(tmp_path, ())
        assert "No validation photos for this product. Select Test, or train again." in texts(opened())


class TestCosts:
    def test_all_policies_stand_side_by_side(self, tmp_path: Path, offered: Downloads) -> None:
        folder = product(tmp_path)
        opened(pace="600")
        rows = list(csv.DictReader(io.StringIO(offered["policies"][1].decode("utf-8-sig"))))
        assert [row["policy"] for row in rows] == [policy.name for policy in book(folder).policies]
        first = rows[0]
        assert (first["active"], first["escapes"], first["overkills"], first["photos"]) == ("yes", "1", "1", "6")
        assert float(first["escape_rate_upper"]) == pytest.approx(0.864650, abs=1e-6)

    def test_choose_for_me_fills_the_draft(self, tmp_path: Path) -> None:
        known = drawn_cases(MEMBERS, 200)
        product(tmp_path, known, known)
        app = opened()
        app.number_input(key="limit").set_value(10.0)
        app.button(key="choose").click().run()
        assert not app.exception and app.selectbox(key="from").value == "CHOSEN"
        assert "Suggested: " in texts(app) and "The draft starts from it." in texts(app)

    def test_a_limit_that_cannot_be_promised_is_one_sentence(self, tmp_path: Path) -> None:
        product(tmp_path)
        app = opened()
        app.button(key="choose").click().run()
        assert "of defective parts: 3. They cannot prove an escape rate below 10%, only" in texts(app)


class TestSaving:
    @pytest.mark.parametrize(
        ("name", "author", "reason", "said"),
        [
            ("TRIAL", "", "", "Enter a name, an author and a reason."),
            ("", "A", "B", "Enter a name, an author and a reason."),
            ("MAJORITY", "A", "B", "A policy named MAJORITY exists already."),
            ("Zero escapes", "A", "B", "A policy named Zero escapes exists already."),
            ("Very safe", "A", "B", "Very safe is not proven safe. Validation photos of defective parts: 3."),
        ],
    )
    def test_refuses_with_a_sentence(self, name: str, author: str, reason: str, said: str, tmp_path: Path) -> None:
        folder = product(tmp_path)
        before = (folder / "policies.json").read_bytes()
        app = opened()
        app.slider[0].set_value(0.3).run()
        assert said in texts(save(app, name, author, reason))
        assert (folder / "policies.json").read_bytes() == before

    def test_a_saved_policy_is_kept_and_not_in_force(self, tmp_path: Path) -> None:
        folder = product(tmp_path)
        app = opened()
        app.slider[0].set_value(0.3).run()
        assert "TRIAL saved, not active." in texts(save(app, "TRIAL"))
        saved = book(folder).policies[-1]
        assert (saved.name, saved.threshold, saved.author, saved.reason) == ("TRIAL", 0.3, "A. Meier", "Fewer escapes.")
        assert book(folder).active == "MAJORITY"

    def test_a_safe_name_is_given_where_enough_parts_were_seen(self, tmp_path: Path) -> None:
        known = drawn_cases(MEMBERS, 200)
        folder = product(tmp_path, known, known)
        app = opened(**{"from": "BALANCED"})
        app.slider[0].set_value((0.01, 0.01)).run()
        save(app, "SAFE_OURS")
        assert book(folder).policies[-1].name == "SAFE_OURS"

    def test_a_broken_file_is_never_written_over(self, tmp_path: Path) -> None:
        folder = product(tmp_path)
        opened()  # which remembers the good state
        broken = (folder / "policies.json").read_text().replace('"any"', '"often"')
        (folder / "policies.json").write_text(broken)
        said = texts(opened())
        assert "Cannot save." in said and "overwrite the file with its policies: Majority, Fused score, Any" in said
        assert 'class="word">Majority<' in said
        assert (folder / "policies.json").read_text() == broken


class TestInForce:
    def test_only_after_the_difference_view_and_a_confirmation(self, tmp_path: Path) -> None:
        folder = product(tmp_path)
        app = opened()
        app.slider[0].set_value(0.75).run()
        save(app, "TRIAL")
        app.button(key="ask").click().run()
        said = texts(app)
        assert "1 of 6 verdicts changes<small>test photos" in said and "New escapes: 0" in said
        assert "Overkill fixed: 1" in said and book(folder).active == "MAJORITY"
        assert "Enter an author and a reason." in texts(confirm(app, "Activate TRIAL", author=""))
        assert "TRIAL is active since" in texts(confirm(app, "Activate TRIAL"))
        assert book(folder).active == "TRIAL"
        assert [entry.author for entry in policy_history.policy_states(folder)] == ["", "A. Meier", "B. Rossi"]

    def test_new_escapes_come_first_and_in_red(self, tmp_path: Path, offered: Downloads) -> None:
        passed = case("passed.png", "defective", {"svm_a": (0.4, 0.6), "rf_a": (0.9, 0.1)})
        product(tmp_path, KNOWN, (*KNOWN, passed))
        app = opened()
        app.selectbox(key="candidate").select("ALL").run()
        app.button(key="ask").click().run()
        assert '<span class="chip nok">New escapes: 1</span>' in texts(app)
        rows = list(csv.DictReader(io.StringIO(offered["difference"][1].decode("utf-8-sig"))))
        assert [(row["photo"], row["before"], row["after"], row["new_escape"]) for row in rows] == [
            ("passed.png", "defective", "non_defective", "yes"),
            ("1.png", "defective", "non_defective", "no"),
        ]

    def test_leaving_it_changes_nothing(self, tmp_path: Path) -> None:
        folder = product(tmp_path)
        app = opened()
        app.button(key="ask").click().run()
        app.button(key="leave").click().run()
        assert "verdicts change" not in texts(app) and book(folder).active == "MAJORITY"

    def test_a_change_by_somebody_else_asks_for_another_look(self, tmp_path: Path) -> None:
        folder = product(tmp_path)
        app = opened()
        app.button(key="ask").click().run()
        policy_history.enforce_policies(folder, PolicyBook(book(folder).policies, "ALL"), "C", "In between.")
        assert "The policies have changed in the meantime." in texts(confirm(app, "Activate Fused score"))
        assert book(folder).active == "ALL"

    def test_rolling_back_goes_through_the_difference_view(self, tmp_path: Path) -> None:
        folder = product(tmp_path)
        opened()
        now = book(folder)
        policy_history.enforce_policies(
            folder, PolicyBook((*now.policies, Policy("TRIAL", "all")), "TRIAL"), "C", "Try."
        )
        app = opened()
        assert 'class="word">TRIAL<' in texts(app)
        app.button(key="back").click().run()
        said = texts(app)
        assert "From TRIAL to Majority (version 1)" in said and "Removed: TRIAL." in said
        assert book(folder).active == "TRIAL"
        confirm(app, "Restore version 1", reason=None)
        assert book(folder).active == "MAJORITY"
        newest = policy_history.policy_states(folder)[-1]
        assert newest.reason == "Restored version 1."
        assert newest.why().as_json() == {"text": "Restored version {number}.", "values": {"number": 1}}

    def test_both_ends_of_a_slider_are_named(self, tmp_path: Path) -> None:
        product(tmp_path)
        said = texts(opened(**{"from": "INDUSTRIAL_BALANCED"}))
        assert "Left end: REVIEW from 0.40. Right end: NOK from 0.60." in said


class TestTabs:
    @pytest.mark.parametrize("view", ["Adjust", "⟦Ådjûst ẋẋẋẋ⟧"])
    def test_an_address_opens_a_tab_whatever_language_it_was_copied_in(self, tmp_path: Path, view: str) -> None:
        product(tmp_path)
        app = opened(view=view, lang=PSEUDO)
        assert app.session_state["view"] == "⟦Ådjûst ẋẋẋẋ⟧"
        assert [tab.label for tab in app.tabs] == [
            "⟦Cömpåré ẋẋẋẋ⟧",
            "⟦Ådjûst ẋẋẋẋ⟧",
            "⟦Åçtîvåté ẋẋẋẋ⟧",
            "⟦Hîstörý ẋẋẋẋ⟧",
        ]

    def test_a_tab_that_there_is_none_of_is_the_first(self, tmp_path: Path) -> None:
        product(tmp_path)
        assert opened(view="Nothing").session_state["view"] == "Compare"


class TestOtherProducts:
    def test_without_evidence_it_says_what_to_do(self, tmp_path: Path) -> None:
        write_product(tmp_path / "models", MEMBERS)
        app = opened()
        said = texts(app)
        assert "No photos with a known truth are kept" in said and "python -m ensemble train" in said
        assert not app.slider

    def test_a_demo_works_on_made_up_parts_and_keeps_nothing(self, tmp_path: Path) -> None:
        folder = product(tmp_path)
        before = (folder / "policies.json").read_bytes()
        app = opened(demo="true")
        app.slider[0].set_value(0.3).run()
        assert "Demo mode saves nothing." in texts(save(app, "TRIAL"))
        assert (folder / "policies.json").read_bytes() == before

    def test_classes_without_a_defect_have_a_margin_and_figures_by_class(self, tmp_path: Path) -> None:
        folder = write_product(tmp_path / "models", MEMBERS, GARMENTS)
        rows = (("shoes", (0.1, 0.8, 0.1)), ("topwear", (0.1, 0.4, 0.5)), ("bottomwear", (0.9, 0.05, 0.05)))
        known = tuple(case(f"{name}.png", name, dict.fromkeys(MEMBERS, said), GARMENTS) for name, said in rows)
        keep_evidence(folder, Evidence(GARMENTS, known, known))
        app = opened(**{"from": "BALANCED"})
        assert "Correct: 3 of 3 decided test photos" in texts(app)
        app.slider[0].set_value(0.2).run()
        assert ">topwear<" in texts(app) and "1 of 3" not in texts(app)
        app.selectbox(key="candidate").select("INDUSTRIAL_BALANCED").run()
        app.button(key="ask").click().run()
        assert "1 of 3 verdicts changes" in texts(app)

    def test_the_sidebar_marks_the_active_policy(self, tmp_path: Path) -> None:
        product(tmp_path)
        assert opened().selectbox(key="policy").options[0] == "Majority (active)"


def test_costs_say_by_which_share_of_defective_parts_they_are(tmp_path: Path) -> None:
    product(tmp_path)
    said = texts(opened())
    assert "Costs and precision for 50% defective parts, as in these photos: escape 10, overkill 1, review 0.5." in said
    said = texts(opened(escape_price="30", defects="2"))
    assert "Costs and precision for 2% defective parts in production: escape 30, overkill 1, review 0.5." in said
    assert "as in these photos" not in said
