"""The booby traps of the tests spring."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.traps import find_ambient


def test_the_home_is_empty_and_elsewhere():
    assert list(Path.home().iterdir()) == []
    assert "home" in Path.home().name


def test_nothing_ambient_is_left():
    assert find_ambient(os.environ) == []


@pytest.mark.parametrize(
    "name",
    [
        "CI",
        "CI_MIGRATE_CONFIG",
        "GITHUB_REF",
        "DATABASE_URL",
        "SHOP_DATABASE_URL",
        "PGHOST",
        "PYTHONDONTWRITEBYTECODE",
        "SLACK_TOKEN",
    ],
)
def test_settings_of_the_machine_are_found(name):
    assert find_ambient({name: "x", "PATH": "y"}) == [name]


def test_git_has_an_identity_and_no_settings_of_the_user():
    listed = subprocess.run(
        ["git", "config", "--global", "--list"], capture_output=True, check=False
    )
    assert listed.stdout == b""
    ident = subprocess.run(
        ["git", "var", "GIT_AUTHOR_IDENT"], capture_output=True, text=True, check=True
    )
    assert ident.stdout.startswith("Test <test@example.com>")


def test_foreign_names_are_not_looked_up():
    with pytest.raises(RuntimeError, match="stay on this machine"):
        socket.getaddrinfo("example.com", 443)


def test_foreign_addresses_are_not_connected():
    with socket.socket() as client, pytest.raises(RuntimeError, match="stay on this machine"):
        client.connect(("192.0.2.1", 443))


def test_loopback_is_open():
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
