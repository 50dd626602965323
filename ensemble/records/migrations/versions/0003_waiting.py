"""The queue of inspections that wait for a person, and an index of the random sample."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# Who waited before there was a queue; the order is that of `waiting_row`.
FILL = """
INSERT INTO waiting (inspection, product, rank, first, holder, until)
SELECT number, product,
       CASE WHEN verdict = 'review' THEN 0 WHEN sampled > 0 THEN 3 WHEN dissent > 0 THEN 1 ELSE 2 END,
       CASE WHEN verdict = 'review' OR sampled > 0 THEN 0 WHEN dissent > 0 THEN -dissent ELSE margin END,
       '', ''
FROM inspections
WHERE trial = 0 AND (verdict = 'review' OR sampled > 0 OR dissent > 0 OR margin < 0.1)
  AND NOT EXISTS (SELECT 1 FROM reviews WHERE reviews.inspection = inspections.number)
"""


def upgrade() -> None:
    """Make the table, and let wait who waits."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "waiting",
        sa.Column("inspection", number, primary_key=True, autoincrement=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("first", sa.Float, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", sa.Text, nullable=False),
    )
    op.create_index("waiting_in_order", "waiting", ["product", "rank", "first", "inspection"])
    op.create_index("waiting_by_holder", "waiting", ["holder", "product"])
    drawn = sa.text("sampled > 0")
    op.create_index(
        "inspections_by_sample", "inspections", ["product", "number"], sqlite_where=drawn, postgresql_where=drawn
    )
    op.execute(sa.text(FILL))
