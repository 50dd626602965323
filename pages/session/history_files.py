"""Files of the history, made when they are asked for, in the reader's language and by the reader's clock."""

from collections.abc import Callable, Iterator
from functools import wraps

from ensemble.inspection.documents import Document, document_html, document_pdf
from ensemble.inspection.evidence_file import evidence_document, part_document
from ensemble.inspection.history_files import inspections_csv, inspections_parquet
from ensemble.inspection.kept_parts import KeptPart
from ensemble.inspection.shift_report import count_inspections, report_document
from ensemble.records.browsing import MOST_EXPORTED, all_inspections, entry_digest_of
from ensemble.records.history import history_count
from ensemble.records.recording import recorder
from ensemble.records.values import Inspection
from ensemble.values.language import _, language, listed, speaking, worded
from pages.session import history
from pages.session.clock import clock_of_visitor
from pages.session.history_address import FLAGS, SPAN, SPANS, TEXTS, Asked
from pages.session.part_views import expected_of_products

Make = Callable[[], bytes]


def _in_this_language(make: Make) -> Make:
    """The file in the language of this moment: it is made later, where nobody can tell who reads."""
    spoken = language()

    @wraps(make)
    def made() -> bytes:
        with speaking(spoken):
            return make()

    return made


def _exported(wanted: Asked) -> Iterator[Inspection]:
    return all_inspections(recorder().database, wanted.filters, MOST_EXPORTED)


def table_csv(wanted: Asked) -> Make:
    """What matches, as CSV."""
    return _in_this_language(lambda: inspections_csv(_exported(wanted)))


def table_parquet(wanted: Asked) -> Make:
    """What matches, as Parquet."""
    return _in_this_language(lambda: inspections_parquet(_exported(wanted)))


def report_pdf(wanted: Asked) -> Make:
    """The shift report of what matches, as PDF."""
    report = _report(wanted)
    return _in_this_language(lambda: document_pdf(report()))


def report_html(wanted: Asked) -> Make:
    """The shift report of what matches, as HTML."""
    report, spoken = _report(wanted), language()
    return _in_this_language(lambda: document_html(report(), spoken))


def _report(wanted: Asked) -> Callable[[], Document]:
    when, expected = clock_of_visitor(), expected_of_products()

    def report() -> Document:
        database = recorder().database
        counts = count_inspections(_exported(wanted), expected)
        more = history_count(database, wanted.filters, MOST_EXPORTED) > MOST_EXPORTED
        return report_document(counts, _meant(wanted), when, cut_off=MOST_EXPORTED if more else 0)

    return report


def _meant(wanted: Asked) -> str:
    """Which inspections are meant, as a sentence."""
    titles = {name: title for name, (_field, title) in (TEXTS | FLAGS).items()}
    said = [
        _("{filter}: {value}", filter=titles[name], value=value)
        for name, value in wanted.values.items()
        if name in titles
    ]
    span = worded(SPANS[wanted.values.get(SPAN, next(iter(SPANS)))])
    return _("Filters: {filters}.", filters=listed([span, *said]))


def evidence(inspection: Inspection) -> Make:
    """The evidence of one inspection, as PDF."""
    when = clock_of_visitor()
    return _in_this_language(lambda: document_pdf(_evidence(inspection, when)))


def part_evidence(found: KeptPart) -> Make:
    """The evidence of a part that several photos show, as one PDF."""
    when = clock_of_visitor()

    def make() -> bytes:
        return document_pdf(part_document(found, (_evidence(each, when) for each in found.photos), when))

    return _in_this_language(make)


def _evidence(inspection: Inspection, when: Callable[[str], str]) -> Document:
    entry = entry_digest_of(recorder().database, inspection.number)
    verdict, photo = history.verdict_then(inspection), history.photo_of(inspection)
    return evidence_document(inspection, verdict, photo, entry, when)
