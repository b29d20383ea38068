"""Loads the user's project: path, variables, application, Alembic's Config."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci_migrate.worker import compat

if TYPE_CHECKING:
    from alembic.config import Config


@contextmanager
def load_project(settings: Mapping[str, Any]) -> Iterator[Config]:
    """Load the project as its own tool would and hold its application context open.

    `settings`: kind, config_file, toml_file, section, script_location, flask_app, directory, url, x, path,
    setup, command, target. Everything that the project raises passes through.
    """
    sys.path[:0] = [str(Path(entry).absolute()) for entry in settings["path"]]
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = ["alembic", settings["command"], settings["target"]]
    if settings["kind"] == "flask":
        with _flask_config(settings) as config:
            yield _prepared(config, settings)
    else:
        yield _prepared(_alembic_config(settings), settings)


def _alembic_config(settings: Mapping[str, Any]) -> Config:
    config = compat.build_config(
        settings["config_file"], settings["toml_file"], settings["section"]
    )
    if settings["script_location"] and not config.get_main_option("script_location"):
        config.set_main_option("script_location", settings["script_location"].replace("%", "%%"))
    arguments = ["-n", settings["section"]]
    if settings["config_file"]:
        arguments += ["-c", settings["config_file"]]
    for value in settings["x"]:
        arguments += ["-x", value]
    config.cmd_opts = compat.parse_options([*arguments, settings["command"], settings["target"]])
    # A percent sign is configparser's interpolation: doubled, or set_main_option refuses the value.
    config.set_main_option("sqlalchemy.url", settings["url"].replace("%", "%%"))
    return config


@contextmanager
def _flask_config(settings: Mapping[str, Any]) -> Iterator[Config]:
    from flask.cli import ScriptInfo, load_dotenv
    from flask.helpers import get_load_dotenv

    if get_load_dotenv():
        load_dotenv()  # as the command `flask` does; what is set already stays, the URL above all
    name = settings["flask_app"] or os.environ.get("FLASK_APP")
    app = ScriptInfo(app_import_path=name or None).load_app()
    with app.app_context():
        migrate = app.extensions["migrate"].migrate
        directory = settings["directory"] or getattr(migrate, "directory", None)
        yield migrate.get_config(directory, x_arg=list(settings["x"]))


def _prepared(config: Config, settings: Mapping[str, Any]) -> Config:
    if settings["setup"]:
        module, _, function = settings["setup"].partition(":")
        found = getattr(importlib.import_module(module), function, None)
        if found is None:
            raise LookupError(
                f"`migrations.setup` names {settings['setup']}, and {module} has no {function}"
            )
        found(config)
    return config
