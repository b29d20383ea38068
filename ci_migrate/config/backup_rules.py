"""What must hold between the keys of `backup`; on plain values, as `rules`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_migrate.config.problems import KeyPath, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SNAPSHOTS = ("command", "rds")
"""Backends that keep the rows elsewhere: the archive is the name of a snapshot, and the key of that name says how."""
_EITHER = (("directory", "store"), ("identity_env", "identity_file"))
_OF_DUMPS = (
    "encrypt_to",
    "identity_env",
    "identity_file",
    "format",
    "jobs",
    "compress",
    "exclude_schemas",
    "exclude_tables",
)


def check_backups(sections: Mapping[str, Mapping[str, object]]) -> Iterator[Problem]:
    """Yield what does not go together in the backup of an environment."""
    for name, section in sections.items():
        backup = section.get("backup")
        path = ("environments", name, "backup")
        settings = backup if isinstance(backup, dict) else {"backend": backup}
        yield from _check_snapshots(settings, path)
        yield from _check_trial(settings, section, ("environments", name))
        if not isinstance(backup, dict):
            continue
        for first, second in _EITHER:
            if backup.get(first) is not None and backup.get(second) is not None:
                yield Problem(
                    path=(*path, second),
                    what=f"`{first}` is set, too",
                    suggestion="name one of the two",
                )
        jobs = backup.get("jobs")
        if isinstance(jobs, int) and jobs > 1 and backup.get("format") != "directory":
            yield Problem(
                path=(*path, "jobs"),
                what="several connections cannot write one file",
                suggestion="add `format: directory`",
            )


def _check_snapshots(backup: Mapping[str, object], path: KeyPath) -> Iterator[Problem]:
    """Yield what is missing for a backend that makes snapshots, or what only makes sense for a dump."""
    backend = backup.get("backend")
    for kind in SNAPSHOTS:
        if backend == kind and backup.get(kind) is None:
            what = f"the backend `{kind}` needs the key `{kind}` beside it"
            yield Problem(path=(*path, kind), what=what, suggestion="say there what it works with")
        elif backup.get(kind) is not None and backend in (None, "auto"):
            what = f"nothing uses it: the backend is not `{kind}`"
            yield Problem(path=(*path, kind), what=what, suggestion=f"add `backend: {kind}`")
    rds = backup.get("rds")
    if isinstance(rds, dict) and (rds.get("instance") is None) == (rds.get("cluster") is None):
        yield Problem(
            path=(*path, "rds"),
            what="name either `instance` or `cluster`",
            suggestion="one of them",
        )
    for key in _OF_DUMPS if backend in SNAPSHOTS else ():
        if backup.get(key) is not None:
            what = f"the backend `{backend}` writes no dump that this could be for"
            yield Problem(path=(*path, key), what=what, suggestion="leave it out")


def _check_trial(
    backup: Mapping[str, object], section: Mapping[str, object], path: KeyPath
) -> Iterator[Problem]:
    """Yield what asks for a restore on a scratch database where there is nothing to restore, or no way."""
    rehearses = section.get("rehearse") not in (None, False)
    if not rehearses and backup.get("prove") != "restore":
        return
    key = (*path, "rehearse") if rehearses else (*path, "backup", "prove")
    if backup.get("backend") == "none":
        yield Problem(
            path=key, what="needs a backup, but the backend is `none`", suggestion="take one"
        )
    elif backup.get("backend") == "rds":
        what = "a snapshot of RDS becomes a new instance, which no scratch database can stand for"
        yield Problem(path=key, what=what, suggestion="leave it out, or take dumps")
    elif backup.get("backend") == "mariadb-backup":
        what = "the copy of a whole server cannot be loaded into a scratch database"
        yield Problem(path=key, what=what, suggestion="leave it out, or take `backend: mysql`")
    elif _has_no_restore(backup):
        what = "needs a way to restore, but `backup.command` has no `restore`"
        yield Problem(path=key, what=what, suggestion="name one that fills any database")


def _has_no_restore(backup: Mapping[str, object]) -> bool:
    command = backup.get("command")
    if backup.get("backend") != "command" or not isinstance(command, dict):
        return False
    return command.get("restore") is None
