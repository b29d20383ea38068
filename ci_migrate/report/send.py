"""Sends a finished promotion to every reporter that is there; a failing one is a warning, no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from ci_migrate.errors import InterruptedRunError, ReporterError
from ci_migrate.github.commands import annotation
from ci_migrate.github.files import append_summary, write_outputs
from ci_migrate.http_client import post_json
from ci_migrate.models import GateOutcome, GateResult, Outcome, Promotion
from ci_migrate.report.console import Console
from ci_migrate.report.markdown import render_markdown
from ci_migrate.report.result import build_outputs, render_result
from ci_migrate.report.slack import post_to_slack
from ci_migrate.stops import taken_stops


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporters:
    """Where a promotion is told; None switches a reporter off."""

    console: Console
    is_github: bool = False
    json_file: Path | TextIO | None = None
    summary_file: Path | None = None
    outputs_file: Path | None = None
    slack_webhook: str | None = None
    root_in_repository: str = ""
    """Folder of the configuration, relative to the repository, for annotations."""
    repository: Path | None = None
    """Where the repository is checked out."""


def send_reports(promotion: Promotion, reporters: Reporters) -> Promotion:
    """Tell every reporter; return the promotion with a warning for each that failed."""
    console = reporters.console
    if reporters.is_github:
        for line in _annotations(promotion, reporters):
            console.write_command(line)
    started, told = time.monotonic(), []
    for name, send in _deliveries(reporters, promotion):
        try:
            send(promotion)
            told.append(name)
        except (ReporterError, InterruptedRunError) as exc:
            promotion = _warn(promotion, console, f"{name} was not told: {exc.message}")
        except Exception as exc:  # noqa: BLE001 - the work is done: a mistake of ours must not hide how it ended
            bug = f"{name} was not told, by a bug in ci-migrate, please report it: {type(exc).__name__}: {exc}"
            promotion = _warn(promotion, console, bug)
    if told:
        console.stage_ended("report", ", ".join(told), time.monotonic() - started)
    console.tell(promotion)
    return promotion


def _warn(promotion: Promotion, console: Console, text: str) -> Promotion:
    console.warn(text)
    return replace(promotion, warnings=(*promotion.warnings, text))


def _deliveries(
    reporters: Reporters, promotion: Promotion
) -> Iterator[tuple[str, Callable[[Promotion], None]]]:
    """Yield the reporters in an order in which the last ones can still tell of the first.

    A run that was told to stop is killed soon: then Slack, which may be slow, comes last.
    """
    is_stopped = (
        promotion.failure is not None and promotion.failure.kind == InterruptedRunError.kind
    )
    if not is_stopped:
        yield from _slack(reporters, promotion, hurried=False)
    yield from _files(reporters)
    if is_stopped:
        yield from _slack(reporters, promotion, hurried=True)


def _slack(
    reporters: Reporters, promotion: Promotion, *, hurried: bool
) -> Iterator[tuple[str, Callable[[Promotion], None]]]:
    webhook = reporters.slack_webhook

    def post(url: str, message: dict[str, Any]) -> tuple[int, str]:
        # It may be slow. Files are written at once, and never by halves.
        with taken_stops():
            return post_json(url, message, hurried=hurried)

    if webhook and promotion.outcome is not Outcome.NOTHING_TO_DO:
        yield "Slack", lambda told: post_to_slack(told, webhook, post)


def _files(reporters: Reporters) -> Iterator[tuple[str, Callable[[Promotion], None]]]:
    summary, outputs, result = reporters.summary_file, reporters.outputs_file, reporters.json_file
    if summary:
        yield "job summary", lambda told: _append(summary, told)
    if outputs:
        yield "step outputs", lambda told: _write_outputs(outputs, told)
    if result:
        yield "JSON result", lambda told: _write_json(result, told)


def _append(path: Path, promotion: Promotion) -> None:
    append_summary(path, render_markdown(promotion))


def _write_outputs(path: Path, promotion: Promotion) -> None:
    write_outputs(path, build_outputs(promotion))


def _write_json(target: Path | TextIO, promotion: Promotion) -> None:
    text = render_result(promotion)
    try:
        if isinstance(target, Path):
            target.write_text(text, encoding="utf-8")
        else:
            target.write(text)
            target.flush()
    except OSError as exc:
        raise ReporterError(f"{target} cannot be written: {exc.strerror}") from exc


def _annotations(promotion: Promotion, reporters: Reporters) -> Iterator[str]:
    title = f"ci-migrate: {promotion.outcome.value}"
    for gate in promotion.gates:
        if gate.outcome is GateOutcome.FAILED:
            yield _gate_annotation(gate, reporters)
    failure = promotion.failure
    if failure is not None and promotion.outcome is not Outcome.BLOCKED:
        text = failure.message + (f"\n{failure.next}" if failure.next else "")
        file = _in_repository(failure.file, reporters)
        yield annotation("error", text, file=file, line=failure.line, title=title)


def _gate_annotation(gate: GateResult, reporters: Reporters) -> str:
    text = gate.message + (f"\n{gate.next_step}" if gate.next_step else "")
    file = _in_repository(gate.file, reporters)
    return annotation(
        "error", text, file=file, line=gate.line, title=f"ci-migrate gate {gate.name}"
    )


def _in_repository(file: str | None, reporters: Reporters) -> str | None:
    """Return a file as GitHub knows it; None for one that lies outside."""
    if file is None:
        return None
    path, top, folder = Path(file), reporters.repository, reporters.root_in_repository
    if path.is_absolute():  # of a project beside the folder of the configuration
        is_inside = top is not None and path.is_relative_to(top)
        return path.relative_to(top).as_posix() if top is not None and is_inside else None
    return f"{folder}/{file}" if folder not in {"", "."} else file
