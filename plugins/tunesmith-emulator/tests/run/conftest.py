"""A throwaway TLS server in the emulator's place, and what leads clients to it."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # a test module uses seed_article.py

from tunesmith_emulator.certificates import Authority
from tunesmith_emulator.run.bundle import write_bundle
from tunesmith_emulator.run.child import child_environment
from tunesmith_emulator.run.downloads import parse_downloads
from tunesmith_emulator.run.hosts import ibm_hosts
from tunesmith_emulator.run.proxy import Proxy

# A shell ignores Ctrl-C in what it starts in the background, and children would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

SERVED = "https://raw.example-host.test/data/train.json"


@dataclass
class Upstream:
    port: int
    authority: Authority


@dataclass
class Route:
    """A proxy, and the environment that leads a client through it."""

    proxy: Proxy
    environment: dict[str, str]
    bundle: Path
    served_url: str = SERVED

    @property
    def traffic(self):
        return self.proxy.traffic


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer(f"{self.headers['Host']} {self.path}".encode())

    def do_POST(self):
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):  # noqa: A002
        pass


class TLSServer(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, context):
        self._context = context
        super().__init__(("127.0.0.1", 0), Echo)

    def finish_request(self, request, client_address):
        try:
            with self._context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        except OSError:
            pass  # some tests break connections off


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def upstream(authority) -> Iterator[Upstream]:
    server = TLSServer(authority.server_context(ibm_hosts()))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Upstream(server.server_address[1], authority)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def served(tmp_path) -> Path:
    file = tmp_path / "local.json"
    file.write_text('[{"input": "a", "output": "1"}]')
    return file


@pytest.fixture
def route(upstream, tmp_path, served) -> Iterator[Route]:
    bundle = write_bundle(tmp_path / "bundle.pem", upstream.authority.ca_pem)
    downloads = parse_downloads([f"{SERVED}={served}", f"http://plain.test/a.csv={served}"])
    with Proxy(upstream.port, upstream.authority, downloads) as proxy:
        yield Route(proxy, child_environment(os.environ, proxy.url, bundle), bundle)
    # A socket that is still open complains when it is collected: let that be now.
    gc.collect()


def pytest_collection_finish() -> None:
    """Let all collections of the session pass over what is imported: it is large, and stays."""
    gc.freeze()


@pytest.fixture
def inside(route, monkeypatch) -> Route:
    """The same, with this process's own clients led through it."""
    for name in set(os.environ) - set(route.environment):
        monkeypatch.delenv(name)
    for name, value in route.environment.items():
        monkeypatch.setenv(name, value)
    return route


@pytest.fixture
def tunesmith_run(upstream, tmp_path) -> Callable[..., list[str]]:
    """Return the command line of a process that does what the command does."""
    program = Path(__file__).parent / "run_program.py"
    folder = upstream.authority.ca_file.parent

    def command(*arguments: str) -> list[str]:
        return [sys.executable, str(program), str(upstream.port), str(folder), *arguments]

    return command
