"""Members that learn side by side: they come home as they would have been, and nothing is lost with a process."""

import multiprocessing
import os
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ensemble.features.preprocessing import Preprocessing
from ensemble.members import Member
from ensemble.members.classical import ForestMember, SupportVectorMember
from ensemble.training.side_by_side import all_taught
from ensemble.values.errors import MemberError
from ensemble.values.results import OK_NOK
from ensemble.values.training import ShareDone

LABELS = np.arange(24) % 2
ROWS = (LABELS[:, None] + np.random.default_rng(0).normal(0, 0.5, (24, 5))).astype(np.float32)
HOME = os.getpid()


def members() -> dict[str, Member]:
    kinds = {"svm": SupportVectorMember, "rf": ForestMember}
    return {name: kind(classes=OK_NOK, input=Preprocessing()) for name, kind in kinds.items()}


def taught(member: Member, report: ShareDone) -> Member:
    member.curves_, member.facts_ = {"loss": [1.0, 0.5]}, {"home": os.getpid() == HOME}
    return member.fit(ROWS, LABELS, report)


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(torch, "get_num_threads", lambda: request.param)
    monkeypatch.setattr(ForestMember, "trees", 5)
    return int(request.param)


def test_they_say_what_they_would_have_said_here(threads: int) -> None:
    told: list[tuple[str, float]] = []
    found = all_taught(members(), taught, lambda name, _member, done: told.append((name, done)))
    assert list(found) == ["svm", "rf"]
    for name, member in found.items():
        assert isinstance(member, Member)
        expected = taught(members()[name], lambda _: None).score(ROWS).probabilities
        assert np.array_equal(member.score(ROWS).probabilities, expected)
        assert member.curves_ == {"loss": [1.0, 0.5]} and member.facts_ == {"home": threads == 1}
        assert [done for each, done in told if each == name][::1][0] == 0.0 and told.count((name, 1.0)) >= 1


def fails(_member: Member, _report: ShareDone) -> Member:
    raise MemberError("Nothing to learn from.")


def dies_elsewhere(member: Member, report: ShareDone) -> Member:
    return taught(member, report) if os.getpid() == HOME else os._exit(9)


@pytest.mark.parametrize(("teach", "learns"), [(fails, False), (dies_elsewhere, True)])
def test_a_member_that_fails_is_one_alone_and_one_whose_process_dies_learns_here(
    threads: int, teach: Callable[[Member, ShareDone], Member], learns: bool
) -> None:
    def teach_one(member: Member, report: ShareDone) -> Member:
        return (teach if member.kind == "svm" else taught)(member, report)

    found = all_taught(members(), teach_one, lambda *_: None)
    assert isinstance(found["rf"], Member) and isinstance(found["svm"], Member) == learns
    assert learns or str(found["svm"]) == "Nothing to learn from."


def test_who_ends_the_training_ends_all_processes(threads: int) -> None:
    def end(_name: str, _member: Member, done: float) -> None:
        if done == 1.0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        all_taught(members(), taught, end)
    assert not multiprocessing.active_children()
