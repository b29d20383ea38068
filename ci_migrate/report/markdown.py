"""A promotion as GitHub Markdown, for the job summary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ci_migrate.models import GateOutcome, Outcome, Promotion
from ci_migrate.redact import plain
from ci_migrate.report import prose

_SIGNS = {
    Outcome.PROMOTED: "✅",
    Outcome.NOTHING_TO_DO: "➖",
    Outcome.ROLLED_BACK: "↩️",
    Outcome.RESTORED: "↩️",
    Outcome.ADOPTED: "✅",
    Outcome.RECOVERED: "✅",
    Outcome.READY: "➕",
    Outcome.BLOCKED: "⛔",
    Outcome.FAILED: "❌",
    Outcome.PARTIAL: "🚨",
    Outcome.UNVERIFIED: "🚨",
}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>$])")


def render_markdown(promotion: Promotion) -> str:
    """Return the whole account as GitHub Markdown; foreign text is escaped."""
    return "\n".join(_lines(promotion)) + "\n"


def escape(text: str) -> str:
    """Return foreign text as one line of Markdown that shows it literally and pings nobody."""
    line = " ".join(plain(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    # Mentions and mail addresses are looked for after entities are decoded: a space of no width is between.
    return _SPECIAL.sub(r"\\\1", line).replace("@", "@&#8203;").replace("://", "&#58;//")


def code_block(text: str) -> str:
    """Return foreign text as a code block; its fence is longer than any run of backticks in it."""
    clean = plain(text)
    longest = max((len(run) for run in re.findall(r"`+", clean)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{clean}\n{fence}"


def _lines(promotion: Promotion) -> Iterator[str]:
    yield f"### {_SIGNS[promotion.outcome]} ci-migrate: {escape(prose.headline(promotion))}\n"
    yield from _table(("", ""), ((fact.label, _linked(fact)) for fact in prose.facts(promotion)))
    yield from _failure(promotion)
    yield from _gates(promotion)
    yield from _revisions(promotion)
    for passage in prose.rehearsed(promotion):
        yield f"**{escape(passage.label)}**\n\n{code_block(passage.text)}\n"
    for warning in promotion.warnings:
        yield f"> ⚠️ {escape(warning)}\n"
    if promotion.versions:
        versions = ", ".join(f"{name} {version}" for name, version in promotion.versions.items())
        yield f"<sub>{escape(versions)}</sub>"


def _failure(promotion: Promotion) -> Iterator[str]:
    for passage in prose.failure_passages(promotion):
        if passage.is_code or "\n" in passage.text:
            yield f"**{escape(passage.label)}**\n\n{code_block(passage.text)}\n"
        else:
            yield f"**{escape(passage.label)}:** {escape(passage.text)}\n"


def _gates(promotion: Promotion) -> Iterator[str]:
    if not promotion.gates:
        return
    for passage in prose.overridden_gates(promotion):
        yield f"> ⚠️ **{escape(passage.label)}**<br>{_cell(passage.text)}\n"
    failed = [gate for gate in promotion.gates if gate.outcome is GateOutcome.FAILED]
    yield from _table(
        ("Gate", "Result", ""),
        ((gate.name, gate.outcome.value, _cell(gate.message)) for gate in promotion.gates),
    )
    for gate in failed:
        if gate.next_step:
            yield f"**Next for {escape(gate.name)}**\n\n{code_block(gate.next_step)}\n"


def _revisions(promotion: Promotion) -> Iterator[str]:
    lines = list(prose.revision_lines(promotion))
    if not lines:
        return
    shown = lines[:200]
    yield from _table(
        ("Revision", "Message", "File", "State"),
        (
            (escape(r.revision), escape(r.message), escape(r.file or ""), escape(r.state))
            for r in shown
        ),
    )
    if len(lines) > len(shown):
        yield f"… and {len(lines) - len(shown)} more revisions.\n"


def _cell(text: str) -> str:
    """Return foreign text of several lines for one cell of a table."""
    return "<br>".join(escape(line) for line in plain(text).splitlines())


def _linked(fact: prose.Fact) -> str:
    value = escape(fact.value)
    if fact.url and re.fullmatch(r"https?://[^\s()<>\[\]|]+", fact.url):
        return f"[{value}]({fact.url})"
    return value


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""
