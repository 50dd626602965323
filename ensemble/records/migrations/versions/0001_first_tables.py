"""The first tables: the chain, inspections, reviews and policies."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")

    def texts(*names: str) -> list[sa.Column[str]]:
        return [sa.Column(name, sa.Text, nullable=False) for name in names]

    def key(*to: sa.ForeignKey) -> sa.Column[int]:
        return sa.Column("number", number, *to, primary_key=True, autoincrement=False)

    op.create_table(
        "entries", key(), *texts("kind", "at"), sa.Column("body", sa.Text), *texts("body_digest", "previous", "digest")
    )
    op.create_table(
        "inspections",
        key(sa.ForeignKey("entries.number")),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        *texts("time", "product", "verdict", "policy", "source", "who", "batch"),
        sa.Column("model_version", sa.Integer),
        *texts("part", "serial", "lot", "station", "shift", "view", "photo", "sha256"),
        sa.Column("dissent", sa.Integer, nullable=False),
        sa.Column("margin", sa.Float),
        sa.Column("trial", sa.Integer, nullable=False),
        sa.Column("sampled", sa.Integer, nullable=False),
    )
    op.create_table(
        "reviews",
        key(sa.ForeignKey("entries.number")),
        sa.Column("inspection", number, nullable=False),
        *texts("at", "who", "label", "before", "defect", "reason", "way"),
        sa.Column("withdraws", number),
    )
    op.create_table(
        "policies", sa.Column("digest", sa.Text, primary_key=True), sa.Column("text", sa.Text, nullable=False)
    )
    for name in (
        *("time", "product", "verdict", "policy", "model_version", "batch"),
        *("part", "serial", "lot", "station", "shift", "view", "sha256"),
    ):
        op.create_index(f"inspections_by_{name}", "inspections", [name, "number"])
    disputed = sa.text("dissent > 0")
    op.create_index(
        "inspections_by_dissent", "inspections", ["number"], sqlite_where=disputed, postgresql_where=disputed
    )
    op.create_index("reviews_by_inspection", "reviews", ["inspection", "number"])
    op.create_index("entries_by_kind", "entries", ["kind", "number"])
