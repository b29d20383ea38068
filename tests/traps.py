"""What keeps a test from leaning on the machine it runs on, and from reaching out of it."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping

AMBIENT = (
    "ACTIONS_", "ALEMBIC_", "CI_MIGRATE_", "DATABASE_", "FLASK_", "GITHUB_", "INPUT_", "MYSQL_", "PG", "RUNNER_",
    "SLACK_", "SQLALCHEMY_",
)  # fmt: skip
AMBIENT_NAMES = {
    "ALL_PROXY",
    "CI",
    "COLUMNS",
    "FORCE_COLOR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_COLOR",
    "NO_PROXY",
    "PYTHONDONTWRITEBYTECODE",
}
LOCAL_NAMES = {None, "", "localhost", b"localhost"}


def find_ambient(env: Mapping[str, str]) -> list[str]:
    """Return the variables that must not reach a test: what a runner, a shell or a developer may have set."""
    return [
        name
        for name in env
        if name.startswith(AMBIENT)
        or name.upper() in AMBIENT_NAMES
        or name.endswith("DATABASE_URL")
    ]


def make_identity(home: str) -> dict[str, str]:
    """Return the variables that every test has: an empty home, a git identity, this Python's programs first."""
    return {
        "HOME": home,
        "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.com",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.com",
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),  # noqa: PTH120
    }


def refuse_network(event: str, args: tuple[object, ...]) -> None:
    """Raise when this process looks up a foreign name or connects to a foreign address (an audit hook)."""
    if event == "socket.getaddrinfo" and args[0] not in LOCAL_NAMES and not is_loopback(args[0]):
        raise RuntimeError(f"a test looked up {args[0]!r}; tests stay on this machine")
    if event == "socket.connect" and isinstance(args[1], tuple) and not is_loopback(args[1][0]):
        raise RuntimeError(f"a test connected to {args[1]!r}; tests stay on this machine")


def is_loopback(host: object) -> bool:
    """Return whether a host is this machine."""
    if host in LOCAL_NAMES:
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False
