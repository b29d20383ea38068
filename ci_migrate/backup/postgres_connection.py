"""A database address as the environment variables that PostgreSQL's own clients read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ci_migrate.backup.secret_file import secret_file
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import BackupError

CONNECT_SECONDS = "30"

_VARIABLES = {
    "hostaddr": "PGHOSTADDR",
    "service": "PGSERVICE",
    "passfile": "PGPASSFILE",
    "options": "PGOPTIONS",
    "application_name": "PGAPPNAME",
    "sslmode": "PGSSLMODE",
    "ssl": "PGSSLMODE",  # asyncpg
    "sslnegotiation": "PGSSLNEGOTIATION",
    "sslcompression": "PGSSLCOMPRESSION",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcertmode": "PGSSLCERTMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "sslcrldir": "PGSSLCRLDIR",
    "sslsni": "PGSSLSNI",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "requirepeer": "PGREQUIREPEER",
    "require_auth": "PGREQUIREAUTH",
    "channel_binding": "PGCHANNELBINDING",
    "gssencmode": "PGGSSENCMODE",
    "krbsrvname": "PGKRBSRVNAME",
    "gsslib": "PGGSSLIB",
    "gssdelegation": "PGGSSDELEGATION",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "load_balance_hosts": "PGLOADBALANCEHOSTS",
}
_SSL_WORDS = {"true": "require", "1": "require", "false": "disable", "0": "disable"}


@contextmanager
def connection_environment(
    address: DatabaseAddress, env: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """Yield the environment in which a client reaches the address without any argument.

    What the address leaves out stays as the environment has it, as for the driver. The password is
    in a file of mode 0600 that is gone afterwards.
    """
    values = {**env, **client_variables(address), "LC_ALL": "C"}
    for name in _variables_to_drop(address):
        values.pop(name, None)
    values.setdefault("PGCONNECT_TIMEOUT", CONNECT_SECONDS)
    if not address.password:
        yield values
        return
    with secret_file(passfile_line(address.password), suffix=".pgpass", env=env) as path:
        values["PGPASSFILE"] = str(path)
        yield values


def client_variables(address: DatabaseAddress) -> dict[str, str]:
    """Return the libpq variables of an address, its password left out."""
    values = {
        variable: address.options[option]
        for option, variable in _VARIABLES.items()
        if address.options.get(option)
    }
    if "PGSSLMODE" in values:
        values["PGSSLMODE"] = _SSL_WORDS.get(values["PGSSLMODE"].lower(), values["PGSSLMODE"])
    hosts, ports = _split_hosts(address)
    fixed = {
        "PGHOST": hosts,
        "PGPORT": ports,
        "PGUSER": address.user,
        "PGDATABASE": address.database,
    }
    values.update({name: value for name, value in fixed.items() if value})
    return values


def connection_text(database: str) -> str:
    """Return a database's name so that libpq does not take it for a list of options."""
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


def passfile_line(password: str) -> str:
    r"""Return the line of a password file that is for every server; `:` and `\` are escaped.

    Raises BackupError for a password with a line break, which such a file cannot hold.
    """
    if "\n" in password or "\r" in password:
        raise BackupError(
            "the password holds a line break, which PostgreSQL's password file cannot express",
            next_step="Check the environment's url for a stray %0A, or change the password.",
        )
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return f"*:*:*:*:{escaped}\n"


def _split_hosts(address: DatabaseAddress) -> tuple[str, str]:
    """Return the host and port lists; `a:1,b:2` is SQLAlchemy's spelling of several hosts."""
    host = address.host or address.options.get("host", "")
    port = str(address.port) if address.port else address.options.get("port", "")
    if port or host.startswith("/") or "[" in host or host.count(":") > host.count(",") + 1:
        return host, port  # a socket directory, an IPv6 address, or ports that are said elsewhere
    pairs = [part.partition(":") for part in host.split(",")]
    names, ports = [pair[0] for pair in pairs], [pair[2] for pair in pairs]
    return ",".join(names), ",".join(ports) if any(ports) else ""


def _variables_to_drop(address: DatabaseAddress) -> list[str]:
    # The dump is in the database's own encoding; converted text could not be restored unchanged.
    names = ["PGCLIENTENCODING", "PGTZ", "PGDATESTYLE"]
    if address.password:
        names.append("PGPASSWORD")  # would win over the password file
    if address.host and "hostaddr" not in address.options:
        names.append("PGHOSTADDR")
    if (address.host or address.database) and "service" not in address.options:
        names.append("PGSERVICE")  # a service file wins over variables, but not over a URL
    return names
