"""`ci-migrate heads`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci_migrate.cli.json_option import write_json
from ci_migrate.cli.options import with_config, with_json
from ci_migrate.cli.world import World, current_world
from ci_migrate.errors import ExitCode, GitHubError, UsageError

if TYPE_CHECKING:
    from ci_migrate.config.environment import Migrations
    from ci_migrate.redact import Redactor

PUSHED = ""
"""`--watch` without a branch."""


@click.command("heads", short_help="Show the heads, or those that a merge would make.")
@with_config
@with_json
@click.option(
    "--against",
    metavar="REF",
    help="Show the heads after a merge of this commit with REF, such as origin/main; checks nothing out.",
)
@click.option(
    "--watch",
    metavar="BRANCH",
    is_flag=False,
    flag_value=PUSHED,
    help="Check every open pull request into BRANCH (by default the one that this run is about); set a status on each.",
)
def heads_command(
    config_path: Path | None, json_option: str | None, against: str | None, watch: str | None
) -> int:
    """Show the heads of the revision files, and explain them when there are several.

    With `--against` those of the merge result: two pull requests that are green each by itself can make
    two heads together. Asks no database, runs nothing of the project. Exit code 3 when there are several
    heads that `migrations.heads` does not name, or a defect that would block a promotion.
    """
    from ci_migrate.config.resolve import resolve_migrations

    if against is not None and watch is not None:
        raise UsageError("--against and --watch exclude each other")
    world = current_world(config_path)
    config = world.load_config()
    migrations, root = resolve_migrations(config, world.env), config.path.absolute().parent
    if watch is not None:
        return _watch(world, migrations, root, watch, json_option)
    return _look(world, migrations, root, against, json_option, world.redactor(config))


def _look(
    world: World,
    migrations: Migrations,
    root: Path,
    against: str | None,
    json_option: str | None,
    redactor: Redactor,
) -> int:
    from ci_migrate.heads.look import look_at_heads, look_at_merge
    from ci_migrate.heads.text import heads_lines

    if against is None:
        found = look_at_heads(migrations, root, world.env)
    else:
        found = look_at_merge(migrations, root, world.env, against)
    found = replace(
        found,
        problems=tuple(
            replace(each, message=redactor.clean(each.message)) for each in found.problems
        ),
    )
    value = {**asdict(found), "blocked": found.is_blocked}
    _write(world, value, json_option, heads_lines(found))
    return int(ExitCode.BLOCKED if found.is_blocked else ExitCode.OK)


def _watch(
    world: World, migrations: Migrations, root: Path, branch: str, json_option: str | None
) -> int:
    from ci_migrate.github.rest import open_github
    from ci_migrate.heads.text import verdict_lines
    from ci_migrate.heads.watch import watch_pulls

    event = world.event()
    pushed, asked = (event.branch, event.base_branch) if event else (None, None)
    base = branch or pushed or asked
    if base is None:
        raise UsageError(
            "no branch was pushed, so it is not known whose pull requests to check",
            next_step="Name it: --watch main",
        )
    run_url = event.run_url if event else None
    # What a pull request checks out is its own merge, not the branch that it goes into.
    against = f"refs/remotes/origin/{base}" if base == asked else "HEAD"
    github = open_github(world.env)
    verdicts = tuple(
        watch_pulls(
            github, migrations, root, world.env, base=base, against=against, run_url=run_url
        )
    )
    value = [asdict(verdict) for verdict in verdicts]
    _write(world, value, json_option, verdict_lines(verdicts, base))
    refused = [verdict for verdict in verdicts if verdict.problem]
    if refused:
        raise GitHubError(
            f"the status of {len(refused)} of {len(verdicts)} pull requests could not be set:"
            f" {refused[0].problem}",
            next_step="The job needs `permissions: statuses: write`.",
        )
    return int(ExitCode.OK)


def _write(world: World, value: object, json_option: str | None, lines: Iterator[str]) -> None:
    from ci_migrate.report.console import open_console

    if json_option is not None:
        write_json(value, json_option)
    if json_option != "-":
        open_console(world.env).write_lines(lines)
