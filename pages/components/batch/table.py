"""The files of a batch, one a line."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ensemble.figures import tone
from ensemble.inspection.batches import Judged
from ensemble.policies import reasons
from ensemble.values.language import _, worded
from pages.components.batch.grid import REFUSED_WORD, why_text
from pages.components.common.choices import show_page
from pages.session import batches

SIGNS = {"ok": "✓", "nok": "✕", "review": "?", "plain": "•"}


LINES = 100  # of a page


def show_batch_table(batch: batches.Batch, order: Sequence[int]) -> None:
    """Show every file with its verdict, what decided and why; some at a time."""
    rows = batches.batch_rows(batch, show_page(order, LINES, "batch_table_page"))
    regions = [str(len(row.verdict.regions)) if row.verdict and row.verdict.regions else "" for row in rows]
    frame = pd.DataFrame(
        {
            _("Verdict"): [_verdict_cell(row) for row in rows],
            _("Name"): [row.name for row in rows],
            _("Decided by"): [_decided_by(row) for row in rows],
            **({_("Regions"): regions} if any(regions) else {}),
            _("Why"): [why_text(row) for row in rows],
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        column_config={_("Why"): st.column_config.TextColumn(width="large")},
        alt=_("Files of the batch with their verdicts."),
    )


def _verdict_cell(row: Judged) -> str:
    if row.verdict is None:
        return f"– {worded(REFUSED_WORD)}"
    return f"{SIGNS[tone(row.verdict.label, row.verdict.classes)]} {worded(row.verdict.word)}"


def _decided_by(row: Judged) -> str:
    """The score that decided, by its name: `3 of 6 models say NOK`, `Mean defect probability 0.71`."""
    return worded(reasons.told(row.verdict.decision)) if row.verdict and row.verdict.decision else "–"
