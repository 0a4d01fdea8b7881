"""The pages over HTTP, for browsers on this machine alone.

Nothing is changed by a request. Each answer forbids the browser to load anything from elsewhere,
and a request for another host name is refused: a page on the web cannot read the runs through a
name that it lets point at this machine.
"""

from __future__ import annotations

import os
import secrets
import socketserver
import traceback
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, cast
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from tunesmith.errors import ExperimentError, RunError, io_problem
from tunesmith.evaluation.readings import READINGS
from tunesmith.records import Reading
from tunesmith.runs.comparing import compare_runs
from tunesmith.runs.run import REPORT
from tunesmith.ui.folder import RunsFolder
from tunesmith.ui.pages import comparison_page, refusal_page, table_page

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; {script}form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_TITLES = {
    HTTPStatus.BAD_REQUEST: "This address is not complete.",
    HTTPStatus.NOT_FOUND: "There is no such page.",
    HTTPStatus.METHOD_NOT_ALLOWED: "These pages are read-only.",
    HTTPStatus.CONFLICT: "These runs cannot be compared.",
    HTTPStatus.MISDIRECTED_REQUEST: "This host name is not served.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "This page cannot be made.",
}
_BUG = "This is a bug; the terminal shows where. Please report it."


class _RefusedError(Exception):
    """There is no page for a request: the status and the reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


class Server(ThreadingHTTPServer):
    """A server that listens once it is made, on the loopback address.

    Args:
        runs: the folder.
        port: 0 picks a free one.

    Raises:
        ExperimentError: it cannot listen on the port.
    """

    daemon_threads = True
    # On Windows the option lets two servers share a port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, runs: RunsFolder, port: int) -> None:
        self.runs = runs
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ExperimentError(
                f"cannot listen on {HOST}:{port} ({reason}); give another --port"
            ) from None

    @property
    def url(self) -> str:
        """The address for a browser."""
        return f"http://{HOST}:{self.server_port}/"

    def server_bind(self) -> None:
        """Bind. That of the parent class asks for the name of the host, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    timeout: ClassVar[float] = 30.0

    def do_GET(self) -> None:  # the parent class calls it by this name
        nonce = secrets.token_urlsafe(16)
        try:
            self._refuse_other_hosts()
            status, page = HTTPStatus.OK, self._page(urlsplit(self.path), nonce)
        except _RefusedError as error:
            status, page = error.status, refusal_page(_TITLES[error.status], error.reason)
        except Exception:  # noqa: BLE001  # shown in full
            traceback.print_exc()
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            page = refusal_page(_TITLES[status], _BUG)
        self._answer(status, page, nonce)

    do_HEAD = do_GET  # noqa: N815

    def _read_only(self) -> None:
        status = HTTPStatus.METHOD_NOT_ALLOWED
        page = refusal_page(_TITLES[status], f"{self.command} is refused; use GET.")
        self._answer(status, page, "")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _read_only  # noqa: N815

    def _refuse_other_hosts(self) -> None:
        host = self.headers.get("Host", "")
        if urlsplit(f"//{host}").hostname not in _NAMES:
            reason = f"{host!r:.100}: open {cast('Server', self.server).url}"
            raise _RefusedError(HTTPStatus.MISDIRECTED_REQUEST, reason)

    def _page(self, asked: SplitResult, nonce: str) -> str:
        runs = cast("Server", self.server).runs
        if asked.path == "/":
            return table_page(runs, nonce)
        try:
            if asked.path == "/compare":
                return _compared(runs, parse_qs(asked.query))
            if asked.path.startswith("/runs/") and asked.path.endswith(f"/{REPORT}"):
                id_ = unquote(asked.path.removeprefix("/runs/").removesuffix(f"/{REPORT}"))
                return runs.report(id_).read_text(encoding="utf-8")
        except LookupError as error:
            raise _RefusedError(HTTPStatus.NOT_FOUND, str(error)) from None
        except RunError as error:
            reason = str(error).removeprefix("cannot compare: ")
            raise _RefusedError(HTTPStatus.CONFLICT, reason) from None
        except OSError as error:
            raise _RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, io_problem(error)) from None
        raise _RefusedError(HTTPStatus.NOT_FOUND, f"{asked.path!r:.200}: open the list of all runs")

    def _answer(self, status: HTTPStatus, page: str, nonce: str) -> None:
        body = page.encode()
        script = f"script-src 'nonce-{nonce}'; " if nonce else ""
        headers = _HEADERS | {
            "Content-Security-Policy": _POLICY.format(script=script),
            "Content-Length": str(len(body)),
        }
        with suppress(ConnectionError):  # the browser has left
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status == HTTPStatus.METHOD_NOT_ALLOWED:
                self.send_header("Allow", "GET, HEAD")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    def version_string(self) -> str:
        """Return the header ``Server``, without the version of Python."""
        return "tunesmith-ui"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the terminal shows the address of the page, and errors."""


def _compared(runs: RunsFolder, query: dict[str, list[str]]) -> str:
    picked = query.get("run", [])
    if not picked:
        raise _RefusedError(HTTPStatus.BAD_REQUEST, "pick two runs in the list of all runs")
    (answer,) = query.get("answer", [""])[-1:]
    if answer not in ("", *READINGS):
        raise _RefusedError(HTTPStatus.BAD_REQUEST, f"answer={answer!r:.60}: decision or text")
    reading = cast("Reading", answer) if answer else None
    return comparison_page(compare_runs([runs.run(id_) for id_ in picked], reading), runs)
