"""The source of a revision that no file has: from the ledger of its environment, else from git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.base_history import surroundings_at
from ci_migrate.errors import GitError, ProjectError
from ci_migrate.git.search import LostFile, find_lost_files
from ci_migrate.ledger.executed import applied_in_order
from ci_migrate.ledger.facts import Executed
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import Revision
from ci_migrate.revisions.content import content_hashes
from ci_migrate.revisions.project import Project
from ci_migrate.revisions.reader import read_revision_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSource:
    """A revision whose file is gone, with its text."""

    revision: Revision
    """As its text declares it; `file` is the name that it had, or gets."""
    source: str
    origin: str
    """Where the text comes from, in words."""
    executed: Executed | None
    """What the ledger says of its run; None when it does not know it."""


class LostSources:
    """Looks for the text of revisions in the ledger first, since that is what ran."""

    def __init__(self, ledger: Ledger, project: Project, env: Mapping[str, str]) -> None:
        self._project, self._env = project, env
        applied = applied_in_order(ledger.executions())
        self._executed = {item.revision: item for item in applied}
        known = ledger.executed()
        self._texts = {item.revision: item.source for item in known}
        self.parents = {
            item.revision: item.parents for item in known if item.revision in self._executed
        }
        """Parents that the revisions had when they ran."""

    def find(self, revision: str) -> LostSource | None:
        """Return the text of a revision; None when neither the ledger nor git has it."""
        return self._from_ledger(revision) or self._from_git(revision)

    def _from_ledger(self, revision: str) -> LostSource | None:
        executed = self._executed.get(revision)
        source = self._texts.get(revision, "")
        if not source or executed is None:
            return None
        found = read_revision_bytes(source.encode(), f"{revision}.py").revision
        if found is None or found.id != revision:
            return None
        origin = f"the ledger, as it ran on {executed.when}"
        return LostSource(revision=found, source=source, origin=origin, executed=executed)

    def _from_git(self, revision: str) -> LostSource | None:
        """Return the newest version that git has, rather one whose content is that which ran."""
        executed, first = self._executed.get(revision), None
        try:
            for lost in find_lost_files(self._project.root, self._env, revision):
                found = read_revision_bytes(lost.content, Path(lost.path).name).revision
                if found is None or found.id != revision:
                    continue
                source = lost.content.decode("utf-8", "replace").replace("\r\n", "\n")
                ran = executed is not None and executed.content_hash in self._hashes(source, lost)
                words = f"git, commit {lost.commit[:12]} by {lost.author} of {lost.date}"
                if executed is not None and executed.content_hash and not ran:
                    words += ", which is not quite what ran here"
                candidate = LostSource(
                    revision=found, source=source, origin=words, executed=executed
                )
                if ran:
                    return candidate
                first = first or candidate
        except GitError:
            return first
        return first

    def _hashes(self, source: str, lost: LostFile) -> tuple[str, ...]:
        """Return every hash of a text with the modules around it as its commit has them."""
        around = surroundings_at(self._project, self._env, lost.commit)
        try:
            return content_hashes(source, lost.path, around)
        except ProjectError:
            return ()
