"""Amazon RDS on this machine: moto's server, and before it a door where snapshots take their time.

Moto knows the operations, quotas, signatures and policies of AWS, but its snapshots are available at once.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import threading
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers.private_server import KILL, PrivateServer, ServerError, find_free_port

REGION = "eu-west-1"
QUOTA = 6
ANYBODY = ("AKIAANYBODYANYBODYXX", "any/secret+of-nobody")
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
_DESCRIBES = {"DescribeDBSnapshots", "DescribeDBClusterSnapshots"}
_FOR_EVER = 10**9


@dataclass(frozen=True, kw_only=True)
class Login:
    """Credentials of a user."""

    key: str
    secret: str


class RdsServer:
    """RDS at `port`. `statuses` are those that the next looks at a snapshot find; then it is what moto says."""

    def __init__(self) -> None:
        self._server = PrivateServer("cm-rds-", run_as=("nobody",), probe=Path(sys.executable))
        self._server.env |= {
            "MOTO_RDS_SNAPSHOT_LIMIT": str(QUOTA),
            "INITIAL_NO_AUTH_ACTION_COUNT": str(_FOR_EVER),
        }
        self._moto = find_free_port()
        argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._moto)]
        self._server.start(argv, stop_with=KILL, ready=self._probe)
        self.statuses: list[str] = []
        self.busy = 0
        """How many of the next orders for a snapshot find an instance that takes none now."""
        self.actions: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        self.port = self._http.server_port

    def reset(self) -> None:
        """Forget everything."""
        self._ask("/moto-api/reset")
        self._ask("/moto-api/reset-auth", str(_FOR_EVER))
        self.statuses, self.actions, self.busy = [], [], 0

    def env(self, login: Login | None = None) -> dict[str, str]:
        """Return the variables that lead a client here."""
        login = login or Login(key=ANYBODY[0], secret=ANYBODY[1])
        return {
            "AWS_ACCESS_KEY_ID": login.key,
            "AWS_SECRET_ACCESS_KEY": login.secret,
            "AWS_ENDPOINT_URL_RDS": f"http://127.0.0.1:{self.port}",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str = "rds", region: str = REGION) -> Any:
        """Return a client of a service that bypasses the door."""
        import boto3

        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"http://127.0.0.1:{self._moto}",
            aws_access_key_id=ANYBODY[0],
            aws_secret_access_key=ANYBODY[1],
        )

    def make_instance(self, name: str, *, engine: str = "postgres", **more: Any) -> Any:
        """Make a DB instance and return its description."""
        return self.client().create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t3.micro",
            Engine=engine,
            **({} if "DBClusterIdentifier" in more else _STORAGE),
            **more,
        )["DBInstance"]

    def make_cluster(self, name: str) -> Any:
        """Make an Aurora cluster with one member, and return its description."""
        self.client().create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            MasterUsername="owner",
            MasterUserPassword="password-1",
        )
        self.make_instance(f"{name}-1", engine="aurora-postgresql", DBClusterIdentifier=name)
        return self.client().describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]

    def make_user(self, policy: dict[str, Any]) -> Login:
        """Make a user that may do what the policy says; from now on everybody has to log in."""
        iam = self.client("iam")
        iam.create_user(UserName="ci")
        keys = iam.create_access_key(UserName="ci")["AccessKey"]
        iam.put_user_policy(UserName="ci", PolicyName="p", PolicyDocument=json.dumps(policy))
        self._ask("/moto-api/reset-auth", "0")
        return Login(key=keys["AccessKeyId"], secret=keys["SecretAccessKey"])

    def stop(self) -> None:
        """Stop the server."""
        self._http.shutdown()
        self._http.server_close()
        self._server.stop()

    def _ask(self, path: str, body: str = "") -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._moto}{path}",
            data=body.encode(),
            headers={"Content-Type": "text/plain"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()

    def _probe(self) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._moto}/moto-api/", timeout=5):
                return "up"
        except OSError as exc:
            raise ServerError(str(exc)) from exc

    def _make_handler(rds) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                action = urllib.parse.parse_qs(body.decode()).get("Action", [""])[0]
                rds.actions.append(action)
                if action.startswith("CreateDB") and rds.busy:
                    rds.busy -= 1
                    self._answer(400, _BUSY.encode(), "text/xml")
                    return
                # Headers as they came, with the host that was signed.
                moto = http.client.HTTPConnection("127.0.0.1", rds._moto, timeout=30)
                moto.request("POST", self.path, body, dict(self.headers.items()))
                answer = moto.getresponse()
                data = answer.read()
                moto.close()
                if action in _DESCRIBES and answer.status == 200 and rds.statuses:
                    data = _with_status(data, rds.statuses.pop(0))
                self._answer(answer.status, data, answer.headers.get("Content-Type", "text/xml"))

            def _answer(self, status: int, data: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_args: object) -> None:
                pass

        return Handler


_STORAGE = {
    "MasterUsername": "owner",
    "MasterUserPassword": "password-1",
    "AllocatedStorage": 20,
}


_BUSY = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidDBInstanceState</Code><Message>Cannot create a snapshot"
    " because the database instance is not currently in the available state.</Message></Error></ErrorResponse>"
)


def _with_status(answer: bytes, status: str) -> bytes:
    """Return an answer about a snapshot with another status, such as `creating 45`, the number being percent."""
    word, _, percent = status.partition(" ")
    text = re.sub("<PercentProgress>.*?</PercentProgress>", "", answer.decode())
    more = f"<PercentProgress>{percent}</PercentProgress>" if percent else ""
    return text.replace("<Status>available</Status>", f"<Status>{word}</Status>{more}").encode()
