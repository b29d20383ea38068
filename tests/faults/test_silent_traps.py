"""The silent traps: what ends with exit code 0 elsewhere, or hangs, ends here rightly and names its cause."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci_migrate.backup.manifest import RUN_SUFFIX
from tests.integration.promote.database import (
    dialect_of,
    expected_outcome,
    prepare,
    query,
    read_rows,
    read_tables,
    skip_unsupported,
)
from tests.projects_builder import (
    Project,
    build_repository,
    copy_project,
    find_revision,
    read_situation,
    run_git,
)
from tests.projects_changes import add_revision, render_revision
from tests.projects_plain import fill_environment
from tests.promotion import environment, promote, run_tool, tool, write_config

pytestmark = pytest.mark.faults

CAUSES = {
    "sql_before_configure": ("context.configure",),
    "swallows_errors": ("9dae9c440ea1",),
    "exits_zero": ("exit(0)",),
    "never_configures": ("never called context.run_migrations",),
    "wrong_database": ("env.py opened", "elsewhere.db", "url_env"),
    "dotenv_override": ("env.py opened", "elsewhere.db", "url_env"),
    "prints_much": (),
    "configures_logging": (),
    "env_forks": (),
    "changes_directory": (),
    "ignores_signals": (),
    "slow_import": (),
    "takes_advisory_locks": (),
    "factory_upgrades": (
        "importing the project changed the database",
        "users",
        "those of the target",
    ),
    "factory_creates_tables": ("importing the project changed the database", "users"),
    "migration_exits": ("exit",),
    "migration_swallows_errors": ("37 of its statements failed", "caught the errors itself"),
    "migration_rolls_back": ("rolled its transaction back", "autocommit_block"),
    "other_schema": ("env.py works in the schema other", "version_table_schema"),
    "shared_version_table": ("b1ll1n9b1ll1",),
    "alembic_folder": (),
    "shadowing_modules": (),
}
"""What the report has to say, by trap."""
SAME_EVERYWHERE = {
    "alembic_folder", "changes_directory", "configures_logging", "env_forks", "never_configures",
    "prints_much", "shadowing_modules", "slow_import",
}  # fmt: skip
"""What no server makes a difference to."""


def cases() -> Iterator[object]:
    for name in CAUSES:
        kinds = ["sqlite"] if name in SAME_EVERYWHERE else ["sqlite", "postgres", "mariadb"]
        for kind in kinds:
            yield pytest.param(name, kind, id=f"{name}-{kind}")


@pytest.mark.parametrize(("name", "database_url"), list(cases()), indirect=["database_url"])
def test_trap_ends_rightly_and_names_its_cause(
    name: str, database_url: str, tmp_path: Path
) -> None:
    situation, dialect = read_situation(name), dialect_of(database_url)
    skip_unsupported(situation, dialect)
    project = copy_project(name, tmp_path / "work")
    prepare(database_url, situation, dialect)
    ran = promote(project, database_url)
    expected = expected_outcome(situation, dialect)
    assert ran.outcome == expected, ran.output
    for words in CAUSES[name] if expected != "promoted" or ran.result["warnings"] else ():
        assert words in ran.output
    assert "Traceback" not in ran.output or expected != "promoted", ran.output
    error = ran.result["error"]
    assert (error is None) == (expected == "promoted")
    if error:
        assert error["next"], "a failure says what to do"
    if expected == "failed":
        assert not read_tables(database_url) & set(read_situation("linear").tables)
    if expected == "promoted":
        assert read_rows(database_url, situation) == sorted(situation.rows)


def test_a_foreign_row_is_explained_and_stays(tmp_path: Path, database_url: str) -> None:
    """Two projects share one version table: nobody stamps the other's row over."""
    situation = read_situation("shared_version_table")
    project = copy_project(situation.name, tmp_path / "work")
    prepare(database_url, situation, dialect_of(database_url))
    for command in ("plan", "promote"):
        write_config(project, {"dev": {"url": "${CIM_URL}"}})
        ran = run_tool(project.path, command, "--environment", "dev", env={"CIM_URL": database_url})
        assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
        gate = next(gate for gate in ran.result["gates"] if gate["name"] == "history")
        assert "b1ll1n9b1ll1" in gate["message"]
        assert "version_table=" in gate["next"], "a version table of its own is the way out"
    assert read_rows(database_url, situation) == ["b1ll1n9b1ll1"]
    assert query(database_url, "SELECT count(*) FROM alembic_version") == [(1,)]


def other_project(folder: Path) -> Project:
    """Return a project with a history of its own, in a repository of its own."""
    project = build_repository("linear", folder)
    versions = find_revision(project, "8f67280c2894").parent
    for file in versions.glob("*.py"):
        file.unlink()
    text = render_revision(
        "b111b111b111",
        parents=None,
        message="create invoices",
        upgrade='op.create_table("invoices", sa.Column("id", sa.Integer()))',
    )
    (versions / "b111b111b111_create_invoices.py").write_text(text, "utf-8")
    commands = (
        ("checkout", "-q", "--orphan", "fresh"),
        ("add", "--all"),
        ("commit", "-q", "-m", "start"),
    )
    for command in (*commands, ("branch", "-D", "main"), ("branch", "-m", "main")):
        run_git(project, *command)
    run_git(project, "reflog", "expire", "--expire=now", "--all")
    return project


def test_what_another_project_ran_is_not_taken_for_lost(tmp_path: Path, database_url: str) -> None:
    first = build_repository("linear", tmp_path / "first")
    assert promote(first, database_url).outcome == "promoted"
    other = other_project(tmp_path / "other")
    blocked = promote(other, database_url)
    assert (blocked.outcome, blocked.exit_code) == ("blocked", 3), blocked.output
    gate = next(gate for gate in blocked.result["gates"] if gate["name"] == "history")
    assert "seems to be of another project" in gate["message"]
    assert "recover" not in gate["next"]
    assert "version_table=" in gate["next"]
    for more in ((), ("--dry-run",)):
        ran = run_tool(
            other.path, "recover", "--environment", "dev", "--confirm", "dev", *more,
            env={"CIM_URL": database_url},
        )  # fmt: skip
        assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
        assert "they seem to be of another project" in ran.output
    assert {"users", "orders"} <= read_tables(database_url)

    # The way out that is named, to its end: both go on, and neither takes the other's runs for its own.
    env_py = other.path / "migrations/env.py"
    text = env_py.read_text("utf-8")
    assert "context.configure(" in text
    env_py.write_text(
        text.replace("context.configure(", "context.configure(version_table='billing_version', "),
        "utf-8",
    )
    named = {"ledger": {"project": "billing"}}
    steps = (
        (other, named, "bbbbbbbbbb01", "b111b111b111"),
        (first, {}, "aaaaaaaaaa01", "5c00753421f7"),
        (other, named, "bbbbbbbbbb02", "bbbbbbbbbb01"),
    )
    for project, more, revision, after in steps:
        add_revision(project, revision, after=after)
        write_config(project, {"dev": {"url": "${CIM_URL}", "branches": ["main"]}}, **more)
        ran = run_tool(
            project.path, "promote", "--environment", "dev", env={"CIM_URL": database_url}
        )
        assert ran.outcome == "promoted", ran.output
    runs = run_tool(other.path, "history", "--environment", "dev", env={"CIM_URL": database_url})
    assert [run["environment"] for run in runs.result] == ["billing/dev", "billing/dev"]


def test_another_version_table_alone_does_not_block(tmp_path: Path, sqlite_url: str) -> None:
    first = build_repository("linear", tmp_path / "first")
    assert promote(first, sqlite_url).outcome == "promoted"
    other = other_project(tmp_path / "other")
    env_py = other.path / "migrations/env.py"
    env_py.write_text(
        env_py.read_text("utf-8").replace(
            "context.configure(", "context.configure(version_table='billing_version', "
        ),
        "utf-8",
    )
    assert promote(other, sqlite_url).outcome == "promoted"


def test_a_variable_that_names_another_database_is_found(tmp_path: Path, database_url: str) -> None:
    """The configuration forgets `url_env`, and the variable of the job names the developers' database."""
    situation = read_situation("url_from_environment")
    project = copy_project(situation.name, tmp_path / "work")
    env_py = project.path / "migrations/env.py"
    env_py.write_text(env_py.read_text().replace("DATABASE_URL", "SHOP_DATABASE"))
    write_config(project, {"dev": {"url": "${CIM_URL}"}}, migrations={})
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    env = {"CIM_URL": database_url, "SHOP_DATABASE": elsewhere}
    ran = run_tool(project.path, "promote", "--environment", "dev", env=env)
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert ran.result["error"]["kind"] == "wrong-database"
    assert "elsewhere.db" in ran.output
    assert "url_env" in ran.result["error"]["next"]
    for url in (database_url, elsewhere):
        assert not read_tables(url) & set(situation.tables)


def test_a_helper_that_holds_the_pipes_does_not_hold_up_the_run(
    tmp_path: Path, sqlite_url: str
) -> None:
    project = copy_project("env_forks", tmp_path / "work")
    pids = tmp_path / "pids"
    started = time.monotonic()
    write_config(project, {"dev": {"url": sqlite_url}})
    env = {"HELPER_SECONDS": "120", "HELPER_PID": str(pids)}
    try:
        ran = run_tool(project.path, "promote", "--environment", "dev", env=env)
        assert ran.outcome == "promoted", ran.output
        assert time.monotonic() - started < 40
    finally:
        for pid in pids.read_text().split():
            os.kill(int(pid), signal.SIGKILL)


SLEEP = "\n    import time; print('SLEEPING', flush=True); time.sleep(120)\n"


CLOSE_PIPES = """
import os, stat
for number in range(3, 256):
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(number).st_mode)
    except OSError:
        continue
    if is_pipe:
        os.close(number)
op.create_table("tt", sa.Column("id", sa.Integer()))
"""
OPEN_FILES = """
globals()["open_files"] = [open(f"kept-{number}.txt", "w+") for number in range(20)]
"""


@pytest.mark.parametrize("then", ["", OPEN_FILES])
def test_a_project_that_closes_the_way_to_us_is_not_waited_for(
    tmp_path: Path, database_url: str, then: str
) -> None:
    project = copy_project("linear", tmp_path / "work")
    head = project.situation.heads[0]
    add_revision(project, "aaaaaaaaaa01", after=head, upgrade=CLOSE_PIPES + then)
    add_revision(project, "aaaaaaaaaa02", after="aaaaaaaaaa01")
    begun = time.monotonic()
    ran = promote(project, database_url, transaction="per_revision")
    assert time.monotonic() - begun < 30, ran.output
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert "closed the descriptors" in ran.result["error"]["message"]
    assert ran.result["error"]["revision"] == "aaaaaaaaaa01"
    assert "aaaaaaaaaa02" not in str(query(database_url, "SELECT * FROM alembic_version"))
    assert "Somebody else" not in ran.output
    for file in project.path.glob("kept-*.txt"):
        assert file.read_text("utf-8") == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["slow_import", "ignores_signals"])
def test_a_project_that_does_not_listen_is_stopped_all_the_same(
    name: str, number: signal.Signals, tmp_path: Path, sqlite_url: str
) -> None:
    """While it is imported, or in a revision of a project that ignores signals: 10 seconds at most."""
    project = copy_project(name, tmp_path / "work")
    if name == "slow_import":
        model = project.path / "forecast.py"
        model.write_text(model.read_text() + SLEEP.replace("\n    ", "\n"))
    else:
        sleep_in_revision(project)
    write_config(project, {"dev": {"url": sqlite_url}})
    run = subprocess.Popen(
        [*tool(), "promote", "--environment", "dev"],
        cwd=project.path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8",
    )  # fmt: skip
    with run:
        said = read_until(run, "SLEEPING")
        worker = find_child(run.pid)
        started = time.monotonic()
        run.send_signal(number)
        said += run.communicate(timeout=30)[0]
    assert run.returncode == 130, said
    assert time.monotonic() - started < 10
    assert "INTERRUPTED" in said
    assert not Path(f"/proc/{worker}").exists(), "the worker is gone with its parent"
    assert not read_tables(sqlite_url) & set(project.situation.tables)


SWALLOWS = """
import time


def prepare(config):
    try:
        print("SLEEPING", flush=True)
        time.sleep(60)
    except BaseException:
        print("SWALLOWED", flush=True)
"""


def test_a_project_that_swallows_a_stop_is_not_asked_for_more(
    tmp_path: Path, sqlite_url: str
) -> None:
    """What was to follow its import lies in its pipe already."""
    project = copy_project("linear", tmp_path / "work")
    (project.path / "patient.py").write_text(SWALLOWS, encoding="utf-8")
    env = project.path / "migrations/env.py"
    env.write_text(f"print('ENV.PY RUNS', flush=True)\n{env.read_text('utf-8')}", "utf-8")
    write_config(project, {"dev": {"url": sqlite_url}}, migrations={"setup": "patient:prepare"})
    run = subprocess.Popen(
        [*tool(), "promote", "--environment", "dev"],
        cwd=project.path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8",
    )  # fmt: skip
    with run:
        said = read_until(run, "SLEEPING")
        run.send_signal(signal.SIGINT)
        said += run.communicate(timeout=30)[0]
    assert run.returncode == 130, said
    assert "SWALLOWED" in said
    assert "ENV.PY RUNS" not in said


def read_until(run: subprocess.Popen[str], words: str) -> str:
    """Read what a run prints up to a line with these words."""
    assert run.stdout is not None
    said = ""
    while words not in said:
        line = run.stdout.readline()
        assert line, said
        said += line
    return said


def sleep_in_revision(project: Project) -> None:
    """Let the first revision sleep before its first statement."""
    file = find_revision(project, first_revision(project))
    text = file.read_text()
    file.write_text(text.replace("def upgrade() -> None:\n", "def upgrade() -> None:" + SLEEP))


def first_revision(project: Project) -> str:
    (file,) = (project.path / "migrations/versions").glob("*create_users.py")
    return file.name.partition("_")[0]


def find_child(parent: int) -> int:
    """Return the process of the project."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                if (
                    int(stat[1]) == parent
                    and b"ci_migrate.worker" in (entry / "cmdline").read_bytes()
                ):
                    return int(entry.name)
            except OSError:
                continue
    raise AssertionError("no worker is running")


MARK = """
import os as _os, sys as _sys, time as _time
with open(_os.path.join({folder!r}, f"{{_os.getpid()}}-{name}"), "w") as _file:
    _file.write(repr(_sys.argv))
"""
SHADOWS = (
    "requests", "secrets", "yaml", "sitecustomize", "usercustomize", "click", "msgspec", "sqlalchemy", "shop",
)  # fmt: skip


def mark_imports(project: Project, marks: Path) -> None:
    """Make each module of the project leave a file when it is imported, with the process that did it."""
    marks.mkdir()
    for name in SHADOWS:
        file = project.path / f"{name}.py"
        text = file.read_text() if file.exists() else ""
        file.write_text(MARK.format(folder=str(marks), name=name) + text)
    for folder in ("ci_migrate", "ci_migrate/cli", "ci_migrate/worker"):
        (project.path / folder).mkdir()
        (project.path / folder / "__init__.py").write_text(
            MARK.format(folder=str(marks), name=folder.replace("/", "."))
        )
    env_py = project.path / "migrations/env.py"
    env_py.write_text(MARK.format(folder=str(marks), name="env") + env_py.read_text())
    for file in (project.path / "migrations/versions").glob("*.py"):
        file.write_text(file.read_text() + MARK.format(folder=str(marks), name="revision"))


def run_marked(project: Project, marks: Path, *arguments: str) -> tuple[int, int, str, set[str]]:
    """Run the installed command; return its pid, exit code, output, and the marks by `pid-name`."""
    run = subprocess.Popen(
        [str(Path(environment()["PATH"].split(os.pathsep)[0]) / "ci-migrate"), *arguments],
        cwd=project.path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8",
    )  # fmt: skip
    output, _ = run.communicate(timeout=120)
    return run.pid, run.returncode, output, {file.name for file in marks.iterdir()}


def test_nothing_of_the_projects_is_imported_before_the_backup(
    tmp_path: Path, sqlite_url: str
) -> None:
    project = copy_project("shadowing_modules", tmp_path / "work")
    marks = tmp_path / "marks"
    mark_imports(project, marks)
    settings = {"url": sqlite_url, "branches": ["main"]}
    write_config(project, {"dev": settings})
    sqlite = Path(sqlite_url.removeprefix("sqlite:///"))
    for command in (("config", "check"), ("plan", "--environment", "dev"), ("status",),
                    ("history", "--environment", "dev")):  # fmt: skip
        _, code, output, seen = run_marked(project, marks, *command)
        assert code == 0, output
        assert seen == set(), command
    (tmp_path / "file").write_text("")
    sqlite.touch()
    write_config(
        project, {"dev": {**settings, "backup": {"directory": str(tmp_path / "file" / "x")}}}
    )
    _, code, output, seen = run_marked(project, marks, "promote", "--environment", "dev")
    assert code == 4, output
    assert seen == set(), "no backup, no import"

    write_config(project, {"dev": settings})
    pid, code, output, seen = run_marked(project, marks, "promote", "--environment", "dev")
    assert code == 0, output
    names = {name.partition("-")[2] for name in seen}
    assert {"env", "revision", "requests", "secrets", "yaml"} <= names, (
        "it was the project's own that ran"
    )
    assert not names & {"ci_migrate", "ci_migrate.cli", "ci_migrate.worker"}
    assert not names & {"sqlalchemy", "click", "msgspec"}
    assert not names & {"sitecustomize", "usercustomize"}
    assert not [name for name in seen if name.startswith(f"{pid}-")], "never in our own process"
    archives = (project.path / ".ci-migrate/backups").glob("*.json")
    (archive,) = (file for file in archives if not file.name.endswith(RUN_SUFFIX))
    first = min(file.stat().st_mtime_ns for file in marks.iterdir())
    assert archive.stat().st_mtime_ns < first, "the backup was proved first"

    before = {file.name for file in marks.iterdir()}
    _, code, output, seen = run_marked(project, marks, "promote", "--environment", "dev")
    assert (code, seen) == (0, before), output + "with nothing pending, nothing of the project runs"


def test_started_as_the_action_does_our_own_modules_are_found(
    tmp_path: Path, sqlite_url: str
) -> None:
    """`python -m ci_migrate`, as the action starts it, in a folder with modules of our names."""
    project = copy_project("shadowing_modules", tmp_path / "work")
    env_py = project.path / "migrations/env.py"
    env_py.write_text("raise SystemExit('the project runs')\n" + env_py.read_text())
    ran = promote(project, sqlite_url, backup="none")
    assert (ran.outcome, ran.result["error"]["kind"]) == ("failed", "probe"), ran.output
    assert "the project runs" in ran.output


def test_own_locks_do_not_take_ours_away(tmp_path: Path, database_url: str) -> None:
    """env.py gives all advisory locks of its session back: ours is in another session."""
    situation = read_situation("takes_advisory_locks")
    skip_unsupported(situation, dialect_of(database_url))
    project = copy_project(situation.name, tmp_path / "work")
    sleep_in_revision(project)
    file = find_revision(project, first_revision(project))
    file.write_text(file.read_text().replace("time.sleep(120)", "time.sleep(7)"))
    write_config(project, {"dev": {"url": "${CIM_URL}", "lock_wait": 0}})
    env = environment({"CIM_URL": database_url, **fill_environment(situation, database_url)})
    command = [*tool(), "promote", "--environment", "dev"]
    run = subprocess.Popen(
        command, cwd=project.path, env=env, stdout=subprocess.PIPE, encoding="utf-8"
    )
    with run:
        read_until(run, "SLEEPING")
        second = run_tool(
            project.path, "promote", "--environment", "dev", env={"CIM_URL": database_url}
        )
        run.communicate(timeout=60)
    assert second.exit_code == 8, second.output
    assert run.returncode == 0
    assert read_rows(database_url, situation) == sorted(situation.rows)
