"""The installation into the project's Python: nothing there changes, and failures explain."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.action.conftest import make_environment

SPEC = importlib.util.spec_from_file_location(
    "action_install", Path(__file__).resolve().parents[2] / "action" / "install.py"
)
install = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(install)

LIST = """
import importlib.metadata as m
print(sorted({(d.metadata["Name"], d.version) for d in m.distributions()}))
"""


def run_install(python, checkout, tmp_path, **env):
    (tmp_path / "runner").mkdir(exist_ok=True)
    return subprocess.run(
        [str(python), "-B", str(checkout / "action/install.py")],
        cwd=tmp_path,
        env={
            **os.environ,
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "RUNNER_TEMP": str(tmp_path / "runner"),
            **env,
        },
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


def packages(python):
    done = subprocess.run([str(python), "-c", LIST], check=True, stdout=subprocess.PIPE, text=True)
    return set(eval(done.stdout)) - {("ci-migrate", "0.1.0")}


def add_distribution(python, name, version):
    """Make an environment believe that it has this version, before the one of the tests."""
    folder = next(python.parents[1].glob("lib/python*/site-packages"))
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.fixture
def checkout(action_checkout, tmp_path):
    return shutil.copytree(action_checkout, tmp_path / "checkout")


def git_status(folder):
    command = ["git", "status", "--porcelain", "--ignored"]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE).stdout


def test_only_ours_is_added_and_the_checkout_of_the_action_stays_as_it_was(checkout, tmp_path):
    python = make_environment(tmp_path / "env")
    before = packages(python)
    done = run_install(python, checkout, tmp_path)
    assert done.returncode == 0, done.stdout
    assert "Nothing else changed." in done.stdout
    assert packages(python) == before
    assert "::warning" not in done.stdout
    assert git_status(checkout) == b""
    assert list((tmp_path / "runner").iterdir()) == []
    safe = "1" if sys.version_info >= (3, 11) else ""
    assert (tmp_path / "output").read_text() == f"python={python}\nsafe-path={safe}\n"
    where = "import ci_migrate; print(ci_migrate.__file__)"
    found = subprocess.run([str(python), "-c", where], cwd=tmp_path, stdout=subprocess.PIPE)
    assert found.stdout.startswith(str(tmp_path / "env").encode())

    again = run_install(python, checkout, tmp_path, PIP_NO_INDEX="1")
    assert again.stdout == "ci-migrate is installed already, nothing to do.\n"

    with (checkout / "ci_migrate/errors.py").open("a") as file:
        file.write("# newer\n")
    newer = run_install(python, checkout, tmp_path)
    assert "Installed into" in newer.stdout
    installed = next((tmp_path / "env").glob("lib/python*/site-packages/ci_migrate/errors.py"))
    assert installed.read_text().endswith("# newer\n")


@pytest.mark.slow
def test_extras_are_installed_where_they_are_named(checkout, tmp_path):
    python = make_environment(tmp_path / "env")
    done = run_install(python, checkout, tmp_path, CI_MIGRATE_EXTRAS="stores, encryption")
    assert done.returncode == 0, done.stdout
    assert "[stores,encryption]" in done.stdout or "obstore" in done.stdout
    again = run_install(python, checkout, tmp_path, CI_MIGRATE_EXTRAS="encryption stores")
    assert "installed already" in again.stdout
    for wrong in ("nonsense", "stores;evil", "../x"):
        refused = run_install(python, checkout, tmp_path, CI_MIGRATE_EXTRAS=wrong)
        assert refused.returncode == 2
        assert "encryption, rds, scratch, stores" in refused.stdout


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_an_environment_without_pip_is_served_by_uv(checkout, tmp_path):
    python = make_environment(tmp_path / "env", with_pip=False)
    before = packages(python)
    done = run_install(python, checkout, tmp_path)
    assert done.returncode == 0, done.stdout
    assert packages(python) == before
    subprocess.run([str(python), "-c", "import ci_migrate.errors"], cwd=tmp_path, check=True)


@pytest.mark.slow
def test_an_environment_without_pip_is_served_by_another_pip(checkout, tmp_path):
    other = make_environment(tmp_path / "other")
    (tmp_path / "path").mkdir()
    (tmp_path / "path/pip3").symlink_to(other.parent / "pip3")
    python = make_environment(tmp_path / "env", with_pip=False)
    done = run_install(python, checkout, tmp_path, PATH=str(tmp_path / "path"))
    assert done.returncode == 0, done.stdout
    subprocess.run([str(python), "-c", "import ci_migrate.errors"], cwd=tmp_path, check=True)


def test_no_installer_at_all_is_said(checkout, tmp_path):
    # Not by `make_environment`: it would see the pip of the tests' own environment.
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True
    )
    python = tmp_path / "env" / "bin" / "python"
    done = run_install(python, checkout, tmp_path, PATH=str(tmp_path))
    assert done.returncode == 2
    assert "has no pip, and neither uv nor pip is on PATH" in done.stdout


@pytest.mark.parametrize("with_pip", [True, False])
def test_a_conflict_stops_names_both_sides_and_changes_nothing(checkout, tmp_path, with_pip):
    if not with_pip and shutil.which("uv") is None:
        pytest.skip("uv is not installed")
    python = make_environment(tmp_path / "env", with_pip=with_pip)
    add_distribution(python, "click", "7.1.2")
    before = packages(python)
    done = run_install(python, checkout, tmp_path)
    assert done.returncode == 2
    error = done.stdout.splitlines()[-1]
    assert error.startswith("::error title=ci-migrate cannot be installed::")
    assert "never changes a version there" in error
    assert "click>=8.0" in error
    assert "click==7.1.2" in error
    assert packages(python) == before
    assert not (tmp_path / "output").exists()


@pytest.mark.slow
def test_a_failing_installer_is_quoted(checkout, tmp_path):
    python = make_environment(tmp_path / "env")
    (checkout / "pyproject.toml").write_text("[project]\n")
    done = run_install(python, checkout, tmp_path)
    assert done.returncode == 2
    assert "the installer ended with exit code 1:%0A" in done.stdout


def test_a_python_of_the_operating_system_is_left_alone(checkout, tmp_path):
    python = Path("/usr/bin/python3")
    found = "import sysconfig; print(sysconfig.get_path('stdlib'))"
    if not python.exists():
        pytest.skip("there is no Python of the operating system")
    stdlib = subprocess.run([python, "-c", found], stdout=subprocess.PIPE, text=True).stdout.strip()
    if not Path(stdlib, "EXTERNALLY-MANAGED").exists():
        pytest.skip("the Python of this operating system is not marked as managed")
    done = run_install(python, checkout, tmp_path)
    assert done.returncode == 2
    assert "PEP 668" in done.stdout
    assert "python3 -m venv .venv" in done.stdout


def test_a_project_without_alembic_is_warned_about(tmp_path, checkout):
    python = tmp_path / "bare/bin/python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    done = run_install(python, checkout, tmp_path, PATH=str(tmp_path))
    assert done.stdout.startswith("::warning title=Alembic is not installed::")


def test_constraints_hold_everything_but_ourselves_and_what_no_installer_reads():
    lines = install.constraint_lines(
        {
            "alembic": "1.13.0",
            "ci-migrate": "0.1.0",
            "local": "1.0+acme.1",
            "odd": "unknown",
            "dated": "2024.1.dev0",
            "rc": "2.0.0rc1.post2",
            "epoch": "1!2.0",
            "url": "1 @ file:///x",
        }
    )
    assert lines.split() == [
        "alembic==1.13.0", "dated==2024.1.dev0", "epoch==1!2.0", "local==1.0+acme.1",
        "rc==2.0.0rc1.post2",
    ]  # fmt: skip


def test_a_version_that_changed_after_all_is_an_error():
    before = {"alembic": "1.13.0", "mako": "1.3", "ci-migrate": "0.0.9"}
    with pytest.raises(
        install.InstallError, match=r"alembic 1\.13\.0 is now 1\.14; mako 1\.3 is now gone"
    ):
        install.report_changes(before, {"alembic": "1.14", "ci-migrate": "0.1.0"})


def test_output_of_the_installer_is_no_command():
    assert install.harmless("a\n  ::error::x\r::add-mask::y ##[group]z") == (
        "a\n  : :error::x\n: :add-mask::y # #[group]z"
    )
