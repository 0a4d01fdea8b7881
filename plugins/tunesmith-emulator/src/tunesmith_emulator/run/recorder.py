"""The proxy of ``emulator record``: it passes requests on to the real service, and records them.

Connections to hosts that are not recorded are tunnelled, byte for byte.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import h11

from tunesmith_emulator.certificates import Authority
from tunesmith_emulator.recording.exchange import Exchange, Request, Response, body_of
from tunesmith_emulator.recording.redaction import Secrets
from tunesmith_emulator.run.conversation import Conversation
from tunesmith_emulator.run.local_proxy import HANDSHAKE_SECONDS, LocalProxy
from tunesmith_emulator.run.recording_file import RecordingFile
from tunesmith_emulator.run.tunnel import tunnel
from tunesmith_emulator.run.upstream import Upstream, answer_headers, open_to

_KEPT = ("content-type", "content-encoding", "retry-after")
"""The headers of an answer that are recorded, beside those of rate limits."""
_LIMITS = "x-ratelimit-"


class Recorder(LocalProxy):
    """The proxy.

    Args:
        authority: signs certificates for the recorded hosts; the code must trust it.
        upstream: the recorded hosts.
        secrets: takes keys and tokens out of what is recorded.
        file: the recording.
    """

    def __init__(
        self, authority: Authority, upstream: Upstream, secrets: Secrets, file: RecordingFile
    ) -> None:
        super().__init__(authority)
        self.passed: Counter[str] = Counter()
        """The connections to hosts that are not recorded; read it after the block."""
        self.failed: Counter[str] = Counter()
        """The requests that the service did not answer, with the reason."""
        self._upstream = upstream
        self._secrets = secrets
        self._file = file

    async def _plain(self, http: Conversation, request: h11.Request) -> None:
        url = request.target.decode()
        self.failed[f"{urlsplit(url).hostname}: plain http is not recorded"] += 1
        await http.say(501, "Not recorded", f"{url}: only https is passed on and recorded\n")

    async def _connect(self, http: Conversation, host: str, port: int) -> None:
        place = self._upstream.place(host, port)
        context = None if place is None else self._context(host)
        if place is None or context is None:
            await self._pass(http, host, port)
            return
        await http.accept_tunnel()
        await http.writer.start_tls(context, ssl_handshake_timeout=HANDSHAKE_SECONDS)
        inner, body = Conversation(http.reader, http.writer), bytearray()
        while request := await inner.next_request(body):
            await self._answer(inner, host, place, request, bytes(body))
            body.clear()

    async def _pass(self, http: Conversation, host: str, port: int) -> None:
        try:
            server = await open_to(host, port)
        except OSError as error:
            await http.say(502, "No connection", f"{host}:{port}: {error}\n")
            return
        self.passed[host] += 1
        try:
            server[1].write(await http.accept_tunnel())
            await tunnel((http.reader, http.writer), server)
        finally:
            server[1].transport.abort()

    async def _answer(
        self, http: Conversation, host: str, place: tuple[str, int], request: h11.Request,
        body: bytes,
    ) -> None:  # fmt: skip
        if any(name == b"upgrade" for name, _ in request.headers):
            self.failed[f"{host}: a WebSocket is not recorded"] += 1
            await http.say(501, "Not recorded", "a WebSocket is not passed on\n")
            return
        started, answer, received = time.monotonic(), None, bytearray()
        try:
            async with self._upstream.ask(place, host, request, body) as events:
                async for event in events:
                    if isinstance(event, h11.Response):
                        answer = event
                        await http.send(_begin(event))
                    else:
                        received += event.data
                        await http.send(event)
        except (OSError, h11.RemoteProtocolError) as error:
            self.failed[f"{host}: {error}"] += 1
            if answer is None:
                await http.say(502, "No answer", f"{host} did not answer: {error}\n")
                return
            raise ConnectionAbortedError(str(error)) from error
        if answer is None:  # a connection that closes at once
            raise ConnectionAbortedError(host)
        ms = round((time.monotonic() - started) * 1000, 1)
        # First, so that a client with its answer finds the exchange in the file.
        try:
            await asyncio.to_thread(self._keep, host, request, body, answer, bytes(received), ms)
        except OSError as error:
            self.failed[f"{host}: the recording cannot be written: {error}"] += 1
        await http.end()

    def _keep(
        self, host: str, request: h11.Request, body: bytes, answer: h11.Response,
        received: bytes, ms: float,
    ) -> None:  # fmt: skip
        asked, told = _texts(request), _texts(answer)
        self._secrets.learn_headers([*asked.items(), *told.items()])
        target = urlsplit(request.target.decode())
        media = asked.get("content-type", "")
        exchange = Exchange(
            request=Request(
                method=request.method.decode(),
                host=host,
                path=target.path or "/",
                query=tuple(parse_qsl(target.query, keep_blank_values=True)),
                authorized="authorization" in asked,
                media=media,
                body=body_of(body, media),
            ),
            response=Response(
                status=answer.status_code,
                headers={n: v for n, v in told.items() if n in _KEPT or n.startswith(_LIMITS)},
                body=body_of(received, told.get("content-type", "")),
                ms=ms,
            ),
        )
        self._file.add(self._secrets.clean(exchange))


def _begin(answer: h11.Response) -> h11.Response:
    return h11.Response(
        status_code=answer.status_code, reason=answer.reason, headers=answer_headers(answer)
    )


def _texts(message: h11.Request | h11.Response) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in message.headers}
