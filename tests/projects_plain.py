"""The project's own tool: what `alembic upgrade head` or `flask db upgrade` does with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.projects_builder import Project, Situation

BIN = Path(sys.executable).parent


def scheme_of(situation: Situation, url: str) -> str:
    """Return the URL with the scheme that the project wants for this database."""
    scheme, separator, rest = url.partition("://")
    dialect = scheme.partition("+")[0].replace("mysql", "mariadb")
    return situation.schemes.get(dialect, scheme) + separator + rest


def fill_environment(situation: Situation, url: str) -> dict[str, str]:
    """Return the variables of `situation.environment` for a database URL."""
    parts = split_url(url)
    return {name: _fill(text, parts) for name, text in situation.environment.items()}


def split_url(url: str) -> dict[str, str]:
    """Take a database URL apart: driver, host, port, database, user, password, socket."""
    split = urlsplit(url)
    query = parse_qs(split.query)
    socket = (query.get("host") or query.get("unix_socket") or [""])[0]
    return {
        "driver": split.scheme,
        "host": split.hostname or "",
        "port": str(split.port or ""),
        "database": unquote(split.path[1:]),
        "user": unquote(split.username or ""),
        "password": unquote(split.password or ""),
        "socket": socket,
    }


def _fill(text: str, parts: Mapping[str, str]) -> str:
    for name, value in parts.items():
        text = text.replace("{" + name + "}", value)
    return text


def write_ini_url(project: Project, url: str) -> None:
    """Write the URL into the copy's alembic.ini where the project keeps it there, as users do."""
    file = project.path / "alembic.ini"
    if not file.exists():
        return
    text = file.read_text(encoding="utf-8")
    line = f"sqlalchemy.url = {url.replace('%', '%%')}"
    file.write_text(re.sub(r"(?m)^sqlalchemy\.url = .*$", lambda _: line, text), encoding="utf-8")


def upgrade_plainly(
    project: Project, url: str, *, target: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Upgrade a database with the project's own tool; never raises for its exit code.

    `target` defaults to `head`, or `heads` where several are intended. Output is decoded leniently.
    """
    situation = project.situation
    url = scheme_of(situation, url)
    write_ini_url(project, url)
    return subprocess.run(
        command_line(situation, url, target or situation.target),
        cwd=project.path,
        env=plain_environment(situation, url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=120,
    )


def command_line(situation: Situation, url: str, target: str) -> list[str]:
    """Return what a user of the project types."""
    migrations = situation.migrations
    if "command" in migrations:
        program, *rest = migrations["command"]["upgrade"]
        return [str(BIN / program), *rest]
    if situation.is_flask:
        directory = ["-d", migrations["directory"]] if "directory" in migrations else []
        return [str(BIN / "flask"), "db", "upgrade", *directory, target]
    options: list[str] = []
    if "name" in migrations:
        options += ["-n", migrations["name"]]
    for argument in migrations.get("x", []):
        options += ["-x", argument.replace("{url}", url)]
    return [str(BIN / "alembic"), *options, "upgrade", target]


def plain_environment(situation: Situation, url: str) -> dict[str, str]:
    """Return the whole environment for the project's own tool."""
    migrations = situation.migrations
    names = migrations.get("url_env", [])
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
    env |= dict.fromkeys([names] if isinstance(names, str) else names, url)
    env |= {name: text.replace("{url}", url) for name, text in migrations.get("env", {}).items()}
    if "flask_app" in migrations:
        env["FLASK_APP"] = migrations["flask_app"]
    return env | fill_environment(situation, url)
