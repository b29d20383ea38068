"""A TCP proxy in front of a server: passes on, counts connections, and cuts or stalls them when told to."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable


class Proxy:
    """Listens on 127.0.0.1:`port`. `on_connect` hears the number of each new connection before it is passed on."""

    def __init__(
        self, target_port: int, on_connect: Callable[[int], object] = lambda _n: None
    ) -> None:
        self.on_connect = on_connect
        self.count = 0
        self.is_refusing = False
        self._target = ("127.0.0.1", target_port)
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close every connection that is open; new ones are welcome."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):  # the other side was faster
                    end.shutdown(socket.SHUT_RDWR)

    def refuse(self) -> None:
        """Cut what is open and close every new connection at once."""
        self.is_refusing = True
        self.cut()

    def stall(self) -> None:
        """Take bytes but pass none on, in either direction, until `flow`."""
        self._flows.clear()

    def flow(self) -> None:
        """Pass bytes on again."""
        self.is_refusing = False
        self._flows.set()

    def close(self) -> None:
        """End everything."""
        self._listener.close()
        self.flow()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            self.count += 1
            self.on_connect(self.count)
            if self.is_refusing:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            with self._lock:
                self._pairs.append((client, server))
            with contextlib.suppress(OSError):  # cut in the middle
                self._pump(client, server)

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with selectors.DefaultSelector() as selector:
            for end in other:
                selector.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    end = key.fileobj
                    assert isinstance(end, socket.socket)
                    data = end.recv(65536)
                    self._flows.wait()
                    if not data:
                        return
                    other[end].sendall(data)
