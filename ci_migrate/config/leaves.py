"""The kinds of text and numbers in `ci-migrate.yml`, each with the words an editor shows."""

from typing import Annotated, Literal

from msgspec import Meta

from ci_migrate.config.duration import DURATION_PATTERN

# `$` alone also matches before a last line break, in Python but not in JSON Schema.
_END = r"$(?!\n)"

Text = Annotated[str, Meta(min_length=1)]
Url = Annotated[
    Text,
    Meta(
        description="Database URL as SQLAlchemy takes it, best as the name of a variable.",
        examples=["${DATABASE_URL}"],
    ),
]
VariableName = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z_][A-Za-z0-9_]*{_END}",
        description="Name of an environment variable.",
        examples=["DATABASE_URL"],
    ),
]
EnvironmentName = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z0-9][A-Za-z0-9_.-]*{_END}",
        description="Letters, digits, `_`, `.` and `-`.",
        examples=["staging"],
    ),
]
ModuleFunction = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_.]*{_END}",
        description="A `module:function` of the project, called with Alembic's `Config` before "
        "`env.py` runs.",
        examples=["shop.database:configure"],
    ),
]
Argv = Annotated[
    tuple[Text, ...],
    Meta(
        min_length=1,
        description="Program and arguments, started without a shell and taken as written; the "
        "variables of `migrations.env` are set for it.",
        examples=[["shop", "database", "upgrade"]],
    ),
]
Seconds = Annotated[int, Meta(ge=0, le=999_999_999, description="Seconds.")]
Duration = Annotated[
    str,
    Meta(
        pattern=DURATION_PATTERN,
        description="A length of time such as `500ms`, `30s`, `10m`, `1h` or `2h30m`.",
        examples=["30s", "10m", "2h30m"],
    ),
]
BackupBackend = Annotated[
    Literal["auto", "postgres", "mysql", "sqlite", "mariadb-backup", "command", "rds", "none"],
    Meta(
        description="How a backup is made: `auto` picks by database; `mariadb-backup` copies the files of a whole"
        " server on this machine; `rds` takes snapshots of Amazon RDS; `command` starts commands of yours;"
        " `none` goes without a backup.",
    ),
]
