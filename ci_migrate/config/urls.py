"""What is wrong with a URL before anything is asked at it, without its value: that is a secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_migrate.config.problems import KeyPath, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DATABASE_KEYS = frozenset({"url", "lock_url", "scratch_url"})
KINDS = frozenset({"postgres", "postgresql", "mysql", "mariadb", "sqlite"})
"""Beginnings of database URLs, before the driver."""
_KIND = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,30})(?:\+[A-Za-z0-9_.]*)?://(.*)", re.DOTALL)
_PORT = re.compile(r"(?:\[[^\]]*\]|[^:]*):(.*)", re.DOTALL)


def find_url_problem(url: str, path: KeyPath) -> Problem | None:
    """Return what is wrong with a URL whose variables are filled in; None when nothing is to be seen."""
    if "://" not in url:
        advice = "it starts with `postgresql://`, `mysql+pymysql://`, `https://` or the like"
        return Problem(path=path, what="not a URL", suggestion=advice)
    if path[-1] not in DATABASE_KEYS:
        return None
    match = _KIND.fullmatch(url)
    if match is None or match[1].lower() not in KINDS:
        kind = f"of kind `{match[1]}`" if match else "of this kind"
        advice = "ci-migrate works on PostgreSQL, MariaDB/MySQL and SQLite"
        return Problem(path=path, what=f"databases {kind} are not supported", suggestion=advice)
    address = match[2].partition("/")[0].rpartition("@")[2]
    port = _PORT.fullmatch(address)
    if port and port[1] and not port[1].isdecimal():
        advice = "quote `@ : / %` in the user and the password as %40 %3A %2F %25"
        return Problem(path=path, what="its port is not a number", suggestion=advice)
    return None


def check_urls(value: Mapping[str, object]) -> Iterator[Problem]:
    """Yield what is wrong with the URLs that are written out in a configuration."""
    environments = value.get("environments")
    for name, section in environments.items() if isinstance(environments, dict) else ():
        yield from _check_section(section, ("environments", name))
    yield from _check_section(value.get("ledger"), ("ledger",))


def _check_section(section: object, path: KeyPath) -> Iterator[Problem]:
    for key in sorted(DATABASE_KEYS):
        url = section.get(key) if isinstance(section, dict) else None
        if isinstance(url, str) and url.strip() and "$" not in url:
            problem = find_url_problem(url.strip(), (*path, key))
            if problem is not None:
                yield problem
