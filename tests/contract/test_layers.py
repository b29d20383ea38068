"""Imports go down only, and every outside thing has one owner."""

from __future__ import annotations

import ast
from collections.abc import Set

from tests.contract.source import Import, Module, load_modules

LAYERS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "__init__",
            "debug",
            "environment_status",
            "errors",
            "foreseen",
            "http_client",
            "keeper",
            "lifeline",
            "models",
            "observer",
            "pending_revision",
            "plain_revision",
            "process",
            "redact",
            "sql_words",
            "standard_streams",
            "stops",
            "times",
            "ways_back",
            "words",
        }
    ),
    frozenset(
        {
            "config",
            "database",
            "git",
            "github",
            "migrations",
            "own_runner",
            "remains",
            "revisions",
            "worker",
        }
    ),
    frozenset({"ledger"}),
    frozenset({"backup", "gates", "plan", "upgrade", "verify"}),
    frozenset({"report", "scratch"}),
    frozenset({"backup_risks", "environment_store", "evidence", "survey", "worker_settings"}),
    frozenset({"base_history", "preflight", "remote_base", "rewrites", "untold"}),
    frozenset({"story"}),
    frozenset({"rehearsal"}),
    frozenset(
        {
            "backup_choice",
            "backup_proof",
            "check",
            "heads",
            "ledger_fork",
            "preview",
            "promote",
            "recovery",
            "restore",
            "rollback",
            "selection",
            "status",
            "take",
        }
    ),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
"""From the leaves up; a room imports from lower layers, and from its own where `NEIGHBOURS` says so."""

NEIGHBOURS = {0, 6, 9}
"""The leaves, what is gathered for a story, and the stories; edges and stages do not know each other."""

EXCEPTIONS = {
    ("worker", "database"): "the child answers the handshake that the parent's connection asks",
}

OWNERS: dict[str, frozenset[str]] = {
    "alembic": frozenset({"worker"}),
    "flask": frozenset({"worker"}),
    "flask_migrate": frozenset({"worker"}),
    "sqlalchemy": frozenset({"database", "worker"}),
    "yaml": frozenset({"config"}),
    "msgspec": frozenset({"config"}),
    "requests": frozenset({"http_client"}),
    "subprocess": frozenset({"keeper", "lifeline", "process"}),
    "multiprocessing": frozenset(),
    "boto3": frozenset({"backup"}),
    "botocore": frozenset({"backup"}),
    "obstore": frozenset({"backup"}),
    "pyrage": frozenset({"backup"}),
    "click": frozenset({"cli"}),
}
"""Who may import what is not ours; a module of the standard library is here when it reaches outside."""

HEAVY = {
    "alembic",
    "boto3",
    "botocore",
    "flask",
    "flask_migrate",
    "obstore",
    "pyrage",
    "requests",
    "sqlalchemy",
}
"""Slow to import: only inside functions, so that `ci-migrate --version` stays instant."""

MODULES = load_modules()
LAYER_OF = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}


def our_room(name: str) -> str | None:
    """Return the room that an imported name lies in; None for what is not ours."""
    parts = name.split(".")
    if parts[0] != "ci_migrate":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in LAYER_OF else "__init__"


def test_every_room_has_a_layer():
    missing = {module.room for module in MODULES} - set(LAYER_OF)
    assert missing == set(), "give it a layer in LAYERS, by what it needs and who needs it"


def test_imports_go_down():
    wrong = []
    for module, found in all_imports():
        mine, room = LAYER_OF.get(module.room, 0), our_room(found.name)
        if room is None or room == module.room or (module.room, room) in EXCEPTIONS:
            continue
        if LAYER_OF[room] > mine or (LAYER_OF[room] == mine and mine not in NEIGHBOURS):
            wrong.append(f"{module.at(found.line)}: {module.room} must not import {found.name}")
    assert wrong == []


def test_the_parent_never_imports_the_worker():
    assert [
        f"{module.at(found.line)}: {found.name}"
        for module, found in all_imports()
        if our_room(found.name) == "worker" and module.room != "worker"
    ] == []


def test_outside_things_have_one_owner():
    assert [
        f"{module.at(found.line)}: {found.name} belongs to {', '.join(sorted(OWNERS[thing])) or 'nobody'}"
        for module, found in all_imports()
        if (thing := found.name.split(".")[0]) in OWNERS and module.room not in OWNERS[thing]
    ] == []


def test_heavy_imports_are_lazy():
    # The worker is another process, and nothing in it makes sense without Alembic.
    assert [
        f"{module.at(found.line)}: {found.name}"
        for module, found in all_imports()
        if found.name.split(".")[0] in HEAVY and not found.is_lazy and module.room != "worker"
    ] == []


def test_the_environment_is_an_argument():
    names = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
    assert places_of(names, but_in={"cli", "__main__", "worker"}) == []


def test_only_the_command_line_exits():
    names = {"sys.exit", "os._exit", "os.abort", "exit", "quit"}
    assert places_of(names, but_in={"cli", "__main__", "lifeline", "worker"}) == []


def test_there_is_one_door_to_other_programs():
    assert places_of({"os.system", "os.popen", "os.fork", "os.posix_spawn"}) == []


def all_imports() -> list[tuple[Module, Import]]:
    """Return every import of the package with its file."""
    return [(module, found) for module in MODULES for found in module.imports()]


def places_of(names: set[str], *, but_in: Set[str] = frozenset()) -> list[str]:
    """Return where some dotted names are used or imported."""
    found = [
        module.at(node.lineno)
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.Attribute, ast.Name))
        and module.room not in but_in
        and ast.unparse(node) in names
    ]
    return found + [
        module.at(each.line)
        for module, each in all_imports()
        if each.name in names and module.room not in but_in
    ]


def test_no_cycles():
    names = {module.name for module in MODULES}
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        targets = {
            target
            for each in module.imports()
            for target in (each.name, each.name.rpartition(".")[0])
        }
        # The package itself holds the version only.
        graph[module.name] = (targets & names) - {"ci_migrate", module.name}
    assert circles_of(graph) == {}


def test_no_cycles_of_rooms():
    graph: dict[str, set[str]] = {module.room: set() for module in MODULES}
    for module, found in all_imports():
        if (room := our_room(found.name)) and (module.room, room) not in EXCEPTIONS:
            graph[module.room] |= {room} - {module.room, "__init__"}
    assert circles_of(graph) == {}


def circles_of(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return what is left of a graph when its leaves are taken off again and again."""
    while leaves := {name for name, targets in graph.items() if not targets}:
        graph = {name: targets - leaves for name, targets in graph.items() if name not in leaves}
    return graph


def test_the_tables_name_only_what_exists():
    rooms = {module.room for module in MODULES}
    assert set(LAYER_OF) - rooms - {"__main__"} == set()
    used = {(m.room, our_room(found.name)) for m in MODULES for found in m.imports()}
    assert set(EXCEPTIONS) - used == set()
