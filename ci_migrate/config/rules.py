"""What must hold between keys; on plain values, so that it is told together with wrong types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_migrate.config.backup_rules import check_backups
from ci_migrate.config.common_branch import find_common_branch
from ci_migrate.config.expand import TemplateError, parse_template
from ci_migrate.config.problems import KeyPath, Problem, show_value, suggest_name
from ci_migrate.config.select import is_literal, match_branch
from ci_migrate.config.urls import check_urls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_EXPANDED_OF_ENVIRONMENT = frozenset({"url", "lock_url", "scratch_url", "backup", "notify"})


def find_broken_rules(value: Mapping[str, object]) -> list[Problem]:
    """Return the problems of a configuration whose types may be wrong elsewhere."""
    environments = value.get("environments")
    sections = (
        {name: section for name, section in environments.items() if isinstance(section, dict)}
        if isinstance(environments, dict)
        else {}
    )
    return [
        *_check_promote_from(sections),
        *_check_branches(sections),
        *_check_databases(sections),
        *_check_windows(sections),
        *check_backups(sections),
        *_check_rehearsals(sections, value.get("migrations")),
        *check_urls(value),
        *_check_templates(value, ()),
    ]


def _check_promote_from(sections: Mapping[str, Mapping[str, object]]) -> Iterator[Problem]:
    before = {
        name: section["promote_from"]
        for name, section in sections.items()
        if isinstance(section.get("promote_from"), str)
    }
    told: set[object] = set()
    for name, source in before.items():
        path = ("environments", name, "promote_from")
        if source == name:
            yield Problem(path=path, what="an environment cannot be promoted from itself")
        elif source not in sections:
            yield Problem(
                path=path,
                what="there is no environment of this name",
                shown=show_value(path, source),
                suggestion=suggest_name(
                    str(source), (other for other in sections if other != name)
                ),
            )
        elif name not in told and (cycle := _find_cycle(name, before)):
            told.update(cycle)
            what = f"goes round in a circle: {show_value((), ' → '.join([*cycle, name]))}"
            yield Problem(path=path, what=what, suggestion="the first environment has none")


def _find_cycle(start: str, before: Mapping[str, object]) -> list[str]:
    """Return the names from `start` back to it, or nothing when the way ends elsewhere."""
    way = [start]
    while True:
        source = before.get(way[-1])
        if source == start:
            return way
        if not isinstance(source, str) or source in way:
            return []
        way.append(source)


def _check_branches(sections: Mapping[str, Mapping[str, object]]) -> Iterator[Problem]:
    globs = [
        (name, path, glob)
        for name, section in sections.items()
        for path, glob in _list_branches(name, section.get("branches"))
    ]
    for _, path, glob in globs:
        if glob.startswith("refs/"):
            suggestion = "write the name alone, without `refs/heads/`"
            yield Problem(
                path=path, what="not a branch name", shown=glob[:60], suggestion=suggestion
            )
        elif glob[:1] in {"!", "+"}:
            what = "nothing is taken out again here, as in GitHub's own filters"
            suggestion = "write the globs that are meant"
            yield Problem(path=path, what=what, shown=glob[:60], suggestion=suggestion)
        elif "${" in glob:
            yield Problem(path=path, what="variables are not filled in here", shown=glob[:60])
    wild = [entry for entry in globs if not is_literal(entry[2])]
    first: dict[str, str] = {}
    for name, path, glob in globs:
        other = first.setdefault(glob, name)
        if other == name and is_literal(glob):
            other = next((n for n, _, g in wild if n != name and match_branch(glob, g)), name)
        elif other == name:
            yield from _check_overlap(name, path, glob, wild)
        if other != name:
            yield Problem(
                path=path,
                what=f"the environment {show_value((), other)} claims this branch too",
                shown=show_value(path, glob),
                suggestion="a branch belongs to one environment",
            )


def _check_overlap(
    name: str, path: KeyPath, glob: str, wild: Sequence[tuple[str, KeyPath, str]]
) -> Iterator[Problem]:
    """Yield a glob that covers a branch which an earlier one of another environment covers as well."""
    earlier = wild[: next(at for at, entry in enumerate(wild) if entry[1] == path)]
    for other, _, theirs in earlier:
        common = find_common_branch(glob, theirs) if other != name else None
        if common is not None:
            yield Problem(
                path=path,
                what=f"the environment {show_value((), other)} claims some of these branches too, such as"
                f" {show_value((), common)}",
                shown=show_value(path, glob),
                suggestion="a branch belongs to one environment",
            )
            return


def _check_databases(sections: Mapping[str, Mapping[str, object]]) -> Iterator[Problem]:
    """Yield a URL that is written out for two environments; a variable may have another value in each."""
    first: dict[str, str] = {}
    for name, section in sections.items():
        url = section.get("url")
        if not isinstance(url, str) or "${" in url or url.rstrip("/").endswith(":"):
            continue
        other = first.setdefault(url, name)
        if other != name:
            yield Problem(
                path=("environments", name, "url"),
                what=f"the environment {show_value((), other)} has this very URL",
                suggestion="each environment has a database of its own",
            )


def _check_windows(sections: Mapping[str, Mapping[str, object]]) -> Iterator[Problem]:
    from ci_migrate.config.window import find_window_problems

    for name, section in sections.items():
        window = section.get("window")
        if isinstance(window, dict):
            yield from find_window_problems(window, ("environments", name, "window"))


def _list_branches(name: str, branches: object) -> Iterator[tuple[KeyPath, str]]:
    path = ("environments", name, "branches")
    if isinstance(branches, str):
        yield path, branches
    elif isinstance(branches, list):
        for position, glob in enumerate(branches):
            if isinstance(glob, str):
                yield (*path, position), glob


def _check_rehearsals(
    sections: Mapping[str, Mapping[str, object]], migrations: object
) -> Iterator[Problem]:
    """Yield what asks for a rehearsal of what cannot be watched."""
    has_command = isinstance(migrations, dict) and migrations.get("command") is not None
    for name, section in sections.items():
        if has_command and section.get("rehearse") not in (None, False):
            what = (
                "`migrations.command` cannot be proved to open the copy, so it cannot be rehearsed"
            )
            path = ("environments", name, "rehearse")
            yield Problem(path=path, what=what, suggestion="leave it out")


def _check_templates(value: object, path: KeyPath) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _check_templates(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _check_templates(item, (*path, position))
    elif isinstance(value, str) and _is_expanded(path):
        try:
            parse_template(value)
        except TemplateError as exc:
            yield Problem(path=path, what=str(exc))
        if value[:1] == "$" and value[1:].isidentifier():
            yield Problem(path=path, what="a variable needs braces", suggestion=f"${{{value[1:]}}}")


def _is_expanded(path: KeyPath) -> bool:
    if path[0] == "environments":
        is_argv = path[2:4] == ("backup", "command")
        return len(path) > 2 and path[2] in _EXPANDED_OF_ENVIRONMENT and not is_argv
    if path[0] == "migrations":
        return path[1:2] not in {("command",), ("allow_edit",)}
    return path[0] in {"ledger", "notify"}
