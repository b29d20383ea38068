"""Whether two globs cover a branch in common, and one for example."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

from ci_migrate.config.select import match_branch, split_glob

_SPECIAL = re.compile(r"[\[\]*?!]")
_ORDINARY = "xyzabcdefghijklmnopqrstuvw0123456789\ue000"


def find_common_branch(one: str, other: str) -> str | None:
    """Return a branch that both globs cover, as short as possible; None when there is none.

    Both are walked at once, as automata whose states are positions in their pieces.
    """
    ways = (_pieces_of(one), _pieces_of(other))
    alphabet = _choose_characters(one + other)
    first, second = (_close({0}, pieces) for pieces in ways)
    waiting = deque((left, right, "") for left in first for right in second)
    seen: set[tuple[int, int]] = set()
    while waiting:
        left, right, name = waiting.popleft()
        for character in alphabet:
            for further in _step(left, ways[0], character):
                for there in _step(right, ways[1], character):
                    if further == len(ways[0]) and there == len(ways[1]):
                        return name + character
                    if (further, there) not in seen:
                        seen.add((further, there))
                        waiting.append((further, there, name + character))
    return None


def _pieces_of(glob: str) -> tuple[str, ...]:
    """Return the pieces; `**/`, which may stand for nothing, as an empty one before `**` and `/`."""
    return tuple(_split_folders(split_glob(glob)))


def _split_folders(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        if piece.startswith("**"):
            yield from ("", "**", "/") if piece.endswith("/") else ("**",)
        else:
            yield piece


def _close(positions: set[int], pieces: tuple[str, ...]) -> set[int]:
    """Return the positions with those that are reached from them without a character."""
    found, waiting = set(positions), list(positions)
    while waiting:
        at = waiting.pop()
        if at == len(pieces) or pieces[at] not in {"", "*", "**"}:
            continue
        for further in (at + 1, at + 3) if pieces[at] == "" else (at + 1,):
            if further not in found:
                found.add(further)
                waiting.append(further)
    return found


def _step(at: int, pieces: tuple[str, ...], character: str) -> set[int]:
    if at == len(pieces) or not pieces[at] or not match_branch(character, pieces[at]):
        return set()
    return _close({at if pieces[at] in {"*", "**"} else at + 1}, pieces)


def _choose_characters(globs: str) -> str:
    """Return characters that stand for all: those that are named, their neighbours (of ranges), another one."""
    named = {c for c in globs if not _SPECIAL.match(c)} | {"/"}
    near = {chr(ord(c) + d) for c in named for d in (-1, 1) if 0 < ord(c) + d < 0x110000}
    another = next(c for c in _ORDINARY if c not in named)
    return another + "".join(sorted(named | near))
