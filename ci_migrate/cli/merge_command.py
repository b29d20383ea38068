"""`ci-migrate merge`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ci_migrate.cli.json_option import write_json
from ci_migrate.cli.options import with_config, with_json
from ci_migrate.cli.trial_setup import set_up_trial
from ci_migrate.cli.world import current_world
from ci_migrate.stops import taken_stops


@click.command("merge", short_help="Merge heads, once their order is proved not to matter.")
@click.argument("heads", metavar="[HEAD]...", nargs=-1)
@click.option(
    "--environment",
    metavar="NAME",
    help="Try the revisions on a database like this environment's.  [default: the first]",
)
@with_config
@with_json
@click.option("--message", "-m", metavar="TEXT", help="Message of the new revision.")
@click.option("--dry-run", is_flag=True, help="Explain and prove, but write no file.")
def merge_command(
    heads: tuple[str, ...],
    environment: str | None,
    config_path: Path | None,
    json_option: str | None,
    message: str | None,
    dry_run: bool,
) -> int:
    """Write the revision that merges several heads, into the work tree.

    Explains the heads, builds the history on scratch databases with the heads in each order, and compares
    the schemas; exit code 3 when they differ. The file is written by Alembic, from the project's own
    template. No environment's database is changed.
    """
    from ci_migrate.heads.look import explain_history
    from ci_migrate.heads.merge_heads import choose_heads, merge_heads
    from ci_migrate.heads.text import heads_lines

    world = current_world(config_path)
    config = world.load_config()
    with set_up_trial(world, config, environment, json_option) as setup, taken_stops():
        history = setup.request.history
        intended = setup.request.environment.migrations.heads
        explanation = explain_history(history, intended, world.env)
        chosen = choose_heads(explanation, history.graph, heads)
        setup.console.write_lines(heads_lines(explanation, with_advice=False))
        merged = merge_heads(
            setup.request, explanation, chosen, message=message, is_dry_run=dry_run
        )
    told = [f"proved      {merged.proof.describe()}"]
    if merged.file:
        told += [f"written     {merged.file}", "next        Review it, commit it and push."]
    else:
        told.append(f"dry run     would write {merged.message!r}")
    setup.console.write_lines(told)
    if json_option is not None:
        write_json(asdict(merged), json_option)
    return 0
