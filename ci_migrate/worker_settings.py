"""How the environment's URL reaches the project: every way that projects are known to read it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.github.rest import ACTION_TOKEN
from ci_migrate.migrations import WorkerSettings
from ci_migrate.models import Plan
from ci_migrate.revisions.project import Project


def build_settings(
    environment: Environment,
    project: Project,
    database: Database,
    *,
    connection_check: bool,
    plan: Plan | None = None,
    version_locations: tuple[str, ...] = (),
    replaces_versions: bool = False,
) -> WorkerSettings:
    """Return what the worker needs to load the project, its URL included."""
    migrations = environment.migrations
    config = project.config_file
    is_toml = config is not None and config.suffix == ".toml"
    location = project.script_location
    url = project_url(environment, database)
    return WorkerSettings(
        kind=project.kind,
        config_file=str(config) if config and not is_toml else None,
        toml_file=str(config) if config and is_toml else None,
        section=project.ini_section,
        script_location=str(location) if location else None,
        flask_app=project.flask_app,
        directory=_flask_directory(environment, project),
        url=database.worker_url,
        x=tuple(value.replace("{url}", url) for value in migrations.x),
        path=migrations.path,
        setup=migrations.setup,
        per_revision=environment.transaction == "per_revision",
        connection_check=connection_check,
        lock_timeout=environment.lock_timeout,
        statement_timeout=environment.statement_timeout,
        command=plan.direction if plan else "upgrade",
        target=_target(plan),
        version_locations=version_locations,
        replaces_versions=replaces_versions,
    )


def _target(plan: Plan | None) -> str:
    """Return what env.py sees as the target of Alembic's command."""
    if plan is None or plan.direction == "upgrade":
        return "heads"
    return next(iter(plan.target), "base")


def build_worker_environment(
    environment: Environment, env: Mapping[str, str], database: Database, sign: str
) -> dict[str, str]:
    """Return the variables of the project's process: those of this one, the URL, and `migrations.env`.

    `sign` names its sessions on PostgreSQL, as far as libpq opens them and nobody else has named them. The action's
    own token is not among them: the project's code has no use for it.
    """
    url = project_url(environment, database)
    own = dict.fromkeys(environment.migrations.url_env, url)
    own |= {name: value.replace("{url}", url) for name, value in environment.migrations.env.items()}
    outer = {name: text for name, text in env.items() if name != ACTION_TOKEN}
    return {"PGAPPNAME": sign, **outer, **own}


def project_url(environment: Environment, database: Database) -> str:
    """Return the URL as the project's own settings expect it.

    That is as configured, also `postgres://`, which such projects rewrite themselves; only the path of a
    SQLite file is made absolute, since frameworks disagree on what it is relative to.
    """
    return database.worker_url if database.dialect == "sqlite" else environment.url


def _flask_directory(environment: Environment, project: Project) -> str | None:
    if project.kind != "flask":
        return None
    folder: Path | None = project.script_location
    return environment.migrations.directory or (str(folder) if folder else None)
