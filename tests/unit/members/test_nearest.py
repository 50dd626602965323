"""The nearest places of a memory: found without looking at all of them, and exactly."""

import pytest
import torch

from ensemble.members import nearest
from ensemble.members.nearest import AXES, FEWEST, NearestPlaces

WIDTH = 2 * AXES + 10
KINDS = ("like parts", "like nothing", "along the axes", "equal places", "narrow", "few places")


def drawn(kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A memory, and points near its places, points that it holds and one that is far from all."""
    random = torch.Generator().manual_seed(KINDS.index(kind))
    count, width = FEWEST - 1 if kind == "few places" else 1103, 7 if kind == "narrow" else WIDTH
    few = WIDTH if kind == "like nothing" else 20  # directions in which places differ
    memory = torch.randn(count, few, generator=random) @ torch.randn(few, width, generator=random) / few**0.5 + 5
    if kind == "like parts":
        memory += 0.1 * torch.randn(count, width, generator=random)
    if kind == "along the axes":  # all but a few places, which lie far beside them
        memory[:9] += torch.randn(9, width, generator=random)
    if kind == "equal places":
        memory = memory[:2].repeat(count // 2, 1)
    near = memory[::11] + 0.3 * torch.randn(len(memory[::11]), width, generator=random)
    return memory, torch.cat([near, memory[:10], 40 * memory[:1]])


@pytest.mark.parametrize("integers", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_no_place_that_is_nearer_is_missed(kind: str, integers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not integers:
        monkeypatch.setattr(nearest, "has_integer_products", lambda: False)
    memory, points = drawn(kind)
    truth = torch.cdist(points.double(), memory.double(), compute_mode="donot_use_mm_for_euclid_dist").amin(dim=1)
    ask = NearestPlaces(memory)
    for _ in range(2):  # the second time it knows whether few axes do
        found = ask(points).double()
        assert found.shape == truth.shape and torch.allclose(found, truth, rtol=1e-5, atol=1e-6)
    assert torch.equal(ask(points[:1]), ask(points)[:1]) and len(ask(points[:0])) == 0


def test_most_places_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, points = drawn("like parts")
    compared = list[int]()
    squares = nearest.Bounds._squares

    def counted(bounds: nearest.Bounds, *pairs: torch.Tensor) -> torch.Tensor:
        compared.append(len(pairs[1]))
        return squares(bounds, *pairs)

    monkeypatch.setattr(nearest.Bounds, "_squares", counted)
    NearestPlaces(memory)(points)
    assert sum(compared) < 0.05 * len(memory) * len(points)


def test_integers_are_multiplied_only_where_no_large_sum_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    has = nearest.has_integer_products.__wrapped__
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: True)
    monkeypatch.setattr(torch, "_int_mm", lambda ones, others: (ones.int() @ others.int()).clamp(-32768, 32767))
    assert not has()
    monkeypatch.setattr(torch, "_int_mm", lambda ones, others: ones.int() @ others.int())
    assert has()
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    assert not has()
