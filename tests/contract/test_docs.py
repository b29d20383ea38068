"""The documentation says what the code does: commands, keys, gates, kinds, examples and links."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml

from ci_migrate import errors
from ci_migrate.backup.backends.registry import BACKENDS
from ci_migrate.cli.main import main
from ci_migrate.config.load import parse_config
from ci_migrate.config.schema import json_schema
from ci_migrate.database.ledger_table import ledger_table
from ci_migrate.errors import CiMigrateError, InterruptedRunError, ToldError
from ci_migrate.gates.check import GATES, ROLLBACK_GATES
from tests.contract.documents import (
    DOCS,
    REFERENCE,
    Block,
    Page,
    first_cells,
    list_pages,
    read_page,
)
from tests.contract.source import ROOT
from tests.promotion import tool

PAGES = list_pages()
YAML_BLOCKS = [
    pytest.param(page, block, id=f"{page.name}:{block.line}")
    for page in PAGES
    for block in page.blocks("yaml", "yml")
]


def commands(group: click.Group, prefix: str = "ci-migrate") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name."""
    for name, command in group.commands.items():
        yield f"{prefix} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")


COMMANDS = dict(commands(main))


def options(command: click.Command) -> list[click.Option]:
    """Return the options of a command but for `--help`."""
    return [param for param in command.params if isinstance(param, click.Option)]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_and_is_documented_with_exactly_its_options(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, "write a docstring"
    assert [option.name for option in options(command) if not option.help] == []
    page = read_page(REFERENCE / "commands.md")
    heading = next(h for h in (f"## `{name}`", f"### `{name}`") if f"\n{h}\n" in page.text)
    section = page.section(heading)
    if isinstance(command, click.Group):
        return
    documented = {cell.split()[0] for cell in first_cells(section)}
    assert documented == {option.opts[0] for option in options(command)}


def test_no_command_is_documented_that_does_not_exist() -> None:
    page = read_page(REFERENCE / "commands.md")
    assert set(re.findall(r"^#+ `(ci-migrate [^`]+)`$", page.text, re.M)) == set(COMMANDS)
    readme = read_page(ROOT / "README.md").section("## Commands")
    shown = {f"ci-migrate {cell}" for cell in first_cells(readme)}
    leaves = {n for n, command in COMMANDS.items() if not isinstance(command, click.Group)}
    assert shown == leaves


SECTIONS = {
    "## Top level": None,
    "## `environments.<name>`": "EnvironmentSection",
    "## `environments.<name>.backup`": "BackupSection",
    "## `environments.<name>.backup.command`": "SnapshotCommandSection",
    "## `environments.<name>.backup.rds`": "RdsSection",
    "## `environments.<name>.window`": "WindowSection",
    "## `environments.<name>.gates`": "GatesSection",
    "## `migrations`": "MigrationsSection",
    "## `migrations.command`": "CommandSection",
    "## `migrations.allow_edit`": "AllowedEdit",
    "## `ledger`": "LedgerSection",
    "## `notify`": "NotifySection",
    "## `notify.slack`": "SlackSection",
}


def test_every_section_of_the_configuration_has_a_heading() -> None:
    assert set(json_schema()["$defs"]) == set(SECTIONS.values()) - {None}


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_of_the_configuration_has_exactly_its_keys(heading: str) -> None:
    schema: dict[str, Any] = json_schema()
    section = schema["$defs"][SECTIONS[heading]] if SECTIONS[heading] else schema
    rows = re.findall(
        r"^\| `(\w+)` \|([^|]*)\| ",
        read_page(REFERENCE / "configuration.md").section(heading),
        re.M,
    )
    documented = {key: default.strip() for key, default in rows}
    assert set(documented) == set(section["properties"])
    required = {key for key, default in documented.items() if default == "required"}
    assert required == set(section.get("required", ()))
    for key, rule in section["properties"].items():
        default = rule.get("default")
        if isinstance(default, (str, int)):
            default = str(default).lower() if isinstance(default, bool) else default
            assert f"`{default}`" in documented[key], f"the default of {key} is {default}"


def test_the_committed_schema_is_what_the_command_prints() -> None:
    printed = subprocess.run(
        [*tool(), "config", "schema"], cwd=ROOT, capture_output=True, check=True, encoding="utf-8"
    )
    assert (REFERENCE / "config.schema.json").read_text(encoding="utf-8") == printed.stdout


@pytest.mark.parametrize("name", {**GATES, **ROLLBACK_GATES})
def test_a_gate_has_a_page_that_begins_with_its_name(name: str) -> None:
    page = read_page(REFERENCE / "gates" / f"{name}.md")
    assert page.text.startswith(f"# Gate `{name}`\n")
    assert f"reference/gates/{name}.md" in read_page(DOCS / "README.md").links()


def test_no_gate_is_documented_that_does_not_exist() -> None:
    assert {path.stem for path in (REFERENCE / "gates").glob("*.md")} == {*GATES, *ROLLBACK_GATES}


def test_every_backend_is_documented() -> None:
    cells = first_cells(read_page(REFERENCE / "backups.md").text)
    assert set(BACKENDS) | {"none"} <= set(cells)


def failures() -> dict[str, type[ToldError]]:
    """Return the classes of errors by their kind."""
    found = [v for v in vars(errors).values() if isinstance(v, type)]
    return {v.kind: v for v in found if issubclass(v, (CiMigrateError, InterruptedRunError))}


def test_every_kind_of_error_is_documented_with_its_exit_code() -> None:
    page = read_page(REFERENCE / "errors.md")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| *(\d*) *\|", page.text, re.M))
    assert set(rows) == {*failures(), "bug"}
    for kind, failure in failures().items():
        # Kinds without a code of their own never reach the end of a run.
        assert rows[kind] in {"", str(int(failure.exit_code))}, kind
    unreported = {"error", "no-answer", "process", "report"}
    assert {kind for kind, code in rows.items() if not code} == unreported


def test_every_kind_of_error_has_a_section_with_cause_and_cure() -> None:
    page = read_page(REFERENCE / "errors.md")
    sections = re.findall(r"^## `(.+)`$", page.text, re.M)
    assert sections == re.findall(r"^\| `([a-z-]+)` \|", page.text, re.M), "as in the table"
    assert set(sections) == {*failures(), "bug"}
    for kind in sections:
        meaning, causes, cure = re.split(
            r"\n- \*\*(?:Causes|Cure)\*\*: ", page.section(f"## `{kind}`")
        )
        assert min(len(part.strip()) for part in (meaning, causes, cure)) > 3, kind


def test_every_column_of_the_ledger_is_documented() -> None:
    cells = first_cells(read_page(REFERENCE / "ledger.md").text)
    assert set(cells) == {column.name for column in ledger_table(None).columns}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Page) -> None:
    broken = []
    for link in page.links():
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        is_there = path.exists() and path.is_relative_to(ROOT)
        has_anchor = is_there and (not anchor or anchor in read_page(path).anchors())
        if not has_anchor:
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    index = read_page(DOCS / "README.md")
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in index.links()}
    pages = {path.resolve() for path in DOCS.rglob("*.md")} - {index.path.resolve()}
    assert pages - linked == set()


@pytest.mark.parametrize(("page", "block"), YAML_BLOCKS)
def test_an_example_in_yaml_is_one(page: Page, block: Block) -> None:
    value = yaml.safe_load(block.body)
    assert isinstance(value, dict)
    if "version" in value or "environments" in value:
        parse_config(block.body.encode(), page.path.with_name("ci-migrate.yml"))
        return
    for step in steps_of(value):
        assert "uses" in step or "run" in step
        assert "${{" not in step.get("run", ""), "hand it over by env:"
        uses = step.get("uses", "")
        assert not uses or re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", uses), "pin it"


def test_there_are_examples_of_both_kinds() -> None:
    values = [yaml.safe_load(param.values[1].body) for param in YAML_BLOCKS]
    configurations = [value for value in values if "version" in value]
    assert len(configurations) >= 5
    assert len(values) - len(configurations) >= 3


def steps_of(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the steps of a workflow, or of a part of one."""
    assert {"on", True, "steps"} & set(value), "neither a configuration nor a workflow"
    yield from value.get("steps", ())
    for job in value.get("jobs", {}).values():
        assert "runs-on" in job
        yield from job["steps"]


def test_the_workflow_of_the_first_screen_has_twelve_lines() -> None:
    block = next(read_page(ROOT / "README.md").blocks("yaml"))
    assert len(block.body.splitlines()) == 12
    job = yaml.safe_load(block.body)["jobs"]["promote"]
    full = yaml.safe_load((ROOT / "workflows" / "promote.yml").read_text(encoding="utf-8"))
    assert job["environment"] == full["jobs"]["promote"]["environment"]
    assert job["steps"][0]["uses"] == full["jobs"]["promote"]["steps"][0]["uses"]


def test_a_change_that_is_not_released_names_its_kind() -> None:
    kinds = {"added", "changed", "fixed", "removed", "security"}
    for path in (ROOT / "changelog.d").iterdir():
        if path.name != "README.md":
            assert re.fullmatch(rf"[a-z0-9-]+\.({'|'.join(kinds)})\.md", path.name)
            assert path.read_text(encoding="utf-8").endswith(".\n")
