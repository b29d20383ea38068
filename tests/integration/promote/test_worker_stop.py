"""A worker that is interrupted while the project is imported, and has not read yet that the parent wants an end."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from ci_migrate.errors import WorkerError
from ci_migrate.migrations import WorkerSettings, start_worker
from tests.projects_builder import copy_project

SWALLOWS = """
import time


def prepare(config):
    try:
        print("SLEEPING", flush=True)
        time.sleep(60)
    except BaseException:
        print("SWALLOWED", flush=True)
"""


def settings_of(project: Path, url: str) -> WorkerSettings:
    return WorkerSettings(
        kind="alembic",
        config_file=str(project / "alembic.ini"),
        toml_file=None,
        section="alembic",
        script_location=None,
        flask_app=None,
        directory=None,
        url=url,
        x=(),
        path=(),
        setup="patient:prepare",
        per_revision=False,
        connection_check=False,
        lock_timeout=0,
        statement_timeout=0,
    )


def test_what_lies_in_its_pipe_is_not_done_after_an_interrupt(
    tmp_path: Path, sqlite_url: str
) -> None:
    project = copy_project("linear", tmp_path / "work").path
    (project / "patient.py").write_text(SWALLOWS, encoding="utf-8")
    env = project / "migrations/env.py"
    env.write_text(f"print('ENV.PY RUNS', flush=True)\n{env.read_text('utf-8')}", "utf-8")
    heard: list[str] = []
    sleeps = threading.Event()

    def hear(line: str) -> None:
        heard.append(line)
        if "SLEEPING" in line:
            sleeps.set()

    with start_worker(env=dict(os.environ), root=project, hear=hear) as worker:
        worker.load(settings_of(project, sqlite_url))
        worker.send(do="probe", challenge={})
        assert sleeps.wait(30), heard
        os.kill(worker._process.pid, signal.SIGINT)
        with pytest.raises(WorkerError):
            list(worker.events("probe_ended", "failed"))
    said = "\n".join(heard)
    assert "SWALLOWED" in said
    assert "ENV.PY RUNS" not in said
