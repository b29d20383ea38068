"""A database address as an option file for MariaDB's and MySQL's own clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ci_migrate.backup.secret_file import secret_file
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import BackupError

LONGEST_LINE = 4000
"""The clients read option files in lines of at most 4096 bytes."""

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b"}
_SSL_FILES = {
    "ssl_ca": "ssl-ca",
    "ssl_capath": "ssl-capath",
    "ssl_cert": "ssl-cert",
    "ssl_key": "ssl-key",
    "ssl_cipher": "ssl-cipher",
}
_VERIFIED = ("ssl_check_hostname", "ssl_verify_cert", "ssl_verify_identity")
_TRUE = {"1", "true", "yes", "on"}
_DROPPED = ("MYSQL_PWD", "MYSQL_HOST", "MYSQL_TCP_PORT", "MYSQL_UNIX_PORT")


@contextmanager
def option_file(address: DatabaseAddress, env: Mapping[str, str]) -> Iterator[Path]:
    """Yield an option file (mode 0600) with address and password, gone afterwards."""
    text = write_options(address, home=env.get("HOME", ""))
    with secret_file(text, suffix=".cnf", env=env) as path:
        yield path


def client_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that would change where a client connects."""
    kept = {name: value for name, value in env.items() if name not in _DROPPED}
    return {**kept, "LC_ALL": "C"}


def write_options(address: DatabaseAddress, *, home: str = "") -> str:
    """Return the text of an option file that reaches the address.

    Raises BackupError when a value is too long for an option file.
    """
    lines = []
    read_first = address.options.get("read_default_file", "")
    if read_first.startswith("~/") and home:
        read_first = home + read_first[1:]
    if read_first:
        lines.append(f"!include {read_first}")
    lines.append("[client]")
    lines += [f"{name}={quote_value(value)}" for name, value in _options(address).items()]
    too_long = [line.partition("=")[0] for line in lines if len(line.encode()) > LONGEST_LINE]
    if too_long:
        raise BackupError(
            f"the database URL's {too_long[0]} is too long for an option file of the dump program",
            next_step="Check the environment's url; take a user with a shorter password.",
        )
    return "\n".join(lines) + "\n"


def quote_value(value: str) -> str:
    """Return a value in double quotes, so that `#`, quotes and backslashes stand for themselves."""
    return '"' + "".join(_ESCAPES.get(character, character) for character in value) + '"'


def _options(address: DatabaseAddress) -> dict[str, str]:
    values = {"user": address.user, "password": address.password}
    if address.socket:
        values |= {"socket": address.socket, "protocol": "socket"}
    elif address.host:
        # Without it the clients take `localhost` for a Unix socket, other than most Python drivers.
        values |= {"host": address.host, "protocol": "tcp"}
        values["port"] = str(address.port or "")
    values |= {name: address.options.get(option, "") for option, name in _SSL_FILES.items()}
    return {name: value for name, value in {**values, **_ssl_switches(address)}.items() if value}


def _ssl_switches(address: DatabaseAddress) -> dict[str, str]:
    """Return switches as both families read them; `loose-` makes an unknown one harmless."""
    options = {name: value.lower() for name, value in address.options.items()}
    mode = options.get("ssl_mode", "").replace("-", "_")
    is_verified = mode == "verify_identity" or any(options.get(key) in _TRUE for key in _VERIFIED)
    is_wanted = (
        is_verified
        or options.get("ssl") in _TRUE
        or mode in {"required", "verify_ca"}
        or any(options.get(name) for name in _SSL_FILES)
    )
    if is_verified:
        return {"loose-ssl": "1", "loose-ssl-verify-server-cert": "1"}
    # Newer MariaDB clients verify by default, which no Python driver does unless it is told to.
    return {"loose-ssl": "1" if is_wanted else "", "loose-ssl-verify-server-cert": "0"}
