"""Random histories, as values and as real Alembic projects."""

from __future__ import annotations

import random
from pathlib import Path

from ci_migrate.models import Revision

ENV_PY = """
from alembic import context
from sqlalchemy import create_engine

with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def make_history(seed: int) -> list[Revision]:
    """Make a history with branches, merges, several bases, labels and dependencies."""
    rng = random.Random(seed)
    revisions: list[Revision] = []
    for number in range(rng.randint(1, 14)):
        earlier = [revision.id for revision in revisions]
        parents: tuple[str, ...] = ()
        if earlier and rng.random() > 0.15:
            recent = earlier[-4:]
            parents = tuple(rng.sample(recent, min(len(recent), rng.choice([1, 1, 1, 2]))))
        others = [id_ for id_ in earlier if id_ not in parents]
        depends_on: tuple[str, ...] = ()
        if others and rng.random() < 0.3:
            depends_on = tuple(rng.sample(others, rng.choice([1, 1, min(2, len(others))])))
        labelled = [revision for revision in revisions if revision.labels]
        if labelled and rng.random() < 0.1:
            depends_on = tuple(dict.fromkeys((*depends_on, rng.choice(labelled).labels[0])))
        revisions.append(
            Revision(
                id=f"{rng.randrange(16**6):06x}{number:02d}",
                parents=parents,
                depends_on=depends_on,
                labels=(f"branch{number}",) if rng.random() < 0.15 else (),
                message=f"step {number}",
            )
        )
    rng.shuffle(revisions)
    return revisions


def write_project(folder: Path, revisions: list[Revision]) -> Path:
    """Write a project with these revisions; return its alembic.ini."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "migrations" / "env.py").write_text(ENV_PY)
    for revision in revisions:
        text = (
            f'"""{revision.message}"""\n'
            f"revision = {revision.id!r}\n"
            f"down_revision = {revision.parents or None!r}\n"
            f"branch_labels = {revision.labels or None!r}\n"
            f"depends_on = {revision.depends_on or None!r}\n\n\n"
            "def upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"
        )
        (versions / f"{revision.id}_.py").write_text(text)
    ini = folder / "alembic.ini"
    ini.write_text(
        "[alembic]\nscript_location = %(here)s/migrations\npath_separator = os\n"
        f"sqlalchemy.url = sqlite:///{folder}/app.db\n"
    )
    return ini
