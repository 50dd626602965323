"""What each photo of the sample product shows, what it is called and where it goes, told by its number alone."""

from dataclasses import dataclass

DEFECTS = ("scratch", "dent", "crack", "stain", "burr", "missing_hole")


@dataclass(frozen=True, slots=True)
class Plan:
    """What photo number k shows and where it goes; it depends on k alone."""

    number: int
    part: str
    defect: str | None
    hard: bool

    @property
    def label(self) -> str:
        return "defective" if self.defect else "non_defective"

    @property
    def stem(self) -> str:
        name = f"{self.defect or 'good'}{'_hard' if self.hard else ''}"
        return f"{name}_{self.number:03d}"


def plan(number: int) -> Plan:
    """Good and defective take turns; every ten of a kind are seven for training and three for the test."""
    place = number // 2
    if number % 2 == 0:
        return Plan(number, _part(place), None, False)
    kinds = len(DEFECTS)
    # a round is every defect, easy and hard; each round shifts the places that go to the test
    return Plan(number, _part(place + place // (2 * kinds)), DEFECTS[place % kinds], place // kinds % 2 == 1)


def _part(place: int) -> str:
    return "test" if place % 10 in (3, 6, 9) else "train"
