"""Calibration, weights and evidence of a trained product, from photos that its members had not learnt from."""

from pathlib import Path

import numpy as np
import pytest

from ensemble.features.preprocessing import Preprocessing
from ensemble.members import KINDS, Loaded
from ensemble.policies import SHIPPED_POLICIES
from ensemble.policies.cases import Case, Evidence, labels_by_policy
from ensemble.store import Manifest, ModelStore
from ensemble.training.voting import collect, fit_voters, heard, stages_of
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Absence, Score
from ensemble.values.samples import Dataset

DATASET = Dataset(OK_NOK, (), (), {}, ())


def score(member: str, p: float) -> Score:
    return Score(member, {NON_DEFECTIVE: 1 - p, DEFECTIVE: p}, 0.01)


def judged(count: int = 120, seed: int = 0) -> tuple[Case, ...]:
    """`sure` is right nine times in ten and always claims 0.99; `blind` knows nothing."""
    rng = np.random.default_rng(seed)
    found = []
    for place in range(count):
        bad = place % 2 == 1
        right = rng.random() < 0.9
        said = (score("sure", 0.99 if bad == right else 0.01), score("blind", float(rng.random())))
        found.append(Case(f"/data/{place}.png", f"{place:064}", DEFECTIVE if bad else NON_DEFECTIVE, said))
    return tuple(found)


def test_claims_become_what_came_true_and_a_blind_vote_weighs_little() -> None:
    members = dict.fromkeys(("sure", "blind"), KINDS["svm"])
    fitted = fit_voters(members, judged(), DATASET, 0, lambda _stage, _done: None)  # type: ignore[arg-type]
    assert fitted.weights["sure"] > 0.9 and fitted.weights["blind"] < 0.4
    ends = fitted.calibrators["sure"]([[0.01, 0.99], [0.99, 0.01]])[:, 1]
    assert ends[0] == pytest.approx(0.9, abs=0.1) and ends[1] == pytest.approx(0.1, abs=0.1)
    facts = fitted.facts("sure")["calibration"]
    assert facts["after"]["brier"] < facts["before"]["brier"] and facts["photos"] == 120
    held = fitted.held_out[1].scores[0]
    assert held.weight == fitted.weights["sure"] and held.probabilities[DEFECTIVE] not in {0.99, 0.01}


def test_without_held_out_photos_nothing_is_calibrated() -> None:
    fitted = fit_voters({"sure": KINDS["svm"]}, (), DATASET, 0, lambda _stage, _done: None)  # type: ignore[dict-item]
    assert not fitted.weights and not fitted.calibrators and not fitted.held_out


class Looks:
    def __init__(self, lesson: str, side: int) -> None:
        self.lesson, self.input = lesson, Preprocessing(side)


@pytest.mark.parametrize(
    ("members", "stages"),
    [
        ({"memory": Looks("good", 320), "svm": Looks("all", 224)}, (("svm",), ("memory",))),
        ({"memory": Looks("good", 128), "svm": Looks("all", 224)}, (("memory",), ("svm",))),
        (
            {"svm": Looks("all", 224), "rf": Looks("all", 224), "memory": Looks("good", 300)},
            (("svm", "rf"), ("memory",)),
        ),
        ({"svm": Looks("all", 224)}, ()),
    ],
)
def test_those_who_look_at_less_are_asked_first(members: dict[str, Looks], stages: tuple[tuple[str, ...], ...]) -> None:
    assert stages_of(members) == stages  # type: ignore[arg-type]


def test_members_that_stay_are_asked_by_a_cascade_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"memory": Looks("good", 320), "idle": Looks("all", 224)}
    monkeypatch.setattr(ModelStore, "load", lambda _: Loaded(there, (), OK_NOK))  # type: ignore[arg-type]
    store, new = ModelStore(tmp_path), {"svm": Looks("all", 224), "rf": Looks("all", 224)}
    weights = {"memory": 1.0, "svm": 0.5, "idle": 0.0, "rf": 0.0}
    assert list(heard(store, new, weights)) == ["svm", "memory"]  # type: ignore[arg-type]
    assert stages_of(heard(store, new, weights)) == (("svm",), ("memory",))  # type: ignore[arg-type]
    assert heard(store, new, {**weights, "gone": 0.2}) == {}  # type: ignore[arg-type]
    assert list(heard(store, new, {})) == ["svm", "rf"]  # type: ignore[arg-type]


def case(name: str, *said: Score, absent: tuple[Absence, ...] = ()) -> Case:
    return Case(name, name.ljust(64, "0"), NON_DEFECTIVE, said, absent)


def test_members_that_stay_keep_what_they_said_of_the_same_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Evidence(OK_NOK, (case("a.png", score("old", 0.1)),), (case("b.png", absent=(Absence("old", "gone"),)),))
    monkeypatch.setattr(ModelStore, "evidence", lambda _: before)
    data, store = tmp_path / "data", ModelStore(tmp_path / "models")
    held = [case(str(data / "a.png"), score("new", 0.2))]
    test = [case(str(data / "b.png"), score("new", 0.3))]
    sha = {str(data / "a.png"): "a.png", str(data / "b.png"): "b.png"}
    same = [[Case(c.photo, sha[c.photo].ljust(64, "0"), c.label, c.scores)] for (c,) in (held, test)]
    found, strangers = collect(store, *same, OK_NOK, data, ("new",))
    assert not strangers
    assert found.folder == "../data" and [c.photo for c in (*found.held_out, *found.test)] == ["a.png", "b.png"]
    assert [s.member for s in found.held_out[0].scores] == ["new", "old"]
    assert [absence.member for absence in found.test[0].absent] == ["old"]
    known = Manifest("disc", OK_NOK, members=dict.fromkeys(("new", "old")))  # type: ignore[arg-type]
    monkeypatch.setattr(ModelStore, "known_manifest", lambda _: known)
    other, strangers = collect(store, held, test, OK_NOK, data, ("new",))  # photos with other bytes
    assert strangers == ("old",) and other.held_out[0].absent[0].member == "old"
    assert labels_by_policy(SHIPPED_POLICIES[0], other.held_out, OK_NOK) == ["review"]
    assert [s.member for s in other.held_out[0].scores] == ["new"]


def test_evidence_is_read_as_it_was_written() -> None:
    evidence = Evidence(
        OK_NOK, judged(4), (case("b.png", score("m", 0.123456), absent=(Absence("x", "gone", 0.5),)),), ".."
    )
    assert Evidence.from_json(evidence.to_json()) == evidence
