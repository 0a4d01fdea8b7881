"""Backends for these tests, installed as a plugin: small, real learners (tunesmith.testing.fake).

``slow`` takes its time, so that a tuning can be met under way; ``stubborn`` cannot go on with a
tuning of another process; ``clumsy`` fails to deploy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tunesmith.hookspecs import BackendEntry, hookimpl
from tunesmith.testing.fake import FakeBackend, FakeOptions

STEP_SECONDS = 0.05


class SlowOptions(FakeOptions):
    step_seconds: float = STEP_SECONDS


class Slow(FakeBackend):
    name = "slow"
    options_model = SlowOptions


class Stubborn(Slow):
    name = "stubborn"
    declares: ClassVar = {"resumable": False}


class Clumsy(FakeBackend):
    name = "clumsy"

    def __init__(self, options: FakeOptions) -> None:
        super().__init__(options.model_copy(update={"fail": "deploy"}))


@hookimpl
def register_backends() -> Sequence[BackendEntry]:
    return [
        BackendEntry("slow", "takes its time", "service_backends:Slow"),
        BackendEntry("stubborn", "cannot resume", "service_backends:Stubborn"),
        BackendEntry("clumsy", "cannot deploy", "service_backends:Clumsy"),
    ]


def install(folder: Path) -> Path:
    """Write what makes an installed distribution of this module; ``folder`` goes on the path."""
    info = folder / "service_backends-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: service-backends\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[tunesmith]\nservice = service_backends\n")
    return folder
