"""A local HTTP proxy that connects unchanged code to the emulator only.

Connections to IBM's hosts are tunnelled to the emulator, byte for byte. For every other host the
proxy itself is the server, with a certificate of the run's own authority. So it can read full
URLs, answer served ones from files, and list the others.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio import StreamReader, StreamWriter

import h11

from tunesmith_emulator.certificates import Authority
from tunesmith_emulator.run.answers import Answers
from tunesmith_emulator.run.conversation import Conversation
from tunesmith_emulator.run.downloads import Downloads
from tunesmith_emulator.run.hosts import ibm_hosts, matches
from tunesmith_emulator.run.local_proxy import HANDSHAKE_SECONDS, HTTPS, LOOPBACK, LocalProxy
from tunesmith_emulator.run.traffic import Traffic
from tunesmith_emulator.run.tunnel import tunnel


class Proxy(LocalProxy):
    """The proxy of ``emulator run``."""

    def __init__(self, emulator_port: int, authority: Authority, downloads: Downloads) -> None:
        super().__init__(authority)
        self.traffic = Traffic()
        """The requests so far; read it after the block."""
        self.emulator_port = emulator_port
        """The port of the emulator."""
        self._answers = Answers(downloads, self.traffic)
        self._names = ibm_hosts()

    def listen_as_emulator(self, listening: socket.socket) -> None:
        """Take each connection to this socket to the emulator, for clients that use no proxy."""
        self._call(self._open(self._pass_on, listening))

    async def _plain(self, http: Conversation, request: h11.Request) -> None:
        await self._answers.one(http, request)

    async def _connect(self, http: Conversation, host: str, port: int) -> None:
        target = f"{f'[{host}]' if ':' in host else host}:{port}"
        if port == HTTPS and matches(host, self._names):
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
