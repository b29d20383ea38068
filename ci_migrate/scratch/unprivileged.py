"""Servers never run as root: another user where there is one, else a user namespace."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from pathlib import Path

from ci_migrate.errors import ProcessError, ScratchError
from ci_migrate.process import run_command

NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
TRY_SECONDS = 20.0


def give_up_root(
    users: Sequence[str], program: Path, folder: Path, env: Mapping[str, str]
) -> list[str]:
    """Return the words before a command that keep it from running as root; none for other users.

    The first of `users` that can run `program` and reach `folder` owns that from then on. Raises ScratchError.
    """
    if os.geteuid() != 0:
        return []
    for name in users:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        words = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        if _can_run([*words, str(program), "--version"], env):
            os.chown(folder, user.pw_uid, user.pw_gid)
            if _can_run([*words, "test", "-w", str(folder)], env):
                return words
            os.chown(folder, 0, 0)  # a folder above it lets nobody but root through
    if _can_run([*NAMESPACE, str(program), "--version"], env):
        return list(NAMESPACE)
    raise ScratchError(
        f"a private database server cannot be started as root: neither {', '.join(users)} nor a user"
        f" namespace can run {program}",
        next_step="Run ci-migrate as another user, create one of these users, or name a server in"
        " `scratch_url`.",
    )


def _can_run(argv: Sequence[str], env: Mapping[str, str]) -> bool:
    try:
        run_command(argv, env=env, cwd=Path("/"), timeout=TRY_SECONDS)
    except ProcessError:
        return False
    return True
