"""What is asked about parts of several views: their verdicts, by all their photos that are kept."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from ensemble.inspection.parts import MOST_VIEWS, PartVerdict, part_verdict
from ensemble.records.history import Filters, history_page
from ensemble.records.recording import recorder
from ensemble.values.errors import RecordsError
from ensemble.values.results import Classes

LONGEST_TRACE = 200  # characters


class AskedPart(BaseModel):
    """Which part is asked about."""

    model_config = ConfigDict(extra="forbid")

    part: str = Field(min_length=1, max_length=LONGEST_TRACE, description="The part's id.")
    lot: str = Field("", max_length=LONGEST_TRACE, description="The lot, where ids come again.")


def judge_part(product: str, expected: Sequence[str], classes: Classes, asked: AskedPart) -> PartVerdict | None:
    """The verdict on a part by what people say of its photos, else by what was decided; None where none is kept."""
    filters = Filters(product=product, part=asked.part, lot=asked.lot, trial=False)
    page = history_page(recorder().database, filters, most=MOST_VIEWS)
    if page.before is not None:  # the worst of them might be among those that were left out
        raise RecordsError(
            "Part {part} has more than {most} photos. Name its lot, or give each part an id of its own.",
            part=asked.part,
            most=MOST_VIEWS,
        )
    kept = page.inspections
    seen = [(each.stored["trace"]["view"], each.settled) for each in kept]
    if not seen:
        return None
    return part_verdict(asked.part, seen, expected, classes)
