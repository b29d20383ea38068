"""The private names of Alembic that the driver needs, in one place, tested at start."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import alembic
from alembic.config import CommandLine, Config
from alembic.runtime.migration import MigrationContext, MigrationStep, StampStep
from alembic.script import ScriptDirectory


class UnsupportedAlembicError(Exception):
    """The installed Alembic lacks something that the driver builds on."""


def check_alembic() -> None:
    """Raise UnsupportedAlembicError when a private name is gone, before anything is done with it."""
    missing = [
        name
        for owner, name in (
            (ScriptDirectory, "_upgrade_revs"),
            (MigrationStep, "downgrade_from_script"),
        )
        if not hasattr(owner, name)
    ]
    if "_in_external_transaction" not in inspect.getsource(MigrationContext):
        missing.append("MigrationContext._in_external_transaction")
    if missing:
        raise UnsupportedAlembicError(
            f"Alembic {alembic.__version__} is not supported: it has no {', '.join(missing)}"
        )


def upgrade_steps(script: ScriptDirectory, target: str, rows: tuple[str, ...]) -> Iterable[Any]:
    """Return the steps from the version rows to the target, as `alembic upgrade` computes them."""
    return script._upgrade_revs(target, rows)  # type: ignore[arg-type]  # noqa: SLF001


def set_locations(script: ScriptDirectory, folders: Iterable[str], *, alone: bool) -> None:
    """Let a script directory that was not used yet read revisions from further folders, too, or from them `alone`."""
    if added := list(folders):
        own = [] if alone else script.version_locations or [f"{script.dir}/versions"]
        script.version_locations = [*map(str, own), *added]


def downgrade_steps(script: ScriptDirectory, revisions: Iterable[str]) -> list[Any]:
    """Return the steps that take exactly these revisions back, in this order."""
    return [
        MigrationStep.downgrade_from_script(script.revision_map, script.get_revision(revision))
        for revision in revisions
    ]


def drop_row_step(script: ScriptDirectory, row: str) -> Any:
    """Return the step that deletes a version row and runs nothing."""
    return StampStep(row, None, False, True, script.revision_map)


def is_in_external_transaction(context: MigrationContext) -> bool:
    """Return whether env.py had begun a transaction before it called `context.configure`."""
    return bool(getattr(context, "_in_external_transaction", False))


def build_config(config_file: str | None, toml_file: str | None, section: str) -> Config:
    """Return Alembic's Config for an ini file, a pyproject.toml, or both."""
    arguments: dict[str, Any] = {"ini_section": section}
    if toml_file is not None:
        if "toml_file" not in inspect.signature(Config.__init__).parameters:
            raise UnsupportedAlembicError(
                f"Alembic {alembic.__version__} does not read pyproject.toml; 1.16 and newer do"
            )
        arguments["toml_file"] = toml_file
    return Config(config_file, **arguments)


def parse_options(arguments: list[str]) -> Any:
    """Return the options that env.py may look at in `config.cmd_opts`, made by Alembic's own parser."""
    return CommandLine().parser.parse_args(arguments)
