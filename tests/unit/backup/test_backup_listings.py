"""What the archives say about themselves, read from text."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from ci_migrate.backup.mysql_listing import DumpListing, read_dump
from ci_migrate.backup.postgres_listing import find_missing, read_listing


def read(path: Path) -> DumpListing:
    with path.open("rb", buffering=0) as file:
        return read_dump(file)


LIST = """;
; Archive created at 2026-03-04
;     dbname: my shop
;     Format: CUSTOM
;
6; 2615 16391 SCHEMA - odd "s postgres
215; 1259 16392 TABLE odd "s we ird "t' ü postgres
217; 1259 16403 TABLE public a b x
216; 1259 16400 TABLE public a b postgres
3217; 0 0 TABLE ATTACH public p1 postgres
3363; 0 16392 TABLE DATA public only_data postgres
"""


def test_parts_of_a_listing():
    listing = read_listing(LIST)
    assert listing.database == "my shop"
    assert len(listing.tables) == 3
    assert listing.data == {"3363"}
    assert not read_listing(LIST.replace("TABLE DATA", "SEQUENCE SET")).data


@pytest.mark.parametrize(
    ("tables", "missing"),
    [
        ([('odd "s', "we\nird \"t' ü"), ("public", "a"), ("public", "a b")], ()),
        ([("public", "p1")], (("public", "p1"),)),
        ([("ATTACH", "public")], (("ATTACH", "public"),)),
        ([("DATA", "public")], (("DATA", "public"),)),
        ([("public", "only_data")], (("public", "only_data"),)),
        ([("public", "a b x")], (("public", "a b x"),)),
        ([("public", "a b postgres")], (("public", "a b postgres"),)),
        ([("publi", "c a")], (("publi", "c a"),)),
    ],
)
def test_tables_that_no_line_stands_for(tables, missing):
    assert find_missing(tables, read_listing(LIST).tables) == missing


def test_one_line_proves_one_table():
    tables = [("public", "a"), ("public", "a b")]
    assert find_missing(tables, ["public a b owner"]) == (("public", "a"),)
    assert find_missing(tables, ["public a b x", "public a b b x"]) == ()


def test_other_encodings_are_compared_by_what_is_ascii():
    assert find_missing([("public", "größe")], ["public gr\ufffd\ufffde x"]) == ()
    assert find_missing([("public", "weiß")], ["public gr\ufffd\ufffde x"]) == (("public", "weiß"),)


def write_dump(path, *lines: str):
    path.write_text("\n".join([*lines, "-- Dump completed on 2026-03-04  5:06:07", ""]))
    return path


def test_tables_of_a_dump(tmp_path):
    dump = write_dump(
        tmp_path / "x.sql",
        "CREATE TABLE `plain` (",
        "CREATE TABLE `we",
        "ird `` ü` (",
        "/*!50001 CREATE TABLE `view` (",
        "INSERT INTO `plain` VALUES ('CREATE TABLE `row` (');",
        "DELIMITER ;;",
        "CREATE TABLE `code` (",
        "DELIMITER ;",
        "CREATE TABLE `last` (",
    )
    listing = read(dump)
    assert listing.tables == {"plain", "we\nird ` ü", "last"}
    assert listing.is_complete


@pytest.mark.parametrize("tail", ["", "-- Dump comp", "INSERT", "-- Dump completed\nINSERT INTO"])
def test_dump_without_its_mark_at_the_end(tmp_path, tail):
    (tmp_path / "x.sql").write_text(f"CREATE TABLE `a` (\n{tail}")
    assert not read(tmp_path / "x.sql").is_complete


def test_long_rows_are_not_read_into_memory(tmp_path):
    path = tmp_path / "x.sql"
    with path.open("wb") as file:
        file.write(b"INSERT INTO `a` VALUES (0x")
        for _ in range(10):
            file.write(b"ff" * 500_000)
        file.write(b");\nCREATE TABLE `b` (\n);\nCREATE TABLE `" + b"never closed" * 900_000)
        file.write(b"\n-- Dump completed\n")
    tracemalloc.start()
    listing = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert listing.tables == {"b"}
    assert peak < 2_000_000
