"""The heads of the working directory, and of what a merge of its commit would make."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ci_migrate.config.environment import Migrations
from ci_migrate.errors import ProjectError
from ci_migrate.git.merge import merge_files
from ci_migrate.git.origin import find_origin
from ci_migrate.git.program import ask_git
from ci_migrate.git.tree import read_files, resolve_commit
from ci_migrate.heads.explanation import Explanation, explain_heads
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.merge_command import merge_command
from ci_migrate.revisions.problem import Problem
from ci_migrate.revisions.project import Project
from ci_migrate.revisions.reader import REVISION_FILE, read_revision_bytes, read_source
from ci_migrate.revisions.sources import find_broken_sources, find_broken_texts
from ci_migrate.revisions.syntax import decode_source
from ci_migrate.survey import History, read_project
from ci_migrate.untold import not_text, refuse_unread

MINE = "this commit"


def look_at_heads(migrations: Migrations, root: Path, env: Mapping[str, str]) -> Explanation:
    """Explain the heads of the working directory; no database is asked, nothing of the user's runs.

    Raises ProjectError when the files alone do not tell the history.
    """
    history = read_project(migrations, root, env)
    refuse_unread(history, migrations.heads)
    broken = find_broken_sources(history.graph.revisions.values(), history.project.root)
    history = replace(history, problems=history.problems + broken)
    return explain_history(history, migrations.heads, env)


def explain_history(
    history: History, intended: tuple[str, ...], env: Mapping[str, str]
) -> Explanation:
    """Explain the heads of a history that was read from files; `intended` is `migrations.heads`."""
    project = history.project

    def read(file: str) -> str:
        with suppress(ProjectError):  # a file that cannot be read is one of the problems
            return read_source(project.root / file, file)
        return ""

    explanation = explain_heads(
        history.graph,
        intended,
        read=read,
        find_origin=partial(find_origin, project.root, env),
        merge_command=merge_command(project),
        problems=history.problems + history.graph.problems(),
        unlabelled=history.unlabelled,
    )
    return replace(explanation, notes=history.project.notes)


def look_at_merge(
    migrations: Migrations, root: Path, env: Mapping[str, str], against: str, mine: str = "HEAD"
) -> Explanation:
    """Explain the heads that merging a commit with the ref `against` would make; nothing is checked out.

    Raises GitError when git lacks one of the commits, ProjectError when files do not tell the history.
    """
    project = find_readable(migrations, root, env)
    return explain_merge(project, migrations.heads, env, against, mine)


def find_readable(migrations: Migrations, root: Path, env: Mapping[str, str]) -> Project:
    """Return the project of the working directory; raises ProjectError when text does not tell its history."""
    history = read_project(migrations, root, env)
    refuse_unread(history, ())
    return history.project


def explain_merge(
    project: Project, intended: tuple[str, ...], env: Mapping[str, str], against: str, mine: str
) -> Explanation:
    """Explain the heads that merging `mine` with `against` would make; see `look_at_merge`."""
    ours, theirs = (resolve_commit(project.root, env, ref) for ref in (against, mine))
    merged = merge_files(project.root, env, ours, theirs, project.version_locations)
    base = read_files(project.root, env, ours, project.version_locations)
    text = read_graph(project, merged.files)
    graph, problems = text.graph, text.problems
    declared = {item.file for item in graph.revisions.values()}
    changed = {path: data for path, data in merged.files.items() if base.get(path) != data}
    problems += find_broken_texts({path: changed[path] for path in changed if path in declared})

    def read(file: str) -> str:
        with suppress(ProjectError):
            return decode_source(merged.files[file], file)
        return ""

    explanation = explain_heads(
        graph,
        intended,
        read=read,
        find_origin=lambda file: find_origin(project.root, env, file, (ours, theirs)),
        merge_command=merge_command(project),
        problems=problems,
        unlabelled=text.unlabelled,
    )
    known = read_graph(project, base).graph.revisions
    heads = tuple(
        replace(head, side=against if head.revision in known else MINE)
        for head in explanation.heads
    )
    return replace(
        explanation,
        heads=heads,
        against=against,
        conflicts=merged.conflicts,
        notes=(*project.notes, *_uncommitted(project, env, mine)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TextHistory:
    """What revision files say that are not on disk."""

    graph: Graph
    problems: tuple[Problem, ...]
    """Defects of the files and of the graph."""
    unlabelled: tuple[str, ...]
    """Why branch labels of some are not known."""


def read_graph(project: Project, files: Mapping[str, bytes]) -> TextHistory:
    """Read the graph and the defects of revision files that are not on disk.

    `files` are contents by path from the project's root. Raises ProjectError for a file that only running
    it would tell.
    """
    revisions, problems, unlabelled = [], [], []
    for path in sorted(files):
        if not _counts(project, path):
            continue
        parsed = read_revision_bytes(files[path], path)
        if parsed.revision:
            revisions.append(parsed.revision)
            unlabelled += [parsed.unreadable] if parsed.unreadable else []
        elif parsed.unreadable:
            raise not_text((parsed.unreadable,))
        if parsed.problem:
            problems.append(parsed.problem)
    graph = Graph(revisions)
    return TextHistory(
        graph=graph, problems=(*problems, *graph.problems()), unlabelled=tuple(unlabelled)
    )


def _counts(project: Project, path: str) -> bool:
    """Return whether Alembic would load a file: by its name, and in subfolders only where it is told so."""
    whole = project.root / path
    if not REVISION_FILE.match(whole.name) or "__pycache__" in whole.parts:
        return False
    return project.recursive or whole.parent in project.version_locations


def _uncommitted(project: Project, env: Mapping[str, str], mine: str) -> tuple[str, ...]:
    if mine != "HEAD":
        return ()
    folders = [str(folder) for folder in project.version_locations]
    answer = ask_git(project.root, env, "status", "--porcelain", "-z", "--", *folders)
    count = len([part for part in (answer or "").split("\0") if part])
    return (
        (f"{count} changes to revision files are not committed and not counted",) if count else ()
    )
