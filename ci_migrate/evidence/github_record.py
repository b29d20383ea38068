"""The record of an environment at GitHub: deployments that say which revisions it has executed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ci_migrate.errors import GitHubError
from ci_migrate.github.deployments import (
    Deployment,
    create_deployment,
    iterate_deployments,
    read_deployment_state,
    set_deployment_state,
)
from ci_migrate.github.rest import GitHub
from ci_migrate.models import Evidence, RunInfo

FORMAT = 1
MOST_REVISIONS = 200
"""Revisions in one deployment: its payload stays below 40 kB."""
_FAILED = "failed"
"""The key of the payload that only a run which failed has."""
_PROJECT = "project"
NEWEST = 2
"""Deployments whose state is looked at again: a run may have been cut off before it was set."""


def read_record(
    github: GitHub, environment: str, wanted: Collection[str], project: str = ""
) -> Mapping[str, Evidence] | None:
    """Return what deployments say of some revisions; None when none of ours tells what the environment executed.

    Those of another project of the same repository, by `project`, are none of ours.
    The newest word about a revision counts, and only of deployments that ended in success.
    Raises GitHubError, also where a newer version of ci-migrate has written what this one cannot read.
    """
    found: dict[str, Evidence] = {}
    open_, is_any = set(wanted), False
    for deployment in iterate_deployments(github, environment):
        if not _is_readable(deployment, project):
            continue
        is_any |= _FAILED not in deployment.payload
        executed, withdrawn = _executed(deployment, environment), _withdrawn(deployment)
        told = open_ & (executed.keys() | withdrawn)
        if not told or read_deployment_state(github, deployment.id) != "success":
            continue
        found |= {revision: executed[revision] for revision in told & executed.keys()}
        open_ -= told
        if not open_:
            break
    return found if is_any else None


def write_record(
    github: GitHub,
    environment: str,
    run: RunInfo,
    ledger: Mapping[str, Evidence],
    project: str = "",
) -> int:
    """Bring the deployments up to what the ledger of an environment says; return how many were made.

    Also what an earlier run could not tell, and what is executed no more. Raises GitHubError.
    """
    known: dict[str, str | None] = {}
    for number, deployment in enumerate(iterate_deployments(github, environment)):
        if number < NEWEST:
            _finish(github, deployment, run)
        if deployment.payload.get(_PROJECT, "") != project:
            continue
        executed = _executed(deployment, environment)
        for revision in executed.keys() | _withdrawn(deployment):
            known.setdefault(
                revision, executed[revision].content_hash if revision in executed else None
            )
    new = [e for e in ledger.values() if known.get(e.revision) != e.content_hash]
    gone = [rev for rev, digest in known.items() if digest is not None and rev not in ledger]
    portions = list(_portions(new, gone))
    for executed_part, gone_part in portions:
        _create(github, environment, run, executed_part, gone_part, project)
    return len(portions)


def write_failure(
    github: GitHub, environment: str, run: RunInfo, description: str, failed: Mapping[str, Any]
) -> None:
    """Record a run that did not reach its target as a deployment that failed; it is proof of nothing.

    `failed` goes into the payload, which everybody who can read the repository can read. Raises GitHubError.
    """
    nothing: dict[str, Any] = {"executed": {}, "withdrawn": []}
    _deploy(github, environment, run, description, {**nothing, _FAILED: dict(failed)}, "failure")


def _create(
    github: GitHub,
    environment: str,
    run: RunInfo,
    executed: list[Evidence],
    gone: list[str],
    project: str,
) -> None:
    payload = {
        "executed": {
            e.revision: {
                "hash": e.content_hash,
                "finished_at": e.finished_at,
                "rehearsal": e.rehearsal,
            }
            for e in executed
        },
        "withdrawn": gone,
        **({_PROJECT: project} if project else {}),
    }
    _deploy(github, environment, run, _describe(len(executed), len(gone)), payload, "success")


def _deploy(
    github: GitHub,
    environment: str,
    run: RunInfo,
    description: str,
    payload: Mapping[str, Any],
    state: str,
) -> None:
    number = create_deployment(
        github,
        environment=environment,
        commit=run.commit or "HEAD",
        description=description,
        payload={"ci_migrate": FORMAT, "run": run.run_id, **payload},
    )
    set_deployment_state(github, number, state=state, description=description, log_url=run.run_url)


def _finish(github: GitHub, deployment: Deployment, run: RunInfo) -> None:
    """Set the state of a deployment that has none: it was made after its revisions were executed, or failed."""
    if read_deployment_state(github, deployment.id) is None:
        description = _describe(len(_executed(deployment, "")), len(_withdrawn(deployment)))
        set_deployment_state(
            github,
            deployment.id,
            state="failure" if _FAILED in deployment.payload else "success",
            description=description,
            log_url=run.run_url,
        )


def _portions(new: list[Evidence], gone: list[str]) -> Iterator[tuple[list[Evidence], list[str]]]:
    for start in range(0, max(len(new), len(gone)), MOST_REVISIONS):
        end = start + MOST_REVISIONS
        yield new[start:end], gone[start:end]


def _is_readable(deployment: Deployment, project: str) -> bool:
    """Return whether a deployment is of the form that is written here; False for one that is none of ours.

    Raises GitHubError for a newer form: it may take back what older deployments say.
    """
    form = deployment.payload.get("ci_migrate")
    if isinstance(form, int) and form > FORMAT:
        raise GitHubError(
            f"deployment {deployment.id} was written by a newer version of ci-migrate",
            next_step="Use that version here, too.",
        )
    return form == FORMAT and deployment.payload.get(_PROJECT, "") == project


def _executed(deployment: Deployment, environment: str) -> dict[str, Evidence]:
    """Return what a deployment says was executed; one of another form says nothing."""
    listed = deployment.payload.get("executed")
    if deployment.payload.get("ci_migrate") != FORMAT or not isinstance(listed, dict):
        return {}
    return {
        str(revision): Evidence(
            revision=str(revision),
            content_hash=_text(entry, "hash"),
            finished_at=_text(entry, "finished_at"),
            environment=environment,
            rehearsal=_text(entry, "rehearsal"),
        )
        for revision, entry in listed.items()
        if isinstance(entry, dict)
    }


def _withdrawn(deployment: Deployment) -> set[str]:
    listed = deployment.payload.get("withdrawn")
    if deployment.payload.get("ci_migrate") != FORMAT or not isinstance(listed, list):
        return set()
    return {revision for revision in listed if isinstance(revision, str)}


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _describe(executed: int, withdrawn: int) -> str:
    parts = [f"{executed} revisions executed" if executed != 1 else "1 revision executed"]
    parts += [f"{withdrawn} taken back"] if withdrawn else []
    return ", ".join(parts)
