"""Answers the requests to other hosts: from a local file, or with a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import h11

from tunesmith_emulator.run.conversation import READ_BYTES, Conversation
from tunesmith_emulator.run.downloads import Downloads, content_type, spell
from tunesmith_emulator.run.traffic import READING, Traffic, remedy


class Answers:
    """Answers requests from the served downloads, and counts them."""

    def __init__(self, downloads: Downloads, traffic: Traffic) -> None:
        self._downloads = downloads
        self._traffic = traffic

    async def all(self, http: Conversation, origin: str) -> None:
        """Answer every request to ``origin``, e.g. ``https://example.com``."""
        while request := await http.next_request():
            await self.one(http, request, origin)

    async def one(self, http: Conversation, request: h11.Request, origin: str = "") -> None:
        """Answer ``request``. Without ``origin`` its target must be a full URL."""
        method, target = request.method.decode(), request.target.decode()
        try:
            url = spell(origin + target if target.startswith("/") else target)
        except ValueError:
            url = ""
        if not urlsplit(url).hostname:
            await http.say(400, "Bad Request", f"{target}: a proxy needs a full URL\n")
            return
        file = self._downloads.find(url) if method in READING else None
        if file is None:
            await self._refuse(http, method, url)
        else:
            await self._send(http, method, url, file)

    async def _send(self, http: Conversation, method: str, url: str, file: Path) -> None:
        self._traffic.answered[url] += method == "GET"
        body = _pieces(file) if method == "GET" else ()
        await http.answer(200, "OK", content_type(file), file.stat().st_size, body)

    async def _refuse(self, http: Conversation, method: str, url: str) -> None:
        asked = url if method in READING else f"{method} {url}"
        head = method == "HEAD"
        if method in READING and self._downloads.on_host_of(url):
            self._traffic.unknown[asked] += 1
            text = f"{url} is not served; the nearest that is: {self._downloads.nearest(url)}\n"
            await http.say(404, "Not served", text, head=head)
            return
        self._traffic.refused[asked] += 1
        text = f"{asked} is refused, nothing leaves this machine; {remedy(asked)}\n"
        # Many clients show only the reason phrase of a refusal.
        await http.say(403, "Not served, see --serve URL=FILE", text, head=head)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(READ_BYTES):
            yield piece
