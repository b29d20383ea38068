"""Gathers what the gates judge: privileges, evidence of the environment before, origins of files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.database.health import find_ailments
from ci_migrate.database.privilege import find_privilege_problem
from ci_migrate.errors import CiMigrateError, ConfigError
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.git import checkout
from ci_migrate.ledger import Ledger
from ci_migrate.models import Evidence, Unfinished
from ci_migrate.survey import History, Survey, problems_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The environment that `promote_from` names."""

    name: str
    url: str | None = field(repr=False)
    """Its URL; None when it is not known here."""
    problem: str = ""
    """Why its URL is not known."""


def gather_inputs(
    environment: Environment,
    survey: Survey,
    *,
    database: Database,
    ledger: Ledger,
    before: Before | None,
    env: Mapping[str, str],
    undone: Collection[str] = (),
) -> GateInputs:
    """Return the inputs of the gates; asks the databases, changes nothing.

    `undone` are revisions of which the user says that nothing is left of them.
    """
    problem = find_privilege_problem(database, survey.history.version_table_schema)
    if problem is None and survey.plan.pending:
        problem = _ledger_problem(environment, ledger)
    evidence: Mapping[str, Evidence] = {}
    evidence_problem = None
    if before is not None and survey.plan.pending:
        try:
            evidence = _read_evidence(environment, before)
        except CiMigrateError as exc:
            evidence_problem = exc.message
    return replace(
        describe_files(environment, survey, env=env),
        connection_problem=problem[0] if problem else None,
        connection_next=problem[1] if problem else None,
        promote_from=before.name if before else None,
        evidence=evidence,
        evidence_problem=evidence_problem,
        health=environment.health,
        ailments=_find_ailments(environment, survey, database),
        unfinished=_find_unfinished(survey, ledger, database, undone),
    )


def describe_files(
    environment: Environment, survey: Survey, *, env: Mapping[str, str]
) -> GateInputs:
    """Return the inputs as far as the revision files tell them; no database is asked."""
    root = environment.root
    return GateInputs(
        environment=environment.name,
        graph=survey.history.graph,
        plan=survey.plan,
        problems=problems_of(survey),
        intended_heads=environment.migrations.heads,
        directory=_script_folder(survey.history, root),
        merge_command=_merge_command(survey.history),
        describe_origin=lambda file: checkout.describe_origin(root, env, file),
    )


def open_ledger(environment: Environment, database: Database) -> Ledger:
    """Return the ledger of an environment: in its own database unless `ledger.url` names another."""
    if environment.ledger_url:
        database = Database(environment.ledger_url, root=environment.root)
    return Ledger(database, schema=environment.ledger_schema, environment=environment.name)


def _read_evidence(environment: Environment, before: Before) -> Mapping[str, Evidence]:
    url = environment.ledger_url or before.url
    if url is None:
        raise ConfigError(before.problem)
    database = Database(url, root=environment.root)
    ledger = Ledger(database, schema=environment.ledger_schema, environment=before.name)
    return ledger.evidence()


def _find_ailments(environment: Environment, survey: Survey, database: Database) -> tuple[str, ...]:
    if environment.health == "off" or not survey.plan.pending:
        return ()
    return find_ailments(database)


def _find_unfinished(
    survey: Survey, ledger: Ledger, database: Database, undone: Collection[str]
) -> tuple[Unfinished, ...]:
    pending = {item.revision for item in survey.plan.pending} - set(undone)
    last = ledger.last_remains() if pending else None
    if last is None:
        return ()
    restore = restore_command(last.backup, database.address) if last.backup else ""
    return tuple(
        Unfinished(
            remains=remains, started_at=last.started_at, run_url=last.run_url, restore=restore
        )
        for remains in last.remains
        if remains.revision in pending
    )


def _ledger_problem(environment: Environment, ledger: Ledger) -> tuple[str, str] | None:
    grant = ledger.missing_grant()
    if grant is None:
        return None
    return (
        f"the ledger cannot be created: the role may not create schema {environment.ledger_schema}",
        (
            f"Let an administrator run: {grant}\nOr name an existing schema in `ledger.schema`, or"
            " another database in `ledger.url`."
        ),
    )


def _script_folder(history: History, root: Path) -> str | None:
    folder = history.project.script_location
    if folder is None:
        return None
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)


def _merge_command(history: History) -> str:
    if history.project.kind == "flask":
        return "flask db merge"
    section = history.project.ini_section
    return "alembic merge" if section == "alembic" else f"alembic -n {section} merge"
