"""What can be taken along from the history: tables, a shift report, and the evidence of one inspection."""

import json
from pathlib import Path

import streamlit as st

from ensemble.records.browsing import MOST_EXPORTED
from ensemble.records.values import Inspection
from ensemble.values.language import _, paragraph
from ensemble.values.results import Verdict
from pages.components.common.charts import show_file
from pages.components.common.sheet import as_markdown
from pages.session import history_address, history_files


def show_inspection_files(inspection: Inspection, verdict: Verdict) -> None:
    """Offer one inspection as files: its evidence on paper, and its JSON."""
    about, at = Path(verdict.photo).stem, inspection.stored["time"]
    with st.container(horizontal=True, key="history_files"):
        evidence = history_files.evidence(inspection)
        label = _("Evidence file (PDF)")
        show_file(evidence, "evidence", ".pdf", label, about=about, at=at, quiet=False, kept=True)
        show_stored(inspection)


def show_stored(inspection: Inspection) -> None:
    """Offer the record as it is kept, as JSON."""
    stored = inspection.stored
    about, at = Path(str(stored.get("photo", ""))).stem, str(stored.get("time", ""))
    content = f"{json.dumps(dict(stored), indent=2, ensure_ascii=False)}\n".encode()
    label = _("Download the inspection (JSON)")
    show_file(content, "inspection", ".json", label, about=about, at=at, quiet=False, kept=True)


def show_history_files(wanted: history_address.Asked, count: int) -> None:
    """Offer what matches as tables and as a report."""
    with st.expander(_("Download and report"), icon=":material/download:", key="history_out"):
        with st.container(horizontal=True):
            for make, kind, ending, label in (
                (history_files.table_csv(wanted), "history", ".csv", _("Inspections (CSV)")),
                (history_files.table_parquet(wanted), "history", ".parquet", _("Inspections (Parquet)")),
                (history_files.report_pdf(wanted), "shift_report", ".pdf", _("Shift report (PDF)")),
                (history_files.report_html(wanted), "shift_report", ".html", _("Shift report (HTML)")),
            ):
                show_file(make, kind, ending, label, about="Quorum", quiet=False, kept=True)
        limit = _("At most {count:,} inspections, the newest.", count=MOST_EXPORTED)
        said = _("Files hold the inspections that match the filters.")
        st.caption(as_markdown(paragraph(said, limit if count > MOST_EXPORTED // 5 else "")))
