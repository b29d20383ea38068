"""The composition root's tools: what commands share of configuration, run and reporters."""

from __future__ import annotations

import os
import platform
import socket
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci_migrate import __version__
from ci_migrate.cli.json_option import json_target

if TYPE_CHECKING:
    from ci_migrate.config.environment import Environment
    from ci_migrate.config.loaded import Config
    from ci_migrate.evidence.sources import Before, LedgerPlace
    from ci_migrate.github.event import GitHubEvent
    from ci_migrate.models import RunInfo
    from ci_migrate.redact import Redactor
    from ci_migrate.report.send import Reporters
    from ci_migrate.selection import Selection


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything from outside that a command may look at."""

    env: Mapping[str, str]
    cwd: Path
    config_path: Path | None

    @property
    def is_github(self) -> bool:
        """Whether a GitHub runner runs this."""
        return self.env.get("GITHUB_ACTIONS") == "true"

    @property
    def is_action(self) -> bool:
        """Whether this is the process of the GitHub Action itself, which the runner reads directly."""
        return self.is_github and "CI_MIGRATE_COMMAND" in self.env

    def load_config(self) -> Config:
        """Read the configuration file; raises ConfigError."""
        from ci_migrate.config.load import find_config, load_config

        path = find_config(self.config_path, self.cwd)
        # As the user would write it: every message about the configuration begins with it.
        return load_config(path.relative_to(self.cwd) if path.is_relative_to(self.cwd) else path)

    def event(self) -> GitHubEvent | None:
        """Return the GitHub event of this run, None elsewhere."""
        from ci_migrate.github.event import read_event

        return read_event(self.env)

    def select(
        self, config: Config, environment: str | None, branch: str | None, *, deploys: bool
    ) -> Selection:
        """Choose the environment; raises UsageError."""
        from ci_migrate.git import checkout
        from ci_migrate.selection import select_environment

        event = self.event()
        git_branch = checkout.current_branch(self.cwd, self.env) if event is None else None
        is_asked = bool(environment or branch or git_branch or event)
        return select_environment(
            config,
            environment=environment,
            branch=branch,
            event=event,
            git_branch=git_branch,
            no_branch="" if is_asked else checkout.why_no_branch(self.cwd, self.env),
            deploys=deploys,
        )

    def resolve(self, config: Config, name: str, *, tells_slack: bool) -> Environment:
        """Fill in the variables of an environment; raises ConfigError."""
        from ci_migrate.config.resolve import resolve_environment

        return resolve_environment(config, name, self.env, tells_slack=tells_slack)

    def resolve_selected(self, environment: str | None, branch: str | None) -> Environment:
        """Return the environment that was asked for, or that of the branch; raises UsageError, ConfigError."""
        from ci_migrate.errors import UsageError

        config = self.load_config()
        selection = self.select(config, environment, branch, deploys=False)
        if selection.environment is None:
            raise UsageError(selection.reason, next_step="Name an environment with --environment.")
        return self.resolve(config, selection.environment, tells_slack=False)

    def redactor(self, config: Config, *more: str) -> Redactor:
        """Return what takes every secret out of texts that the configuration and this run's variables hold."""
        from ci_migrate.config.resolve import known_secrets
        from ci_migrate.github.rest import tokens_of
        from ci_migrate.redact import Redactor

        return Redactor([*more, *tokens_of(self.env), *known_secrets(config, self.env)])

    def before(self, config: Config, environment: Environment) -> Before | None:
        """Return the environment that `promote_from` names, as far as it can be asked here."""
        name = environment.promote_from
        return None if name is None else self.known(config, name, environment.name)

    def known(self, config: Config, name: str, seen_from: str | None = None) -> Before:
        """Return an environment with its URL and its store, or why these are not known here.

        `seen_from` is the environment of this run: a variable that both URLs are made of holds its own.
        """
        from ci_migrate.config.resolve import environment_store, environment_url, recorded_at
        from ci_migrate.errors import ConfigError
        from ci_migrate.evidence.sources import Before

        sources = recorded_at(config, name)
        known: dict[str, Any] = {"name": name, "url": None, "sources": sources}
        try:
            known["url"] = environment_url(config, name, self.env, seen_from)
        except ConfigError as exc:
            known["problem"] = exc.message
        try:
            if "store" in sources:
                known["store"] = environment_store(config, name, self.env)
        except ConfigError as exc:
            known["store_problem"] = exc.message
        return Before(**known)

    def ledger_place(self, config: Config) -> LedgerPlace:
        """Return where the ledgers are, or why that is not known here: only what would ask one fails then."""
        from ci_migrate.config.resolve import project_in_records, resolve_ledger
        from ci_migrate.errors import ConfigError
        from ci_migrate.evidence.sources import LedgerPlace

        root = config.path.absolute().parent
        try:
            schema, url = resolve_ledger(config, self.env)
        except ConfigError as exc:
            return LedgerPlace(url=None, schema="", project="", root=root, problem=exc.message)
        project = project_in_records(config)
        return LedgerPlace(url=url, schema=schema, project=project, root=root)

    def run_info(self, branch: str | None) -> RunInfo:
        """Say who runs this, where, and from which commit."""
        from ci_migrate.git import checkout
        from ci_migrate.models import RunInfo
        from ci_migrate.times import format_time

        event = self.event()
        return RunInfo(
            run_id=str(uuid.uuid4()),
            started_at=format_time(utc_now()),
            branch=branch,
            commit=checkout.current_commit(self.cwd, self.env) if event is None else event.sha,
            actor=checkout.user_name(self.cwd, self.env) if event is None else event.actor,
            run_url=event.run_url if event else None,
            commit_url=event.commit_url if event else None,
            host=socket.gethostname(),
        )

    def reporters(self, json_option: str | None, webhook: str | None) -> Reporters:
        """Return the reporters of this run: those of the runner only when it says that it is one."""
        from ci_migrate.report.console import open_console
        from ci_migrate.report.send import Reporters

        is_github = self.is_github
        stream = sys.stderr if json_option == "-" else sys.stdout
        return Reporters(
            console=open_console(self.env, stream),
            is_github=is_github,
            json_file=json_target(json_option),
            summary_file=self._runner_file("GITHUB_STEP_SUMMARY") if is_github else None,
            outputs_file=self._runner_file("GITHUB_OUTPUT") if is_github else None,
            slack_webhook=webhook,
            root_in_repository=self._folder_in_repository(),
            repository=Path(self.env.get("GITHUB_WORKSPACE") or self.cwd),
        )

    def _runner_file(self, variable: str) -> Path | None:
        value = self.env.get(variable)
        return Path(value) if value else None

    def _folder_in_repository(self) -> str:
        folder = (self.cwd / self.config_path).parent if self.config_path else self.cwd
        workspace = Path(self.env.get("GITHUB_WORKSPACE") or self.cwd)
        folder, workspace = folder.resolve(), workspace.resolve()
        return folder.relative_to(workspace).as_posix() if folder.is_relative_to(workspace) else ""


def current_world(config_path: Path | None) -> World:
    """Return the world of this process."""
    return World(env=dict(os.environ), cwd=Path.cwd(), config_path=config_path)


def installed_versions() -> dict[str, str]:
    """Return the versions of what matters to a run."""
    found = {"ci-migrate": __version__, "python": platform.python_version()}
    for name in ("alembic", "sqlalchemy", "flask-migrate"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(timezone.utc)
