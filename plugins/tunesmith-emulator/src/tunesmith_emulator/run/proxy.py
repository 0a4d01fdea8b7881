"""A local HTTP proxy that connects unchanged code to the emulator only.

Connections to IBM's hosts are tunnelled to the emulator, byte for byte. For every other host the
proxy itself is the server, with a certificate of the run's own authority. So it can read full
URLs, answer served ones from files, and list the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any

import h11

from tunesmith_emulator.certificates import Authority
from tunesmith_emulator.run.answers import Answers
from tunesmith_emulator.run.conversation import Conversation
from tunesmith_emulator.run.downloads import Downloads
from tunesmith_emulator.run.hosts import ibm_hosts, matches
from tunesmith_emulator.run.traffic import Traffic
from tunesmith_emulator.run.tunnel import tunnel

LOOPBACK = "127.0.0.1"
HTTPS = 443
HANDSHAKE_SECONDS = 10.0
Serve = Callable[[Conversation], Awaitable[None]]


class Proxy:
    """The proxy. It runs in its own thread during a ``with`` block."""

    def __init__(self, emulator_port: int, authority: Authority, downloads: Downloads) -> None:
        self.traffic = Traffic()
        """The requests so far; read it after the block."""
        self.port = 0
        """The port of the proxy on the loopback interface, inside the block."""
        self.emulator_port = emulator_port
        """The port of the emulator."""
        self._authority = authority
        self._answers = Answers(downloads, self.traffic)
        self._names = ibm_hosts()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: dict[asyncio.Task[None], StreamWriter] = {}
        self._started: Future[tuple[int, asyncio.AbstractEventLoop]] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name="tunesmith-emulator-proxy")

    def __enter__(self) -> Proxy:
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

    def listen_as_emulator(self, listening: socket.socket) -> None:
        """Take each connection to this socket to the emulator, for clients that use no proxy."""
        self._call(self._open(self._pass_on, listening))

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
                await self._connect(http, request.target.decode())
                return
            await self._answers.one(http, request)

    async def _connect(self, http: Conversation, target: str) -> None:
        target = target.lower()
        host, _, port = target.rpartition(":")
        host = host.strip("[]")
        if port == str(HTTPS) and matches(host, self._names):
            await self._to_emulator(http)
            return
        context = self._context(host)
        if context is None:
            self.traffic.refused[target] += 1
            await http.say(403, "Not served, see --serve URL=FILE", f"{target} is refused\n")
            return
        await http.accept_tunnel()
        await self._be(http, f"https://{target}", context)

    async def _to_emulator(self, http: Conversation) -> None:
        try:
            server = await self._emulator()
        except OSError as error:
            await http.say(502, "Emulator is gone", f"the emulator does not answer: {error}\n")
            return
        try:
            server[1].write(await http.accept_tunnel())
            await tunnel((http.reader, http.writer), server)
        finally:
            server[1].transport.abort()

    async def _pass_on(self, http: Conversation) -> None:
        server = await self._emulator()
        try:
            await tunnel((http.reader, http.writer), server)
        finally:
            server[1].transport.abort()

    async def _emulator(self) -> tuple[StreamReader, StreamWriter]:
        return await asyncio.open_connection(LOOPBACK, self.emulator_port)

    async def _be(self, http: Conversation, origin: str, context: ssl.SSLContext) -> None:
        try:
            await http.writer.start_tls(context, ssl_handshake_timeout=HANDSHAKE_SECONDS)
        except OSError:
            self.traffic.broken_off[origin.removesuffix(f":{HTTPS}")] += 1
            raise
        await self._answers.all(Conversation(http.reader, http.writer), origin)

    def _context(self, host: str) -> ssl.SSLContext | None:
        """Return the TLS context for ``host``, or None if no certificate can name it."""
        if host not in self._contexts:
            with contextlib.suppress(ValueError):
                self._contexts[host] = self._authority.server_context((host,))
        return self._contexts.get(host)
