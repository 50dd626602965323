"""What is asked about parts of several views: their verdicts, by all their photos that are kept."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from ensemble.inspection.kept_parts import kept_part
from ensemble.inspection.parts import PartVerdict
from ensemble.records.recording import recorder

LONGEST_TRACE = 200  # characters


class AskedPart(BaseModel):
    """Which part is asked about."""

    model_config = ConfigDict(extra="forbid")

    part: str = Field(min_length=1, max_length=LONGEST_TRACE, description="The part's id.")
    lot: str = Field("", max_length=LONGEST_TRACE, description="The lot, where ids come again.")


def judge_part(product: str, expected: Sequence[str], asked: AskedPart) -> PartVerdict | None:
    """The verdict on a part by what people say of its photos, else by what was decided; None where none is kept."""
    found = kept_part(recorder().database, product, asked.part, expected, asked.lot)
    return None if found is None else found.verdict
