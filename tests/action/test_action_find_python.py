"""Which Python the action takes, from what a project and a runner look like."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "action" / "find-python.sh"
TOOLS = ("bash", "dirname", "tail")


@pytest.fixture
def project(tmp_path):
    """A project in a workspace, and a PATH with nothing on it that is called python."""
    for name in ("workspace/app", "path"):
        (tmp_path / name).mkdir(parents=True)
    for tool in TOOLS:
        found = subprocess.run(["which", tool], check=True, stdout=subprocess.PIPE, text=True)
        (tmp_path / "path" / tool).symlink_to(found.stdout.strip())
    return tmp_path / "workspace" / "app"


def make_python(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(sys.executable)
    return str(path)


def make_command(project, name, script):
    path = project.parents[1] / "path" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def find(project, working_directory="app", **env):
    done = subprocess.run(
        ["bash", str(SCRIPT)],
        cwd=project.parent,
        env={
            "PATH": str(project.parents[1] / "path"),
            "GITHUB_WORKSPACE": str(project.parent),
            "CI_MIGRATE_WORKING_DIRECTORY": working_directory,
            **env,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr


def test_nothing_at_all_is_an_error_that_says_what_to_do(project):
    code, path, said = find(project)
    assert (code, path) == (2, "")
    assert said.startswith(
        "::error title=ci-migrate::no Python was found: use actions/setup-python"
    )


def test_the_one_on_path_is_the_last_resort(project):
    python = make_python(project.parents[1] / "path" / "python")
    assert find(project)[:2] == (0, python)
    python3 = make_python(project.parents[1] / "path" / "python3")
    assert find(project)[1] == python3


def test_an_activated_environment_wins_over_those_found(project, tmp_path):
    active = make_python(tmp_path / "active/bin/python")
    make_python(project / ".venv/bin/python")
    assert find(project, VIRTUAL_ENV=str(tmp_path / "active"))[1] == active
    assert find(project, VIRTUAL_ENV=str(tmp_path / "gone"))[1] == str(project / ".venv/bin/python")


def test_an_environment_at_the_root_of_the_repository_is_found_but_not_above_it(project):
    make_python(project.parents[1] / ".venv/bin/python")
    assert find(project)[0] == 2
    root = make_python(project.parent / ".venv/bin/python")
    assert find(project)[1] == root


def test_uv_may_name_another_folder(project):
    named = make_python(project / "envs/uv/bin/python")
    make_python(project / ".venv/bin/python")
    assert find(project, UV_PROJECT_ENVIRONMENT="envs/uv")[1] == named


@pytest.mark.parametrize(
    ("file", "tool", "arguments"),
    [("poetry.lock", "poetry", "env info --path"), ("Pipfile", "pipenv", "--py")],
)
def test_poetry_and_pipenv_are_asked_for_their_environment(project, file, tool, arguments):
    python = make_python(project.parents[1] / "elsewhere/bin/python")
    answer = python if tool == "pipenv" else python.removesuffix("/bin/python")
    say = f'[ "$*" = "{arguments}" ] && echo Loading... >&2 && echo {answer}'
    make_command(project, tool, say)
    assert find(project)[0] == 2
    (project.parents[1] / file).write_text("")
    assert find(project)[0] == 2, "not above the repository"
    (project.parent / file).write_text("")
    assert find(project)[1] == python
    (project.parent / file).unlink()
    (project / file).write_text("")
    assert find(project)[1] == python


@pytest.mark.parametrize(("file", "tool"), [("poetry.lock", "poetry"), ("Pipfile", "pipenv")])
def test_a_tool_without_an_environment_leaves_the_one_on_path(project, file, tool):
    (project / file).write_text("")
    make_command(project, tool, "echo no environment; exit 1")
    python = make_python(project.parents[1] / "path" / "python3")
    assert find(project)[:2] == (0, python)


def test_the_input_is_a_path_a_folder_or_a_command(project):
    python = make_python(project / "my env/bin/python")
    make_python(project / ".venv/bin/python")
    onpath = make_python(project.parents[1] / "path" / "python3.99")
    for asked in (python, "my env", "my env/bin/python", str(project / "my env")):
        assert find(project, CI_MIGRATE_PYTHON=asked)[1] == python
    assert find(project, CI_MIGRATE_PYTHON="python3.99")[1] == onpath


@pytest.mark.parametrize("asked", ["python9", "./no/python", "-x", ".", "a\n::error::b"])
def test_an_input_that_is_nothing_is_named_and_not_replaced(project, asked):
    make_python(project / ".venv/bin/python")
    code, path, said = find(project, CI_MIGRATE_PYTHON=asked)
    assert (code, path) == (2, "")
    assert f"the input python is '{asked}'".replace("\n", " ") in said
    assert len(said.splitlines()) == 1


def test_a_working_directory_that_is_not_there_is_named(project):
    code, _, said = find(project, working_directory="no/such")
    assert code == 2
    assert "the input working-directory is 'no/such'" in said
