"""Gathers what the gates judge: privileges, evidence of the environment before, origins of files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.config.environment import Environment, Migrations
from ci_migrate.database.engine import Database
from ci_migrate.database.health import find_ailments
from ci_migrate.database.lock import find_holder
from ci_migrate.database.privilege import find_privilege_problem
from ci_migrate.errors import CiMigrateError, GitHubError
from ci_migrate.evidence.approval import find_approvers
from ci_migrate.evidence.sources import (
    LEDGER_URL,
    Before,
    Question,
    find_twin,
    hear_sources,
    place_of,
)
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.git.origin import describe_origin
from ci_migrate.ledger.executed import held_revisions
from ci_migrate.ledger.facts import Executed, LastRemains
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import SourceAnswer, Unfinished
from ci_migrate.revisions.merge_command import merge_command
from ci_migrate.revisions.project import shown_path
from ci_migrate.rewrites import find_rewritten
from ci_migrate.survey import History, Survey, problems_of


def gather_inputs(
    environment: Environment,
    survey: Survey,
    *,
    database: Database,
    ledger: Ledger,
    before: Before | None,
    env: Mapping[str, str],
    now: datetime,
    undone: Collection[str] = (),
    overrides: Mapping[str, str] | None = None,
    others: tuple[Before, ...] = (),
) -> GateInputs:
    """Return the inputs of the gates; asks the databases, and GitHub where it is told to; changes nothing.

    `now` is in UTC. `undone` are revisions of which the user says that nothing is left of them, `overrides`
    the reasons for passing over gates. `others` are all other environments, asked about rewritten revisions.
    """
    problem, next_step = _connection_problem(survey, database, ledger)
    twin = find_twin(database.address, others, environment.root)
    if twin:
        problem = f"the URL of {environment.name} leads to the same database as that of {twin}"
        next_step = "Look which secret holds which URL: each environment has a database of its own."
    found = find_rewritten(environment, survey, ledger, others=others, env=env)
    return replace(
        describe_files(environment, survey, env=env),
        connection_problem=problem,
        connection_next=next_step,
        **_gather_proof(environment, survey, before, env),
        now=now,
        overrides=overrides or {},
        rewritten=found.rewritten,
        unseen=found.unseen,
        health=environment.health,
        ailments=_find_ailments(environment, survey, database),
        unfinished=_find_unfinished(environment.name, survey, ledger, database, undone),
        held=_find_held(survey, ledger),
    )


def _gather_proof(
    environment: Environment, survey: Survey, before: Before | None, env: Mapping[str, str]
) -> dict[str, Any]:
    """Return what must hold before something may run here, and what speaks for it, as `GateInputs` has it."""
    approved_by, approval_problem = _find_approval(environment, survey, env)
    return {
        "promote_from": before.name if before else None,
        "answers": _hear_before(environment, survey, before, env),
        "require": environment.require,
        "soak": environment.soak,
        "window": environment.window,
        "approval": environment.approval,
        "approved_by": approved_by,
        "approval_problem": approval_problem,
    }


def _connection_problem(
    survey: Survey, database: Database, ledger: Ledger
) -> tuple[str | None, str | None]:
    """Return why the role cannot migrate, and what to do; nothing when it can."""
    problem = find_privilege_problem(database, survey.history.version_table_schema)
    if problem is None and survey.plan.pending:
        problem = _ledger_problem(ledger)
    return problem or (None, None)


def describe_files(
    environment: Environment, survey: Survey, *, env: Mapping[str, str]
) -> GateInputs:
    """Return the inputs as far as the revision files tell them; no database is asked."""
    inputs = describe_project(environment.name, environment.migrations, survey, env=env)
    return replace(inputs, rehearse=environment.rehearse)


def describe_project(
    name: str, migrations: Migrations, survey: Survey, *, env: Mapping[str, str]
) -> GateInputs:
    """Return the inputs as far as the revision files tell them, for an environment of this name."""
    root = survey.history.project.root
    return GateInputs(
        environment=name,
        graph=survey.history.graph,
        plan=survey.plan,
        problems=problems_of(survey),
        intended_heads=migrations.heads,
        unlabelled=survey.history.unlabelled,
        directory=_script_folder(survey.history, root),
        merge_command=merge_command(survey.history.project),
        describe_origin=lambda file: describe_origin(root, env, file),
    )


def open_ledger(environment: Environment, database: Database) -> Ledger:
    """Return the ledger of an environment: in its own database unless `ledger.url` names another."""
    if environment.ledger_url:
        database = Database(environment.ledger_url, root=environment.root, setting=LEDGER_URL)
    return Ledger(database, schema=environment.ledger_schema, environment=environment.record_name)


def _hear_before(
    environment: Environment, survey: Survey, before: Before | None, env: Mapping[str, str]
) -> tuple[SourceAnswer, ...]:
    if before is None or not survey.plan.pending:
        return ()
    wanted = frozenset(item.revision for item in survey.plan.pending)
    question = Question(
        place=place_of(environment),
        sources=environment.evidence,
        before=before,
        wanted=wanted,
        env=env,
    )
    return hear_sources(question)


def _find_approval(
    environment: Environment, survey: Survey, env: Mapping[str, str]
) -> tuple[tuple[str, ...], str]:
    """Return who approved this run, and why that cannot be told."""
    if environment.approval is None or not survey.plan.pending:
        return (), ""
    try:
        return find_approvers(env, environment.approval), ""
    except GitHubError as exc:
        return (), exc.message


def _find_ailments(environment: Environment, survey: Survey, database: Database) -> tuple[str, ...]:
    if environment.health == "off" or not survey.plan.pending:
        return ()
    return find_ailments(database)


def _find_unfinished(
    environment: str, survey: Survey, ledger: Ledger, database: Database, undone: Collection[str]
) -> tuple[Unfinished, ...]:
    last = ledger.last_remains()
    if last is None:
        return ()
    unfinished = _not_at_its_end(survey, last) - set(undone)
    address = database.address
    restore = restore_command(last.backup, address, environment) if last.backup else ""
    return tuple(
        Unfinished(
            remains=remains,
            started_at=last.started_at,
            run_url=last.run_url,
            restore=restore,
            direction=last.direction,
        )
        for remains in last.remains
        if remains.revision in unfinished
    )


def find_unfinished(survey: Survey, ledger: Ledger) -> tuple[str, ...]:
    """Return the revisions of which the last run left something in the database."""
    last = ledger.last_remains()
    return tuple(sorted(_not_at_its_end(survey, last))) if last else ()


def find_running(environment: Environment, ledger: Ledger) -> str:
    """Return who is at work in the database: whose run has begun and holds the lock; empty when nobody is seen to.

    What such a run has done is no remains of it: nobody but itself can tell yet how it ends.
    """
    if not ledger.unfinished_runs():
        return ""
    try:
        return find_holder(Database(environment.lock_url, root=environment.root))
    except CiMigrateError:  # a way of its own, by `lock_url`, that is not open
        return ""


def _not_at_its_end(survey: Survey, last: LastRemains) -> set[str]:
    """Return the revisions that a run began and that are not where it was to bring them."""
    plan, graph = survey.plan, survey.history.graph
    present = graph.ancestors(plan.current).union(plan.current)
    left = {remains.revision for remains in last.remains}
    if last.direction == "downgrade":
        return left & present
    # A promotion is not in the way of what its branch does not have.
    is_promotion = plan.direction == "upgrade"
    return left & {item.revision for item in plan.pending} if is_promotion else left - present


def _find_held(survey: Survey, ledger: Ledger) -> tuple[Executed, ...]:
    plan = survey.plan
    if plan.direction != "upgrade" or not plan.pending:
        return ()
    held = held_revisions(ledger.executions())
    return tuple(
        held[item.revision]
        for item in plan.pending
        if item.revision in held and item.is_known_as(held[item.revision].content_hash)
    )


def _ledger_problem(ledger: Ledger) -> tuple[str, str] | None:
    missing = ledger.missing_grant()
    if missing is None:
        return None
    problem, grant = missing
    advice = f"Let an administrator run: {grant}"
    if not ledger.exists():
        advice += (
            "\nOr name an existing schema in `ledger.schema`, or another database in `ledger.url`."
        )
    return problem, advice


def _script_folder(history: History, root: Path) -> str | None:
    folder = history.project.script_location
    return None if folder is None else shown_path(folder, root)
