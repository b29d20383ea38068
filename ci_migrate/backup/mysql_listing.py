"""What a dump of MariaDB or MySQL holds, read as a stream."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

CHUNK_BYTES = 1 << 16
COMPLETED = b"-- Dump completed"
LONGEST_NAME_BYTES = 4096
HEADING_LINES = 10
_CREATE = b"CREATE TABLE `"
_CODE_BEGINS = b"DELIMITER ;;"
_CODE_ENDS = b"DELIMITER ;"


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpListing:
    """The tables that a dump creates, and whether it ends as a finished one."""

    database: str | None
    """As the dump's own heading says it; None where it says nothing."""
    tables: frozenset[str]
    is_complete: bool


def read_dump(source: BinaryIO) -> DumpListing:
    """Return what a dump holds, in bounded memory; errors of reading as they are."""
    tables: set[str] = set()
    is_code = False
    pending = b""
    last = b""
    database = None
    with io.BufferedReader(_Unowned(source), CHUNK_BYTES) as file:
        for number, line in enumerate(_line_starts(file)):
            if line.strip():
                last = line
            if number < HEADING_LINES and database is None:
                database = _read_heading(line)
            if pending:
                pending += line
            elif line.startswith((_CODE_BEGINS, _CODE_ENDS)):
                # Bodies of triggers, routines and events are raw text: what they create is none.
                is_code = line.startswith(_CODE_BEGINS)
            elif line.startswith(_CREATE) and not is_code:
                pending = line[len(_CREATE) :]
            if pending:
                name = _read_name(pending)
                if name is not None:
                    tables.add(name)
                if name is not None or len(pending) > LONGEST_NAME_BYTES:
                    pending = b""
    return DumpListing(
        database=database, tables=frozenset(tables), is_complete=last.startswith(COMPLETED)
    )


def _line_starts(file: BinaryIO) -> Iterator[bytes]:
    """Yield the beginning of every line; the rest of a long one (rows) is passed over."""
    is_start = True
    while chunk := file.readline(CHUNK_BYTES):
        if is_start:
            yield chunk
        is_start = chunk.endswith(b"\n")


def _read_heading(line: bytes) -> str | None:
    """Return the database in `-- Host: localhost    Database: shop`."""
    before, found, name = line.rstrip(b"\r\n").partition(b"    Database: ")
    if not found or not before.startswith(b"-- Host: "):
        return None
    return name.decode("utf-8", "replace")


class _Unowned(io.RawIOBase):
    """A file that stays open when what reads it is closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _read_name(text: bytes) -> str | None:
    """Return the identifier at the start, up to its closing backtick; None when it is open."""
    position = 0
    while (position := text.find(b"`", position)) >= 0:
        if text[position + 1 : position + 2] != b"`":
            return text[:position].replace(b"``", b"`").decode("utf-8", "replace")
        position += 2
    return None
