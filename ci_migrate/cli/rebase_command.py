"""`ci-migrate rebase`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ci_migrate.cli.json_option import write_json
from ci_migrate.cli.options import with_config, with_json
from ci_migrate.cli.trial_setup import set_up_trial
from ci_migrate.cli.world import World, current_world
from ci_migrate.stops import taken_stops

if TYPE_CHECKING:
    from ci_migrate.config.loaded import Config
    from ci_migrate.evidence.elsewhere import Executed
    from ci_migrate.heads.rebase import Rebase
    from ci_migrate.survey import History


@click.command("rebase", short_help="Put a branch that nobody has executed after the other head.")
@click.argument("revision", metavar="REVISION")
@click.option(
    "--onto", metavar="HEAD", help="The head that becomes its parent.  [default: the other]"
)
@click.option(
    "--not-in",
    "not_in",
    metavar="NAME",
    multiple=True,
    help="This environment, which cannot be asked from here, has not executed it; may be repeated.",
)
@click.option(
    "--environment",
    metavar="NAME",
    help="Try the revisions on a database like this environment's.  [default: the first]",
)
@with_config
@with_json
@click.option("--dry-run", is_flag=True, help="Prove and show the change, but write no file.")
def rebase_command(
    revision: str,
    onto: str | None,
    not_in: tuple[str, ...],
    environment: str | None,
    config_path: Path | None,
    json_option: str | None,
    dry_run: bool,
) -> int:
    """Give the first revision of a branch another head as its parent, in its file in the work tree.

    Refused when an environment has executed it, or cannot be asked and is not named by `--not-in`, and when the
    branch does not run after that head on a scratch database.
    Only `down_revision` and the docstring's `Revises:` change.
    """
    from ci_migrate.heads.rebase import plan_rebase, rebase_revision, refuse_executed

    world = current_world(config_path)
    config = world.load_config()
    with set_up_trial(world, config, environment, json_option) as setup, taken_stops():
        history = setup.request.history
        planned = plan_rebase(history.graph, revision, onto)
        asked = _ask_all(world, config, history, planned.branch)
        for item in asked:
            if item.problem:
                setup.console.warn(f"{item.environment} could not be asked: {item.problem}")
        refuse_executed(planned, asked, not_in)
        done = rebase_revision(setup.request, planned, is_dry_run=dry_run)
    setup.console.write_lines([f"proved      {', '.join(done.branch)} after {done.onto}"])
    setup.console.write_text(done.diff)
    what = (
        f"written     {done.file}" if done.is_written else f"dry run     {done.file} is untouched"
    )
    setup.console.write_lines([what])
    if json_option is not None:
        write_json({**asdict(done), "asked": _told(done, asked)}, json_option)
    return 0


def _told(done: Rebase, asked: tuple[Executed, ...]) -> list[dict[str, Any]]:
    return [
        {
            "environment": item.environment,
            "revisions": [revision for revision in done.branch if item.has(revision)],
            "problem": item.problem,
        }
        for item in asked
    ]


def _ask_all(
    world: World, config: Config, history: History, branch: tuple[str, ...]
) -> tuple[Executed, ...]:
    from ci_migrate.evidence.elsewhere import Inquiry, ask_environments

    inquiry = Inquiry(
        place=world.ledger_place(config),
        graph=history.graph,
        version_table=history.version_table,
        version_table_schema=history.version_table_schema,
        env=world.env,
    )
    others = (world.known(config, name) for name in config.environments)
    clean = world.redactor(config).clean
    return tuple(
        replace(item, problem=clean(item.problem))
        for item in ask_environments(inquiry, others, branch)
    )
