"""The repository's Markdown as pages with links, anchors, code blocks and table rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.contract.source import ROOT

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>\w*)\n(?P<body>.*?)^(?P=fence)$", re.M | re.S)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.M)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of code."""

    language: str
    body: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """The path as it is shown."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return _FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> Iterator[Block]:
        """Yield the blocks of code in some languages."""
        for found in _FENCE.finditer(self.text):
            if found["language"] in languages:
                line = self.text.count("\n", 0, found.start()) + 1
                yield Block(language=found["language"], body=found["body"], line=line)

    def links(self) -> list[str]:
        """Return the targets of all links."""
        return _LINK.findall(self.prose)

    def anchors(self) -> set[str]:
        """Return the anchors of the headings, as GitHub makes them."""
        return {_anchor(heading) for heading in _HEADING.findall(self.prose)}

    def section(self, heading: str) -> str:
        """Return the text below a heading, up to the next one of its level or higher."""
        level = heading.partition(" ")[0]
        found = re.search(
            rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", self.text, re.M | re.S
        )
        assert found, f"{self.name} has no heading {heading!r}"
        return found[1]


def read_page(path: Path) -> Page:
    """Read one file."""
    return Page(path=path, text=path.read_text(encoding="utf-8"))


def list_pages() -> list[Page]:
    """Read the Markdown of the repository: its root, docs, changelog.d and tests."""
    paths = [
        *ROOT.glob("*.md"),
        *(ROOT / "changelog.d").glob("*.md"),
        *DOCS.rglob("*.md"),
        ROOT / "tests" / "README.md",
        ROOT / "tests" / "projects" / "README.md",
    ]
    return [read_page(path) for path in sorted(paths)]


def first_cells(text: str) -> list[str]:
    """Return the names in backticks in the first cells of all table rows."""
    cells = re.findall(r"^\| ([^|]+) \|", text, re.M)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")
