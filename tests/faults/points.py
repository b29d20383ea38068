"""Where the migrations of the fault tests can be hit; copied into the project and imported by its code.

`FAULT_POINT` names the place, `FAULT_ACTION` what happens there, `FAULT_FILE` is written when it is reached.
"""

import os
import signal
import time
from pathlib import Path

SLOW = {
    "postgresql": "SELECT pg_sleep(60)",
    "mysql": "SELECT BENCHMARK(10000000000, SHA2('x', 512))",
    "sqlite": "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10000000000)"
    " SELECT count(*) FROM c",
}


_RUNS = []


def begin_env():
    """Return `probe` when env.py runs for the first time in its process, then `upgrade`."""
    _RUNS.append(1)
    return "probe" if len(_RUNS) == 1 else "upgrade"


def point(name, connection=None):
    """Do what was asked for when this is the place."""
    if os.environ.get("FAULT_POINT") != name:
        return
    action, parent = os.environ["FAULT_ACTION"], os.getppid()
    Path(os.environ["FAULT_FILE"]).write_text(action)
    if action in {"parent", "both"}:
        os.kill(parent, signal.SIGKILL)
    elif action == "group":
        os.killpg(os.getpgid(parent), signal.SIGKILL)
    if action in {"worker", "both"}:
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "deaf":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if action == "statement":
        connection.exec_driver_sql(SLOW[connection.dialect.name])
    if action == "pause":
        while not Path(os.environ["FAULT_FILE"] + ".go").exists():
            time.sleep(0.02)
    else:
        time.sleep(60)
