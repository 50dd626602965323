"""The tables of the history: a chain of entries that only grows, and columns of them to search by."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text

from ensemble.values.trace import TRACE

RowNumber = BigInteger().with_variant(Integer, "sqlite")  # there an INTEGER key is the row itself

metadata = MetaData()
# The chain. A body may be taken out later, by retention: its digest stays, and an entry says why.
entries = Table(
    "entries",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("body", Text),
    Column("body_digest", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
)
inspections = Table(
    "inspections",
    metadata,
    Column("number", RowNumber, ForeignKey("entries.number"), primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    *(
        Column(name, Text, nullable=False)
        for name in ("time", "product", "verdict", "policy", "source", "who", "batch")
    ),
    Column("model_version", Integer),
    *(Column(name, Text, nullable=False) for name in TRACE),
    *(Column(name, Text, nullable=False) for name in ("photo", "sha256")),
    Column("dissent", Integer, nullable=False),  # votes against what most models said
    Column("margin", Float),  # from the defect score to the nearest threshold; none where nothing was compared
    Column("trial", Integer, nullable=False),
    Column("sampled", Integer, nullable=False),  # drawn by chance for a second look
)
reviews = Table(
    "reviews",
    metadata,
    Column("number", RowNumber, ForeignKey("entries.number"), primary_key=True, autoincrement=False),
    Column("inspection", RowNumber, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("at", "who", "label", "before", "defect", "reason", "way")),
    Column("withdraws", RowNumber),  # the review that this one takes back
)
# The queue of those whom a person has to look at, and who looks at them until when; no record, see `waiting`.
waiting = Table(
    "waiting",
    metadata,
    Column("inspection", RowNumber, primary_key=True, autoincrement=False),
    Column("product", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("first", Float, nullable=False),
    Column("holder", Text, nullable=False),
    Column("until", Text, nullable=False),
)
# What decided, each policy once by the digest of its text.
policies = Table("policies", metadata, Column("digest", Text, primary_key=True), Column("text", Text, nullable=False))
# What is kept, by digest: how many inspections of a product need it. The digest "" stands for their texts in the chain.
# A row that nothing needs any more says that its file is to be removed.
objects = Table(
    "objects",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("bytes", RowNumber, nullable=False),
    Column("uses", RowNumber, nullable=False),
)

SEARCH_COLUMNS = (
    *("time", "product", "verdict", "policy", "model_version", "batch"),
    *TRACE,
    "sha256",
)
for name in SEARCH_COLUMNS:
    Index(f"inspections_by_{name}", inspections.c[name], inspections.c.number)
Index(
    "inspections_by_dissent",
    inspections.c.number,
    sqlite_where=inspections.c.dissent > 0,
    postgresql_where=inspections.c.dissent > 0,
)
Index(
    "objects_not_needed",
    objects.c.digest,
    sqlite_where=objects.c.uses == 0,
    postgresql_where=objects.c.uses == 0,
)
Index(
    "inspections_by_sample",
    *(inspections.c.product, inspections.c.number),
    sqlite_where=inspections.c.sampled > 0,
    postgresql_where=inspections.c.sampled > 0,
)
Index("waiting_in_order", waiting.c.product, waiting.c.rank, waiting.c.first, waiting.c.inspection)
Index("waiting_by_holder", waiting.c.holder, waiting.c.product)
Index("reviews_by_inspection", reviews.c.inspection, reviews.c.number)
Index("entries_by_kind", entries.c.kind, entries.c.number)
