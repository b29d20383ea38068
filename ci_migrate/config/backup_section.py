"""The shape of `environments.<name>.backup` in `ci-migrate.yml`."""

from typing import Annotated, Literal

from msgspec import Meta

from ci_migrate.config.leaves import BackupBackend, Text, VariableName
from ci_migrate.config.section import Section
from ci_migrate.config.snapshot_sections import RdsSection, SnapshotCommandSection


class BackupSection(Section, frozen=True, kw_only=True):
    """The backup before an upgrade."""

    backend: BackupBackend = "auto"
    command: SnapshotCommandSection | None = None
    rds: RdsSection | None = None
    directory: (
        Annotated[
            Text,
            Meta(
                description="Folder of the archives, from the folder of this file; git-ignored.",
                examples=[".ci-migrate/backups"],
            ),
        ]
        | None
    ) = None
    store: (
        Annotated[
            Text,
            Meta(
                description="Where the archives go in place of a folder: `s3://BUCKET/PREFIX`,"
                " `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`.",
                examples=["s3://acme-backups/production"],
            ),
        ]
        | None
    ) = None
    encrypt_to: Annotated[
        Text | tuple[Text, ...],
        Meta(
            description="Public keys that can read the archives: age or SSH recipients.",
            examples=["${AGE_RECIPIENT}", ["age1…", "ssh-ed25519 AAAA…"]],
        ),
    ] = ()
    identity_env: (
        Annotated[
            VariableName,
            Meta(description="Variable with the private key, for verify and restore."),
        ]
        | None
    ) = None
    identity_file: (
        Annotated[
            Text,
            Meta(
                description="File with the private key, for verify and restore.",
                examples=["~/.config/age/key.txt"],
            ),
        ]
        | None
    ) = None
    keep: (
        Annotated[
            int, Meta(ge=1, le=999_999_999, description="Archives to keep; all when left out.")
        ]
        | None
    ) = None
    keep_days: (
        Annotated[
            int,
            Meta(ge=1, le=99_999, description="Days to keep an archive; for ever when left out."),
        ]
        | None
    ) = None
    prove: Annotated[
        Literal["list", "restore"],
        Meta(
            description="`list` reads an archive back; `restore` also restores it into a scratch"
            " database and compares that with the environment's."
        ),
    ] = "list"
    count_rows: Annotated[
        Literal["auto", "all", "none"],
        Meta(
            description="Whose rows are counted for the manifest, which a restore is compared with: `auto` counts"
            " small tables, `all` every one, `none` none."
        ),
    ] = "auto"
    format: (
        Annotated[
            Literal["custom", "directory"],
            Meta(description="Format of PostgreSQL's archives; `directory` for several `jobs`."),
        ]
        | None
    ) = None
    jobs: Annotated[
        int, Meta(ge=1, le=64, description="Connections that dump at once (PostgreSQL).")
    ] = 1
    compress: (
        Annotated[
            str,
            Meta(
                pattern=r"^(gzip|lz4|zstd|none)(:[0-9]+)?$(?!\n)",
                description="Compression of PostgreSQL's archives: `gzip`, `lz4`, `zstd` or `none`,"
                " with a level after a colon.",
                examples=["zstd:3"],
            ),
        ]
        | None
    ) = None
    exclude_schemas: Annotated[
        tuple[Text, ...],
        Meta(description="Schemas that are left out of the archive (PostgreSQL)."),
    ] = ()
    exclude_tables: Annotated[
        tuple[Text, ...],
        Meta(description="Tables that are left out, as `name` or `schema.name`."),
    ] = ()
