"""What came of a batch."""

from pages.components import session
from pages.components.batch_progress import show_batch_progress
from pages.components.batch_summary import show_batch_summary
from pages.components.batch_table import show_batch_table, show_csv_download


def show_batch_results() -> None:
    """Show the batch of this visitor: on its way, then its numbers, its file and its lines."""
    batch = session.batch()
    if batch is None:
        return
    show_batch_progress(batch)
    rows = session.batch_rows(batch)
    show_batch_summary(batch, rows, session.classes())
    if rows:
        show_csv_download(rows)
        show_batch_table(rows, session.classes())
