"""A chart with its words beside it, pictures as HTML, and numbers to take away as files."""

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from ensemble import figures
from ensemble.imaging.overlays import THUMBNAIL_SIDE
from ensemble.inspection import exports
from ensemble.policies.cases import Case
from ensemble.values.language import Message, _, worded
from ensemble.values.results import word
from pages.components.common.style import data_address
from pages.session import policy_evidence, products
from pages.session.clock import local_stamp

MIME = {
    ".csv": "text/csv",
    ".zip": "application/zip",
    ".json": "application/json",
    ".md": "text/markdown",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".html": "text/html",
    ".parquet": "application/vnd.apache.parquet",
}
DATA_CSV = Message("Data (CSV)")
STILL = {"displayModeBar": False, "staticPlot": True}  # a chart that moves under a finger says nothing more


def show_figure(figure: Any, text: str, key: str) -> None:
    """Show a figure with its text alternative."""
    st.plotly_chart(figure, theme=None, config=STILL, key=key, alt=text)


def show_chart(chart: figures.Chart, kind: str) -> None:
    """Show a chart with its text alternative and offer its numbers; `kind` names it in the page and in the file."""
    show_figure(chart.figure, chart.text, f"chart {kind}")
    show_csv(kind, chart.rows, columns=chart.columns)


def show_csv(
    kind: str, rows: Sequence[Mapping[str, object]], label: str = DATA_CSV, columns: Sequence[str] = ()
) -> None:
    """Offer rows as a file, by default with the columns of the first one, named in the reader's language; in a demo
    each row says so."""
    columns = columns or tuple(rows[0])
    if products.is_demo():
        rows, columns = [{**row, "demo": "DEMO"} for row in rows], (*columns, "demo")
    show_file(exports.as_csv(columns, rows, exports.heading), kind, ".csv", label)


def show_json(data: object, kind: str, label: str) -> None:
    """Offer what is said as JSON for people to read."""
    show_file((json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode(), kind, ".json", label)


def show_file(
    content: bytes | Callable[[], bytes],
    kind: str,
    ending: str,
    label: str,
    *,
    about: str = "",
    at: str = "",
    quiet: bool = True,
    kept: bool = False,
) -> None:
    """Offer a file under a name that says what it is `about` (by default the product), what it is, when, and DEMO.

    One that is not `quiet` has a button with a frame. What is `kept` in the history is never a demo.
    """
    seen = content if isinstance(content, bytes) else b""
    st.download_button(
        worded(label),
        content,
        file_name=exports.file_name(
            kind,
            seen,
            ending,
            demo=products.is_demo() and not kept,
            about=about or products.product_name(),
            at=local_stamp(at),
        ),
        mime=MIME[ending],
        on_click="ignore",
        icon=":material/download:",
        type="tertiary" if quiet else "secondary",
        key=f"file {kind}{ending}",
    )


def picture(jpeg: bytes | None, name: str) -> str:
    """A small JPEG under the name of its photo; a plain field where there is none."""
    if jpeg is None:
        return f'<div class="photo-gone">{_("{name}<br>cannot be shown", name=escape(name))}</div>'
    return f'<img src="{data_address("jpeg", jpeg)}" alt="{escape(name)}" title="{escape(name)}" loading="lazy">'


def case_facts(case: Case, said: str, side: int = THUMBNAIL_SIDE) -> str:
    """A small copy of a case's photo, or a field where it is gone; beside it what was `said` (HTML) and the truth."""
    thumbnail = policy_evidence.case_thumbnail(case, side)
    if thumbnail is None:
        seen = f'<div class="gone">{_("photo<br>not here")}</div>'
    else:
        seen = f'<img src="{data_address("jpeg", thumbnail)}" alt="{escape(case.photo)}" loading="lazy">'
    name = Path(case.photo).stem.replace("_", " ")
    defect = case.defect.replace("_", " ") if case.defect != case.label else ""
    facts = " · ".join(filter(None, (_("actual {label}", label=word(case.label)), defect, case.category)))
    return f"{seen}<div><h3>{escape(name)}</h3><p>{said}<br>{escape(facts)}</p></div>"
