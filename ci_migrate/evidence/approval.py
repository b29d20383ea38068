"""Who approved this workflow run, as GitHub's reviews of deployments tell it."""

from __future__ import annotations

from collections.abc import Mapping

from ci_migrate.errors import GitHubError
from ci_migrate.github.repository import read_reviews
from ci_migrate.github.rest import open_github


def find_approvers(env: Mapping[str, str], environment: str) -> tuple[str, ...]:
    """Return the logins of those who approved this run for a GitHub environment.

    Raises GitHubError when this is no run of GitHub Actions, or GitHub cannot be asked.
    """
    run_id = env.get("GITHUB_RUN_ID", "")
    if env.get("GITHUB_ACTIONS") != "true" or not run_id:
        raise GitHubError("this is no run of GitHub Actions, and only those have reviews")
    wanted = environment.casefold()
    return tuple(
        dict.fromkeys(
            review.login
            for review in read_reviews(open_github(env), run_id)
            if review.state == "approved"
            and wanted in {name.casefold() for name in review.environments}
        )
    )
