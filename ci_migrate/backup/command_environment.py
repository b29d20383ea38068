"""What the user's snapshot commands find in their environment; docs/reference/backups.md describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, urlencode

from ci_migrate.backup.postgres_connection import connection_environment
from ci_migrate.backup.request import Origin
from ci_migrate.database.address import DatabaseAddress

_OWN = "CI_MIGRATE_"


@contextmanager
def command_environment(
    origin: Origin,
    address: DatabaseAddress | None,
    *,
    env: Mapping[str, str],
    more: Mapping[str, str],
) -> Iterator[dict[str, str]]:
    """Yield the environment of a command: that of the run, what the backup is of, and where the database is.

    Without an address nothing tells how to log in. PostgreSQL's own programs need no argument: the variables of libpq
    are set, the password being in a file that is gone afterwards.
    """
    # Our own inputs are not for others: one of them is a token.
    values = {name: value for name, value in env.items() if not name.startswith(_OWN)}
    values |= {
        "CI_MIGRATE_ENVIRONMENT": origin.environment,
        "CI_MIGRATE_BACKUP": origin.backup,
        "CI_MIGRATE_RUN_ID": origin.run_id,
        "CI_MIGRATE_STARTED": origin.started,
        "CI_MIGRATE_HEADS": " ".join(origin.heads),
        "CI_MIGRATE_DATABASE_KIND": origin.dialect,
        "CI_MIGRATE_DATABASE_NAME": origin.database,
        "CI_MIGRATE_DATABASE_HOST": origin.host,
        **(_describe(address) if address else {}),
        **more,
    }
    if address is None or address.dialect != "postgresql":
        yield values
        return
    with connection_environment(address, values) as whole:
        whole.pop("LC_ALL")
        yield whole | {name: values[name] for name in ("LC_ALL",) if name in values}


def spell_url(address: DatabaseAddress) -> str:
    """Return the URL of a database without the name of a Python driver, as most clients read it."""
    if address.dialect == "sqlite":
        return f"sqlite:///{address.database}"
    login = quote(address.user, safe="")
    if address.password:
        login += ":" + quote(address.password, safe="")
    options = dict(address.options)
    host = f"[{address.host}]" if ":" in address.host else address.host
    if address.host.startswith("/"):
        host, options["host"] = "", address.host
    if address.socket:
        host, options["socket"] = host or "localhost", address.socket
    place = (f"{login}@" if login else "") + host + (f":{address.port}" if address.port else "")
    query = f"?{urlencode(options, quote_via=quote)}" if options else ""
    return f"{address.dialect}://{place}/{quote(address.database, safe='')}{query}"


def _describe(address: DatabaseAddress) -> dict[str, str]:
    return {
        "CI_MIGRATE_DATABASE_URL": spell_url(address),
        "CI_MIGRATE_DATABASE_KIND": address.dialect,
        "CI_MIGRATE_DATABASE_NAME": address.database,
        "CI_MIGRATE_DATABASE_HOST": address.host,
        "CI_MIGRATE_DATABASE_SOCKET": address.socket,
        "CI_MIGRATE_DATABASE_PORT": str(address.port or ""),
        "CI_MIGRATE_DATABASE_USER": address.user,
        "CI_MIGRATE_DATABASE_PASSWORD": address.password,
    }
