"""Many runs at once, hands at the database while a run goes on, and a lock that is lost on the way."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ci_migrate.database.engine import Database
from ci_migrate.database.ledger_table import create_ledger
from ci_migrate.story.control import LEAVE_SECONDS
from tests.faults.conftest import Record
from tests.faults.running import Running, promote
from tests.faults.sessions import transaction
from tests.faults.shop import HEAD, UNCOUNTED, UPGRADE, add_revision, build_shop, write_settings
from tests.faults.stock import Stock, wait_until
from tests.promotion import Ran, environment, run_tool

RUNS = 20
RUN_URL = "https://github.com/acme/shop/actions/runs/4711"
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_RUN_ID": "4711",
}


def test_of_twenty_runs_at_once_one_applies_and_the_others_find_nothing_to_do(
    stock: Stock, shop: Path, record_fault: Record
) -> None:
    runs = [Running(shop, stock.url) for _ in range(RUNS)]
    ended = [run.end(seconds=240) for run in runs]
    for ran in ended:
        assert ran.exit_code == 0, ran.output
    outcomes = Counter(ran.outcome for ran in ended)
    assert outcomes == {"promoted": 1, "nothing-to-do": RUNS - 1}
    assert any("waiting for the lock, held by " in ran.output for ran in ended)
    assert stock.version() == HEAD
    lost = stock.count_lost()
    assert lost == 0, stock.journal()
    assert stock.run_outcomes() == ["promoted"]
    stock.check_free()
    record_fault(
        fault=f"{RUNS} runs at once",
        database=stock.name,
        outcome=f"1 promoted, {RUNS - 1} found nothing to do",
        lost=lost,
    )


def test_a_new_push_that_waits_plans_anew_once_it_has_the_lock(
    stock: Stock, shop: Path, tmp_path: Path, record_fault: Record
) -> None:
    """The newer checkout waits for the older one, then runs only what that has left."""
    newer = tmp_path / "newer"
    shutil.copytree(shop, newer)
    add_fourth(newer)
    first = Running(shop, stock.url, point="r2.begin", env=GITHUB)
    first.wait_for_point()
    second = Running(newer, stock.url)
    second.wait_for_line("waiting for the lock, held by ")
    first.release()
    assert first.end().outcome == "promoted"
    ran = second.end()
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    assert ran.result["from"] == [HEAD]
    assert [item["revision"] for item in ran.result["applied"]] == ["r4"]
    waiting = next(line for line in ran.output.splitlines() if "waiting for the lock" in line)
    assert RUN_URL in waiting
    assert f"host {socket.gethostname()}" in waiting
    assert ", since 20" in waiting
    lost = stock.count_lost()
    assert lost == 0
    assert stock.journal().count("r4") == 1
    record_fault(
        fault="a new push while a run goes on",
        database=stock.name,
        outcome="waits, then runs only the rest",
        lost=lost,
    )


def test_an_old_push_that_waited_for_a_newer_one_is_blocked(
    stock: Stock, shop: Path, tmp_path: Path, record_fault: Record
) -> None:
    newer = tmp_path / "newer"
    shutil.copytree(shop, newer)
    add_fourth(newer)
    first = Running(newer, stock.url, point="r2.begin")
    first.wait_for_point()
    second = Running(shop, stock.url)
    second.wait_for_line("waiting for the lock, held by ")
    first.release()
    assert first.end().outcome == "promoted"
    ran = second.end()
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    gate = next(gate for gate in ran.result["gates"] if gate["outcome"] == "failed")
    assert gate["name"] == "history"
    assert "r4" in gate["message"]
    lost = stock.count_lost()
    assert lost == 0
    record_fault(
        fault="an old push that waited for a newer one",
        database=stock.name,
        outcome="blocked: the database is ahead",
        lost=lost,
    )


def add_fourth(folder: Path) -> None:
    """Add a revision that creates a table and leaves its row in the journal."""
    add_revision(folder, "r4", HEAD, UPGRADE.format(id="r4", table="refunds", rows=2))


def upgrade_by_hand(folder: Path, stock: Stock, target: str) -> None:
    """Run Alembic itself beside ci-migrate, as somebody at a terminal would."""
    url = stock.url.replace("%", "%%")
    ini = folder / "by_hand.ini"
    ini.write_text((folder / "alembic.ini").read_text("utf-8") + f"sqlalchemy.url = {url}\n")
    subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(ini), "upgrade", target],
        cwd=folder,
        env=environment(),
        check=True,
        capture_output=True,
        timeout=60,
    )


@pytest.mark.parametrize("target", ["r2", "head"])
def test_an_upgrade_by_hand_between_probe_and_upgrade_is_planned_again(
    stock: Stock, shop: Path, target: str, record_fault: Record
) -> None:
    run = Running(shop, stock.url, point="upgrade.import")
    run.wait_for_point()
    upgrade_by_hand(shop, stock, target)
    run.release()
    check_planned_again(run.end(), stock, target)
    record_fault(
        fault=f"`alembic upgrade {target}` by hand before the upgrade",
        database=stock.name,
        outcome="planned again",
        lost=stock.count_lost(),
    )


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_an_upgrade_by_hand_during_the_backup_is_planned_again(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, record_fault: Record
) -> None:
    stock: Stock = request.getfixturevalue(f"{kind}_stock")
    shop = build_shop(tmp_path / "work")
    write_settings(shop, UNCOUNTED)
    stock.execute("CREATE TABLE other (id integer)")
    lock = {"postgresql": "LOCK TABLE other", "mysql": "LOCK TABLES other WRITE"}[stock.dialect]
    with transaction(stock, lock):
        run = Running(shop, stock.url)
        wait_until(lambda: stock.query(DUMPS[stock.dialect]), 60, "the dump")
        upgrade_by_hand(shop, stock, "r2")
    check_planned_again(run.end(), stock, "r2")
    record_fault(
        fault="`alembic upgrade r2` by hand during the backup",
        database=stock.name,
        outcome="planned again",
        lost=stock.count_lost(),
    )


DUMPS = {
    "postgresql": "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pg_dump'"
    " AND datname = current_database() AND wait_event_type = 'Lock'",
    "mysql": "SELECT 1 FROM information_schema.processlist WHERE db = DATABASE()"
    " AND state = 'Waiting for table metadata lock'",
}


def check_planned_again(ran: Ran, stock: Stock, target: str) -> None:
    assert ran.exit_code == 0, ran.output
    assert ran.outcome == ("promoted" if target == "r2" else "nothing-to-do")
    assert (
        f"from none to {'r2' if target == 'r2' else 'r3'}; nothing was run; planned again"
        in ran.output
    )
    assert stock.version() == HEAD
    assert stock.count_lost() == 0, stock.journal()
    if target == "r2":
        assert [item["revision"] for item in ran.result["applied"]] == ["r3"]
        assert ran.result["from"] == ["r2"]
        assert stock.run_outcomes()[-1] == "promoted"
        assert stock.evidence() == ["r3"], "what was run by hand is no evidence"
    else:
        assert stock.evidence() == []


def test_an_upgrade_by_hand_while_the_project_is_loaded_stops_the_run(
    stock: Stock, shop: Path, record_fault: Record
) -> None:
    """It looks just like an application that upgrades when it is imported."""
    run = Running(shop, stock.url, point="probe.import")
    run.wait_for_point()
    upgrade_by_hand(shop, stock, "r2")
    run.release()
    ran = run.end()
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert "or somebody else did in that moment" in ran.result["error"]["message"]
    assert stock.version() == "r2"
    assert promote(shop, stock).outcome == "promoted"
    lost = stock.count_lost()
    assert lost == 0
    record_fault(
        fault="`alembic upgrade r2` by hand while the project is loaded",
        database=stock.name,
        outcome="stopped, next run promoted",
        lost=lost,
    )


OTHER = 'op.create_table("other", sa.Column("id", sa.Integer(), primary_key=True))\n'


def test_two_projects_of_one_database_wait_for_each_other(
    stock: Stock, shop: Path, tmp_path: Path, record_fault: Record
) -> None:
    other = build_shop(tmp_path / "other")
    shutil.rmtree(other / "migrations/versions")
    (other / "migrations/versions").mkdir()
    env = other / "migrations/env.py"
    text = env.read_text("utf-8").replace(
        "connection,", "connection, version_table='other_version',"
    )
    env.write_text(text, "utf-8")
    add_revision(other, "o1", None, OTHER)
    write_settings(other, ledger={"project": "other"})
    run = Running(shop, stock.url, point="r2.middle")
    run.wait_for_point()
    second = Running(other, stock.url)
    second.wait_for_line("waiting for the lock, held by")
    run.release()
    for ran in (run.end(), second.end()):
        assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    lost = stock.count_lost()
    assert lost == 0
    record_fault(
        fault="two projects of one database at once",
        database=stock.name,
        outcome="both promoted",
        lost=lost,
    )


INSERT = "op.execute(sa.text(\"INSERT INTO journal (what) VALUES ('{}')\"))\n"


def test_an_upgrade_by_hand_in_the_middle_is_no_evidence(
    stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    shop = build_shop(tmp_path / "work", per_revision=True)
    write_settings(shop)
    assert promote(shop, stock).outcome == "promoted"
    add_revision(shop, "r4", HEAD, INSERT.format("r4"))
    point = 'from points import point\npoint("r5.begin", op.get_bind())\n'
    add_revision(shop, "r5", "r4", point + INSERT.format("r5"))
    add_revision(shop, "r6", "r5", INSERT.format("r6"))
    run = Running(shop, stock.url, point="r5.begin")
    run.wait_for_point()
    upgrade_by_hand(shop, stock, "head")
    run.release()
    ran = run.end()
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert "The database is at r6, whole." in ran.output
    assert "Somebody else has migrated it" in ran.output
    assert stock.evidence() == ["r1", "r2", "r3", "r4"], "what was run by hand is no evidence"
    after = promote(shop, stock)
    assert after.outcome == "nothing-to-do"
    assert "restore its backup first" not in after.output
    lost = stock.count_lost() + sum(abs(stock.journal().count(f"r{n}") - 1) for n in (4, 5, 6))
    assert lost == 0, stock.journal()
    record_fault(
        fault="`alembic upgrade head` by hand in the middle of the run",
        database=stock.name,
        outcome="partial (6)",
        lost=lost,
    )


def test_a_run_that_ended_between_two_revisions_does_not_ask_for_its_backup(
    stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    shop = build_shop(tmp_path / "work", per_revision=True)
    write_settings(shop)
    run = Running(shop, stock.url, point="r2.begin")
    run.wait_for_point()
    run.stop(signal.SIGTERM)
    ran = run.end()
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert "The database is at r1, whole." in ran.output
    after = promote(shop, stock)
    assert (after.outcome, stock.count_lost()) == ("promoted", 0), after.output
    assert "restore its backup first" not in after.output
    record_fault(
        fault="SIGTERM before a revision does anything",
        database=stock.name,
        outcome="partial, then promoted",
        lost=0,
    )


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_first_runs_that_share_a_ledger_make_it_together(
    kind: str, request: pytest.FixtureRequest
) -> None:
    for _ in range(5):
        stock: Stock = request.getfixturevalue(f"{kind}_stock")
        start = threading.Barrier(6)

        def create(url: str = stock.url, start: threading.Barrier = start) -> None:
            database = Database(url, root=Path("/"))
            start.wait()
            create_ledger(database, "ci_migrate" if database.dialect == "postgresql" else None)

        with ThreadPoolExecutor(6) as pool:
            for made in [pool.submit(create) for _ in range(6)]:
                made.result()
        if stock.is_atomic:
            stock.execute("DROP SCHEMA ci_migrate CASCADE")
        else:
            stock.execute("DROP TABLE ci_migrate_ledger")


def ask(shop: Path, stock: Stock, command: str) -> Ran:
    """Run another command on the shop's database while the promotion goes on."""
    return run_tool(shop, command, "--environment", "dev", env={"CIM_URL": stock.url})


def test_what_a_run_at_work_has_begun_is_not_called_unfinished(stock: Stock, shop: Path) -> None:
    run = Running(shop, stock.url, point="r2.middle")
    run.wait_for_point()
    plan, status = ask(shop, stock, "plan"), ask(shop, stock, "status")
    run.release()
    assert run.end().outcome == "promoted", run.output
    assert plan.outcome == "ready", plan.output
    assert "another run is at work in this database" in plan.output
    assert "a run is at work: " in status.output
    assert "there ran" not in plan.output, plan.output
    assert "unfinished:" not in status.output, status.output
    after = ask(shop, stock, "plan").output + ask(shop, stock, "status").output
    assert "at work" not in after, after


LOSE: dict[str, Callable[[Stock], None]] = {
    "postgresql": lambda stock: stock.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ),
    "mysql": lambda stock: kill_holder(stock),
    "sqlite": lambda stock: Path(stock.file + ".ci-migrate.lock").unlink(),
}


def kill_holder(stock: Stock) -> None:
    """End the session that holds the lock: another one shows its number to those who wait."""
    ((sign,),) = stock.query(
        "SELECT info FROM information_schema.processlist WHERE db = DATABASE()"
        " AND LEFT(info, 18) = '/* ci-migrate lock'"
    )
    stock.execute(f"KILL {sign.split()[3].rstrip(':')}")


def test_a_lock_that_is_lost_stops_before_the_next_revision(
    stock: Stock, shop: Path, record_fault: Record
) -> None:
    run = Running(shop, stock.url, point="r2.middle")
    run.wait_for_point()
    LOSE[stock.dialect](stock)
    time.sleep(LEAVE_SECONDS)
    run.release()
    ran = run.end()
    assert (
        "the lock of the database was lost while the revisions ran"
        in ran.result["error"]["message"]
    )
    assert "lock_url" in ran.output
    assert ran.result["error"]["kind"] == "lock-lost"
    assert "start the run again" in ran.result["error"]["next"].lower()
    if stock.is_atomic:
        assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
        assert stock.version() is None
        outcome = "stopped, database unchanged"
    else:
        assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
        assert stock.version() == "r2"
        outcome = "stopped after the running revision"
    assert "payments" not in stock.tables()
    after = promote(shop, stock)
    assert after.outcome == "promoted", after.output
    lost = stock.count_lost()
    assert lost == 0
    record_fault(fault="lock lost", database=stock.name, outcome=outcome, lost=lost)
