"""A child process that sends HTTP(S) through the proxy."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType

from tunesmith.errors import ExperimentError
from tunesmith_emulator.run.bundle import wget_settings
from tunesmith_emulator.run.signals import handled
from tunesmith_emulator.run.start import Start

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY")
_DIRECT = "localhost,127.0.0.1,::1"
_BUNDLES = (
    "SSL_CERT_FILE",  # Python's ssl, httpx, OpenSSL
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",  # boto3
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
)
# The SDK sets the second, and notebooks keep it in their environment.
_REMOVED = ("ALL_PROXY", "WX_CLIENT_VERIFY_REQUESTS")


def child_environment(
    base: Mapping[str, str],
    proxy_url: str,
    bundle: Path,
    python: Path = Path(sys.executable),
) -> dict[str, str]:
    """Return ``base`` with the proxy and the bundle, and ``python`` as the command of that name.

    pip uses no index: installed packages satisfy it, and a missing package fails at once.
    """
    ours = dict.fromkeys(_PROXIES, proxy_url) | {"NO_PROXY": _DIRECT}
    rest = {
        "NODE_USE_ENV_PROXY": "1",
        "PATH": _path(base, python),
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return {**trusting(base, bundle), **_both_cases(ours), **rest}


def trusting(base: Mapping[str, str], bundle: Path) -> dict[str, str]:
    """Return ``base`` with the certificates of ``bundle`` for all clients."""
    ours = {**dict.fromkeys(_BUNDLES, str(bundle)), "WGETRC": str(wget_settings(bundle))}
    kept = {name: value for name, value in base.items() if name.upper() not in _REMOVED}
    return {**kept, **ours}


def without_proxy(base: Mapping[str, str], hosts: Iterable[str]) -> dict[str, str]:
    """Return ``base`` with ``hosts`` added to those that no proxy is used for."""
    direct = (base.get("NO_PROXY", base.get("no_proxy", "")), *hosts)
    return {**base, **_both_cases({"NO_PROXY": ",".join(filter(None, direct))})}


def _both_cases(variables: Mapping[str, str]) -> dict[str, str]:
    return {**variables, **{name.lower(): value for name, value in variables.items()}}


def _path(base: Mapping[str, str], python: Path) -> str:
    # By default "python" is the interpreter with this package and the SDK, also if its environment
    # is not activated.
    return os.pathsep.join(filter(None, (str(python.parent), base.get("PATH"))))


def run_child(command: Sequence[str], environment: Mapping[str, str], start: Start) -> int:
    """Run ``command`` to its end and return its exit code, or 128 + n if signal n ended it.

    It shares stdin, stdout and stderr with this process, gets the signals of this process, and
    ends with it.

    Raises:
        ExperimentError: the command does not exist.
    """
    # Plots open no window, unless the user chose a backend.
    settings = {"MPLBACKEND": "Agg", **environment}
    try:
        with (
            subprocess.Popen(
                [*start.prefix, *command], env=settings, pass_fds=start.pass_fds
            ) as child,
            _forwarding(child),
        ):
            start.finish(child.pid)
            code = child.wait()
    except OSError as error:
        raise ExperimentError(
            f"cannot run {shlex.join(command)}: {error.strerror or error}; check the command "
            "after '--'"
        ) from None
    return code if code >= 0 else 128 - code


def _forwarding(child: subprocess.Popen[bytes]) -> AbstractContextManager[None]:
    """Forward signals to ``child`` and keep waiting until it ends."""

    def forward(number: int, frame: FrameType | None) -> None:
        del frame
        if number != signal.SIGINT or not _terminal_reaches_child():
            child.send_signal(number)

    return handled(forward)


def _terminal_reaches_child() -> bool:
    # Ctrl-C reaches every foreground process: forwarded, it would arrive twice.
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)
