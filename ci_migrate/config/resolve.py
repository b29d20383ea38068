"""The configuration and the variables of this run into one environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_migrate.config.backup_settings import fill_backup
from ci_migrate.config.duration import parse_duration
from ci_migrate.config.environment import Environment, Migrations
from ci_migrate.config.fill import Filler
from ci_migrate.config.problems import suggest_name
from ci_migrate.config.select import list_globs
from ci_migrate.config.window import read_window
from ci_migrate.errors import ConfigError, UsageError
from ci_migrate.redact import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_migrate.config.backup_section import BackupSection
    from ci_migrate.config.loaded import Config
    from ci_migrate.config.migrations import MigrationsSection
    from ci_migrate.config.types import EnvironmentSection


def resolve_environment(
    config: Config, name: str, env: Mapping[str, str], *, tells_slack: bool = True
) -> Environment:
    """Fill in the variables of one environment; those of others, or of an unused webhook, need not be set.

    Raises UsageError for an unknown name, and one ConfigError with every variable that is missing.
    """
    section = _find_section(config, name)
    filler = Filler(config, env)
    root = config.path.absolute().parent
    here = ("environments", name)
    url = filler.require_url(section.url, (*here, "url"))
    ledger = config.file.ledger
    environment = Environment(
        name=name,
        branches=list_globs(section.branches),
        url=url,
        lock_url=filler.fill_url(section.lock_url or "", (*here, "lock_url")) or url,
        promote_from=section.promote_from,
        **_read_proof(config, name, section),
        backup=fill_backup(
            _read_backup(section.backup), filler, (*here, "backup"), root=root, env=env
        ),
        backup_prove=_read_prove(section),
        scratch_url=filler.fill_url(section.scratch_url or "", (*here, "scratch_url")) or None,
        rehearse=_read_rehearse(section),
        transaction=section.transaction,
        **_read_patience(section),
        health=section.gates.health,
        slack_webhook=_fill_webhook(config, name, filler) if tells_slack else None,
        ledger_schema=filler.require_text(ledger.schema, ("ledger", "schema")),
        ledger_url=filler.fill_url(ledger.url or "", ("ledger", "url")),
        ledger_project=project_in_records(config),
        migrations=_fill_migrations(config.file.migrations, filler),
        root=root,
        secrets=filler.secrets,
    )
    filler.finish()
    return environment


def environment_url(
    config: Config, name: str, env: Mapping[str, str], seen_from: str | None = None
) -> str:
    """Return the database URL of an environment; nothing else of it needs to be set.

    `seen_from` is the environment of this run: a variable that both URLs are made of holds its own. Raises
    UsageError for an unknown name and ConfigError for a missing variable, or for one that holds another URL.
    """
    filler, template = Filler(config, env), _find_section(config, name).url
    if (
        seen_from is not None
        and "${" in template
        and template == _find_section(config, seen_from).url
    ):
        raise ConfigError(
            f"the URL of {name} is made of the same variables as that of {seen_from}, and they hold that one here"
        )
    url = filler.require_url(template, ("environments", name, "url"))
    filler.finish()
    return url


def known_secrets(config: Config, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the whole configuration names as secret, as far as its variables are set here.

    A run of one environment knows those of the others by their variables, and hands these to the project.
    """
    filler, file, root = Filler(config, env), config.file, config.path.absolute().parent
    for name, section in config.environments.items():
        here = ("environments", name)
        for key in ("url", "lock_url", "scratch_url"):
            filler.fill_url(getattr(section, key) or "", (*here, key))
        fill_backup(_read_backup(section.backup), filler, (*here, "backup"), root=root, env=env)
        for notify in (section.notify, file.notify):
            if notify and notify.slack:
                filler.fill_url(notify.slack.webhook, ("notify", "slack", "webhook"))
    filler.fill_url(file.ledger.url or "", ("ledger", "url"))
    _fill_migrations(file.migrations, filler)
    return filler.secrets


def resolve_migrations(config: Config, env: Mapping[str, str]) -> Migrations:
    """Return where the revisions are, for what reads their files only: URLs and `env` need not be set.

    Raises ConfigError for a missing variable.
    """
    from msgspec.structs import replace

    without = replace(config.file.migrations, env={}, x=())
    filler = Filler(config, env)
    migrations = _fill_migrations(without, filler)
    filler.finish()
    return migrations


def environment_store(config: Config, name: str, env: Mapping[str, str]) -> str:
    """Return where an environment's backups are; nothing else of it needs to be set.

    Raises UsageError for an unknown name and ConfigError for a missing variable.
    """
    filler, root = Filler(config, env), config.path.absolute().parent
    section = _read_backup(_find_section(config, name).backup)
    settings = fill_backup(section, filler, ("environments", name, "backup"), root=root, env=env)
    filler.finish()
    return settings.store


def recorded_at(config: Config, name: str) -> tuple[str, ...]:
    """Return the sources that environments which are promoted from this one ask about it."""
    asked = (
        source
        for section in config.environments.values()
        if section.promote_from == name
        for source in section.evidence
    )
    return tuple(dict.fromkeys(asked))


def resolve_ledger(config: Config, env: Mapping[str, str]) -> tuple[str, str | None]:
    """Return schema and URL of the ledgers, None where each is in its own database; raises ConfigError."""
    filler, ledger = Filler(config, env), config.file.ledger
    schema = filler.require_text(ledger.schema, ("ledger", "schema"))
    url = filler.fill_url(ledger.url or "", ("ledger", "url"))
    filler.finish()
    return schema, url


def _read_proof(config: Config, name: str, section: EnvironmentSection) -> dict[str, Any]:
    """Return what must hold before something may run here, as `Environment` has it."""
    return {
        "evidence": section.evidence,
        "records_at_github": "github" in recorded_at(config, name),
        "require": section.require,
        "soak": parse_duration(section.soak),
        "window": read_window(section.window) if section.window else None,
        "approval": name if section.approval is True else section.approval or None,
    }


def project_in_records(config: Config) -> str:
    """Return the name of the project in records: a section of alembic.ini with a name is one of several."""
    section = config.file.migrations.name or ""
    return config.file.ledger.project or (section if section != "alembic" else "")


def _find_section(config: Config, name: str) -> EnvironmentSection:
    if name in config.environments:
        return config.environments[name]
    raise UsageError(
        f"{config.path}: there is no environment {one_line(name, 60)}",
        next_step=suggest_name(name, config.environments),
    )


def _read_backup(backup: str | BackupSection) -> BackupSection:
    from ci_migrate.config.backup_section import BackupSection

    # The name of a backend, already checked, stands for a section with nothing else in it.
    return BackupSection(backend=backup) if isinstance(backup, str) else backup  # type: ignore[arg-type]


def _read_patience(section: EnvironmentSection) -> dict[str, Any]:
    return {
        "lock_wait": parse_duration(section.lock_wait),
        "probe_timeout": parse_duration(section.probe_timeout),
        "answer_timeout": parse_duration(section.answer_timeout),
        "lock_timeout": parse_duration(section.lock_timeout),
        "lock_retries": section.lock_retries,
        "statement_timeout": parse_duration(section.statement_timeout),
        "max_queue": section.max_queue,
    }


def _read_rehearse(section: EnvironmentSection) -> str:
    if isinstance(section.rehearse, str):
        return section.rehearse
    return "once" if section.rehearse else "off"


def _read_prove(section: EnvironmentSection) -> str:
    if _read_rehearse(section) != "off":
        return "restore"  # it runs on what was restored
    return "list" if isinstance(section.backup, str) else section.backup.prove


def _fill_webhook(config: Config, name: str, filler: Filler) -> str | None:
    for notify, path in (
        (config.environments[name].notify, ("environments", name, "notify")),
        (config.file.notify, ("notify",)),
    ):
        if notify and notify.slack:
            return filler.fill_url(notify.slack.webhook, (*path, "slack", "webhook"))
    return None


def _fill_migrations(section: MigrationsSection, filler: Filler) -> Migrations:
    here = ("migrations",)
    command = section.command
    return Migrations(
        config=filler.fill_optional(section.config, (*here, "config")),
        name=filler.fill_optional(section.name, (*here, "name")),
        flask_app=filler.fill_optional(section.flask_app, (*here, "flask_app")),
        directory=filler.fill_optional(section.directory, (*here, "directory")),
        url_env=list_globs(section.url_env),
        env={
            name: filler.fill_secret(text, (*here, "env", name))
            for name, text in section.env.items()
        },
        x=tuple(filler.fill_secret(text, (*here, "x", at)) for at, text in enumerate(section.x)),
        path=filler.fill_each(section.path, (*here, "path")),
        setup=section.setup,
        heads=filler.fill_each(section.heads, (*here, "heads")),
        version_table=filler.fill_optional(section.version_table, (*here, "version_table")),
        version_table_schema=None
        if section.version_table_schema is None
        else filler.fill(section.version_table_schema, (*here, "version_table_schema")),
        versions=filler.fill_each(section.versions, (*here, "versions")),
        upgrade_command=command.upgrade if command else None,
        downgrade_command=command.downgrade if command else None,
        allow_edit={edit.revision: edit.reason for edit in section.allow_edit},
    )
