"""How the photos of a product are looked at: one value for training, inspection and every edge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras give


@dataclass(frozen=True, slots=True)
class View:
    """How photos are looked at; by default as they are.

    `white_level` is the depth in bits of photos whose files have 16 bits a channel and declare no other.
    """

    white_level: int | None = None

    def __post_init__(self) -> None:
        if self.white_level is not None and (type(self.white_level) is not int or self.white_level not in DEPTHS):
            raise ValueError(
                f"A white level is one of {', '.join(map(str, DEPTHS))} bits, or none. Got {self.white_level!r}."
            )

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; what is as usual is left out."""
        return {} if self.white_level is None else {"white_level": self.white_level}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "View":
        """The inverse of `as_json`; a ValueError where it holds what no product of this version has."""
        if unknown := sorted(set(data) - {"white_level"}):
            raise ValueError(f"A view holds nothing that is called {unknown[0]!r} here: update Quorum.")
        return cls(data.get("white_level"))


AS_IT_IS = View()
