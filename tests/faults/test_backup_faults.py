"""The backup cannot be written, is killed, or has no program that fits: nothing is begun."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.conftest import POSTGRES
from tests.faults.conftest import Record
from tests.faults.running import Running, promote
from tests.faults.sessions import transaction
from tests.faults.shop import HEAD, UNCOUNTED, build_shop, write_settings
from tests.faults.stock import Stock, processes_with, program_of, wait_until
from tests.faults.test_races import DUMPS
from tests.faults.walls import behind
from tests.promotion import Ran, tool

BACKUPS = ".ci-migrate/backups"
FILL = {
    "postgresql": "CREATE TABLE big AS SELECT md5(random()::text) AS word FROM generate_series(1, 40000)",
    "mysql": "CREATE TABLE big AS SELECT SHA2(RAND(), 512) AS word FROM seq_1_to_10000",
    "sqlite": "CREATE TABLE big AS SELECT randomblob(1000000) AS word",
}


def check_nothing_begun(stock: Stock, shop: Path, ran: Ran, record: Record, fault: str) -> None:
    """The run ended with 4 and left nothing; once the fault is gone, the next one promotes."""
    assert (ran.outcome, ran.exit_code) == ("failed", 4), ran.output
    assert ran.result["error"]["stage"] == "backup"
    assert ran.result["error"]["next"]
    assert ran.result["backup"] is None
    assert stock.tables() == set()
    assert stock.version() is None
    stock.check_free()
    assert list((shop / BACKUPS).glob("*")) == []
    after = promote(shop, stock)
    assert (after.outcome, after.exit_code) == ("promoted", 0), after.output
    assert stock.version() == HEAD
    lost = stock.count_lost()
    assert lost == 0
    record(fault=fault, database=stock.name, outcome="failed (4), nothing begun", lost=lost)


@pytest.mark.parametrize(
    ("options", "fault", "cure"),
    [
        ("size=256k", "disk full while dumping", "Free space, or set backup.directory"),
        ("ro", "read-only backup folder", "Set backup.directory to a place that can be written"),
    ],
)
def test_a_folder_that_cannot_take_the_backup(
    stock: Stock, shop: Path, options: str, fault: str, cure: str, record_fault: Record
) -> None:
    stock.execute(FILL[stock.dialect])
    (shop / BACKUPS).mkdir(parents=True)
    wall = behind(f"mount -t tmpfs -o {options} none {shop / BACKUPS}", tool())
    ran = Running(shop, stock.url, program=wall).end()
    assert cure in ran.result["error"]["next"], ran.output
    check_nothing_begun(stock, shop, ran, record_fault, fault)


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_dump_that_is_killed(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, record_fault: Record
) -> None:
    stock: Stock = request.getfixturevalue(f"{kind}_stock")
    shop = build_shop(tmp_path / "work")
    write_settings(shop, UNCOUNTED)
    stock.execute("CREATE TABLE other (id integer)")
    lock = {"postgresql": "LOCK TABLE other", "mysql": "LOCK TABLES other WRITE"}[stock.dialect]
    with transaction(stock, lock):
        run = Running(shop, stock.url)
        wait_until(lambda: stock.query(DUMPS[stock.dialect]), 60, "the dump")
        for pid in processes_with("FAULT_ID", run.id):
            if program_of(pid) in {"pg_dump", "mariadb-dump"}:
                os.kill(pid, signal.SIGKILL)
        ran = run.end()
    assert "dump" in ran.result["error"]["message"]
    check_nothing_begun(stock, shop, ran, record_fault, "dump killed")


PROGRAMS = {"postgresql": ("pg_dump",), "mysql": ("mariadb-dump", "mysqldump")}
OLD = {
    "postgresql": "echo 'pg_dump (PostgreSQL) 9.6.24'",
    "mysql": "echo 'mariadb-dump  Ver 10.16 Distrib 5.5.68-MariaDB, for Linux (x86_64)'",
}


def places_of(dialect: str) -> list[str]:
    """Return every file that could be taken for the program that dumps."""
    found = {str(path) for path in Path("/usr/lib/postgresql").glob("*/bin/pg_dump")}
    if POSTGRES is not None:
        found.add(str(POSTGRES / "pg_dump"))
    for name in PROGRAMS[dialect]:
        for folder in os.environ["PATH"].split(os.pathsep):
            if (place := shutil.which(name, path=folder)) is not None:
                found.add(place)
    return sorted(os.path.realpath(place) for place in found if Path(place).exists())


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
@pytest.mark.parametrize("what", ["missing", "too old"])
def test_a_program_that_does_not_fit(
    kind: str, what: str, request: pytest.FixtureRequest, tmp_path: Path, record_fault: Record
) -> None:
    stock: Stock = request.getfixturevalue(f"{kind}_stock")
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    old = tmp_path / "old"
    old.write_text(f"#!/bin/sh\n{OLD[stock.dialect]}\n")
    old.chmod(0o755)
    source = "/dev/null" if what == "missing" else str(old)
    mounts = [f"mount --bind {source} {place}" for place in places_of(stock.dialect)]
    ran = Running(shop, stock.url, program=behind("\n".join(mounts), tool())).end()
    assert ran.result["error"]["kind"] == "backup-tool"
    assert "apt-get install" in ran.result["error"]["next"]
    check_nothing_begun(stock, shop, ran, record_fault, f"dump program {what}")
