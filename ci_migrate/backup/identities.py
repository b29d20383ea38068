"""The private keys that read encrypted archives: from a variable or a file, never needed for taking."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ci_migrate.backup.encryption import parse_identities
from ci_migrate.backup.failure import failed_file
from ci_migrate.config.backup_settings import BackupSettings
from ci_migrate.errors import BackupError

LARGEST_BYTES = 1 << 20


def load_identities(settings: BackupSettings, *, root: Path, env: Mapping[str, str]) -> list[Any]:
    """Return the identities that the settings name; none when they name none, or the variable is not set.

    Raises BackupError when the file cannot be read or holds no identity.
    """
    if settings.identity_env:
        text = env.get(settings.identity_env, "")
        return parse_identities(text) if text.strip() else []
    if not settings.identity_file:
        return []
    name = settings.identity_file
    if name.startswith("~/") and env.get("HOME"):
        name = env["HOME"] + name[1:]
    path = root / name
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES)
    except OSError as exc:
        raise failed_file(exc, doing="reading the identity file", path=path) from exc
    try:
        return parse_identities(content.decode())
    except UnicodeDecodeError as exc:
        raise BackupError(
            f"{path} is not an identity file: it is not text",
            next_step="Name a file of `age-keygen`, or an SSH private key, in backup.identity_file.",
        ) from exc
