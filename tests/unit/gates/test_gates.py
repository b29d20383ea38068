"""Each gate on its own: when it passes, when it fails and what it then says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ci_migrate.gates import connection, heads, history, order, unfinished
from ci_migrate.gates.check import check_gates
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import (
    Evidence,
    GateOutcome,
    Plan,
    Remains,
    Revision,
    SourceAnswer,
    Unfinished,
)
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.problem import Problem
from tests.unit.report.samples import make_pending

PASSED, FAILED, SKIPPED = GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.SKIPPED


def revision(id_: str, *parents: str, **more: Any) -> Revision:
    return Revision(id=id_, parents=parents, file=f"versions/{id_}.py", **more)


LINE = (revision("aaaa"), revision("bbbb", "aaaa"))
FORK = (*LINE, revision("cccc", "aaaa", message="add coupons"))


def make_inputs(revisions: Iterable[Revision] = LINE, **more: Any) -> GateInputs:
    values: dict[str, Any] = {
        "environment": "staging",
        "graph": Graph(revisions),
        "plan": Plan(current=(), target=("bbbb",), pending=()),
        "problems": (),
        "intended_heads": (),
        "directory": "migrations",
        "merge_command": "alembic merge",
        "describe_origin": lambda file: None,
    }
    return GateInputs(**{**values, **more})


def test_all_gates_are_asked_so_that_all_faults_are_told() -> None:
    inputs = make_inputs(
        FORK, connection_problem="read-only", problems=(Problem(message="broken"),)
    )
    found = check_gates(inputs)
    assert [(gate.name, gate.outcome) for gate in found] == [
        ("connection", FAILED),
        ("history", FAILED),
        ("unfinished", PASSED),
        ("heads", FAILED),
        ("held", PASSED),
        ("order", SKIPPED),
        ("window", SKIPPED),
        ("approval", SKIPPED),
        ("health", SKIPPED),
        ("rehearsal", SKIPPED),
    ]


# connection


def test_a_role_that_may_migrate_passes() -> None:
    assert connection.check(make_inputs()).outcome is PASSED


def test_a_role_that_may_not_says_what_to_grant() -> None:
    found = connection.check(make_inputs(connection_problem="may not", connection_next="GRANT …;"))
    assert (found.outcome, found.message, found.next_step) == (FAILED, "may not", "GRANT …;")


# heads


@pytest.mark.parametrize(("revisions", "words"), [(LINE, "bbbb"), ((), "no revision yet")])
def test_one_head_passes(revisions: tuple[Revision, ...], words: str) -> None:
    found = heads.check(make_inputs(revisions))
    assert (found.outcome, found.message) == (PASSED, f"one head: {words}")


def test_two_heads_are_named_with_files_and_authors_and_the_exact_command() -> None:
    def origin(file: str) -> str | None:
        return "added by Ada on 2026-11-01" if file == "versions/cccc.py" else None

    found = heads.check(make_inputs(FORK, describe_origin=origin))
    assert found.outcome is FAILED
    assert found.message == (
        "2 heads:\nbbbb in versions/bbbb.py"
        "\ncccc 'add coupons' in versions/cccc.py (added by Ada on 2026-11-01)"
    )
    assert '    alembic merge -m "merge heads" bbbb cccc' in (found.next_step or "").splitlines()
    assert "migrations.heads" in (found.next_step or "")
    assert (found.file, found.line) == ("versions/bbbb.py", 1)


LABELLED = (
    revision("aaaa"),
    revision("eeee", "aaaa", labels=("expand",)),
    revision("cccc", "aaaa", labels=("contract",)),
)


@pytest.mark.parametrize("names", [("expand", "contract"), ("eeee", "cccc"), ("expand", "cccc")])
def test_heads_named_by_label_or_id_pass(names: tuple[str, ...]) -> None:
    found = heads.check(make_inputs(LABELLED, intended_heads=names))
    assert found.outcome is PASSED
    assert "cccc, eeee" in found.message


def test_descendants_of_a_label_are_meant_too() -> None:
    revisions = (*LABELLED, revision("ffff", "eeee"))
    assert (
        heads.check(make_inputs(revisions, intended_heads=("expand", "contract"))).outcome is PASSED
    )


def test_two_heads_under_one_label_are_one_too_many() -> None:
    revisions = (*LABELLED, revision("f001", "eeee"), revision("f002", "eeee"))
    found = heads.check(make_inputs(revisions, intended_heads=("expand", "contract")))
    assert found.outcome is FAILED
    assert "3 heads" in found.message
    assert found.file == "versions/f002.py"
    assert "expand, contract" in (found.next_step or "")
    # Only these belong together: the other branch is to stay.
    lines = (found.next_step or "").splitlines()
    assert "    ci-migrate merge f001 f002" in lines
    assert '    alembic merge -m "merge heads" f001 f002' in lines
    assert not any("cccc" in line for line in lines)


def test_a_name_that_is_none_is_told_and_a_head_without_one() -> None:
    found = heads.check(make_inputs(LABELLED, intended_heads=("expand", "contact")))
    step = found.next_step or ""
    assert (
        "'contact' in `migrations.heads` is no branch label and no revision: did you mean 'contract'?"
        in step
    )
    assert "cccc belongs to none of the intended heads (expand, contact)" in step
    assert "alembic merge" not in step


def test_names_that_are_nowhere_tell_that_the_files_are_the_wrong_ones() -> None:
    inputs = make_inputs(LINE, intended_heads=("expand", "contract"))
    found = heads.check(inputs)
    assert found.outcome is FAILED
    assert "expand, contract" in found.message
    assert "`migrations.versions`" in str(found.next_step)
    assert heads.check(replace(inputs, unlabelled=("a label is computed",))).outcome is PASSED
    assert heads.check(make_inputs((), intended_heads=("expand",))).outcome is PASSED
    assert heads.check(make_inputs(LINE, intended_heads=("bbbb", "later"))).outcome is PASSED


def test_a_head_that_nobody_named_fails_among_named_ones() -> None:
    found = heads.check(make_inputs(LABELLED, intended_heads=("expand",)))
    assert (found.outcome, found.file) == (FAILED, "versions/cccc.py")


@pytest.mark.parametrize("names", [("main", "side"), ("side", "main")])
def test_a_label_above_all_heads_leaves_the_others_to_those_below(names: tuple[str, ...]) -> None:
    revisions = (
        revision("aaaa", labels=("main",)),
        revision("bbbb", "aaaa", labels=("side",)),
        revision("cccc", "aaaa"),
    )
    assert heads.check(make_inputs(revisions, intended_heads=names)).outcome is PASSED


# history


def at(*rows: str) -> Plan:
    return Plan(current=rows, target=("bbbb",), pending=())


@pytest.mark.parametrize("rows", [(), ("aaaa",), ("bbbb",)])
def test_known_rows_pass(rows: tuple[str, ...]) -> None:
    found = history.check(make_inputs(plan=at(*rows)))
    assert (found.outcome, found.message) == (PASSED, "2 revisions, rows are known")


def test_a_row_that_no_file_explains_fails() -> None:
    found = history.check(make_inputs(plan=at("dead")))
    assert found.outcome is FAILED
    assert "dead" in found.message
    assert "git log --all -- migrations" in (found.next_step or "")


def test_rows_that_overlap_fail() -> None:
    found = history.check(make_inputs(plan=at("aaaa", "bbbb")))
    assert found.outcome is FAILED
    assert "aaaa is an ancestor of bbbb" in found.message


def test_faults_of_the_files_are_told_together_at_the_place_of_the_first() -> None:
    problems = tuple(
        Problem(message=f"fault {n}", file=f"{n}.py", line=n, next_step=f"mend {n}")
        for n in range(1, 8)
    )
    found = history.check(make_inputs(problems=problems))
    assert found.outcome is FAILED
    assert found.message == "fault 1; fault 2; fault 3; fault 4; fault 5 (and 6 more)"
    assert (found.file, found.line, found.next_step) == ("1.py", 1, "mend 1")


# order

PENDING = (make_pending("aaaa", "create users"), make_pending("bbbb", "add name"))


def promoted(*ids: str, content_hash: str = "h") -> dict[str, Evidence]:
    return {
        id_: Evidence(
            revision=id_,
            content_hash=content_hash,
            finished_at="2026-11-01T12:00:00Z",
            environment="dev",
        )
        for id_ in ids
    }


def pending_after(
    before: str | None = "dev", evidence: dict[str, Evidence] | None = None, **more: Any
) -> GateInputs:
    plan = Plan(current=(), target=("bbbb",), pending=PENDING)
    told = {"answers": (SourceAnswer(source="database", evidence=evidence or {}),), **more}
    return make_inputs(**{"plan": plan, "promote_from": before, **told})


def test_the_first_environment_has_none_before_it() -> None:
    assert order.check(pending_after(None)).outcome is SKIPPED


def test_nothing_pending_needs_no_evidence() -> None:
    assert order.check(make_inputs(promote_from="dev")).outcome is SKIPPED


def test_what_the_environment_before_executed_passes() -> None:
    found = order.check(pending_after(evidence=promoted("aaaa", "bbbb")))
    assert (found.outcome, found.message) == (PASSED, "dev executed all 2, with the same content")


def test_what_it_did_not_execute_blocks_by_name() -> None:
    found = order.check(pending_after(evidence=promoted("aaaa")))
    assert (found.outcome, found.message) == (FAILED, "dev has not executed bbbb 'add name'")
    assert "Promote dev" in (found.next_step or "")


def test_what_it_executed_with_other_content_blocks() -> None:
    evidence = {**promoted("aaaa"), **promoted("bbbb", content_hash="other")}
    found = order.check(pending_after(evidence=evidence))
    assert found.outcome is FAILED
    assert found.message == (
        "dev has not executed bbbb 'add name'; it ran another version of that file on"
        " 2026-11-01 12:00:00 UTC"
    )
    assert "Or roll bbbb back in dev and wherever else it ran" in (found.next_step or "")


def test_a_record_of_an_older_kind_is_compared_with_its_own_kind() -> None:
    pending = (make_pending("aaaa", content_hash="v2:new", former_hashes=("v1:old",)),)
    plan = Plan(current=(), target=("aaaa",), pending=pending)
    for known, outcome in (("v2:new", PASSED), ("v1:old", PASSED), ("v1:other", FAILED)):
        evidence = promoted("aaaa", content_hash=known)
        assert order.check(pending_after(plan=plan, evidence=evidence)).outcome is outcome


def test_no_source_that_answers_blocks_and_tells_of_each() -> None:
    silent = (
        SourceAnswer(source="database", problem="connection refused"),
        SourceAnswer(source="github", problem="GitHub is in trouble"),
    )
    found = order.check(pending_after(answers=silent))
    assert found.outcome is FAILED
    assert found.message == (
        "nothing tells what dev has executed\nits ledger: connection refused"
        "\nits deployments at GitHub: GitHub is in trouble"
    )


def test_where_nothing_has_run_yet_the_next_step_is_to_run_it() -> None:
    """The URL is right and was asked: another one would not help."""
    empty = SourceAnswer(source="database", problem="dev has no record there yet", is_empty=True)
    silent = SourceAnswer(source="github", problem="GitHub is in trouble")
    assert "Promote dev to these" in (order.check(pending_after(answers=(empty,))).next_step or "")
    unsure = order.check(pending_after(answers=(empty, silent))).next_step
    assert "Give this run the URL of dev" in (unsure or "")


def test_the_source_that_answers_is_named_with_those_that_did_not() -> None:
    silent = SourceAnswer(source="database", problem="connection refused")
    heard = (silent, SourceAnswer(source="github", evidence=promoted("aaaa", "bbbb")))
    passed = order.check(pending_after(answers=heard))
    assert (passed.outcome, passed.message) == (
        PASSED,
        "dev executed all 2, with the same content (by its deployments at GitHub)",
    )
    heard = (silent, SourceAnswer(source="github", evidence=promoted("aaaa")))
    failed = order.check(pending_after(answers=heard))
    assert failed.message == (
        "dev has not executed bbbb 'add name'"
        "\n(by its deployments at GitHub; its ledger: connection refused)"
    )


def test_what_soaks_is_told_with_the_time_at_which_it_is_ready() -> None:
    evidence = promoted("aaaa", "bbbb")
    at = datetime(2026, 11, 1, 12, 59, 59, tzinfo=timezone.utc)
    found = order.check(pending_after(evidence=evidence, soak=3600.0, now=at))
    assert found.outcome is FAILED
    assert found.message.endswith("which is less than `soak` (1 h) ago")
    assert found.next_step == "Run this again after 2026-11-01 13:00:00 UTC."
    later = pending_after(evidence=evidence, soak=3600.0, now=at + timedelta(seconds=1))
    assert order.check(later).outcome is PASSED
    # A record without a time, as somebody else may write it, proves nothing of how long it has been there.
    timeless = {id_: replace(found, finished_at="") for id_, found in evidence.items()}
    found = order.check(pending_after(evidence=timeless, soak=3600.0, now=at + timedelta(days=9)))
    assert found.outcome is FAILED


@pytest.mark.parametrize(
    ("require", "rehearsal", "words"),
    [
        (("rehearsal",), "", "dev executed aaaa 'create users' without a rehearsal"),
        (("rehearsal",), "once", ""),
        (("rehearsal",), "round_trip", ""),
        (("rollback_test",), "once", "without taking it back in a rehearsal"),
        (("rehearsal", "rollback_test"), "round_trip", ""),
        ((), "", ""),
    ],
)
def test_what_has_to_be_tried_out_there_is_on_record(
    require: tuple[str, ...], rehearsal: str, words: str
) -> None:
    evidence = {
        id_: replace(found, rehearsal=rehearsal) for id_, found in promoted("aaaa", "bbbb").items()
    }
    found = order.check(pending_after(evidence=evidence, require=require))
    assert found.outcome is (FAILED if words else PASSED)
    assert words in found.message


def test_many_missing_revisions_are_counted() -> None:
    pending = tuple(make_pending(f"{n:04x}") for n in range(12))
    plan = Plan(current=(), target=("x",), pending=pending)
    found = order.check(pending_after(plan=plan))
    assert found.message.endswith("\nand 7 more")


def test_content_that_could_not_be_read_is_no_evidence() -> None:
    """An empty hash equals an empty hash, and proves nothing."""
    pending = (make_pending("aaaa", content_hash=""),)
    plan = Plan(current=(), target=("aaaa",), pending=pending)
    found = order.check(pending_after(plan=plan, evidence=promoted("aaaa", content_hash="")))
    assert found.outcome is FAILED


# unfinished


@pytest.mark.parametrize("restore", ["cp a b", ""])
def test_a_half_applied_revision_is_told_with_every_way_out(restore: str) -> None:
    remains = Remains(revision="bbbb", executed=("CREATE TABLE x",), begun="ALTER TABLE y")
    left = Unfinished(
        remains=remains, started_at="2026-11-02", run_url="https://x/1", restore=restore
    )
    gate = unfinished.check(make_inputs(unfinished=(left,)))
    assert gate.outcome is FAILED
    for words in (
        "2026-11-02 (https://x/1)",
        "ran: CREATE TABLE x",
        "may or may not",
        "ALTER TABLE y",
    ):
        assert words in gate.message
    assert gate.next_step is not None
    for words in ("--undone bbbb", "alembic stamp bbbb", "by hand", restore):
        assert words in gate.next_step
