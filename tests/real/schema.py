"""What a database is made of, as text, without what ci-migrate adds to it."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.projects_plain import split_url

OURS = "ci_migrate_ledger"
SCHEMA = "ci_migrate"
_TOKENS = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|\s+|\w+|.", re.DOTALL)
_CONSTRAINT = re.compile(r"(?:CONSTRAINT|UNIQUE|FOREIGN KEY|PRIMARY KEY|CHECK)\b", re.IGNORECASE)
_KEYS = re.compile(r"(?:^  (?:(?:UNIQUE )?KEY|CONSTRAINT) .*\n)+", re.MULTILINE)
_RANDOM = re.compile(r"(?m)^\\(?:un)?restrict .*\n|^-- Dumped .*\n| AUTO_INCREMENT=\d+")


def read_schema(url: str, bindir: Path) -> str:
    """Return the schema of a database: a dump, or on SQLite the statements of `.schema`.

    `bindir` has the PostgreSQL programs. Random keys, versions and counters are left out.
    """
    read = {"sqlite": _read_sqlite, "mysql": _read_mariadb, "postgresql": _read_postgres}
    text = read[urlsplit(url).scheme.partition("+")[0]](url, bindir)
    return _RANDOM.sub("", text)


def read_rows(url: str, bindir: Path) -> list[str]:
    """Return the version rows, sorted."""
    parts, query = split_url(url), "SELECT version_num FROM alembic_version"
    if url.startswith("sqlite"):
        connection = sqlite3.connect(parts["database"])
        found = "\n".join(row[0] for row in connection.execute(query))
        connection.close()
    elif url.startswith("postgresql"):
        found = _run(*_postgres(url, bindir / "psql"), "-XqAt", "-c", query, env=_password(parts))
    else:
        found = _run("mariadb", *_mariadb(parts), "-NB", f"--execute={query}", parts["database"])
    return sorted(found.split())


def _read_postgres(url: str, bindir: Path) -> str:
    return _run(
        *_postgres(url, bindir / "pg_dump"),
        "--schema-only",
        "--no-owner",
        "--no-privileges",
        f"--exclude-schema={SCHEMA}",
        env=_password(split_url(url)),
    )


def _postgres(url: str, program: Path) -> list[str]:
    parts = split_url(url)
    host, port = parts["socket"] or parts["host"], parts["port"] or "5432"
    login = [f"--host={host}", f"--port={port}", f"--username={parts['user']}"]
    return [str(program), *login, f"--dbname={parts['database']}"]


def _password(parts: Mapping[str, str]) -> dict[str, str]:
    return {"PGPASSWORD": parts["password"]}


def _mariadb(parts: Mapping[str, str]) -> list[str]:
    return ["--no-defaults", f"--socket={parts['socket']}", f"--user={parts['user']}"]


def _read_mariadb(url: str, _bindir: Path) -> str:
    parts = split_url(url)
    text = _run(
        "mariadb-dump",
        *_mariadb(parts),
        "--no-data",
        "--skip-comments",
        "--skip-dump-date",
        "--routines",
        f"--ignore-table={parts['database']}.{OURS}",
        parts["database"],
    )
    # Views and routines name the database they were made in; keys stand in the order they were made in.
    text = text.replace(f"`{parts['database']}`", "`database`")
    return _KEYS.sub(lambda found: _sort_lines(found[0]), text)


def _sort_lines(lines: str) -> str:
    return "".join(sorted(f"{line.rstrip(',')}\n" for line in lines.splitlines()))


def _read_sqlite(url: str, _bindir: Path) -> str:
    connection = sqlite3.connect(split_url(url)["database"])
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    connection.close()
    shown = [
        f"{row[0]} {row[1]}: {_sort_constraints(row[3] or '')}" for row in rows if row[2] != OURS
    ]
    return "\n".join(sorted(shown))


def _sort_constraints(sql: str) -> str:
    """Sort the constraints behind the columns: a table that Alembic copies gets them in any order."""
    depth, items = 0, [""]
    for token in _TOKENS.findall(sql.strip().removesuffix(")")):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 1 and token == ",":
            items.append("")
        else:
            items[-1] += token
    parts = [" ".join(item.split()) for item in items]
    named = [part for part in parts if _CONSTRAINT.match(part)]
    return "\n  ".join([part for part in parts if part not in named] + sorted(named))


def _run(*argv: str, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        argv, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
