"""How an address reaches the clients: variables, password file, option file."""

from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_migrate.backup.mysql_options import client_environment, quote_value, write_options
from ci_migrate.backup.postgres_connection import (
    client_variables,
    connection_environment,
    passfile_line,
)
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import BackupError

PASSWORD = "p%@/:+ $'\"\\#ü"


def postgres(**parts) -> DatabaseAddress:
    return DatabaseAddress(**{"dialect": "postgresql", "database": "shop", **parts})


def mysql(**parts) -> DatabaseAddress:
    return DatabaseAddress(**{"dialect": "mysql", "database": "shop", **parts})


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            {"host": "db", "port": 5433, "user": "u"},
            {"PGHOST": "db", "PGPORT": "5433", "PGUSER": "u"},
        ),
        ({"host": "/run/x:1"}, {"PGHOST": "/run/x:1"}),
        ({"options": {"host": "/run/x"}}, {"PGHOST": "/run/x"}),
        ({"host": "a:1,b:2"}, {"PGHOST": "a,b", "PGPORT": "1,2"}),
        ({"host": "a,b"}, {"PGHOST": "a,b"}),
        ({"host": "a,b", "options": {"port": "1,2"}}, {"PGHOST": "a,b", "PGPORT": "1,2"}),
        ({"host": "a:1"}, {"PGHOST": "a", "PGPORT": "1"}),
        ({"host": "2001:db8::1"}, {"PGHOST": "2001:db8::1"}),
        (
            {"options": {"sslmode": "verify-full", "sslrootcert": "/ca"}},
            {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/ca"},
        ),
        ({"options": {"ssl": "true"}}, {"PGSSLMODE": "require"}),
        (
            {"options": {"ssl": "verify-ca", "connect_timeout": "3"}},
            {"PGSSLMODE": "verify-ca", "PGCONNECT_TIMEOUT": "3"},
        ),
        ({"options": {"options": "-c search_path=a"}}, {"PGOPTIONS": "-c search_path=a"}),
        ({"options": {"prepared_statement_cache_size": "0"}}, {}),
    ],
)
def test_address_as_libpq_variables(parts, expected):
    assert client_variables(postgres(**parts)) == {"PGDATABASE": "shop", **expected}


def test_password_is_in_a_private_file_only_and_gone_afterwards(tmp_path):
    env = {"PGPASSWORD": "old", "RUNNER_TEMP": str(tmp_path), "PGCLIENTENCODING": "LATIN1"}
    with connection_environment(postgres(password=PASSWORD), env) as values:
        (path,) = tmp_path.iterdir()
        assert values["PGPASSFILE"] == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text(encoding="utf-8") == "*:*:*:*:p%@/\\:+ $'\"\\\\#ü\n"
        assert "PGPASSWORD" not in values
        assert "PGCLIENTENCODING" not in values
        assert PASSWORD not in str(values)
    assert list(tmp_path.iterdir()) == []


def test_password_file_is_gone_after_an_interruption(tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        connection_environment(postgres(password="x"), {"RUNNER_TEMP": str(tmp_path)}),
    ):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_errors_inside_are_not_taken_for_those_of_the_file(tmp_path):
    with (
        pytest.raises(FileNotFoundError),
        connection_environment(postgres(password="x"), {"RUNNER_TEMP": str(tmp_path)}),
    ):
        raise FileNotFoundError("other")


def test_password_with_a_line_break_is_refused():
    with pytest.raises(BackupError, match="line break") as caught:
        passfile_line("secret\nword")
    assert "secret" not in str(caught.value)


def test_ambient_settings_stay_where_the_address_is_silent():
    ambient = {"PGPASSWORD": "p", "PGSERVICE": "s", "PGHOSTADDR": "1.2.3.4", "PGSSLMODE": "require"}
    with connection_environment(postgres(database=""), ambient) as values:
        assert ambient.items() <= values.items()
    with connection_environment(postgres(host="db"), ambient) as values:
        assert not {"PGSERVICE", "PGHOSTADDR"} & set(values)
        assert values["PGSSLMODE"] == "require"


@given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])))
def test_password_file_line_is_read_back(password):
    """Read as libpq does: a backslash takes the next character as it is."""
    line = passfile_line(password).removesuffix("\n").removeprefix("*:*:*:*:")
    plain, position = "", 0
    while position < len(line):
        assert line[position] != ":"
        position += line[position] == "\\"
        plain += line[position]
        position += 1
    assert plain == password


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_option_value_is_one_line_and_read_back(value):
    quoted = quote_value(value)
    assert "\n" not in quoted
    inside = quoted[1:-1]
    plain, position = "", 0
    while position < len(inside):
        if inside[position] == "\\":
            position += 1
            plain += {"n": "\n", "r": "\r", "t": "\t", "b": "\b"}.get(
                inside[position], inside[position]
            )
        else:
            assert inside[position] != '"'
            plain += inside[position]
        position += 1
    assert plain == value


@pytest.mark.parametrize(
    ("parts", "present", "absent"),
    [
        ({"host": "localhost", "port": 3307}, ['protocol="tcp"', 'port="3307"'], ["socket"]),
        ({"socket": "/run/s", "host": "h"}, ['socket="/run/s"', 'protocol="socket"'], ['"h"']),
        ({"password": 'a#"b\\'}, ['password="a#\\"b\\\\"'], ["host"]),
        ({}, ['loose-ssl-verify-server-cert="0"'], ["password", "loose-ssl=", "port"]),
        ({"options": {"ssl_ca": "/ca"}}, ['ssl-ca="/ca"', 'loose-ssl="1"'], []),
        ({"options": {"ssl_check_hostname": "true"}}, ['loose-ssl-verify-server-cert="1"'], []),
        ({"options": {"ssl_mode": "VERIFY_IDENTITY"}}, ['loose-ssl-verify-server-cert="1"'], []),
        ({"options": {"read_default_file": "~/a.cnf"}}, ["!include /home/x/a.cnf\n[client]"], []),
    ],
)
def test_address_as_option_file(parts, present, absent):
    text = write_options(mysql(**parts), home="/home/x")
    assert [piece for piece in present if piece not in text] == []
    assert [piece for piece in absent if piece in text] == []


def test_value_that_an_option_file_cannot_hold():
    with pytest.raises(BackupError, match="password is too long") as caught:
        write_options(mysql(password="secret" * 1000))
    assert "secret" not in str(caught.value)


def test_ambient_address_does_not_reach_the_client():
    env = {"MYSQL_PWD": "x", "MYSQL_HOST": "h", "MYSQL_TCP_PORT": "1", "PATH": "/bin"}
    assert client_environment(env) == {"PATH": "/bin", "LC_ALL": "C"}
