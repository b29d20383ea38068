"""Cycles of a directed graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def find_cycles(edges: Mapping[str, tuple[str, ...]]) -> list[list[str]]:
    """Return the strongly connected groups of two or more nodes, each sorted, in sorted order.

    Tarjan's algorithm with an explicit stack, so that a long chain is no recursion error. Linear.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_nodes: list[str] = []
    is_open: set[str] = set()
    groups: list[list[str]] = []
    for root in edges:
        if root in index:
            continue
        path = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        open_nodes.append(root)
        is_open.add(root)
        while path:
            node, rest = path[-1]
            following = next(rest, None)
            if following is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    group = _close(node, open_nodes, is_open)
                    groups += [sorted(group)] if len(group) > 1 else []
            elif following not in index:
                index[following] = low[following] = len(index)
                open_nodes.append(following)
                is_open.add(following)
                path.append((following, iter(edges[following])))
            elif following in is_open:
                low[node] = min(low[node], index[following])
    return sorted(groups)


def _close(node: str, open_nodes: list[str], is_open: set[str]) -> list[str]:
    group = []
    while True:
        member = open_nodes.pop()
        is_open.discard(member)
        group.append(member)
        if member == node:
            return group
