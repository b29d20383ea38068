"""`ci-migrate rollback --advise`: shows the ways back, and changes nothing."""

from __future__ import annotations

from pathlib import Path

from ci_migrate.cli.json_option import write_json
from ci_migrate.cli.world import current_world


def show_advice(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    json_option: str | None,
    expect: str | None,
) -> int:
    """Show what each way back from the environment's last revision would cost; return the exit code."""
    from ci_migrate.errors import UsageError
    from ci_migrate.report.advice_text import advice_lines, build_advice_result
    from ci_migrate.report.console import open_console
    from ci_migrate.rollback.rollback import advise_rollback

    world = current_world(config_path)
    config = world.load_config()
    selection = world.select(config, environment, branch, deploys=False)
    if selection.environment is None:
        raise UsageError(selection.reason, next_step="Name an environment with --environment.")
    resolved = world.resolve(config, selection.environment, tells_slack=False)
    advice = advise_rollback(resolved, world.env, expect)
    if json_option is not None:
        write_json(build_advice_result(advice), json_option)
    if json_option != "-":
        open_console(world.env).write_lines(advice_lines(advice))
    return 0
