"""What is kept of photos and maps, by digest, with how many inspections need it: what retention counts by."""

import json
from collections import Counter

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"
AT_ONCE = 1000


def upgrade() -> None:
    """Make the table and fill it from the inspections of before."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    objects = op.create_table(
        "objects",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("product", sa.Text, primary_key=True),
        sa.Column("bytes", number, nullable=False),
        sa.Column("uses", number, nullable=False),
    )
    not_needed = sa.text("uses = 0")
    op.create_index("objects_not_needed", "objects", ["digest"], sqlite_where=not_needed, postgresql_where=not_needed)
    uses: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    folder = context.config.attributes["folder"] / "objects"
    bodies = sa.text(
        "SELECT number, body FROM entries WHERE kind = 'inspection' AND body IS NOT NULL AND number > :last "
        "ORDER BY number LIMIT :most"
    )
    last = 0
    while rows := op.get_bind().execute(bodies, {"last": last, "most": AT_ONCE}).all():
        last = rows[-1].number
        for row in rows:
            body = json.loads(row.body)
            uses["", body["product"]] += 1
            sizes["", body["product"]] += len(row.body.encode())
            for digest in {body[name] for name in ("kept_photo", "thumbnail", "heat_map")} - {""}:
                path = folder / digest[:2] / digest
                uses[digest, body["product"]] += 1
                sizes[digest, body["product"]] = path.stat().st_size if path.is_file() else 0
    if uses:
        counted = [{"digest": key[0], "product": key[1], "bytes": sizes[key], "uses": uses[key]} for key in uses]
        op.bulk_insert(objects, counted)
