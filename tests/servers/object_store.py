"""A private SeaweedFS: a real S3 server that checks every signature."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.servers.private_server import KILL, PrivateServer, ServerError, find_free_port

ACCESS_KEY, SECRET_KEY = "AKIATESTTESTTEST", "top+secret/key-of-the-store"
READ_ONLY = ("AKIAREADONLYONLY", "secret-of-a-reader-only")


def find_seaweed() -> Path | None:
    """Return the program `weed`, or None."""
    here = str(Path(sys.executable).parent)  # where the lock file puts it
    found = shutil.which("weed", path=here) or shutil.which("weed")
    return Path(found) if found else None


class ObjectStoreServer:
    """S3 on 127.0.0.1:`port` with a bucket `backups`; `volumes` limits how much fits, in megabytes."""

    def __init__(self, program: Path, *, volumes: int = 0) -> None:
        self._server = PrivateServer("cm-s3-", run_as=("nobody",), probe=program)
        folder = self._server.folder
        self.port = find_free_port()
        config = folder / "s3.json"
        config.write_text(json.dumps({"identities": _identities()}))
        (folder / "data").mkdir()
        (folder / "data").chmod(0o777)
        ports = {name: find_free_port() for name in ("master.port", "volume.port", "filer.port")}
        grpc = {f"{name}.grpc": find_free_port() for name in ports} | {
            "s3.port.grpc": find_free_port()
        }
        options = {
            "dir": folder / "data",
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "s3.config": config,
            "s3.port": self.port,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": 1 if volumes else 64,
            "volume.max": volumes or 100,
            **ports,
            **grpc,
        }
        argv = [program, "server", "-s3", *(f"-{name}={value}" for name, value in options.items())]
        self._server.start(argv, stop_with=KILL, ready=self._probe)
        self.make_bucket("backups")

    def env(
        self, *, key: str = ACCESS_KEY, secret: str = SECRET_KEY, port: int = 0
    ) -> dict[str, str]:
        """Return the variables that lead a client to this server; `port` is that of a proxy."""
        return {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port or self.port}",
        }

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        import obstore
        from obstore.store import S3Store

        client = S3Store(name, config=_lower(self.env()), client_options={"allow_http": True})
        # A role that may do everything makes a bucket by writing to it.
        obstore.put(client, "made", b"")
        obstore.delete(client, "made")

    def stop(self) -> None:
        """Stop the server and remove its files."""
        self._server.stop()

    def _probe(self) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=5):
                return "up"
        except urllib.error.HTTPError:
            return "up"
        except OSError as exc:
            raise ServerError(str(exc)) from exc


def _lower(env: dict[str, str]) -> dict[str, str]:
    return {name.lower().replace("endpoint_url", "endpoint"): value for name, value in env.items()}


def _identities() -> list[dict[str, object]]:
    def one(name: str, key: str, secret: str, actions: list[str]) -> dict[str, object]:
        return {
            "name": name,
            "credentials": [{"accessKey": key, "secretKey": secret}],
            "actions": actions,
        }

    return [
        one("all", ACCESS_KEY, SECRET_KEY, ["Admin", "Read", "Write", "List", "Tagging"]),
        one("reader", *READ_ONLY, ["Read", "List"]),
    ]
