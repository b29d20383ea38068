"""What a rehearsal costs: the same promotion with and without one."""

from __future__ import annotations

import json

from benchmarks.ground import BIN, Ground
from benchmarks.measure import Command, Ratio, compare

ROWS = 100_000


def measure_rehearsal(ground: Ground) -> Ratio:
    """Compare a promotion that restores its backup and rehearses on it with one that only reads it back."""
    server = ground.server()
    url = server.url("rehearsed")
    path = ground.project(10, "typical", url)
    for name, rehearse in (("plain", False), ("rehearsed", True)):
        environment = {"url": url, "scratch_url": server.url("postgres"), "rehearse": rehearse}
        config = {"version": 1, "environments": {"dev": environment}}
        (path / f"{name}.yml").write_text(json.dumps(config), "utf-8")
    server.run_sql("CREATE DATABASE filled")
    server.run_sql(
        "CREATE TABLE orders AS SELECT g AS id, md5(g::text) AS customer, repeat('as before, ', 10)"
        f" AS remark FROM generate_series(1, {ROWS}) g",
        "filled",
    )
    size = int(server.run_sql("SELECT pg_database_size('filled')").strip())

    def make_anew() -> None:
        server.drop_database("rehearsed")
        server.run_sql("CREATE DATABASE rehearsed TEMPLATE filled")
        server.run_sql("CHECKPOINT")

    def promote(config: str) -> Command:
        words = ["promote", "--config", str(path / f"{config}.yml"), "--environment", "dev"]
        return Command(
            argv=[str(BIN / "ci-migrate"), *words],
            cwd=path,
            env=ground.env,
            before=make_anew,
            says="PROMOTED",
        )

    ratio = compare(promote("rehearsed"), promote("plain"), pairs=3)
    ground.notes["rehearsal"] = f"{size / 1e6:.0f} MB database, 10 revisions"
    return ratio
