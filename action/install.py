"""Install ci-migrate into the Python that runs this file, without changing what is installed there.

Standard library only. Reads the runner's variables (GITHUB_OUTPUT, RUNNER_TEMP) and the input
CI_MIGRATE_EXTRAS (names of extras, with commas or spaces between them); writes the outputs
`python` and `safe-path`. Exit code 2, with one error annotation, when it cannot be done.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ACTION = Path(__file__).resolve().parent.parent
NAME = "ci-migrate"
OLDEST = (3, 10)
OLDEST_BACKEND = (1, 27)
"""Of hatchling, as pyproject.toml asks for it."""
# What a constraint can pin; anything else is an old version that no installer understands.
_VERSION = re.compile(r"v?(\d+!)?\d+(\.\d+)*([-_.]?[a-z]+[-_.]?\d*)*(-\d+)?(\+[a-z0-9.]+)?", re.I)
_CONFLICT = re.compile(
    r"(?ms)^The conflict is caused by:\n(.+?)(?=^\S|\Z)"  # pip
    r"|No solution found when resolving[^\n]*\n(.+)\Z"  # uv
)


class InstallError(Exception):
    """ci-migrate cannot be installed into this Python; the message says why and what to do."""


def main(argv: list[str]) -> int:
    """Install what is missing and name the interpreter; `--list` prints what is installed."""
    if argv == ["--list"]:
        sys.stdout.write(json.dumps(installed_versions()))
        return 0
    try:
        refuse_old_python()
        if is_installed_already(read_extras()):
            say(f"{NAME} is installed already, nothing to do.")
        else:
            install()
        write_output("python", sys.executable)
        write_output("safe-path", "1" if sys.version_info >= (3, 11) else "")
    except InstallError as exc:
        text = str(exc).replace("%", "%25").replace("\r", "").replace("\n", "%0A")
        say(f"::error title={NAME} cannot be installed::{text}")
        return 2
    return 0


def install() -> None:
    """Install the action's own checkout, and check that nothing else changed."""
    refuse_managed_python()
    before = list_installed()
    if "alembic" not in before:
        say(
            f"::warning title=Alembic is not installed::{sys.executable} has no Alembic, so the "
            "newest one is installed now. Install your project's requirements before this action, "
            "or name the interpreter that has them in the input python."
        )
    with tempfile.TemporaryDirectory(dir=os.environ.get("RUNNER_TEMP")) as folder:
        # Building writes beside the sources; the checkout of the action stays as it was pinned.
        source = copy_source(Path(folder) / "source")
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text(constraint_lines(before), encoding="utf-8")
        wanted = f"{source}[{','.join(extras)}]" if (extras := read_extras()) else str(source)
        run_installer(installer(constraints, wanted, before), Path(folder))
    report_changes(before, list_installed())


def refuse_old_python() -> None:
    """Stop when this Python is older than ci-migrate supports."""
    if sys.version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise InstallError(
            f"{sys.executable} is Python {sys.version.split()[0]}, and {NAME} needs {wanted} or "
            "newer. Use actions/setup-python with a newer version, or name another interpreter in "
            "the input python."
        )


def refuse_managed_python() -> None:
    """Stop when this Python belongs to the operating system (PEP 668)."""
    marker = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    asked = os.environ.get("PIP_BREAK_SYSTEM_PACKAGES", "").lower()
    is_allowed = asked in {"1", "true", "yes", "on"}
    if sys.prefix == sys.base_prefix and marker.exists() and not is_allowed:
        raise InstallError(
            f"{sys.executable} belongs to the operating system, which does not allow packages of "
            "others in it (PEP 668). Install your project into a virtual environment (python3 -m "
            "venv .venv, then .venv/bin/pip install -r requirements.txt), which this action then "
            "finds by itself, or use actions/setup-python."
        )


def read_extras() -> list[str]:
    """Return the extras that the input names; raise InstallError for what cannot be one."""
    names = os.environ.get("CI_MIGRATE_EXTRAS", "").replace(",", " ").split()
    wrong = [name for name in names if not re.fullmatch(r"[A-Za-z0-9-]+", name)]
    known = set(re.findall(r"(?m)^([a-z0-9-]+) = \[", extras_table()))
    if wrong := wrong or [name for name in names if name not in known]:
        raise InstallError(
            f"{NAME} has no extra {wrong[0]!r}. The input extras knows: {', '.join(sorted(known))}."
        )
    return names


def extras_table() -> str:
    """Return the text of the extras in our pyproject.toml (`tomllib` is too new for some Pythons)."""
    text = (ACTION / "pyproject.toml").read_text(encoding="utf-8")
    return text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]


def is_installed_already(extras: list[str]) -> bool:
    """Tell whether this Python has these very sources, and everything that they need."""
    try:
        found = importlib.metadata.distribution(NAME)
    except importlib.metadata.PackageNotFoundError:
        return False
    here, there = ACTION / "ci_migrate", Path(str(found.locate_file("ci_migrate")))
    if package_files(here) != package_files(there):
        return False
    needs = [line for line in found.requires or () if is_needed(line, extras)]
    names = {normal(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]) for line in needs}
    return names <= set(installed_versions())


def is_needed(line: str, extras: list[str]) -> bool:
    """Tell whether a requirement is one of ours, or of an extra that is asked for."""
    extra = re.search(r"extra == ['\"]([^'\"]+)", line)
    return extra is None or normal(extra.group(1)) in extras


def package_files(folder: Path) -> dict[str, bytes]:
    """Return the content of each file of a package, by relative path, without caches."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def copy_source(target: Path) -> Path:
    """Copy what the build needs out of the action's checkout."""
    shutil.copytree(ACTION / "ci_migrate", target / "ci_migrate", ignore=_no_caches)
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        if (ACTION / name).exists():
            shutil.copy(ACTION / name, target / name)
    return target


def _no_caches(_folder: str, names: list[str]) -> set[str]:
    return {"__pycache__"} & set(names)


def installed_versions() -> dict[str, str]:
    """Return the version of each distribution that this Python sees, by normalised name."""
    versions: dict[str, str] = {}
    for found in importlib.metadata.distributions():
        name, version = found.metadata["Name"], found.metadata["Version"]
        if name and version:
            # The first on the path is the one that is imported.
            versions.setdefault(normal(name), version)
    return versions


def list_installed() -> dict[str, str]:
    """Return the installed versions as a new process sees them, so that no cache is in the way."""
    done = subprocess.run(
        [sys.executable, __file__, "--list"], stdout=subprocess.PIPE, check=True, text=True
    )
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


def constraint_lines(versions: dict[str, str]) -> str:
    """Return a constraints file that holds everything installed, but ourselves, where it is."""
    return "".join(
        f"{name}=={version}\n"
        for name, version in sorted(versions.items())
        if name != NAME and _VERSION.fullmatch(version)
    )


def can_build(versions: dict[str, str]) -> bool:
    """Tell whether our build backend is installed, and new enough: else pip fetches one for the build alone."""
    found = re.match(r"(\d+)\.(\d+)", versions.get("hatchling", ""))
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_BACKEND


def installer(constraints: Path, source: str, before: dict[str, str]) -> list[str]:
    """Return the command that installs: this Python's pip, uv, or another pip told to work here."""
    pip = ["install", "--no-input", "--disable-pip-version-check"]
    pip += ["--upgrade-strategy", "only-if-needed", "--constraint", str(constraints)]
    # With the build backend at hand there is nothing to download for the build.
    pip += ["--no-build-isolation"] if can_build(before) else []
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", *pip, source]
    uv = shutil.which("uv")
    if uv:
        command = [uv, "pip", "install", "--python", sys.executable, "--reinstall-package", NAME]
        command += ["--constraint", str(constraints)]
        command += ["--no-build-isolation-package", NAME] if "hatchling" in before else []
        return [*command, source]
    other = shutil.which("pip3") or shutil.which("pip")
    if other:
        return [other, "--python", sys.executable, *pip, source]
    raise InstallError(
        f"{sys.executable} has no pip, and neither uv nor pip is on PATH. Add pip to that "
        "environment (python -m ensurepip), or install uv before this action."
    )


def run_installer(command: list[str], folder: Path) -> None:
    """Run the installer and print what it says; raise InstallError with the reason of a failure."""
    # uv reads the project's own settings (indexes) from the working directory; pip has none there,
    # and would import the project's modules instead of its own.
    cwd = None if Path(command[0]).name == "uv" else folder
    done = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    output = done.stdout.decode("utf-8", "replace")
    say(f"::group::Install {NAME}\n{harmless(output)}\n::endgroup::")
    if done.returncode == 0:
        return
    conflict = _CONFLICT.search(output)
    if conflict:
        reason = (conflict.group(1) or conflict.group(2)).strip()
        raise InstallError(
            f"{NAME} does not fit beside what {sys.executable} has installed, and this action "
            f"never changes a version there.\n{reason}\nUpgrade the package named above in your "
            "project, or give the action another interpreter in the input python."
        )
    tail = "\n".join(output.strip().splitlines()[-12:])
    raise InstallError(f"the installer ended with exit code {done.returncode}:\n{tail}")


def report_changes(before: dict[str, str], after: dict[str, str]) -> None:
    """Say what was added; raise InstallError when anything that was there is gone or another."""
    changed = [
        f"{name} {version} is now {after.get(name, 'gone')}"
        for name, version in before.items()
        if name != NAME and after.get(name) != version
    ]
    if changed:
        raise InstallError(
            f"the installation changed what {sys.executable} had: {'; '.join(changed)}. Nothing "
            "was run. Install your project's requirements again."
        )
    added = sorted(f"{name} {after[name]}" for name in after if after[name] != before.get(name))
    say(f"Installed into {sys.executable}: {', '.join(added) or NAME}. Nothing else changed.")


def write_output(name: str, value: str) -> None:
    """Append one step output; without a runner there is nowhere to write it."""
    path = os.environ.get("GITHUB_OUTPUT")
    if path and "\n" not in value:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{name}={value}\n")


def harmless(text: str) -> str:
    """Return the installer's output in a form in which no line is a workflow command."""
    text = text.replace("\r", "\n").replace("##[", "# #[")
    return re.sub(r"(?m)^([^\x21-\x7e\n]*:)(?=:)", r"\1 ", text.strip())


def normal(name: str) -> str:
    """Return a distribution's name in its one normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
