"""What must hold between the keys of `backup`; on plain values, as `rules`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_migrate.config.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EITHER = (("directory", "store"), ("identity_env", "identity_file"))


def check_backups(sections: Mapping[str, Mapping[str, object]]) -> Iterator[Problem]:
    """Yield what does not go together in the backup of an environment."""
    for name, section in sections.items():
        backup = section.get("backup")
        if not isinstance(backup, dict):
            continue
        path = ("environments", name, "backup")
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
