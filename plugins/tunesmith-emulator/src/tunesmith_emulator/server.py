"""One uvicorn server over TLS, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time

import anyio.to_thread
import uvicorn
from starlette.types import ASGIApp

from tunesmith.errors import ExperimentError

_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_THREADS = 200


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Each waiting generation holds a thread: with anyio's 40, a token could not be had while
        # 40 clients wait for their text.
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A TLS connection closes when its client says goodbye too, and an idle client says
        # nothing: without the abort, stopping would take as long as the client likes.
        until = time.monotonic() + _STOP_SECONDS
        while self.server_state.tasks and time.monotonic() < until:
            await asyncio.sleep(0.02)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)


class Server:
    """Listens from construction on; serves between :meth:`start` and :meth:`stop`.

    Raises:
        ExperimentError: the address cannot be listened on.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, context: ssl.SSLContext) -> None:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family, backlog=1024)
        except OSError as error:
            raise ExperimentError(
                f"{host}:{port} cannot be listened on ({error.strerror}); give another port"
            ) from None
        # asyncio sets this for sockets that it makes itself; without it every answer of two writes
        # (head, body) waits 40 ms for the client's delayed acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            app,
            log_level="warning",
            lifespan="off",
            access_log=False,
            ssl_context_factory=lambda config, default: context,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._serve, name="server", daemon=True)

    @property
    def port(self) -> int:
        """The port, also where 0 was asked for."""
        port: int = self._socket.getsockname()[1]
        return port

    def start(self) -> None:
        """Serve; returns when connections are accepted."""
        self._thread.start()
        until = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise ExperimentError("the server did not start; see its log")
            time.sleep(0.005)

    def stop(self) -> None:
        """Finish the requests under way, at most five seconds long, and stop."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])
