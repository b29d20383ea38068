"""A revision that stands for one that is lost: in the history, without what it did."""

from __future__ import annotations

from ci_migrate.redact import in_docstring

STUB = '''"""stands for {shown}, whose file is lost

Revision ID: {shown}
Revises: {revises}
"""
revision = {revision!r}
down_revision = {parents!r}
branch_labels = None
depends_on = None


def upgrade():
    pass  # new databases never had what it did: write here what they need of it


def downgrade():
    raise NotImplementedError({unknown!r})
'''


def write_stub(revision: str, parents: tuple[str, ...]) -> str:
    """Return the text of a stub; a parent that is not known is left to be filled in."""
    known = parents or ("FILL IN THE REVISION BEFORE IT",)
    value = known[0] if len(known) == 1 else known
    return STUB.format(
        revision=revision,
        shown=in_docstring(revision),
        revises=in_docstring(", ".join(known)),
        parents=value,
        unknown=f"what {revision} did is not known",
    )


def describe_stub(revision: str, parents: tuple[str, ...]) -> str:
    """Return the plan of a stub, in steps, with its text."""
    return (
        "let a stub stand for it: 1. save this in the versions folder, 2. write into its upgrade() what new"
        " databases need of it, 3. let new revisions follow it, 4. commit and promote:\n"
        + "\n".join(f"    {line}" for line in write_stub(revision, parents).splitlines())
    )
