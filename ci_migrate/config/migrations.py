"""The keys below `migrations`: where the project is, and how it is run."""

from typing import Annotated

from msgspec import Meta, field

from ci_migrate.config.leaves import Argv, ModuleFunction, Text, VariableName
from ci_migrate.config.promises import AllowedEdit
from ci_migrate.config.section import Section


class CommandSection(Section, frozen=True, kw_only=True):
    """The project's own runner, started in the place of Alembic."""

    upgrade: Argv
    downgrade: Argv | None = None


class MigrationsSection(Section, frozen=True, kw_only=True):
    """Where the Alembic or Flask-Migrate project is; detected when left out."""

    config: (
        Annotated[
            Text,
            Meta(
                description="`alembic.ini` or `pyproject.toml`, from the folder of this file.",
                examples=["alembic.ini"],
            ),
        ]
        | None
    ) = None
    name: (
        Annotated[
            Text,
            Meta(description="Section of the ini file, as `alembic -n`.", examples=["alembic"]),
        ]
        | None
    ) = None
    flask_app: (
        Annotated[
            Text,
            Meta(
                description="The Flask application, as `FLASK_APP`.", examples=["shop:create_app"]
            ),
        ]
        | None
    ) = None
    directory: (
        Annotated[
            Text,
            Meta(
                description="Folder of the migration environment (the one with `env.py`).",
                examples=["migrations"],
            ),
        ]
        | None
    ) = None
    url_env: Annotated[
        VariableName | Annotated[tuple[VariableName, ...], Meta(min_length=1)],
        Meta(description="Variables through which the project's own settings read its URL."),
    ] = ("DATABASE_URL", "SQLALCHEMY_DATABASE_URI")
    env: Annotated[
        dict[VariableName, str],
        Meta(
            description="Further variables for the project's process; `{url}` stands for the URL "
            "of the environment.",
            examples=[{"SHOP_DATABASE": "{url}"}],
        ),
    ] = field(default_factory=dict)
    x: Annotated[
        tuple[Text, ...],
        Meta(
            description="Arguments as of `alembic -x`, as a rule `key=value`; `{url}` stands for the URL.",
            examples=[["tenant=acme"]],
        ),
    ] = ()
    path: Annotated[
        tuple[Text, ...], Meta(description="Folders that are added to `sys.path`.")
    ] = ()
    setup: ModuleFunction | None = None
    heads: Annotated[
        tuple[Text, ...],
        Meta(description="Branch labels or revisions, where several heads are intended."),
    ] = ()
    version_table: (
        Annotated[
            Text,
            Meta(description="Version table, where it cannot be read from `env.py`."),
        ]
        | None
    ) = None
    version_table_schema: (
        Annotated[
            str,
            Meta(
                description="Its schema, where it cannot be read from `env.py`; empty for the default one."
            ),
        ]
        | None
    ) = None
    versions: Annotated[
        tuple[Text, ...],
        Meta(description="Folders of the revision files, where they cannot be read statically."),
    ] = ()
    command: CommandSection | None = None
    allow_edit: Annotated[
        tuple[AllowedEdit, ...],
        Meta(
            description="Revisions that may differ from what was executed, each with a reason.",
            examples=[[{"revision": "4f1c9a7e2b30", "reason": "a typo in a comment of the table"}]],
        ),
    ] = ()
