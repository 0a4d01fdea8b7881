"""Starts the process of a run: in a network of its own, and never longer than this process."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tunesmith_emulator.run import own_network
from tunesmith_emulator.run.local_proxy import HTTPS
from tunesmith_emulator.run.own_network import NOT_STARTED, REFUSED
from tunesmith_emulator.run.proxy import Proxy

_BYTES = 4096
# The shell reads the end of its stdin when this process is gone, even by SIGKILL. It stops each
# process before it lists the children, so that none is started meanwhile.
_GUARD = """
end() { kill -STOP "$1"; for each in $(pgrep -P "$1"); do end "$each"; done; kill -KILL "$1"; }
read -r process
read -r end_of_stdin
[ -z "$process" ] || end "$process"
rm -rf "$0"
"""


class Start:
    """The start of one process, whose command begins with ``prefix`` and gets ``pass_fds``.

    If this process is killed, the process ends, with all that it has started, and the temporary
    ``folder`` goes.

    Args:
        proxy: the proxy of the run, for a network of its own.
        folder: the temporary folder of the run.
        own: whether the process gets a network of its own, if this machine allows one.
    """

    def __init__(self, proxy: Proxy | None, folder: Path, *, own: bool) -> None:
        own = own and proxy is not None
        self._proxy = proxy
        self._link, self._far_end = socket.socketpair()
        self.pass_fds = (self._far_end.fileno(),) if own else ()
        """The open files that the process inherits."""
        self.prefix = self._prefix() if own else ()
        """The begin of the command line."""
        self.shared = "" if own else "as --open-network says"
        """Why the process is in the network of this machine; empty if it has its own."""
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, error, trace
        self._guard.kill()
        self._guard.communicate()
        self._link.close()
        self._far_end.close()

    def finish(self, process: int) -> None:
        """Wait until ``process`` has become the command.

        Raises:
            ChildProcessError: it has not; the text says why.
        """
        if self._guard.stdin is not None:
            self._guard.stdin.write(f"{process}\n")
            self._guard.stdin.flush()
        self._far_end.close()
        if not self.prefix:
            return
        told, files, _, _ = socket.recv_fds(self._link, _BYTES, len(self._doors))
        for file, (_, serve) in zip(files, self._doors, strict=False):
            serve(socket.socket(fileno=file))
        while more := self._link.recv(_BYTES):
            told += more
        for line in told.decode().splitlines():
            what, _, reason = line.partition(": ")
            if what == REFUSED:
                self.shared = f"as this machine allows no network namespace: {reason}"
            elif what == NOT_STARTED:
                raise ChildProcessError(reason)

    @property
    def _doors(self) -> tuple[tuple[int, Callable[[socket.socket], None]], ...]:
        """The ports of the other network, with what serves them."""
        if self._proxy is None:
            return ()
        # Asynchronous clients (anyio) take the address of IBM's hosts, but keep the usual port.
        emulator = self._proxy.listen_as_emulator
        return (
            (self._proxy.port, self._proxy.listen),
            (self._proxy.emulator_port, emulator),
            (HTTPS, emulator),
        )

    def _prefix(self) -> tuple[str, ...]:
        ports = [str(port) for port, _ in self._doors]
        program = Path(own_network.__file__)
        link = str(self._far_end.fileno())
        return (sys.executable, "-I", "-S", str(program), link, *ports, "--")
