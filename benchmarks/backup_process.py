"""Takes one backup in a process of its own: `python -m benchmarks.backup_process URL STORE [RECIPIENT]`.

Prints the peak of this process's memory, in bytes.
"""

from __future__ import annotations

import os
import resource
import sys
from datetime import datetime, timezone
from pathlib import Path

from ci_migrate.backup.request import BackupRequest
from ci_migrate.backup.stores.opening import open_store
from ci_migrate.backup.take import take_backup
from ci_migrate.database.catalog import list_tables, read_server_version
from ci_migrate.database.engine import Database


def main() -> None:
    url, place, *recipients = sys.argv[1:]
    database = Database(url, root=Path.cwd())
    version, major = read_server_version(database)
    request = BackupRequest(
        environment="benchmark",
        run_id="benchmark",
        address=database.address,
        server_version=version,
        server_major=major,
        tables=list_tables(database),
        heads=(),
        store=open_store(place, root=Path.cwd(), env=os.environ),
        encrypt_to=tuple(recipients),
        env=dict(os.environ),
        now=datetime.now(timezone.utc),
    )
    backup = take_backup(request, "auto")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes on Linux
    print(f"{backup.verified}\npeak {peak * 1024}")


if __name__ == "__main__":
    main()
