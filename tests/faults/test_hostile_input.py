"""What strangers write into a repository is shown, never executed, forged or broken, in any output."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ci_migrate.cli.main import run as run_command_line
from tests.faults.hostile import FORBIDDEN, OUTPUTS, WORDS, check_slack, read_outputs
from tests.projects_builder import GIT_ENVIRONMENT, Project, build_repository
from tests.projects_changes import add_revision, add_second_head
from tests.promotion import environment, promote, run_tool, tool, write_config
from tests.servers.slack import SlackServer
from tests.unit.report.runner_log import Log, read_log
from tests.unit.report.samples import HOSTILE
from tests.unit.report.test_markdown import parse, visible

pytestmark = pytest.mark.faults

HANDLED = "::error::by hand %0A::warning::x <!here> **bold** [x](https://evil.example) @octocat ##[error]x"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One run as GitHub, Slack and a script see it."""

    code: int
    output: str
    log: Log
    outputs: Mapping[str, str]
    summary: str
    result: Mapping[str, Any]


def run_on_github(project: Project, folder: Path, command: str, **env: str) -> Seen:
    """Run a command as a step of a workflow and look at all that it leaves, which must be in order."""
    for name in ("summary", "outputs", "result.json"):
        (folder / name).unlink(missing_ok=True)
    variables = {
        "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main",
        "GITHUB_WORKSPACE": str(project.path), "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_OUTPUT": str(folder / "outputs"), "PYTHONUTF8": "1", **env,
    }  # fmt: skip
    done = subprocess.run(
        [*tool(), command, "--json", str(folder / "result.json")],
        cwd=project.path, env=environment(variables), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=120, check=False,
    )  # fmt: skip
    output = done.stdout.decode("utf-8")
    summary = (folder / "summary").read_text("utf-8")
    outputs = read_outputs((folder / "outputs").read_text("utf-8"))
    result = json.loads((folder / "result.json").read_text("ascii"))
    seen = Seen(
        code=done.returncode, output=output, log=read_log(output), outputs=outputs, summary=summary, result=result,
    )  # fmt: skip
    check(seen)
    return seen


def check(seen: Seen) -> None:
    """Assert that nothing of a stranger's was obeyed anywhere."""
    names = [command.partition(" ")[0] for command in seen.log.commands]
    assert set(names) <= {"group", "endgroup", "error"}, seen.log.commands
    assert names.count("error") <= 2
    assert seen.log.open_groups == 0
    assert not FORBIDDEN.search(seen.output)
    assert not FORBIDDEN.search(seen.summary)
    assert set(seen.outputs) == OUTPUTS
    assert seen.outputs["outcome"] == seen.result["outcome"]
    assert json.loads(seen.outputs["pending"]) is not None
    assert 'Traceback (most recent call last):\n  File "/' not in seen.output.replace(
        "       | ", "| "
    )
    assert len(seen.summary.encode()) <= 1024 * 1024
    text = visible(parse(seen.summary))
    text = re.sub(r"\]\(https://github\.com/acme/shop/[\w/]+\)", "", text)
    text = re.sub(r"</?sub>|<br>", "", text)
    assert "<" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert not re.search(r"@\w", text)
    assert not re.search(r"(?i)https?://", text)
    for line in seen.output.splitlines():
        if line.startswith("::error"):
            properties = line.removeprefix("::error").partition("::")[0].strip()
            for item in filter(None, properties.split(",")):
                assert item.partition("=")[0] in {"file", "line", "title"}, line


def make_shop(folder: Path, slack: SlackServer, words: str) -> Project:
    """Return a project in whose git history a stranger signed with the words."""
    project = build_repository("linear", folder / "shop")
    write_config(
        project,
        {"dev": {"url": f"sqlite:///{folder}/dev.db", "branches": ["**"], "backup": "none"}},
        notify={"slack": {"webhook": slack.url}},
    )
    return project


def commit_as(project: Project, words: str) -> None:
    """Commit as somebody whose name and message are the words, as far as git takes them."""
    short = words.replace("\x00", "")[:5_000]
    name = " ".join(short.split())[:500] or "nobody"
    who = {f"GIT_{role}_NAME": name for role in ("AUTHOR", "COMMITTER")}
    env = {**GIT_ENVIRONMENT, **who}
    subprocess.run(["git", "add", "--all"], cwd=project.path, env=env, check=True)
    message = short.encode("utf-8", "replace")
    subprocess.run(
        ["git", "commit", "-q", "-F", "-"], input=message, cwd=project.path, env=env, check=True
    )


@pytest.mark.parametrize("kind", WORDS)
def test_hostile_words_in_every_place(kind: str, tmp_path: Path, slack: SlackServer) -> None:
    words = WORDS[kind]
    project = make_shop(tmp_path, slack, words)
    who = {
        "GITHUB_ACTOR": words.replace("\x00", "")[:20_000], "GITHUB_REPOSITORY": "acme/shop", "GITHUB_RUN_ID": "7",
        "GITHUB_SHA": "1" * 40,
    }  # fmt: skip
    branch = "refs/heads/" + re.sub(r"\s", "", words.replace("\x00", ""))[:2_000]

    # in messages, SQL, errors and prints of a revision that fails
    code = (
        f"words = {words!r}\nprint(words)\nprint(words.encode()[:5000], flush=True)\n"
        "op.get_bind().exec_driver_sql('/* ' + words.replace('*', '-').replace(chr(0), '') + ' */ SELECT 1')\n"
        f"raise RuntimeError(words)"
    )
    safe = words.replace("\\", "").replace('"', "").replace("\x00", "")
    add_revision(project, "bad0bad0bad0", message=safe, upgrade=code)
    commit_as(project, words)
    seen = run_on_github(project, tmp_path, "plan", GITHUB_REF=branch, **who)
    assert seen.code == 0, seen.output
    seen = run_on_github(project, tmp_path, "promote", GITHUB_REF=branch, **who)
    assert (seen.code, seen.outputs["outcome"]) == (6, "partial"), seen.output[-3000:]
    assert json.loads(seen.outputs["error"])["revision"] == "bad0bad0bad0"
    assert len(seen.result["error"]["message"]) <= 4_100

    # in who added the second head, and what it is called
    second = add_second_head(project)
    second.write_text(safe.join(second.read_text("utf-8").split("added", 1)), "utf-8")
    commit_as(project, words)
    seen = run_on_github(project, tmp_path, "promote", GITHUB_REF=branch, **who)
    assert (seen.code, seen.outputs["outcome"]) == (3, "blocked"), seen.output[-3000:]
    assert slack.messages
    check_slack(slack)
    for command in (("status",), ("history", "--environment", "dev")):
        output = run_quietly(project, *command)
        log = read_log(output)
        assert log.commands == []
        assert not FORBIDDEN.search(output)


def run_quietly(project: Project, *arguments: str) -> str:
    """Run a command on GitHub that writes no files, and return its output."""
    env = environment({"GITHUB_ACTIONS": "true", "PYTHONUTF8": "1"})
    done = subprocess.run(
        [*tool(), *arguments], cwd=project.path, env=env, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout.decode("utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "::error::x ##[error]y.py", "a,line=1,title=x::y.py", "<!channel> @octocat **x**.py",
        "\x1b[31mred\u202e.py", "-rf.py", "ü [x](evil.example).py", "%0A::error::.py",
    ],
)  # fmt: skip
def test_hostile_names_of_files(name: str, tmp_path: Path, slack: SlackServer) -> None:
    project = make_shop(tmp_path, slack, "")
    file = add_revision(
        project, "bad0bad0bad0", message=HANDLED, upgrade="raise RuntimeError('no')"
    )
    file.rename(file.with_name(name))
    commit_as(project, HANDLED)
    seen = run_on_github(project, tmp_path, "promote")
    assert seen.code == 6, seen.output
    (told,) = [line for line in seen.output.splitlines() if line.startswith("::error")]
    found = re.search(r"file=([^,]*)", told)
    if FORBIDDEN.search(name):
        assert found is None
    else:
        assert found is not None
        decoded = found[1].replace("%2C", ",").replace("%3A", ":").replace("%25", "%")
        assert decoded == f"migrations/versions/{name}"
    assert slack.messages
    check_slack(slack)
    add_second_head(project)
    assert run_on_github(project, tmp_path, "promote").code == 3


def test_a_terminal_is_not_taken_over(tmp_path: Path, sqlite_url: str) -> None:
    """Outside of GitHub: no escape reaches the terminal, and no line is overwritten."""
    project = build_repository("linear", tmp_path / "shop")
    code = f"print({HOSTILE!r}); raise RuntimeError({WORDS['ansi']!r})"
    add_revision(project, "bad0bad0bad0", message=HANDLED, upgrade=code)
    ran = promote(project, sqlite_url, backup="none")
    assert ran.exit_code == 6
    assert not FORBIDDEN.search(ran.output)


# Places that a path may lead out to.


def test_links_out_of_the_repository_are_refused(tmp_path: Path) -> None:
    project = build_repository("linear", tmp_path / "shop")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yml").write_text("version: 1\npassword: hunter22\n")
    config = project.path / "ci-migrate.yml"
    config.symlink_to(outside / "secret.yml")
    for arguments in ((), ("--config", "ci-migrate.yml")):
        ran = run_tool(project.path, "promote", "--environment", "dev", *arguments)
        assert ran.exit_code == 2, ran.output
        assert "symbolic link" in ran.output
        assert "hunter22" not in ran.output
    config.unlink()
    for place in (".ci-migrate", ".ci-migrate/backups", "archives/deep"):
        link = project.path / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(outside)
        more = {"backup": {"directory": place}} if place.startswith("archives") else {}
        write_config(project, {"dev": {"url": "sqlite:///dev.db", **more}})
        ran = run_tool(project.path, "promote", "--environment", "dev")
        assert ran.exit_code == 2, ran.output
        assert "symbolic link" in ran.output
        assert not (project.path / "dev.db").exists()
        assert [file.name for file in outside.iterdir()] == ["secret.yml"]
        link.unlink()
        if link.parent != project.path:
            link.parent.rmdir()


@pytest.mark.parametrize("what", ["revision", "versions", "alembic.ini", "env.py"])
def test_links_of_the_project_out_of_the_repository_are_refused(tmp_path: Path, what: str) -> None:
    project = build_repository("linear", tmp_path / "shop")
    write_config(project, {"dev": {"url": "sqlite:///dev.db", "branches": ["main"]}})
    revision = add_revision(project, "bad0bad0bad0")
    place = {
        "revision": revision,
        "versions": revision.parent,
        "alembic.ini": project.path / "alembic.ini",
        "env.py": revision.parents[1] / "env.py",
    }[what]
    place.rename(tmp_path / "outside.py")
    place.symlink_to(tmp_path / "outside.py")
    for command in ("check", "heads", "plan", "promote"):
        arguments = () if command in {"check", "heads"} else ("--environment", "dev")
        ran = run_tool(project.path, command, *arguments)
        assert ran.exit_code in {2, 3}, ran.output
        assert "leads out of the repository by a symbolic link" in ran.output
    assert not (project.path / "dev.db").exists()
    # A link to another place in the repository is nothing to fear.
    place.unlink()
    (tmp_path / "outside.py").rename(project.path / "elsewhere.py")
    place.symlink_to(project.path / "elsewhere.py")
    assert run_tool(project.path, "promote", "--environment", "dev").outcome == "promoted"


@pytest.mark.parametrize("device", ["/dev/zero", "fifo", "large"])
@pytest.mark.parametrize("name", ["env.py", "alembic.ini", "revision", "helper"])
def test_a_file_that_is_none_is_not_read(tmp_path: Path, name: str, device: str) -> None:
    project = build_repository("linear", tmp_path / "shop")
    write_config(project, {"dev": {"url": "sqlite:///dev.db", "branches": ["main"]}})
    upgrade = "import helper" if name == "helper" else None
    revision = add_revision(project, "bad0bad0bad0", upgrade=upgrade)
    place = {
        "env.py": revision.parents[1] / "env.py",
        "alembic.ini": project.path / "alembic.ini",
        "revision": revision,
        "helper": project.path / "helper.py",
    }[name]
    place.unlink(missing_ok=True)
    if device == "fifo":
        os.mkfifo(place)
    elif device == "large":
        with place.open("wb") as file:
            file.truncate(100 << 20)
    else:
        place.symlink_to(device)
    for command in ("check", "heads", "plan"):
        arguments = ("--environment", "dev") if command == "plan" else ()
        done = subprocess.run(
            ["bash", "-c", 'ulimit -v 3000000; exec "$@"', "_", *tool(), command, *arguments],
            cwd=project.path, env=environment({}), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in ({0} if name == "helper" else {0, 2, 3}), done.stdout


def test_a_place_outside_that_is_named_is_taken(tmp_path: Path) -> None:
    project = build_repository("linear", tmp_path / "shop")
    for number, place in enumerate((str(tmp_path / "absolute"), "../relative")):
        write_config(
            project, {"dev": {"url": f"sqlite:///{number}.db", "backup": {"directory": place}}}
        )
        ran = run_tool(project.path, "promote", "--environment", "dev")
        assert ran.exit_code == 0, ran.output
    assert list((tmp_path / "absolute").glob("dev-*.json"))
    assert list((tmp_path / "relative").glob("dev-*.json"))


@pytest.mark.parametrize(
    "name", ["../../etc", "a/b", "..", "", ".", "a\x00b", "-x", "a b\n", "dev\u202e"]
)
def test_names_of_environments_are_names(name: str, tmp_path: Path) -> None:
    project = build_repository("linear", tmp_path / "shop")
    write_config(project, {name: {"url": "sqlite:///dev.db"}})
    ran = run_tool(project.path, "promote", f"--environment={name}".replace("\x00", ""))
    assert ran.exit_code == 2, ran.output
    assert not FORBIDDEN.search(ran.output)
    assert not (project.path / ".ci-migrate").exists()


# The configuration file, through the command that a user types.


def check_config(text: bytes, folder: Path) -> tuple[int, str]:
    """Run `ci-migrate config check` in this process; return its exit code and what it said."""
    path = folder / "ci-migrate.yml"
    path.write_bytes(text)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run_command_line(["config", "check", "--config", str(path)])
    return code, said.getvalue()


def judge(text: bytes, folder: Path) -> None:
    """Assert that a file is either right or refused with file and line, and never a bug."""
    code, said = check_config(text, folder)
    assert code in {0, 2}, said
    assert "Traceback" not in said
    assert not FORBIDDEN.search(said)
    if code == 2:
        whole = ("is larger than", "is empty", "not valid YAML", "must be a mapping")
        assert re.search(r"ci-migrate\.yml:\d+: ", said) or any(word in said for word in whole), (
            said
        )
        assert "ci-migrate.yml" in said


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{key}: &{key} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, key in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"version: 1\n" + b"# " + b"x" * 100_000_000, "larger than"),
        (lambda: b"version: 1\nx: '" + b"\n" * 100_000_000, "larger than"),
        (lambda: BOMB.encode(), "values"),
        (lambda: b"[" * 200_000, "nested"),
        (lambda: b"{a: " * 100_000, "nested"),
        (lambda: b"a: &a [*a]", "alias"),
        (lambda: b"a: &a {b: *a}", "alias"),
        (lambda: b"!!python/object/apply:os.system ['touch pwned']", "must be a mapping"),
        (lambda: b"environments: !!python/name:os.system ''", "not allowed"),
        (lambda: b"- " * 100_000, "nested"),
        (lambda: b"version: " + b"9" * 900_000, "version"),
        (lambda: b"? " * 50_000, "nested"),
        (lambda: b"\xff\xfe" * 1000, "UTF-8"),
        (lambda: b"a: '\x00'", "control"),
    ],
)
def test_files_that_are_too_much_are_refused_quickly(
    make: Callable[[], bytes], words: str, tmp_path: Path
) -> None:
    text = make()
    started = time.monotonic()
    code, said = check_config(text, tmp_path)
    assert code == 2, said
    assert words in said, said
    assert len(said) < 5_000
    assert time.monotonic() - started < 10
    assert not Path("pwned").exists()


VALID = """version: 1
migrations: {flask_app: "shop:create_app", env: {A: "{url}"}, x: [a=b]}
environments:
  dev: {branches: [dev, 'feature/**'], url: "${DEV_URL}", backup: {keep: 3}}
  production:
    branches: main
    url: "${URL:-sqlite:///x.db}"
    promote_from: dev
    lock_timeout: 5s
    lock_retries: 3
    gates: {health: block}
notify: {slack: {webhook: "${SLACK:-}"}}
ledger: {schema: ci}
"""
PIECES = st.sampled_from(
    ["\n", "  ", ": ", "- ", "${", "}", "{", "[", "]", "'", '"', "&a ", "*a", "!!int ", "<<: ", "? ", "| ",
     "\t", "\x00", "\ud7ff", "...", "---\n", "%YAML 9.9\n", "0x", "1e9", "~", "dev", "url", "version: 1\n", "#"]
)  # fmt: skip
QUIET = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["${A}", "${A:-${B}}", "${{ x }}", "5s", "main", "dev", "postgresql://a:b@c/d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(sorted(set(re.findall(r"\w+", VALID)) | {"databases", "transaction", "command", "setup"})),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@QUIET
@given(st.binary(max_size=300))
def test_any_bytes_as_a_configuration(tmp_path: Path, text: bytes) -> None:
    judge(text, tmp_path)


@QUIET
@given(
    st.lists(
        st.tuples(st.integers(0, len(VALID)), st.integers(0, 12), PIECES), min_size=1, max_size=4
    )
)
def test_a_configuration_with_typing_errors(
    tmp_path: Path, changes: list[tuple[int, int, str]]
) -> None:
    text = VALID
    for place, length, piece in changes:
        text = text[:place] + piece + text[place + length :]
    judge(text.encode("utf-8", "surrogatepass"), tmp_path)


@QUIET
@given(VALUES)
def test_a_configuration_of_other_values(tmp_path: Path, value: object) -> None:
    judge(json.dumps({"version": 1, "environments": value}).encode(), tmp_path)
    judge(json.dumps(value).encode(), tmp_path)
    whole = {"version": 1, "environments": {"dev": {"url": "sqlite:///x"}}}
    judge(json.dumps({**whole, "migrations": value, "notify": value}).encode(), tmp_path)
    judge(json.dumps({**whole, "environments": {"dev": value}}).encode(), tmp_path)


def test_the_correct_configuration_is_correct(tmp_path: Path) -> None:
    assert check_config(VALID.encode(), tmp_path)[0] == 0
    assert os.environ.get("DEV_URL") is None, "no variable has to be set"
