"""A web server on this machine, for the stand-ins of services."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LocalHttp:
    """Serves at `url` until `stop`; each request is the handler's to answer."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def stop(self) -> None:
        """Close the server; a connection to it is refused from then on."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class QuietHandler(BaseHTTPRequestHandler):
    """A handler that prints nothing: the tests look at the requests."""

    def read_body(self) -> bytes:
        """Return the body of the request; empty when it has none."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send_answer(self, status: int, headers: Mapping[str, str], kind: str, body: str) -> None:
        """Send a whole answer; `kind` is its Content-Type."""
        content = body.encode("utf-8")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Stay quiet."""
