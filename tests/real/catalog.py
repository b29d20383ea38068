"""The real projects: where their files are, how they read their URL, and what their own tool is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROJECTS = Path(__file__).parent / "projects"


@dataclass(frozen=True, kw_only=True)
class RealProject:
    """A published project with revisions."""

    name: str
    schemes: Mapping[str, str]
    """Scheme of the URL that the project takes, by dialect; these are the databases it is promoted on."""
    fails_on: tuple[str, ...] = ()
    """Of these, the ones on which its history fails, whoever runs it."""
    plain: tuple[str, ...]
    """The project's own command; `{packages}` stands for its site-packages."""
    heads: int = 1
    copied: tuple[str, ...] = ()
    """Files and folders of the package that a user of Alembic has in the working directory."""
    url_env: tuple[str, ...] = ()
    """Variables through which the project's own tool gets its URL."""
    url_option: str = ""
    """Line of alembic.ini, in the copy, through which it gets its URL."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Further variables, for ci-migrate and the project's own tool; `{host}`, … are the parts of the URL."""
    seconds: int = 60
    """Longest time a promotion may take."""

    @property
    def folder(self) -> Path:
        return PROJECTS / self.name


SQLITE = {"sqlite": "sqlite"}
PSYCOPG2 = {"postgresql": "postgresql+psycopg2"}
PYMYSQL = {"mariadb": "mysql+pymysql"}
ASYNC = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

RDB = "optuna/storages/_rdb"
OPTUNA = RealProject(
    name="optuna",
    schemes=SQLITE | PSYCOPG2 | PYMYSQL,
    fails_on=("mariadb",),
    copied=(f"{RDB}/alembic", f"{RDB}/alembic.ini"),
    plain=("alembic", "upgrade", "head"),
    url_option="sqlalchemy.url",
)
SERVER = "dstack/_internal/server"
DSTACK = RealProject(
    name="dstack",
    schemes=ASYNC,
    copied=(f"{SERVER}/migrations", f"{SERVER}/alembic.ini"),
    plain=("alembic", "upgrade", "head"),
    url_env=("DSTACK_DATABASE_URL",),
)
KEYSTONE = RealProject(
    name="keystone",
    schemes=SQLITE | PSYCOPG2 | PYMYSQL,
    plain=("keystone-manage", "db_sync"),
    url_env=("OS_DATABASE__CONNECTION",),
    heads=2,
)
PREFECT = RealProject(
    name="prefect",
    schemes=ASYNC,
    plain=("prefect", "server", "database", "upgrade", "--yes"),
    url_env=("PREFECT_SERVER_DATABASE_CONNECTION_URL",),
)
GNOCCHI = RealProject(
    name="gnocchi",
    schemes=PSYCOPG2 | PYMYSQL,
    plain=("alembic", "-c", "{packages}/gnocchi/indexer/alembic/alembic.ini", "upgrade", "head"),
    url_env=("OS_INDEXER__URL",),
)
ZOU = RealProject(
    name="zou",
    schemes={"postgresql": "postgresql+psycopg"},
    plain=("zou", "upgrade-db", "--no-telemetry"),
    env={
        "SECRET_KEY": "a-secret-of-the-tests",
        "DB_HOST": "{host}",
        "DB_PORT": "{port}",
        "DB_USERNAME": "{user}",
        "DB_PASSWORD": "{password}",
        "DB_DATABASE": "{database}",
    },
    seconds=180,  # without a Redis server the application waits a minute for one when it is loaded
)
GALAXY = RealProject(
    name="galaxy",
    schemes=SQLITE | PSYCOPG2,
    plain=("python", "plain_upgrade.py"),
    url_env=("GALAXY_URL",),
)
FLASK_MIGRATE = RealProject(
    name="flask_migrate",
    schemes=SQLITE,
    plain=("flask", "db", "upgrade"),
    env={"FLASK_APP": "app.py"},
)
PROMOTED = (OPTUNA, DSTACK, KEYSTONE, PREFECT, GNOCCHI, ZOU)
