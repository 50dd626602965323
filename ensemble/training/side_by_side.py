"""Members that learn side by side, each in a process of its own on one thread: none waits for the other's core.

Beside other work, two threads that wait for each other are several times slower than each alone. A process is a copy of
this one, which shares all that was read; Linux alone makes them so. Elsewhere members learn one after another.
"""

import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from ensemble.members import Member
from ensemble.members.contract import Curves, Facts, Teaching
from ensemble.store import artefacts
from ensemble.store.loading import restore
from ensemble.values.errors import MemberError, QuorumError
from ensemble.values.training import ShareDone

LONGEST_FIRST = ("finetuned", "patch_classifier", "autoencoder", "baseline_cnn", "patch_memory")  # of the kinds
TOLD_EVERY = 0.5  # seconds, at most so often

Teach = Callable[[Member, ShareDone], Member]
Outcome = Member | MemberError
Ear = Any  # of multiprocessing, whose connections are of another type on each system


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What a member's own process sends home at its end: the bytes of its files, and what they do not hold."""

    contents: Mapping[str, bytes]
    curves: Curves
    facts: Facts
    teaching: Teaching


def all_taught(
    members: Mapping[str, Member], teach: Teach, report: Callable[[str, Member, float], None]
) -> dict[str, Outcome]:
    """Every member once it has learnt, or the error that says why it could not, by name.

    As many learn at once as torch has threads here; whoever listens is told of each as it goes on.
    """
    if sys.platform == "linux" and min(len(members), torch.get_num_threads()) > 1:
        return _taught_apart(members, teach, report)
    return {name: _taught_here(name, member, teach, report) for name, member in members.items()}


def _taught_here(name: str, member: Member, teach: Teach, report: Callable[[str, Member, float], None]) -> Outcome:
    report(name, member, 0.0)
    try:
        found: Outcome = teach(member, lambda done: report(name, member, done))
    except MemberError as error:  # an hour's learning of the others must not be lost with it
        found = error
    report(name, member, 1.0)
    return found


def _taught_apart(
    members: Mapping[str, Member], teach: Teach, report: Callable[[str, Member, float], None]
) -> dict[str, Outcome]:
    waiting = sorted(members, key=lambda name: (*LONGEST_FIRST, members[name].kind).index(members[name].kind))
    running: dict[Ear, tuple[str, BaseProcess]] = {}
    found: dict[str, Outcome] = {}
    try:
        while waiting or running:
            while waiting and len(running) < torch.get_num_threads():
                name = waiting.pop(0)
                report(name, members[name], 0.0)
                heard, process = _start_learning(members[name], teach)
                running[heard] = name, process
            for heard in wait(list(running)):
                name, process = running[heard]
                said = _next_word(heard)
                if isinstance(said, tuple):
                    members[name].curves_ = said[1]
                    report(name, members[name], said[0])
                    continue
                del running[heard]
                process.join()
                found[name] = _at_home(name, members[name], said) or _taught_here(name, members[name], teach, report)
                report(name, members[name], 1.0)
    finally:  # whoever listens may want an end of it
        for _, process in running.values():
            process.kill()
            process.join()
    return {name: found[name] for name in members}


def _start_learning(member: Member, teach: Teach) -> tuple[Ear, BaseProcess]:
    heard, told = multiprocessing.Pipe(duplex=False)
    context: Any = multiprocessing.get_context("fork")
    process: BaseProcess = context.Process(target=_learn_apart, args=(told, member, teach), daemon=True)
    process.start()
    told.close()  # so that an end of it is heard here
    return heard, process


def _learn_apart(told: Ear, member: Member, teach: Teach) -> None:
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    last = time.monotonic()

    def tell(done: float) -> None:
        nonlocal last
        if time.monotonic() - last > TOLD_EVERY:
            last = time.monotonic()
            told.send((done, dict(member.curves_)))

    try:
        with threadpool_limits(1):
            taught = teach(member, tell)
        contents = {ending: artefacts.dump(part, ending) for ending, part in taught.parts().items()}
        told.send(_Learnt(contents, taught.curves_, taught.facts_, taught.teaching))
    except Exception:  # noqa: BLE001 - whatever it is, it is said once it fails at home too
        told.close()


def _next_word(heard: Ear) -> tuple[float, Curves] | _Learnt | None:
    """How far a member is, or at the end what it has learnt; None where its process has ended without."""
    try:
        said: tuple[float, Curves] | _Learnt = heard.recv()
    except (EOFError, OSError):
        return None
    return said


def _at_home(name: str, member: Member, said: _Learnt | None) -> Member | None:
    """The member with what it has learnt; None where that did not come whole."""
    if said is None:
        return None
    try:
        taught = restore(member, name, said.contents)
    except QuorumError:
        return None
    taught.curves_, taught.facts_, taught.teaching = said.curves, said.facts, said.teaching
    return taught
