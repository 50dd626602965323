"""Inspections of the history as tables to take along: CSV for a spreadsheet, Parquet for whoever counts further."""

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from ensemble.inspection.exports import as_csv, heading
from ensemble.records.values import Inspection, last_review
from ensemble.values.trace import TRACE

FILE_COLUMNS = (
    *("id", "time", "product", "photo", "verdict", "settled", "reviewed_by", "defect_kind", "review_reason"),
    *("score", "confidence", "reason", "policy", "policy_state", "model_version", "trial", "source", "who", "batch"),
    *(*TRACE, "sha256", "model_digest", "policy_digest", "votes"),
)


def inspection_rows(inspections: Iterable[Inspection]) -> Iterator[dict[str, Any]]:
    """One row an inspection; its votes are JSON in one cell."""
    for inspection in inspections:
        stored = inspection.stored
        votes = [
            {name: vote[name] for name in ("member", "label", "score", "threshold", "weight")}
            for vote in stored["votes"]
        ]
        last = last_review(inspection.reviews)
        yield {
            **{name: stored[name] for name in FILE_COLUMNS if name in stored},
            **stored["trace"],
            "id": inspection.id,
            "reason": str(inspection.reason),
            "settled": inspection.settled,
            "reviewed_by": last.who if last else "",
            "defect_kind": last.defect if last else "",
            "review_reason": last.reason if last else "",
            "votes": json.dumps(votes, ensure_ascii=False),
        }


def inspections_csv(inspections: Iterable[Inspection]) -> bytes:
    """Inspections as CSV, its columns in the reader's language."""
    return as_csv(FILE_COLUMNS, inspection_rows(inspections), heading)


def inspections_parquet(inspections: Iterable[Inspection]) -> bytes:
    """Inspections as Parquet."""
    stream = io.BytesIO()
    frame = pd.DataFrame(inspection_rows(inspections), columns=list(FILE_COLUMNS))
    whole = {"policy_state": "Int64", "model_version": "Int64", "score": "float64", "confidence": "float64"}
    frame.astype(whole | {"trial": "bool"}).to_parquet(stream, index=False)
    return stream.getvalue()
