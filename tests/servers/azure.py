"""A private Azurite, Microsoft's own stand-in for Azure Blob Storage; from npm, where it is installed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from tests.servers.private_server import KILL, PrivateServer, ServerError, find_free_port

ACCOUNT = "acme"
KEY = base64.b64encode(b"the key of the account, made up here" * 2).decode()


def find_azurite(env: Mapping[str, str]) -> Path | None:
    """Return the program, named by `CI_MIGRATE_AZURITE` or in PATH."""
    found = env.get("CI_MIGRATE_AZURITE") or shutil.which("azurite-blob", path=env.get("PATH"))
    return Path(found) if found else None


class AzureServer:
    """Blob storage on 127.0.0.1 with a container `backups`."""

    def __init__(self, program: Path) -> None:
        node = shutil.which("node")
        assert node is not None
        self._server = PrivateServer("cm-az-", run_as=("nobody",), probe=Path(node))
        self._server.env |= {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
        self._server.env["PATH"] = f"{Path(node).parent}{os.pathsep}{os.defpath}"
        self.port = find_free_port()
        argv = [
            node,
            program.resolve(),
            "--silent",
            "--skipApiVersionCheck",
        ]
        argv += [
            "--disableTelemetry",
            "--disableProductStyleUrl",
            "--location",
            self._server.folder,
        ]
        argv += ["--blobHost", "127.0.0.1", "--blobPort", str(self.port)]
        self._server.start(argv, stop_with=KILL, ready=self._probe)
        self._make_container("backups")

    def env(self, key: str = KEY) -> dict[str, str]:
        """Return the variables that lead a client to this server."""
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": key,
            "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{self.port}/{ACCOUNT}",
        }

    def stop(self) -> None:
        """Stop it."""
        self._server.stop()

    def _probe(self) -> str:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError as exc:
            raise ServerError(str(exc)) from exc
        return ""

    def _make_container(self, name: str) -> None:
        now = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = {"x-ms-date": now, "x-ms-version": "2021-08-06"}
        signed = "PUT" + "\n" * 12 + "".join(f"{key}:{value}\n" for key, value in headers.items())
        signed += f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
        digest = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
        url = f"http://127.0.0.1:{self.port}/{ACCOUNT}/{name}?restype=container"
        request = urllib.request.Request(url, data=b"", method="PUT", headers=headers)
        request.add_header("Content-Type", "")
        urllib.request.urlopen(request).close()
