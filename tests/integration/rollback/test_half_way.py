"""A downgrade that fails: what is left is told exactly, and nobody goes on over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.promote.database import (
    dialect_of,
    query,
    read_rows,
    read_tables,
    run_statements,
)
from tests.integration.promote.shop import gates, message
from tests.integration.rollback.place import Place, build_place

CREATE_ORDERS = "b82e443fd109"
FAILS = '    op.execute("CREATE TABLE traces (id INTEGER)")\n    op.execute("DROP TABLE nowhere")\n'


def break_downgrade(place: Place) -> None:
    """Let the downgrade of the last revision but one fail in its middle, after a statement that may last."""
    assert place.roll_back().outcome == "rolled-back"
    place.edit(CREATE_ORDERS, "def downgrade() -> None:\n", f"def downgrade() -> None:\n{FAILS}")


@pytest.mark.slow
def test_it_is_told_what_is_left_on_mariadb(mariadb_url: str, tmp_path: Path) -> None:
    check_half_way(build_place(tmp_path / "work", mariadb_url))


@pytest.mark.slow_on("postgres")
@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_it_is_told_what_is_left(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    check_half_way(build_place(tmp_path / "work", request.getfixturevalue(f"{kind}_url")))


def check_half_way(place: Place) -> None:
    """Assert that a downgrade which fails in its middle is told by what it left."""
    break_downgrade(place)
    failed = place.roll_back()
    error = failed.result["error"]
    assert (error["kind"], error["stage"], error["revision"]) == (
        "downgrade",
        "downgrade",
        CREATE_ORDERS,
    )
    assert "nowhere" in error["statement"]
    assert read_rows(place.url, place.project.situation) == [CREATE_ORDERS]
    if dialect_of(place.url) == "postgresql":
        assert (failed.outcome, failed.exit_code) == ("failed", 5), failed.output
        assert "traces" not in read_tables(place.url)
        assert "with b82e443fd109 in it" in error["next"]
        return
    assert (failed.outcome, failed.exit_code) == ("partial", 6), failed.output
    assert "PARTLY ROLLED BACK" in failed.output
    assert "traces" in read_tables(place.url)
    assert any("CREATE TABLE traces" in statement for statement in error["executed"])
    assert failed.result["backup"]["location"] in error["next"]
    check_nobody_goes_on(place)


def check_nobody_goes_on(place: Place) -> None:
    """Assert that promotions and rollbacks stop until the database is mended."""
    for blocked in (place.run("promote"), place.roll_back()):
        assert gates(blocked)["unfinished"] == "failed", blocked.output
        assert "CREATE TABLE traces" in message(blocked, "unfinished")
    query_drop(place.url)
    place.edit(CREATE_ORDERS, FAILS, "")
    done = place.roll_back("--undone", CREATE_ORDERS)
    assert done.outcome == "rolled-back", done.output


def query_drop(url: str) -> None:
    run_statements(url, ["DROP TABLE traces"])
    assert query(url, "SELECT count(*) FROM orders") == [(0,)]
