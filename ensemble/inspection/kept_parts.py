"""Parts of several views in the history: all photos of one that are kept, and the verdict that these come to."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ensemble.inspection.kept import classes_of
from ensemble.inspection.parts import MOST_VIEWS, PartVerdict, part_verdict, views_told
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_page
from ensemble.records.values import Inspection
from ensemble.values.errors import RecordsError
from ensemble.values.language import listed
from ensemble.values.results import Classes


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part with its verdict by what people say of its photos, else by what was decided; the newest photo first."""

    verdict: PartVerdict
    lot: str
    photos: tuple[Inspection, ...]


def kept_part(database: Database, product: str, part: str, expected: Sequence[str], lot: str = "") -> KeptPart | None:
    """A part of a product by all its photos that are kept, trial policies left out; None where none is kept.

    A RecordsError where its photos are too many, or are those of several parts that share their id.
    """
    page = history_page(database, Filters(product=product, part=part, lot=lot, trial=False), most=MOST_VIEWS)
    if page.before is not None:  # the worst of them might be among those that were left out
        raise RecordsError(
            "Part {part} has more than {most} photos. Name its lot, or give each part an id of its own.",
            part=part,
            most=MOST_VIEWS,
        )
    photos = page.inspections
    if not photos:
        return None
    lots = sorted({each.stored["trace"]["lot"] for each in photos} - {""})
    if len(lots) > 1:  # a view of one lot must not stand for that of another
        raise RecordsError("Part {part} is in several lots: {lots}. Name its lot.", part=part, lots=listed(lots))
    oldest_first = [(each.stored["trace"]["view"], each.stored["sha256"], each.settled) for each in reversed(photos)]
    seen, repeated = views_told(oldest_first)
    verdict = part_verdict(part, seen, expected, classes_of(photos[0].stored), repeated=repeated)
    return KeptPart(verdict, lot or "".join(lots), photos)


@dataclass(slots=True)
class PartCounts:
    """How many parts have which verdict, by what was decided and by what people say; and how many lack a view."""

    verdicts: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    incomplete: int = 0


class PartsSeen:
    """Collects the views of parts from inspections, the newest first, of products that expect views."""

    def __init__(self, expected: Mapping[str, Sequence[str]]) -> None:
        self.expected = expected
        self._photos: dict[tuple[str, str, str], list[tuple[str, str, str, str]]] = defaultdict(list)
        self._classes: dict[str, Classes] = {}

    def add(self, inspection: Inspection) -> None:
        """Take an inspection in, where its product expects views and it names its part."""
        stored = inspection.stored
        product, trace = stored["product"], stored["trace"]
        if not (self.expected.get(product) and trace["part"]):
            return
        self._classes.setdefault(product, classes_of(stored))
        told = (trace["view"], stored["sha256"], stored["verdict"], inspection.settled)
        self._photos[product, trace["lot"], trace["part"]].append(told)

    def counts(self) -> PartCounts:
        """What the parts come to."""
        found = PartCounts()
        for (product, _lot, part), photos in self._photos.items():
            judged = [
                self._verdict(product, part, [(view, digest, labels[by]) for view, digest, *labels in reversed(photos)])
                for by in (0, 1)
            ]
            found.verdicts[judged[0].label] += 1
            found.settled[judged[1].label] += 1
            found.incomplete += bool(judged[0].missing)
        return found

    def _verdict(self, product: str, part: str, photos: Sequence[tuple[str, str, str]]) -> PartVerdict:
        seen, repeated = views_told(photos)
        return part_verdict(part, seen, self.expected[product], self._classes[product], repeated=repeated)
