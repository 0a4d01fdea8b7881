"""The real service behind a recording: which hosts it has, and a request to one of them."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import certifi
import h11

from tunesmith.errors import ExperimentError
from tunesmith_emulator.run.conversation import READ_BYTES
from tunesmith_emulator.run.hosts import ibm_hosts, matches
from tunesmith_emulator.run.local_proxy import HTTPS

_SECONDS = 30.0
"""To open a connection. An answer may take any time."""
_HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"accept-encoding", b"expect",
}  # fmt: skip
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the connections to some hosts go."""

    pattern: str
    """A host, or a pattern with ``*``."""
    address: str = ""
    """Another host; empty: the host itself."""
    port: int = HTTPS


@dataclass(frozen=True, slots=True)
class Upstream:
    """The hosts that are recorded."""

    places: tuple[Place, ...]
    """Further hosts, or other addresses of IBM's; the first that matches counts."""
    context: ssl.SSLContext

    def place(self, host: str, port: int) -> tuple[str, int] | None:
        """Return where connections to ``host`` go, or None if it is not recorded."""
        for place in self.places:
            if fnmatchcase(host, place.pattern):
                return (place.address, place.port) if place.address else (host, port)
        return (host, port) if matches(host, ibm_hosts()) else None

    @asynccontextmanager
    async def ask(
        self, place: tuple[str, int], host: str, request: h11.Request, body: bytes
    ) -> AsyncIterator[AsyncIterator[h11.Response | h11.Data]]:
        """Send a request to ``host`` at ``place``; yield the events of its answer as they come.

        Raises:
            OSError: no connection, or no trusted one.
            h11.RemoteProtocolError: the answer is no HTTP, or ends in the middle.
        """
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(
                *place, ssl=self.context, server_hostname=host
            )
        try:
            http = h11.Connection(h11.CLIENT)
            headers = [*_forwarded(request.headers), (b"accept-encoding", b"identity")]
            headers = [(n, v) for n, v in headers if n != b"content-length"]
            headers += [(b"connection", b"close"), (b"content-length", str(len(body)).encode())]
            sent = h11.Request(method=request.method, target=request.target, headers=headers)
            for event in (sent, h11.Data(data=body), h11.EndOfMessage()):
                writer.write(http.send(event) or b"")
            await writer.drain()
            yield _events(http, reader)
        finally:
            writer.transport.abort()


def answer_headers(response: h11.Response) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that go on to the client."""
    return _forwarded(response.headers)


def parse_upstream(values: Iterable[str], ca_file: Path | None) -> Upstream:
    """Read ``HOST`` and ``HOST=ADDRESS:PORT`` texts.

    Raises:
        ExperimentError: a text has another form, or the certificate cannot be read.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ExperimentError(f"--ca-file {ca_file}: no certificates there: {error}") from None
    return Upstream(tuple(map(_place, values)), context)


def _place(text: str) -> Place:
    host, equals, address = text.partition("=")
    name, colon, port = address.rpartition(":")
    if not host or (equals and not (name and port.isdigit())) or "/" in text:
        raise ExperimentError(
            f"--upstream {text}: expected HOST or HOST=ADDRESS:PORT, e.g. "
            "'*.cloud.ibm.com=127.0.0.1:8443'"
        )
    return Place(host.lower(), name.strip("[]"), int(port)) if colon else Place(host.lower())


async def _events(
    http: h11.Connection, reader: StreamReader
) -> AsyncIterator[h11.Response | h11.Data]:
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(READ_BYTES))
        elif isinstance(event, h11.Response | h11.Data):
            yield event
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]


async def open_to(host: str, port: int) -> tuple[StreamReader, StreamWriter]:
    """Return a connection to a host that is not recorded."""
    async with asyncio.timeout(_SECONDS):
        return await asyncio.open_connection(host, port)
