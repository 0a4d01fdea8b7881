"""A local HTTP proxy in its own thread; what it does with connections is its subclasses' matter."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, Self

import h11

from tunesmith_emulator.certificates import Authority
from tunesmith_emulator.run.conversation import Conversation

LOOPBACK = "127.0.0.1"
HTTPS = 443
HANDSHAKE_SECONDS = 10.0
Serve = Callable[[Conversation], Awaitable[None]]


class LocalProxy(ABC):
    """The proxy. It runs in its own thread during a ``with`` block.

    Args:
        authority: signs certificates for the hosts that it answers for.
    """

    def __init__(self, authority: Authority) -> None:
        self.port = 0
        """The port of the proxy on the loopback interface, inside the block."""
        self._authority = authority
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: dict[asyncio.Task[None], StreamWriter] = {}
        self._started: Future[tuple[int, asyncio.AbstractEventLoop]] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name="tunesmith-emulator-proxy")

    @abstractmethod
    async def _connect(self, http: Conversation, host: str, port: int) -> None:
        """Answer a CONNECT request."""

    @abstractmethod
    async def _plain(self, http: Conversation, request: h11.Request) -> None:
        """Answer a request for a full URL."""

    def __enter__(self) -> Self:
        self._thread.start()
        self.port, self._loop = self._started.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, error, trace
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def url(self) -> str:
        """The address of the proxy."""
        return f"http://{LOOPBACK}:{self.port}"

    def listen(self, listening: socket.socket) -> None:
        """Serve on another socket too, e.g. one in another network."""
        self._call(self._open(self._converse, listening))

    def _call(self, work: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _work(self) -> None:
        try:
            asyncio.run(self._listen())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _listen(self) -> None:
        port = await self._open(self._converse, socket.create_server((LOOPBACK, 0)))
        self._started.set_result((port, asyncio.get_running_loop()))
        await self._stop.wait()
        # First stop accepting. A connection that was just accepted is registered two turns of the
        # loop later; if the server closed before that, its socket would be lost.
        for server in self._servers:
            asyncio.get_running_loop().remove_reader(server.sockets[0].fileno())
        for _ in range(2):
            await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        for connection, writer in self._connections.items():
            connection.cancel()
            writer.transport.abort()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _open(self, serve: Serve, listening: socket.socket) -> int:
        """Accept connections of ``listening`` for ``serve``, and return its port."""
        server = await asyncio.start_server(partial(self._accept, serve), sock=listening)
        self._servers.append(server)
        port: int = listening.getsockname()[1]
        return port

    def _accept(self, serve: Serve, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(serve, reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._connections.pop)

    async def _serve(self, serve: Serve, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await serve(Conversation(reader, writer))
            writer.close()
            await writer.wait_closed()
        except (OSError, h11.ProtocolError):
            # The client has disconnected or sends no HTTP, so it gets no answer.
            writer.transport.abort()

    async def _converse(self, http: Conversation) -> None:
        while request := await http.next_request():
            if request.method == b"CONNECT":
                host, _, port = request.target.decode().lower().rpartition(":")
                if port.isdigit():
                    await self._connect(http, host.strip("[]"), int(port))
                else:
                    await http.say(400, "Bad Request", "CONNECT needs HOST:PORT\n")
                return
            await self._plain(http, request)

    def _context(self, host: str) -> ssl.SSLContext | None:
        """Return the TLS context for ``host``, or None if no certificate can name it."""
        if host not in self._contexts:
            with contextlib.suppress(ValueError):
                self._contexts[host] = self._authority.server_context((host,))
        return self._contexts.get(host)
