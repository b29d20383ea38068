"""What the environments have executed of a branch, as far as they can be asked."""

from __future__ import annotations

from collections.abc import Collection

from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.heads.rebase import Executed, known_revisions
from ci_migrate.preflight import open_ledger
from ci_migrate.survey import History


def ask_environment(
    environment: Environment, history: History, branch: Collection[str]
) -> Executed:
    """Return which revisions of a branch an environment has, by its ledger and its version rows.

    Raises DatabaseUnreachableError, LedgerError and the like when it cannot be asked.
    """
    database = Database(environment.url, root=environment.root)
    table, schema = history.version_table, history.version_table_schema
    rows = read_version_rows(database, table, schema).rows
    evidence = open_ledger(environment, database).evidence()
    known = known_revisions(history.graph, rows, evidence)
    found = tuple(revision for revision in branch if revision in known)
    return Executed(environment=environment.name, revisions=found)
