import sqlalchemy as sa

metadata = sa.MetaData()

authors = sa.Table(
    "authors",
    metadata,
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("name", sa.String(length=200), nullable=False, index=True),
    sa.Column("country", sa.String(length=2)),
)

books = sa.Table(
    "books",
    metadata,
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("author_id", sa.ForeignKey("authors.id"), nullable=False),
    sa.Column("title", sa.String(length=200), nullable=False, index=True),
    sa.Column("isbn", sa.String(length=13), unique=True),
    sa.Column("published", sa.Date()),
)
