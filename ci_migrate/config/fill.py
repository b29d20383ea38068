"""Fill in the variables of one environment and gather what is missing and what is secret."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ci_migrate.config.expand import MissingVariableError, expand_text
from ci_migrate.config.problems import KeyPath, Problem, raise_problems
from ci_migrate.config.urls import find_url_problem
from ci_migrate.redact import names_of_url, secrets_of_url, secrets_of_webhook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci_migrate.config.loaded import Config


class Filler:
    """Expands the values of one environment; problems are collected and raised together."""

    def __init__(self, config: Config, env: Mapping[str, str]) -> None:
        self._config = config
        self._env = env
        self._problems: list[Problem] = []
        self._misses_variables = False
        self._secrets: dict[str, None] = {}
        self._names = set(config.environments)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, each once; no name of an environment, user, host or database."""
        return tuple(secret for secret in self._secrets if secret not in self._names)

    def fill(self, text: str, path: KeyPath, *, is_needed: bool = False) -> str:
        """Return a text that is not a secret with its variables filled in."""
        return self._fill(text, path, is_secret=False, is_needed=is_needed)

    def fill_optional(self, text: str | None, path: KeyPath) -> str | None:
        """Return None for None and for what is empty once it is filled in."""
        return self.fill(text, path) or None if text is not None else None

    def fill_each(self, texts: tuple[str, ...], path: KeyPath) -> tuple[str, ...]:
        """Return all texts of a list; those that are empty once filled in are left out."""
        filled = (self.fill(text, (*path, at)) for at, text in enumerate(texts))
        return tuple(text for text in filled if text)

    def fill_secret(self, text: str, path: KeyPath) -> str:
        """Return a text whose variables are secrets."""
        return self._fill(text, path, is_secret=True)

    def fill_url(self, text: str, path: KeyPath, *, is_needed: bool = False) -> str | None:
        """Return a database or webhook URL, or None when it is empty; spaces around it are lost."""
        # Secrets are often pasted with a line break at their end.
        url = self._fill(text, path, is_secret=False, is_needed=is_needed).strip()
        problem = find_url_problem(url, path) if url else None
        if problem is not None:
            self._keep((url,))
            self._problems.append(problem)
        if path[-1] == "webhook":
            self._keep(secrets_of_webhook(url))
        else:
            self._keep(secrets_of_url(url))
            self._names |= names_of_url(url)
        return url or None

    def require_url(self, text: str, path: KeyPath) -> str:
        """Return a URL that must be there."""
        return self._require(self.fill_url(text, path, is_needed=True), path)

    def require_text(self, text: str, path: KeyPath) -> str:
        """Return a text that must be there and is not a secret."""
        return self._require(self.fill(text, path, is_needed=True), path)

    def require_folder(self, text: str, path: KeyPath, root: Path) -> Path:
        """Return a folder as seen from `root`; a relative one may not leave it by a symbolic link."""
        folder = root / self.require_text(text, path)
        # What names a place outside was written on purpose; a link can be anybody's commit.
        is_inside = Path(os.path.normpath(folder)).is_relative_to(root)
        if is_inside and not folder.resolve().is_relative_to(root.resolve()):
            advice = "remove the link, or name the place that it leads to"
            self._problems.append(
                Problem(
                    path=path, what="leads out of this folder by a symbolic link", suggestion=advice
                )
            )
        return folder

    def keep_secrets(self, values: Iterable[str]) -> None:
        """Take note of values that must not be shown."""
        self._keep(tuple(values))

    def finish(self) -> None:
        """Raise one ConfigError when anything was missing or wrong."""
        if self._problems:
            raise_problems(
                self._config.path,
                self._problems,
                self._config.marks,
                next_step="set the variables for this step, in a workflow under `env:`"
                if self._misses_variables
                else "correct the file, or the values of its variables",
            )

    def _require(self, text: str | None, path: KeyPath) -> str:
        is_told = any(problem.path == path for problem in self._problems)
        if not text and not is_told:
            what = "is empty once its variables are filled in"
            self._problems.append(Problem(path=path, what=what))
        return text or ""

    def _fill(self, text: str, path: KeyPath, *, is_secret: bool, is_needed: bool = False) -> str:
        try:
            expanded = expand_text(text, self._env)
        except MissingVariableError as exc:
            self._misses_variables = True
            optional = f", or write `${{{exc.name}:-}}` to make it optional"
            self._problems.append(
                Problem(
                    path=path,
                    what=f"the variable {exc.name} is not set or empty",
                    suggestion="set it" + ("" if is_needed else optional),
                )
            )
            return ""
        if is_secret:
            self._keep(expanded.values)
        return expanded.text

    def _keep(self, values: tuple[str, ...]) -> None:
        for value in values:
            self._secrets.update(dict.fromkeys((value, value.strip())))
        self._secrets.pop("", None)
