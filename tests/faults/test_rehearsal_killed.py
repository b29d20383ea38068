"""SIGKILL in the middle of a rehearsal: private servers end at once, what is left is swept by the next run."""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tests.faults.conftest import Record
from tests.faults.running import Running, promote
from tests.faults.shop import HEAD, build_shop, write_settings
from tests.faults.stock import Stock, wait_until

PREFIX = "ci_migrate_scratch_"
OLD = "20200101000000"


@pytest.fixture
def place() -> Iterator[Path]:
    """The folder for temporary files, whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="cm-") as folder:
        yield Path(folder)


def scratch_names(stock: Stock) -> set[str]:
    """Return the scratch databases on the server."""
    if stock.dialect == "postgresql":
        rows = stock.query("SELECT datname FROM pg_database")
    else:
        rows = stock.query("SELECT schema_name FROM information_schema.schemata")
    return {str(name) for (name,) in rows if str(name).startswith(PREFIX)}


def processes_in(place: Path) -> list[str]:
    """Return the commands of processes that name the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(place) in words:
            found.append(words)
    return found


def kill_in_rehearsal(shop: Path, stock: Stock, place: Path) -> None:
    """Start a promotion, and kill it while r2 runs on the copy."""
    run = Running(shop, stock.url, point="r2.middle", action="pause", env={"TMPDIR": str(place)})
    run.wait_for_point()
    assert stock.tables() == set(), "it is the copy that is worked on"
    run.process.send_signal(signal.SIGKILL)
    assert run.end().exit_code == -9
    run.check_gone()
    stock.check_free()


def check_promoted(shop: Path, stock: Stock, place: Path) -> None:
    after = promote(shop, stock, env={"TMPDIR": str(place)})
    assert (after.outcome, after.exit_code) == ("promoted", 0), after.output
    assert (stock.version(), stock.count_lost()) == (HEAD, 0)
    backups = list((shop / ".ci-migrate/backups").glob("*.json"))
    assert [path for path in backups if "run.json" not in path.name], "that of the killed run, too"


def test_a_private_server_ends_with_the_run(
    stock: Stock, tmp_path: Path, place: Path, record_fault: Record
) -> None:
    shop = build_shop(tmp_path / "work")
    write_settings(shop, {"rehearse": True})
    kill_in_rehearsal(shop, stock, place)
    if stock.dialect == "sqlite":
        (left,) = place.glob(f"{PREFIX}*")
        left.rename(left.with_name(re.sub(r"_\d{14}", f"_{OLD}", left.name)))
    else:
        wait_until(lambda: not processes_in(place), 20, "the private server to end")
        wait_until(lambda: not list(place.glob(f"{PREFIX}*")), 20, "its folder to go")
    check_promoted(shop, stock, place)
    assert list(place.glob(f"{PREFIX}*")) == []
    assert processes_in(place) == []
    record_fault(
        fault="SIGKILL in a rehearsal", database=stock.name, outcome="swept, then promoted", lost=0
    )


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_database_on_a_given_server_is_swept_by_the_next_run(
    kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    place: Path,
    record_fault: Record,
) -> None:
    stock: Stock = request.getfixturevalue(f"{kind}_stock")
    shop = build_shop(tmp_path / "work")
    write_settings(shop, {"rehearse": True, "scratch_url": "${CIM_URL}"})
    kill_in_rehearsal(shop, stock, place)
    (left,) = scratch_names(stock)
    old = re.sub(r"_\d{14}", f"_{OLD}", left)
    engine = sa.create_engine(stock.own_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    quote = engine.dialect.identifier_preparer.quote
    with engine.connect() as connection:
        if kind == "postgres":  # as if it were of yesterday
            connection.exec_driver_sql(f"ALTER DATABASE {quote(left)} RENAME TO {quote(old)}")
        else:
            connection.exec_driver_sql(f"CREATE DATABASE {quote(old)}")
            connection.exec_driver_sql(f"CREATE TABLE {quote(old)}.t (id int)")
    check_promoted(shop, stock, place)
    young = set() if kind == "postgres" else {left}
    assert scratch_names(stock) == young, "younger than ten minutes it is spared"
    with engine.connect() as connection:
        for name in young:
            connection.exec_driver_sql(f"DROP DATABASE {quote(name)}")
    record_fault(
        fault="SIGKILL in a rehearsal, scratch_url",
        database=stock.name,
        outcome="swept, then promoted",
        lost=0,
    )
