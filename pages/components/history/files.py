"""What can be taken along from the history."""

import json

import streamlit as st

from ensemble.records.values import Inspection
from ensemble.values.language import _
from ensemble.values.results import Verdict
from pages.components.common.charts import show_file


def show_inspection_files(inspection: Inspection, verdict: Verdict) -> None:
    """Offer one inspection as a file: its JSON."""
    about, at = inspection.stored["photo"].rsplit(".", 1)[0], inspection.stored["time"]
    with st.container(horizontal=True, key="history_files"):
        text = json.dumps(dict(inspection.stored), indent=2, ensure_ascii=False)
        content = f"{text}\n".encode()
        show_file(content, "inspection", ".json", _("Download the inspection (JSON)"), about=about, at=at, quiet=False)
