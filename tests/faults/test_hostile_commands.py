"""Every command meets what strangers wrote, as a step of a workflow: it shows that, and does no more with it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import pytest

from ci_migrate.backup.manifest import RUN_SUFFIX
from ci_migrate.backup.manifest_json import parse_manifest, render_manifest
from ci_migrate.cli.main import main
from ci_migrate.errors import ExitCode
from tests.faults.hostile_shop import (
    FAIL,
    ID,
    LINES,
    NAME,
    PLACE,
    HostileShop,
    build_hostile_shop,
)  # fmt: skip
from tests.integration.promote.database import run_statements
from tests.servers.slack import SlackServer

pytestmark = pytest.mark.faults
DEV = ("--environment", "dev")
SURE = (*DEV, "--confirm", "dev")
Prepare = Callable[[HostileShop], None]
ENDS_DOCSTRING = "x \"\"\"\\\nopen('forged', 'w')#"
NEXT, OTHER = "##[next]no $(touch x)", "##[other]no `touch x` **b**"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command, and what is done to the shop before it."""

    argv: tuple[str, ...]
    codes: frozenset[int]
    prepare: Prepare

    def __str__(self) -> str:
        words = " ".join(self.argv)
        place = f" {self.prepare.__name__}" if self.prepare is not nothing else ""
        return re.sub(r"[^ -~]|::.*|##.*", "", words) + place


def nothing(_shop: HostileShop) -> None:
    """Leave the shop as it is: dev has run the revision of a stranger's."""


def pending(shop: HostileShop) -> None:
    shop.add(NEXT, ID, label=NAME)


def failing(shop: HostileShop) -> None:
    shop.add(NEXT, ID, f"op.create_table('halves', sa.Column('id', sa.Integer()))\n{FAIL}")


def failed(shop: HostileShop) -> None:
    failing(shop)
    assert shop.promote().code == 6


def edited(shop: HostileShop) -> None:
    (file,) = (shop.path / "migrations/versions").glob("*##*")
    file.write_text(file.read_text("utf-8").replace("print(words", "print(1, words"), "utf-8")


def lost(shop: HostileShop) -> None:
    (file,) = (shop.path / "migrations/versions").glob("*##*")
    file.unlink()


def two_heads(shop: HostileShop) -> None:
    for revision in (NEXT, OTHER):
        shop.add(revision, ID, label=f"{revision} {NAME}")
        shop.commit()


def two_messages(shop: HostileShop) -> None:
    """Two heads whose messages end the docstring that they are written into."""
    for revision in (NEXT, OTHER):
        file = shop.add(revision, ID)
        text = file.read_text("utf-8")
        message = f"{ENDS_DOCSTRING}\n\n"
        file.write_text(repr(message) + text[text.index("\nfrom alembic") :], "utf-8")


def without_rows(shop: HostileShop) -> None:
    run_statements(database(shop), ["DROP TABLE alembic_version", "DROP TABLE ci_migrate_ledger"])


def without_rows_and_changed(shop: HostileShop) -> None:
    without_rows(shop)
    name = LINES.replace('"', '""').replace("%", "%%")
    run_statements(database(shop), [f'CREATE TABLE "other {name}" (id INTEGER)'])


def strange_rows(shop: HostileShop) -> None:
    row = LINES.replace("'", "''")
    run_statements(database(shop), [f"INSERT INTO alembic_version VALUES ('{row}')"])


def strange_store(shop: HostileShop) -> None:
    """Change what the records beside the backups say, and add some that cannot be read."""
    (run,) = shop.store.glob(f"dev-*{RUN_SUFFIX}")
    (backup,) = set(shop.store.glob("dev-*.json")) - {run}
    content = json.loads(run.read_text("utf-8"))
    for row in content["rows"]:
        row.update(
            run_id=NAME,
            command=LINES,
            outcome=LINES,
            actor=LINES,
            message=LINES,
            run_url=LINES,
            failure=None,
        )
        row.update(commit_sha=LINES, from_rows=json.dumps([LINES]), to_rows=json.dumps([LINES]))
    run.with_name(f"dev-20261101T120000Z-y{RUN_SUFFIX}").write_text(json.dumps(content), "utf-8")
    manifest = parse_manifest(backup.read_bytes(), backup.name)
    words = dict.fromkeys(
        ("location", "verified", "run_id", "run_url", "command", "backend", "host"), LINES
    )
    changed = replace(manifest, **words, heads=(LINES,), tables=((None, LINES),))
    backup.write_bytes(render_manifest(changed))
    for ending in (".json", RUN_SUFFIX):
        (shop.store / f"dev-20261101T120000Z-{LINES}{ending}").write_text("{}", "utf-8")


def strange_id(shop: HostileShop) -> None:
    shop.add(LINES, ID)


def database(shop: HostileShop) -> str:
    return f"sqlite:///{shop.path}/dev.db"


def case(
    command: str,
    *codes: int,
    prepare: Callable[[HostileShop], None] = nothing,
    more: tuple[str, ...] = DEV,
) -> Case:
    return Case(argv=(*command.split(), *more), codes=frozenset(codes), prepare=prepare)


CASES = [
    case("promote", 6, prepare=failing),
    case("promote", 0, prepare=pending),
    case("promote", 3, prepare=strange_rows),
    case("promote", 3, prepare=two_heads),
    case("promote", 3, prepare=strange_id),
    case("promote", 0, more=("--environment", "production")),
    case("promote", 2, more=("--environment", LINES)),
    case("promote", 2, more=(f"--{LINES}",)),
    case("plan", 0, prepare=pending),
    case("plan --static", 0, prepare=pending),
    case("rollback --advise", 0),
    case("rollback", 0, more=SURE),
    case("check --base HEAD", 3, prepare=edited, more=()),
    case("check", 2, 3, more=("--base", LINES)),
    case("status", 0, prepare=failed, more=()),
    case("status", 0, prepare=strange_rows, more=()),
    case("history", 0, prepare=failed),
    case("history --from store", 0, prepare=strange_store),
    case("heads", 3, prepare=two_heads, more=()),
    case("heads", 2, prepare=two_heads, more=("--against", LINES)),
    case("merge", 0, prepare=two_heads, more=()),
    case("merge", 0, prepare=two_messages, more=()),
    case("merge --dry-run", 0, prepare=two_heads, more=("--message", LINES)),
    case("rebase --not-in production", 0, prepare=two_heads, more=(NEXT, "--onto", OTHER)),
    case("rebase", 2, more=(LINES,)),
    case("adopt", 0, prepare=without_rows),
    case("adopt", 3, prepare=without_rows_and_changed),
    case("recover --dry-run", 0, prepare=lost),
    case("recover --restore-file", 0, prepare=lost),
    case("recover", 0, prepare=lost, more=SURE),
    case("recover --dry-run", 3, prepare=failed),
    case("recover --undo", 6, prepare=failed, more=SURE),
    case("recover --finish", 3, prepare=failed, more=SURE),
    case("recover --dry-run", 3, prepare=strange_rows),
    case("backup take", 0),
    case("backup list", 0, prepare=strange_store),
    case("backup verify --all", 0, 4, prepare=strange_store),
    case("backup verify", 2, 4, more=(*DEV, LINES)),
    case("backup restore", 0, more=SURE),
    case("backup restore", 0, more=(*DEV, "--into", f"sqlite:///{PLACE}.db")),
    case("backup prune --keep 1 --dry-run", 0, prepare=strange_store),
    case("ledger reconcile", 3, prepare=strange_store),
    case("ledger reconcile --write", 0, prepare=strange_store),
    case("config check", 0, more=()),
    case("config check", 2, more=("--config", f"{NAME}.yml")),
    case("config schema", 0, more=()),
]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> HostileShop:
    """The shop, which each test gets as it is here, and at the same place."""
    shop = build_hostile_shop(tmp_path_factory.mktemp("hostile"), "sqlite:///dev.db")
    shutil.copytree(shop.path, shop.path.with_name("kept"))
    return shop


@pytest.fixture
def shop(ready: HostileShop, slack: SlackServer) -> HostileShop:
    shutil.rmtree(ready.path)
    shutil.copytree(ready.path.with_name("kept"), ready.path)
    return replace(ready, slack=slack)


@pytest.mark.parametrize("tried", CASES, ids=str)
def test_a_command(tried: Case, shop: HostileShop) -> None:
    tried.prepare(shop)
    step = shop.run(*tried.argv)
    assert step.code in tried.codes, step.output


def with_json() -> list[Case]:
    return [tried for tried in CASES if has_json(tried.argv)]


def has_json(argv: tuple[str, ...]) -> bool:
    return any("--json" in option.opts for option in find(argv).params)


def test_what_merge_writes_is_a_revision_and_no_code_of_a_message(shop: HostileShop) -> None:
    two_messages(shop)
    assert shop.run("merge").code == 0
    assert shop.run("heads", "--json", "-").result["blocked"] is False
    (file,) = (shop.path / "migrations/versions").glob("*_merge_*.py")
    exec(compile(file.read_text("utf-8"), str(file), "exec"), {})
    assert not Path("forged").exists()


def find(argv: tuple[str, ...]) -> click.Command:
    """Return the command that arguments name, which may be one of a group."""
    command: click.Command = main
    for word in argv:
        if not isinstance(command, click.Group):
            break
        command = command.commands[word]
    return command


@pytest.mark.parametrize("tried", with_json(), ids=str)
def test_a_command_that_gives_json(tried: Case, shop: HostileShop) -> None:
    tried.prepare(shop)
    step = shop.run(*tried.argv, "--json", "-", CI_MIGRATE_DEBUG="1")
    assert step.code in tried.codes, step.output
    assert step.result is not None or step.code == int(ExitCode.USAGE), step.output


def leaves(group: click.Group = main) -> Iterator[click.Command]:
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from leaves(command)
        else:
            yield command


def test_every_command_is_tried() -> None:
    tried = {id(find(case.argv)) for case in CASES}
    missing = [command.name for command in leaves() if id(command) not in tried]
    assert missing == [], "a new command is tried here, too"
