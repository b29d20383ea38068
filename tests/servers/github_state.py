"""What the local GitHub remembers, and how it acts on a request that is right."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Any

from tests.servers.github_openapi.description import Operation, make_sample, sample_of

Acted = tuple[int, Any, dict[str, str]]


class RefusalError(Exception):
    """GitHub says no to a request that is right in form."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class GitHubState:
    """One repository. `folder` is a git repository in which comparisons are made; tests may fill everything."""

    def __init__(self, api_url: str) -> None:
        self.repository = "acme/shop"
        self.folder: Path | None = None
        self.is_private = True
        self.deployments: list[dict[str, Any]] = []
        self.deployment_statuses: dict[int, list[dict[str, Any]]] = {}
        self.pulls: list[dict[str, Any]] = []
        self.commit_statuses: dict[str, list[dict[str, Any]]] = {}
        self.approvals: dict[str, list[dict[str, Any]]] = {}
        self._base = f"{api_url}/repos/{self.repository}"
        self._number = 100

    def act(self, operation: Operation, query: dict[str, str], body: Any) -> Acted:
        """Do what a request asks for and return status, body and headers."""
        name = operation.path.removeprefix("/repos/{owner}/{repo}").strip("/") or "repository"
        name = "_".join(part for part in name.split("/") if "{" not in part)
        found: Acted = getattr(self, f"_{operation.method}_{name}")(operation, query, body or {})
        return found

    def add_pull(self, head: str, sha: str, base: str, title: str = "A change") -> int:
        """Open a pull request whose branch is at a commit, and return its number."""
        self._number += 1
        pull = {"number": self._number, "title": title, "head": {"ref": head, "sha": sha}}
        self.pulls.append({**pull, "base": {"ref": base}, "state": "open"})
        return self._number

    def add_approval(self, run_id: str, environment: str, login: str, state: str) -> None:
        """Let somebody review a run for an environment."""
        review = {"state": state, "comment": "", "environments": [{"name": environment}]}
        self.approvals.setdefault(run_id, []).append({**review, "user": {"login": login}})

    # deployments

    def _post_deployments(self, operation: Operation, query: dict[str, str], body: Any) -> Acted:
        if body.get("auto_merge", True):
            return 202, {"message": "Auto-merged main into the ref on deployment."}, {}
        if body.get("required_contexts") != []:
            raise RefusalError(409, "Conflict: Commit status checks failed for the ref.")
        if self.folder and self._git("rev-parse", "--verify", "-q", body["ref"]) is None:
            raise RefusalError(422, f"No ref found for: {body['ref']}")
        self._number += 1
        found = {
            **make_sample(operation, 201),
            "id": self._number,
            "sha": body["ref"],
            "created_at": f"2026-01-01T00:{self._number // 60 % 60:02}:{self._number % 60:02}Z",
            **{key: body[key] for key in ("ref", "task", "environment", "payload", "description")},
        }
        self.deployments.insert(0, found)
        return 201, found, {}

    def _get_deployments(self, operation: Operation, query: dict[str, str], body: Any) -> Acted:
        wanted = {key: query[key] for key in ("sha", "ref", "task", "environment") if key in query}
        found = [d for d in self.deployments if all(d[key] == wanted[key] for key in wanted)]
        return self._page("/deployments", found, query)

    def _post_deployments_statuses(
        self, operation: Operation, query: dict[str, str], body: Any
    ) -> Acted:
        deployment = self._deployment(operation)
        if body.get("auto_inactive", True):
            for other in self.deployments:
                if other["environment"] == deployment["environment"] and other != deployment:
                    self._add_status(operation, other["id"], {"state": "inactive"})
        return 201, self._add_status(operation, deployment["id"], body), {}

    def _get_deployments_statuses(
        self, operation: Operation, query: dict[str, str], body: Any
    ) -> Acted:
        number = self._deployment(operation)["id"]
        path = f"/deployments/{number}/statuses"
        return self._page(path, self.deployment_statuses.get(number, []), query)

    def _deployment(self, operation: Operation) -> dict[str, Any]:
        number = int(operation.values["deployment_id"])
        for found in self.deployments:
            if found["id"] == number:
                return found
        raise RefusalError(404, "Not Found")

    def _add_status(self, operation: Operation, number: int, body: Any) -> dict[str, Any]:
        kept = {key: body[key] for key in ("state", "description", "log_url") if key in body}
        status = {**sample_of({"$ref": "urn:github#/components/schemas/deployment-status"}), **kept}
        self.deployment_statuses.setdefault(number, []).insert(0, status)
        return status

    # pull requests and commits

    def _get_pulls(self, operation: Operation, query: dict[str, str], body: Any) -> Acted:
        found = [pull for pull in self.pulls if _fits(pull, query, self.repository)]
        return self._page("/pulls", [self._pull(p, "pull-request-simple") for p in found], query)

    def _post_pulls(self, operation: Operation, query: dict[str, str], body: Any) -> Acted:
        owner = self.repository.partition("/")[0]
        wanted = {"state": "open", "base": body["base"], "head": f"{owner}:{body['head']}"}
        if any(_fits(pull, wanted, self.repository) for pull in self.pulls):
            raise RefusalError(422, f"A pull request already exists for {wanted['head']}.")
        sha = (self._git("rev-parse", body["head"]) if self.folder else None) or "0" * 40
        number = self.add_pull(body["head"], sha, body["base"], body["title"])
        self.pulls[-1]["body"] = body.get("body")
        return 201, self._pull(self.pulls[-1], "pull-request"), {"Location": f"/pulls/{number}"}

    def _pull(self, pull: dict[str, Any], schema: str) -> dict[str, Any]:
        full: dict[str, Any] = sample_of({"$ref": f"urn:github#/components/schemas/{schema}"})
        ends = {end: {**full[end], **pull[end]} for end in ("head", "base")}
        url = f"https://github.com/{self.repository}/pull/{pull['number']}"
        return {**full, **pull, **ends, "html_url": url}

    def _post_statuses(self, operation: Operation, query: dict[str, str], body: Any) -> Acted:
        if len(body.get("description") or "") > 140:
            raise RefusalError(422, "description is too long (maximum is 140 characters)")
        sha = operation.values["sha"]
        status = {**make_sample(operation, 201), **body}
        self.commit_statuses.setdefault(sha, []).insert(0, status)
        return 201, status, {}

    def _get_commits_statuses(
        self, operation: Operation, query: dict[str, str], body: Any
    ) -> Acted:
        ref = operation.values["ref"]
        return self._page(f"/commits/{ref}/statuses", self.commit_statuses.get(ref, []), query)

    def _get_compare(self, operation: Operation, query: dict[str, str], body: Any) -> Acted:
        base, _, head = operation.values["basehead"].partition("...")
        merge_base = self._git("merge-base", base, head)
        if merge_base is None:
            raise RefusalError(404, "Not Found")
        listing = self._git("diff", "--name-status", "-M", merge_base, head) or ""
        full = make_sample(operation, 200)
        entry = sample_of({"$ref": "urn:github#/components/schemas/diff-entry"})
        files = [{**entry, **_changed(line)} for line in listing.splitlines()]
        commit = {**full["merge_base_commit"], "sha": merge_base}
        return 200, {**full, "merge_base_commit": commit, "files": files[:300]}, {}

    def _get_contents(self, operation: Operation, query: dict[str, str], body: Any) -> Acted:
        path = operation.values["path"]
        content = self._read(query["ref"], path)
        if content is None:
            raise RefusalError(404, "Not Found")
        kept = {"type": "file", "encoding": "base64", "path": path, "size": len(content)}
        kept["content"] = base64.encodebytes(content).decode()
        return (
            200,
            {**sample_of({"$ref": "urn:github#/components/schemas/content-file"}), **kept},
            {},
        )

    # the repository and its runs

    def _get_repository(self, operation: Operation, query: dict[str, str], body: Any) -> Acted:
        kept = {"full_name": self.repository, "private": self.is_private, "default_branch": "main"}
        return 200, {**make_sample(operation, 200), **kept}, {}

    def _get_actions_runs_approvals(
        self, operation: Operation, query: dict[str, str], body: Any
    ) -> Acted:
        user = sample_of({"$ref": "urn:github#/components/schemas/simple-user"})
        reviews = self.approvals.get(operation.values["run_id"], [])
        return 200, [{**review, "user": {**user, **review["user"]}} for review in reviews], {}

    def _page(self, path: str, found: list[Any], query: dict[str, str]) -> Acted:
        size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
        headers = {}
        if len(found) > size * page:
            kept = "&".join(f"{key}={value}" for key, value in query.items() if key != "page")
            headers["Link"] = f'<{self._base}{path}?{kept}&page={page + 1}>; rel="next"'
        return 200, found[size * (page - 1) : size * page], headers

    def _read(self, ref: str, path: str) -> bytes | None:
        assert self.folder is not None, "give the repository a `folder`"
        command = ["git", "-C", str(self.folder), "cat-file", "blob", f"{ref}:{path}"]
        done = subprocess.run(command, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def _git(self, *arguments: str) -> str | None:
        assert self.folder is not None, "give the repository a `folder`"
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None


def _fits(pull: dict[str, Any], query: dict[str, str], repository: str) -> bool:
    owner = repository.partition("/")[0]
    return (
        query.get("state", "open") in {pull["state"], "all"}
        and query.get("base", pull["base"]["ref"]) == pull["base"]["ref"]
        and query.get("head", f"{owner}:{pull['head']['ref']}") == f"{owner}:{pull['head']['ref']}"
    )


def _changed(line: str) -> dict[str, str]:
    letter, *names = line.split("\t")
    words = {"A": "added", "M": "modified", "D": "removed", "R": "renamed", "T": "changed"}
    found = {"status": words[letter[0]], "filename": names[-1]}
    return {**found, "previous_filename": names[0]} if len(names) > 1 else found
