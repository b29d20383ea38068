"""A revision that is to run, and what its text says."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ci_migrate.plain_revision import is_plain_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the text of a revision says that only its syntax tree tells."""

    content_hash: str
    """Hash of what the revision does (canonical syntax tree); empty when its source is not readable, or no Python."""
    former_hashes: tuple[str, ...] = ()
    """What older records call the same content."""
    atomic: bool
    """Whether a failure leaves nothing of it behind on this database."""
    why_not_atomic: str = ""


@dataclass(frozen=True, kw_only=True)  # no slots: cached_property keeps its value in __dict__
class PendingRevision:
    """A revision that is to run; of a rollback, the one that is to be taken back."""

    revision: str
    message: str
    file: str | None
    parents: tuple[str, ...]
    source: str
    """Text of the file, kept in the ledger so that a deleted revision can come back."""
    read_content: Callable[[], Content] = field(repr=False, compare=False)
    """Reads `content`: about 0.5 ms, and so only when somebody asks, and once."""
    plain_is_atomic: bool = False
    """Whether on this database a failure takes back all that Alembic's own operations do."""

    @functools.cached_property
    def content(self) -> Content:
        """What the text of the revision says; read when it is first asked for."""
        return self.read_content()

    @property
    def is_read(self) -> bool:
        """Whether somebody has asked for `content`."""
        return "content" in self.__dict__

    @functools.cached_property
    def is_atomic(self) -> bool:
        """Whether a failure leaves nothing of it behind on this database, told by its words where these suffice."""
        is_told = self.plain_is_atomic and not self.is_read and bool(self.source)
        return (is_told and is_plain_text(self.source)) or self.content.atomic

    def read_now(self) -> None:
        """Read `content`, and keep it: what comes beside `source` may be another later, or there is time for it now."""
        _ = self.content

    def is_known_as(self, content_hash: str) -> bool:
        """Return whether a record with this hash means the same content."""
        known = {self.content.content_hash, *self.content.former_hashes}
        return bool(content_hash) and content_hash in known

    def with_atomic(self, *, atomic: bool) -> PendingRevision:
        """Return the revision as one that is atomic, or is not, whatever its text says."""
        return replace(
            self,
            read_content=lambda: replace(self.content, atomic=atomic),
            plain_is_atomic=False,
        )
