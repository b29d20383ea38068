"""Start of the worker, in a Python whose arguments are COMMANDS_FD EVENTS_FD BELL_FD."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from typing import Any, NoReturn

from ci_migrate.worker.protocol import Channel

PR_SET_PDEATHSIG = 1
"""Of Linux: the signal that a process gets when its parent has ended."""


def start() -> NoReturn:
    """Serve the parent, and end this process with the exit code of that."""
    code = serve()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads and exit handlers of the user's code must not hold up a run that has ended.
    os._exit(code)


def serve() -> int:
    """Serve the parent's commands until `end`; every failure of the user's code becomes an event."""
    _end_with_parent()
    channel = Channel(*map(int, sys.argv[1:4]))
    signal.signal(signal.SIGINT, channel.take_interrupt)
    stage = "load"
    try:
        _load_libraries()
        settings = channel.receive()
        if settings.get("do") == "end":
            return 0
        from ci_migrate.worker.project import load_project

        with load_project(settings) as config:
            stage = "probe"
            _serve(channel, config, settings)
    except BaseException as exc:  # noqa: BLE001 - user code raises anything, also SystemExit
        return _report(channel, stage, exc)
    return 0


def _end_with_parent() -> None:
    """Let Linux kill this process when its parent ends.

    The thread that reads commands sees that, too, but cannot run while one call in C keeps the interpreter.
    """
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError):  # a Python without it has the thread
            import ctypes

            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _load_libraries() -> None:
    """Load Alembic, SQLAlchemy and what of ours needs them; nothing of the project is known yet."""
    gc.disable()  # modules stay: what is looked through while they are loaded is no garbage
    from ci_migrate.worker import compat
    from ci_migrate.worker.driver import Driver

    del Driver
    gc.enable()
    compat.check_alembic()


def _serve(channel: Channel, config: Any, settings: dict[str, Any]) -> None:
    from ci_migrate.worker.driver import Driver
    from ci_migrate.worker.history import describe_history

    driver = Driver(config, channel, settings)
    # What is loaded stays until the end: it need not be looked through again whenever garbage is collected.
    gc.freeze()
    while True:
        command = channel.receive()
        # The import of the project may have caught the interrupt that came with it.
        if channel.is_cancelled:
            return
        if command["do"] == "probe":
            driver.probe(command["challenge"])
            channel.send("probe_ended")
        elif command["do"] == "history":
            channel.send("history", revisions=describe_history(driver.script))
        elif command["do"] in {"upgrade", "downgrade"}:
            gc.freeze()  # by now the revisions are loaded, too
            driver.run(command)
        elif command["do"] == "merge":
            from ci_migrate.worker.merge import write_merge

            channel.send("merged", **write_merge(config, command["heads"], command["message"]))
        else:
            return


def _report(channel: Channel, stage: str, error: BaseException) -> int:
    from ci_migrate.worker.capture import describe_exception, format_traceback

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to interrupt
    # Nobody but the parent interrupts this process: what follows from that is no news.
    if not (channel.is_cancelled or isinstance(error, KeyboardInterrupt)):
        sys.stderr.write(format_traceback(error) + "\n")
    channel.send("failed", stage=stage, **describe_exception(error, None))
    return 1
