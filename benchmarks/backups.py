"""Backups of a 1 GB database: into a folder, into a bucket, encrypted."""

from __future__ import annotations

import shutil

from benchmarks.ground import ROOT, Ground
from benchmarks.measure import Command, Ratio, compare
from tests.servers.postgres import PostgresServer

RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
"""The example of age's own documentation; nothing is read here."""


def measure_backup(ground: Ground) -> Ratio:
    """Compare a proved backup with plain pg_dump in its custom format."""
    server = ground.server()
    size = fill(server)
    archives = str(ground.folder / "backups" / "archives")
    login = ["-h", str(server.socket_dir), "-U", "postgres", "large"]
    theirs = Command(
        argv=[str(server.bindir / "pg_dump"), "-Fc", f"--file={archives}/plain.dump", *login],
        cwd=ROOT,
        env=_environment(ground),
        before=lambda: _make_empty(ground),
    )
    ratio = compare(_ours(ground, archives), theirs, pairs=3)
    ground.notes["backup"] = f"{size / 1e9:.2f} GB database"
    _note_peak(ground, 80_000_000)
    return ratio


def measure_stream(ground: Ground) -> Ratio:
    """Compare a backup that streams into an object store with one into a folder."""
    fill(ground.server())
    archives = str(ground.folder / "backups" / "archives")
    ratio = compare(
        _ours(ground, "s3://backups/large"), _ours(ground, archives, peaks="other"), pairs=3
    )
    _note_peak(ground, 120_000_000)
    return ratio


def measure_encryption(ground: Ground) -> Ratio:
    """Compare a backup that is encrypted with one that is not."""
    fill(ground.server())
    archives = str(ground.folder / "backups" / "archives")
    ours = _ours(ground, archives, RECIPIENT)
    ratio = compare(ours, _ours(ground, archives, peaks="other"), pairs=3)
    _note_peak(ground, 120_000_000)
    return ratio


def fill(server: PostgresServer) -> int:
    """Fill the database `large` with rows of a shop until it has 1 GB; return its size in bytes."""
    if server.run_sql("SELECT 1 FROM pg_database WHERE datname = 'large'").strip():
        return int(server.run_sql("SELECT pg_database_size('large')").strip())
    server.run_sql("CREATE DATABASE large")
    server.run_sql(
        "CREATE TABLE orders (id bigint PRIMARY KEY, placed timestamptz, customer text, address text,"
        " amount numeric(10, 2), remark text)",
        "large",
    )
    size, number, step = 0, 0, 500_000
    while size < 1_000_000_000:
        server.run_sql(
            "INSERT INTO orders SELECT g, timestamptz '2026-01-01' + g * interval '1 s',"
            " md5(g::text), md5((g * 7)::text) || ' ' || md5((g % 1000)::text), g % 10000 / 100.0,"
            " repeat('as ordered before, ', 1 + (g % 8)::int)"
            f" FROM generate_series({number + 1}, {number + step}) g",
            "large",
        )
        number += step
        size = int(server.run_sql("SELECT pg_database_size('large')").strip())
    server.run_sql("VACUUM ANALYZE orders", "large")
    return size


def _ours(ground: Ground, store: str, *recipients: str, peaks: str = "peaks") -> Command:
    server = ground.server()
    words = [server.url("large"), store, *recipients]
    script = 'file="$1"; shift; python -m benchmarks.backup_process "$@" | tee -a "$file"'
    return Command(
        argv=["sh", "-c", script, "sh", str(ground.folder / "backups" / peaks), *words],
        cwd=ROOT,
        env=_environment(ground) | (ground.object_store().env() if "://" in store else {}),
        before=lambda: _make_empty(ground),
        says="listed by pg_restore",
    )


def _environment(ground: Ground) -> dict[str, str]:
    return {**ground.env, "PATH": f"{ground.server().bindir}:{ground.env['PATH']}"}


def _make_empty(ground: Ground) -> None:
    archives = ground.folder / "backups" / "archives"
    shutil.rmtree(archives, ignore_errors=True)
    archives.mkdir(parents=True)
    ground.server().run_sql("CHECKPOINT")


def _note_peak(ground: Ground, most: int) -> None:
    """Keep the highest peak of the runs so far with the most it may be, in bytes, and forget them."""
    file = ground.folder / "backups" / "peaks"
    lines = file.read_text("utf-8").splitlines()
    peak = max(int(line.split()[1]) for line in lines if line.startswith("peak "))
    ground.notes["memory"] = f"{peak} {most}"
    file.unlink()
