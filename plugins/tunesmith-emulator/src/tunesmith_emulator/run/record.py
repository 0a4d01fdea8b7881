"""The work of one ``emulator record``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tunesmith.errors import ExperimentError
from tunesmith_emulator.certificates import Authority
from tunesmith_emulator.recording.redaction import Secrets
from tunesmith_emulator.run.bundle import write_bundle
from tunesmith_emulator.run.child import child_environment, run_child
from tunesmith_emulator.run.recorder import Recorder
from tunesmith_emulator.run.recording_file import RecordingFile
from tunesmith_emulator.run.start import Start
from tunesmith_emulator.run.traffic import SHOWN
from tunesmith_emulator.run.upstream import Upstream

_OF_A_RUN = ("PIP_NO_INDEX", "PIP_DISABLE_PIP_VERSION_CHECK")
"""Variables of a child without a network, which this one has."""


def record(
    command: Sequence[str], output: Path, upstream: Upstream, note: Callable[[str], None]
) -> int:
    """Run ``command``, write what it asks the service and is answered, and return its exit code.

    Args:
        command: the command and its arguments.
        output: the file of the recording. Nothing is written if the command cannot be run.
        upstream: the service.
        note: prints a line of the summary.

    Raises:
        ExperimentError: there is no command, or it does not exist.
    """
    if not command:
        raise ExperimentError("nothing to record; write: -- python SCRIPT.py")
    secrets = Secrets(os.environ)
    with tempfile.TemporaryDirectory(prefix="tunesmith-record-") as name:
        folder = Path(name)
        authority = Authority(folder, keep=False)
        bundle = write_bundle(folder / "certificates.pem", authority.ca_pem)
        with (
            RecordingFile(output, secrets) as file,
            Recorder(authority, upstream, secrets, file) as proxy,
            Start(None, folder, own=False) as start,
        ):
            code = run_child(command, _environment(os.environ, proxy.url, bundle), start)
        for line in _summary(proxy, file):
            note(line)
    return code


def _environment(base: Mapping[str, str], proxy_url: str, bundle: Path) -> dict[str, str]:
    made = child_environment(base, proxy_url, bundle)
    return {name: value for name, value in made.items() if name not in _OF_A_RUN or name in base}


def _summary(proxy: Recorder, file: RecordingFile) -> Iterator[str]:
    for host, times in proxy.passed.most_common(SHOWN):
        yield f"passed on without recording: {host} ({times} time{'s' * (times > 1)})"
    for what, times in proxy.failed.most_common(SHOWN):
        yield f"not recorded: {what} ({times} time{'s' * (times > 1)})"
    yield (
        f"recorded {file.exchanges} requests in {file.path}; prompts and answers are in it as they "
        "were, so read it before you pass it on"
    )
