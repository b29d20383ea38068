"""SIGKILL while revisions run of which nobody had parsed the text yet: the proof of what they did is not lost."""

from __future__ import annotations

import signal
from pathlib import Path

from ci_migrate.revisions.content import content_hash
from tests.faults.conftest import Record
from tests.faults.running import REACHED_SECONDS, Running, promote
from tests.faults.shop import add_revision, build_shop, write_settings
from tests.faults.stock import Stock, wait_until, waits_for_lock

PLAIN = 'op.create_table("plain_{0}", sa.Column("id", sa.Integer()))'
WAITS = 'op.add_column("held", sa.Column("more", sa.Integer()))'
NEW = ("r4", "r5", "r6")


def kept(stock: Stock) -> dict[str, tuple[str, str | None]]:
    """Return outcome and hash of the new revisions, as the ledger has them."""
    rows = stock.query(
        "SELECT revision, outcome, content_hash FROM ci_migrate.ci_migrate_ledger"
        " WHERE kind = 'revision' AND revision IN ('r4', 'r5', 'r6') ORDER BY id"
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def test_what_a_killed_run_did_is_proved_by_its_source(
    postgres_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    shop = build_shop(tmp_path / "work", per_revision=True)
    write_settings(shop, {"backup": "none"})  # it would wait for the lock, too
    assert promote(shop, postgres_stock).outcome == "promoted"
    postgres_stock.execute("CREATE TABLE held (id integer)")
    bodies = (PLAIN.format("r4"), WAITS, PLAIN.format("r6"))
    files = {
        revision: add_revision(shop, revision, parent, body)
        for revision, parent, body in zip(NEW, ("r3", "r4", "r5"), bodies, strict=True)
    }
    with postgres_stock.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        run = Running(shop, postgres_stock.url)
        wait_until(lambda: waits_for_lock(postgres_stock), REACHED_SECONDS, "the lock")
        run.stop(signal.SIGKILL)
        run.end()
    run.check_gone()
    postgres_stock.check_free()
    assert kept(postgres_stock) == dict.fromkeys(NEW, ("planned", None))

    after = promote(shop, postgres_stock)
    assert after.outcome == "promoted", after.output
    assert "was cut off: 1 of its 3 revisions are in the database" in after.output
    hashes = {name: content_hash(file.read_text("utf-8")) for name, file in files.items()}
    assert kept(postgres_stock) == {name: ("executed", hashes[name]) for name in NEW}
    record_fault(
        fault="SIGKILL before a text was parsed",
        database=postgres_stock.name,
        outcome="proved by its source",
        lost=0,
    )
