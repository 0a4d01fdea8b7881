"""One uvicorn server, in a thread of this process."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.to_thread
import uvicorn
from starlette.types import ASGIApp

from tunesmith.errors import ExperimentError
from tunesmith_serve.http_protocol import IDLE_SECONDS, Protocol

_START_SECONDS = 30.0
_THREADS = 200


class _Server(uvicorn.Server):
    stop_seconds = 5.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Each waiting generation holds a thread. With anyio's default of 40, no token could be
        # issued while 40 clients wait for their text.
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A TLS connection is closed by both sides, and an idle client sends nothing. Without the
        # abort, stopping would take as long as the client stays connected.
        until = time.monotonic() + self.stop_seconds
        while self.server_state.tasks and time.monotonic() < until:
            await asyncio.sleep(0.02)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)


class Server:
    """A server that listens once it is made, and serves from :meth:`start` to :meth:`stop`.

    Args:
        app: the application.
        host: the address to listen on.
        port: 0 picks a free one.
        envelope: makes the body of the answer to what is no HTTP, from a message.
        context: for TLS; None serves plain HTTP.
        stop_seconds: the longest time for running requests to end when the server stops.

    Raises:
        ExperimentError: it cannot listen on the address.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        *,
        envelope: Callable[[str], Any],
        context: ssl.SSLContext | None = None,
        stop_seconds: float = 5.0,
    ) -> None:
        self._host, self._scheme = host, "http" if context is None else "https"
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family, backlog=1024)
        except OSError as error:
            raise ExperimentError(
                f"cannot listen on {host}:{port} ({error.strerror}); give another host or port"
            ) from None
        # asyncio sets this option for its own sockets. Without it, every answer of two writes
        # (head, body) waits 40 ms for the client's delayed acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            app,
            http=partial(Protocol, envelope),  # type: ignore[arg-type]  # uvicorn only calls it
            log_level="warning",
            lifespan="off",
            access_log=False,
            timeout_keep_alive=IDLE_SECONDS,
            ssl_context_factory=None if context is None else (lambda config, default: context),
        )
        self._server = _Server(config)
        self._server.stop_seconds = stop_seconds
        self._thread = threading.Thread(target=self._serve, name="server", daemon=True)

    @property
    def port(self) -> int:
        """The port, also if 0 was given."""
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The address for clients, e.g. ``http://127.0.0.1:8000``.

        It has the loopback address if the server listens on all addresses.
        """
        shown, bound = self._host, self._socket.getsockname()[0]
        if ipaddress.ip_address(bound).is_unspecified:
            shown = "::1" if self._socket.family == socket.AF_INET6 else "127.0.0.1"
        return f"{self._scheme}://{f'[{shown}]' if ':' in shown else shown}:{self.port}"

    def start(self) -> None:
        """Serve. Returns as soon as connections are accepted."""
        self._thread.start()
        until = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise ExperimentError("the server did not start; see its log")
            time.sleep(0.005)

    def stop(self) -> None:
        """Wait for running requests, at most ``stop_seconds``, then stop."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])
