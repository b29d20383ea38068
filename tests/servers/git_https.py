"""A git server on this machine that speaks HTTPS and asks for a token, as GitHub does for a private repository."""

from __future__ import annotations

import base64
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REPOSITORY = "acme/shop.git"


class GitHttpsServer:
    """The repository at `url`; `served` are requests with the token, `refused` those without."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder = folder / REPOSITORY
        self.refused: list[str] = []
        self.served: list[str] = []
        self.agents: set[str] = set()
        """What the clients call themselves."""
        word = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        self._login = f"basic {word}"
        self.certificate = _make_certificate(folder)
        subprocess.run(["git", "init", "-q", "--bare", str(self.folder)], check=True)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler(folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, folder / "key.pem")
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.server_url = f"https://127.0.0.1:{self._http.server_port}"
        self.url = f"{self.server_url}/{REPOSITORY}"

    def stop(self) -> None:
        """Close the server."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _make_handler(self, root: Path) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                server.agents.add(self.headers.get("User-Agent", ""))
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                logins = [login.lower() for login in self.headers.get_all("Authorization", [])]
                if logins != [server._login.lower()]:
                    server.refused.append(self.path)
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                server.served.append(f"{self.command} {self.path}")
                done = subprocess.run(
                    ["git", "http-backend"],
                    input=body,
                    env=self._variables(),
                    stdout=subprocess.PIPE,
                    check=True,
                )
                head, _, content = done.stdout.partition(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
                self.send_response(int(fields.pop("Status", "200").split()[0]))
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer  # noqa: N815 - the names that http.server calls

            def _variables(self) -> dict[str, str]:
                url = urlsplit(self.path)
                return {
                    "PATH": "/usr/local/bin:/usr/bin:/bin",
                    "GIT_PROJECT_ROOT": str(root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": url.path,
                    "QUERY_STRING": url.query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": self.headers.get("Content-Length") or "0",
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    # Whoever has the token may push.
                    "REMOTE_USER": "x-access-token",
                    "REMOTE_ADDR": "127.0.0.1",
                }

            def log_message(self, *args: Any) -> None:
                """Stay quiet."""

        return Handler


def _make_certificate(folder: Path) -> Path:
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    command = ["openssl", "req", "-x509", *kind, *names, *files]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "certificate.pem"
