"""One awkward database per backend, and how its archive is restored by the backend's own tool."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from ci_migrate.backup.mariadb_copy import server_commands
from ci_migrate.backup.postgres_client import find_client
from ci_migrate.backup.postgres_connection import connection_environment
from ci_migrate.backup.request import BackupOptions, BackupRequest
from ci_migrate.backup.stores.local import LocalStore
from ci_migrate.config.backup_settings import CommandSettings, RdsSettings
from ci_migrate.database.url import address_of
from tests.servers.mariadb import find_mariadb
from tests.servers.private_server import PrivateServer, run
from tests.servers.rds import REGION

ODD_NAME = "we\nird \"t' `ü`; drop -- %s"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone.utc)
MARIADB_OPTIONS = ["--default-character-set=utf8mb4", "--max-allowed-packet=1G"]


def engine_for(url: str):
    return create_engine(make_url(url), isolation_level="AUTOCOMMIT")


def run_all(url: str, *statements: str) -> None:
    engine = engine_for(url)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(
                statement.replace("%", "%%") if "%" in statement else statement
            )
    engine.dispose()


@contextmanager
def holding(url: str, statement: str):
    """Hold what a statement locks, in a transaction of its own, until the block ends."""
    engine = create_engine(make_url(url))
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
        yield
        connection.invalidate()
    engine.dispose()


def read(url: str, statement: str) -> list[tuple]:
    engine = engine_for(url)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text(statement.replace("::", "\\:\\:")))]
    engine.dispose()
    return rows


class PostgresSample:
    backend = "postgres"
    version_query = "SHOW server_version"
    odd = '"odd ""s"."' + ODD_NAME.replace('"', '""') + '"'
    tables = (
        ('odd "s', ODD_NAME),
        ("public", "a"),
        ("public", "a b"),
        ("public", "part"),
        ("public", "part_1"),
        ("public", "Empty"),
    )

    def fill(self, url: str) -> None:
        engine = engine_for(url)
        with engine.connect() as connection:
            for statement in (
                'CREATE SCHEMA "odd ""s"',
                (
                    f'CREATE TABLE {self.odd} (id int PRIMARY KEY, "new\nline" text,'
                    " twice int GENERATED ALWAYS AS (id * 2) STORED)"
                ),
                f"INSERT INTO {self.odd} VALUES (1, E'tab\\t \\\\ ü'), (2, NULL)",
                "CREATE TABLE a (i int)",
                'CREATE TABLE "a b" (i bytea)',
                "INSERT INTO \"a b\" VALUES ('\\x00ff0a')",
                "CREATE TABLE part (i int, t text) PARTITION BY RANGE (i)",
                "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100000)",
                "INSERT INTO part SELECT i, md5(i::text) FROM generate_series(1, 2000) i",
                'CREATE TABLE "Empty" ()',
                "CREATE VIEW seen AS SELECT * FROM part",
                "CREATE MATERIALIZED VIEW kept AS SELECT count(*) FROM part",
            ):
                connection.exec_driver_sql(statement.replace("%", "%%"))
        engine.dispose()

    def rows(self, url: str) -> list[object]:
        queries = (
            "SELECT count(*), md5(string_agg(t, ',' ORDER BY i)) FROM part",
            "SELECT * FROM kept",
            "SELECT encode(i, 'hex') FROM \"a b\"",
            "SELECT md5(string_agg(x::text, '|' ORDER BY id)) FROM "
            + self.odd.replace(":", "\\:")
            + " x",
            (
                "SELECT n.nspname || '.' || c.relname || c.relkind::text FROM pg_class c"
                " JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('public', 'odd \"s')"
                " ORDER BY 1"
            ),
        )
        return [read(url, query) for query in queries]

    def make_empty(self, url: str) -> str:
        name = f"{make_url(url).database}_restored"
        run_all(url, f'CREATE DATABASE "{name}"')
        return make_url(url).set(database=name).render_as_string(hide_password=False)

    def restore(self, url: str, archive: Path) -> str:
        restored = make_url(self.make_empty(url))
        name = restored.database
        client = find_client("0", 0, dict(os.environ))
        with connection_environment(address_of(restored), dict(os.environ)) as env:
            pg_restore = str(client.directory / "pg_restore")
            subprocess.run(
                [pg_restore, "--exit-on-error", "-d", name, str(archive)], env=env, check=True
            )
        return restored.render_as_string(hide_password=False)

    def forget(self, url: str, restored: str) -> None:
        run_all(url, f'DROP DATABASE "{make_url(restored).database}"')


class MariadbSample:
    backend = "mysql"
    version_query = "SELECT VERSION()"
    odd = "`" + ODD_NAME.replace("`", "``") + "`"
    tables = ((None, ODD_NAME), (None, "part"), (None, "bins"), (None, "log"), (None, "leer ü"))

    def fill(self, url: str) -> None:
        engine = engine_for(url)
        with engine.connect() as connection:
            for statement in (
                (
                    f"CREATE TABLE {self.odd} (id int PRIMARY KEY, `new\nline` text,"
                    " twice int GENERATED ALWAYS AS (id * 2) STORED)"
                ),
                (
                    f"INSERT INTO {self.odd} (id, `new\nline`)"
                    " VALUES (1, 'x\nCREATE TABLE `fake` (\n😀 ü \\\\ '''), (2, NULL)"
                ),
                "CREATE TABLE part (i int, t text) PARTITION BY HASH (i) PARTITIONS 3",
                "INSERT INTO part SELECT seq, md5(seq) FROM seq_1_to_2000",
                "CREATE TABLE bins (b longblob, g geometry, f bit(3))",
                "INSERT INTO bins VALUES (x'00ff0a2d2d', ST_GeomFromText('POINT(1 2)'), b'101')",
                "CREATE TABLE log (t varchar(99))",
                "CREATE TABLE `leer ü` (i int)",
                "CREATE VIEW seen AS SELECT i FROM part",
                (
                    "CREATE TRIGGER watch AFTER INSERT ON part FOR EACH ROW BEGIN\n"
                    "INSERT INTO log VALUES (NEW.t);\nEND"
                ),
                "CREATE PROCEDURE work()\nBEGIN\nCREATE TABLE `made_by_code` (i int);\nEND",
                "CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1",
                "CREATE EVENT tidy ON SCHEDULE EVERY 1 YEAR DISABLE DO DELETE FROM log",
            ):
                connection.exec_driver_sql(statement.replace("%", "%%"))
        engine.dispose()

    def rows(self, url: str) -> list[object]:
        here = "= DATABASE()"
        queries = (
            "SELECT count(*), md5(group_concat(t ORDER BY i)) FROM part",
            f"SELECT * FROM {self.odd} ORDER BY id",
            "SELECT hex(b), ST_AsText(g), hex(f) FROM bins",
            "SELECT * FROM log",
            (
                "SELECT table_name, table_type FROM information_schema.tables"
                f" WHERE table_schema {here} ORDER BY 1"
            ),
            f"SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema {here}",
            (
                "SELECT routine_name, routine_definition FROM information_schema.routines"
                f" WHERE routine_schema {here} ORDER BY 1"
            ),
            f"SELECT event_name FROM information_schema.events WHERE event_schema {here}",
        )
        return [read(url, query.replace(":", "\\:")) for query in queries]

    def make_empty(self, url: str) -> str:
        name = f"{make_url(url).database}_restored"
        run_all(url, f"CREATE DATABASE `{name}`")
        return make_url(url).set(database=name).render_as_string(hide_password=False)

    def restore(self, url: str, archive: Path) -> str:
        parts = make_url(self.make_empty(url))
        name = parts.database
        socket = parts.query["unix_socket"]
        client = ["mariadb", "--no-defaults", f"--socket={socket}", f"--user={parts.username}"]
        with archive.open("rb") as dump:
            subprocess.run([*client, *MARIADB_OPTIONS, name], stdin=dump, check=True)
        return parts.render_as_string(hide_password=False)

    def forget(self, url: str, restored: str) -> None:
        run_all(url, f"DROP DATABASE `{make_url(restored).database}`")


class SqliteSample:
    backend = "sqlite"
    version_query = "SELECT sqlite_version()"
    odd = '"' + ODD_NAME.replace('"', '""') + '"'
    tables = ((None, ODD_NAME), (None, "part"), (None, "a b"))

    def fill(self, url: str) -> None:
        database = sqlite3.connect(make_url(url).database)
        database.executescript(
            f"""CREATE TABLE {self.odd} (id int PRIMARY KEY, "new\nline" text);
            CREATE TABLE part (i int, t text); CREATE TABLE "a b" (b blob);
            CREATE VIEW seen AS SELECT * FROM part;
            CREATE TRIGGER watch AFTER INSERT ON part BEGIN DELETE FROM "a b"; END;"""
        )
        database.executemany("INSERT INTO part VALUES (?, ?)", [(i, "x" * i) for i in range(2000)])
        database.execute(f"INSERT INTO {self.odd} VALUES (1, 'ü')")
        database.commit()
        database.close()

    def rows(self, url: str) -> list[object]:
        database = sqlite3.connect(make_url(url).database)
        queries = (
            "SELECT * FROM part ORDER BY i",
            f"SELECT * FROM {self.odd}",
            "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2",
        )
        found = [database.execute(query).fetchall() for query in queries]
        database.close()
        return found

    def make_empty(self, url: str) -> str:
        return f"{url}_restored"

    def restore(self, url: str, archive: Path) -> str:
        return f"sqlite:///{archive}"

    def forget(self, url: str, restored: str) -> None:
        pass


class CommandSample(SqliteSample):
    """SQLite by a command that copies the file into a vault."""

    backend = "command"

    def options(self, directory: Path) -> BackupOptions:
        return BackupOptions(command=vault_commands())

    def env(self, directory: Path) -> dict[str, str]:
        return vault_environment(directory)

    def restore(self, url: str, archive: Path) -> str:
        return f"sqlite:///{archive.parent}-vault/{archive.read_text().strip()}"


class RdsSample(PostgresSample):
    """A PostgreSQL that an RDS vouches for; its snapshots hold no rows of it."""

    backend = "rds"

    def options(self, directory: Path) -> BackupOptions:
        return BackupOptions(rds=rds_settings())


def rds_settings(**changes) -> RdsSettings:
    """Return the settings of an instance `shop`; `changes` replace single fields."""
    values = {"instance": "shop", "cluster": "", "region": REGION, "seconds": 60.0}
    return RdsSettings(**{**values, **changes})


VAULT = Path(__file__).with_name("vault")


def vault_commands(**changes) -> CommandSettings:
    """Return the settings of the tests' snapshot system; `changes` replace single commands."""
    argv = {name: (str(VAULT), name) for name in ("take", "verify", "restore", "delete")}
    return CommandSettings(**{**argv, "seconds": 60.0, "root": VAULT.parent, **changes})


def vault_environment(directory: Path) -> dict[str, str]:
    """Return the variables of the tests' snapshot system, whose folder is made."""
    vault = Path(f"{directory}-vault")
    vault.mkdir(parents=True, exist_ok=True)
    client = find_client("0", 0, dict(os.environ)).directory
    return {**os.environ, "VAULT": str(vault), "PATH": f"{client}{os.pathsep}{os.environ['PATH']}"}


class CopySample(MariadbSample):
    """The same database, copied with its whole server."""

    backend = "mariadb-backup"

    def __init__(self) -> None:
        self._servers: dict[str, PrivateServer] = {}

    def restore(self, url: str, archive: Path) -> str:
        """Carry out the commands that a restore shows, and start a server on what they made."""
        program = find_mariadb(os.environ["PATH"])
        assert program is not None
        server = PrivateServer("cm-my-", run_as=("mysql", "nobody"), probe=program)
        data, socket = server.folder / "data", server.folder / "s"
        data.mkdir()
        for line in server_commands(str(archive), str(data)).splitlines():
            if line.startswith("systemctl") or (line.startswith("chown") and os.getuid()):
                continue
            subprocess.run(["sh", "-c", line], cwd=server.folder, check=True, capture_output=True)
        serve = [program, "--no-defaults", f"--datadir={data}", f"--socket={socket}"]
        client = ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "-e", "SELECT 1"]
        server.start(
            [*serve, f"--pid-file={server.folder / 'pid'}", "--skip-networking"],
            stop_with=signal.SIGKILL,
            ready=lambda: run(client, env=server.env),
        )
        restored = make_url(url).update_query_dict({"unix_socket": str(socket)})
        text = restored.render_as_string(hide_password=False)
        self._servers[text] = server
        return text

    def forget(self, url: str, restored: str) -> None:
        if restored in self._servers:
            self._servers.pop(restored).stop()
        else:
            super().forget(url, restored)


SAMPLES = {
    "postgres": (PostgresSample(), "postgres_url"),
    "mysql": (MariadbSample(), "mariadb_url"),
    "sqlite": (SqliteSample(), "sqlite_url"),
    "mariadb-backup": (CopySample(), "mariadb_url"),
    "command": (CommandSample(), "sqlite_url"),
    "rds": (RdsSample(), "postgres_url"),
}
DUMPS = ("postgres", "mysql", "sqlite", "mariadb-backup")
"""Samples whose archive holds the rows itself."""


def make_request(sample, url: str, directory: Path, **changes) -> BackupRequest:
    """Build the request for a sample; `changes` replace single fields."""
    version = read(url, sample.version_query)[0][0]
    values = {
        "environment": "production",
        "run_id": "0123456789abcdef",
        "address": address_of(make_url(url)),
        "server_version": version,
        "server_major": int(version.split(".")[0]),
        "tables": sample.tables,
        "heads": ("abc123",),
        "store": LocalStore(directory),
        "options": sample.options(directory) if hasattr(sample, "options") else BackupOptions(),
        "env": sample.env(directory) if hasattr(sample, "env") else dict(os.environ),
        "now": NOW,
    }
    return BackupRequest(**{**values, **changes})
