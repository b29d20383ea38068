"""The settings of Alembic as its own reader would give them: ini file first, then TOML."""

from __future__ import annotations

import configparser
import importlib
import importlib.util
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.errors import ProjectError, Where
from ci_migrate.revisions.file_bytes import read_file_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
_SPACE_COMMA = re.compile(r", *|(?: +)")
_SPACE_COMMA_COLON = re.compile(r", *|(?: +)|\:")


class SettingError(ValueError):
    """A setting is there, but its value depends on something that text does not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What alembic.ini and pyproject.toml say; either may be missing."""

    ini: configparser.ConfigParser | None
    section: str
    toml: Mapping[str, object]
    toml_here: str

    def text(self, name: str) -> str | None:
        """Return one option with its `%(…)s` filled in; raises SettingError when it cannot be."""
        found = self._from_ini(name)
        if found is not None:
            return found
        value = self.toml.get(name)
        return None if value is None else self._fill(name, value)

    def flag(self, name: str) -> bool:
        """Return a boolean option; in an ini file only the word `true` counts, as in Alembic."""
        found = self._from_ini(name)
        return found == "true" if found is not None else self.toml.get(name) is True

    def version_locations(self) -> tuple[str, ...]:
        """Return the folders of the revision files; empty when the default is meant."""
        return self._list("version_locations", ("path_separator", "version_path_separator"))

    def prepend_sys_path(self) -> tuple[str, ...]:
        """Return the folders that are searched for packages first."""
        return self._list("prepend_sys_path", ("path_separator",))

    def _list(self, name: str, separator_names: tuple[str, ...]) -> tuple[str, ...]:
        joined = self._from_ini(name)
        if joined:
            separator = self._separator(separator_names)
            if separator is None:
                old = _SPACE_COMMA if name == "version_locations" else _SPACE_COMMA_COLON
                return tuple(part for part in old.split(joined) if part)
            return tuple(part.strip() for part in joined.split(separator) if part.strip())
        value = self.toml.get(name)
        items = value if isinstance(value, list) else [] if value is None else [value]
        return tuple(self._fill(name, item) for item in items)

    def _separator(self, names: tuple[str, ...]) -> str | None:
        for name in names:
            word = self._from_ini(name)
            if word is not None:
                # Old templates carry a comment behind the value.
                word = re.sub(r"\s+#.*", "", word)
                if word not in _SEPARATORS:
                    raise SettingError(
                        f"{name} = {word!r} is none of: space, newline, os, ':' or ';'"
                    )
                return _SEPARATORS[word]
        return None

    def _from_ini(self, name: str) -> str | None:
        if self.ini is None or not self.ini.has_option(self.section, name):
            return None
        try:
            return self.ini.get(self.section, name)
        except configparser.InterpolationError as exc:
            raise SettingError(f"{name} in [{self.section}]: {' '.join(str(exc).split())}") from exc

    def _fill(self, name: str, value: object) -> str:
        try:
            return str(value) % {"here": self.toml_here}
        except (KeyError, ValueError, TypeError) as exc:
            raise SettingError(
                f"{name} in [tool.alembic] has a placeholder other than %(here)s: {value!r}"
            ) from exc


def read_settings(ini: Path | None, toml: Path | None, section: str) -> Settings:
    """Read the settings files of a project; None stands for a file that is not there.

    Raises ProjectError when a file cannot be parsed.
    """
    return Settings(
        ini=_read_ini(ini) if ini else None,
        section=section,
        toml=read_tool_table(toml) if toml else {},
        toml_here=toml.parent.as_posix() if toml else "",
    )


def names_script_location(ini: Path, section: str) -> bool:
    """Return whether an ini file says where the migration environment is, as `alembic -c` needs it.

    Raises ProjectError when the file cannot be parsed.
    """
    parser = _read_ini(ini)
    return parser.has_option(section, "script_location")


def read_tool_table(path: Path) -> Mapping[str, object]:
    """Return `[tool.alembic]` of a pyproject.toml; empty when there is none.

    Raises ProjectError when the file cannot be parsed.
    """
    data = _read_bytes(path)
    if b"alembic" not in data:
        return {}
    parser = _toml_parser()
    if parser is None:  # Alembic needs the same package to read the file, so it cannot be meant
        return {}
    try:
        document = parser.loads(data.decode("utf-8"))
    except ValueError as exc:
        raise ProjectError(
            f"{path} is not valid TOML: {exc}",
            next_step="Correct the file.",
            where=Where(file=str(path)),
        ) from exc
    tool = document.get("tool", {})
    table = tool.get("alembic", {}) if isinstance(tool, dict) else {}
    return table if isinstance(table, dict) else {}


def _read_ini(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser({"here": path.parent.as_posix().replace("%", "%%")})
    try:
        parser.read_string(_read_bytes(path).decode("utf-8", "replace"), source=str(path))
    except configparser.Error as exc:
        raise ProjectError(
            f"{path} cannot be read as an ini file: {' '.join(str(exc).split())}",
            next_step="Correct the file; Alembic cannot read it either.",
            where=Where(file=str(path), line=getattr(exc, "lineno", None)),
        ) from exc
    return parser


def _read_bytes(path: Path) -> bytes:
    try:
        return read_file_bytes(path)
    except OSError as exc:
        raise ProjectError(
            f"{path} cannot be read: {exc.strerror or exc}",
            next_step="Check that the file is there and readable.",
            where=Where(file=str(path)),
        ) from exc


def _toml_parser() -> ModuleType | None:
    try:
        return importlib.import_module("tomllib")
    except ImportError:  # Python 3.10
        found = importlib.util.find_spec("tomli")
        return importlib.import_module("tomli") if found else None
